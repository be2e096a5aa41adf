#ifndef PARALLAX_COLLECTOR_REPORT_WINDOW_H
#define PARALLAX_COLLECTOR_REPORT_WINDOW_H

#include "diff/matrix.h"
#include "store/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Which attempts a report is about. */
struct window {
    const char *site;   /* NULL: all */
    int64_t since_us;   /* 0: any */
    int64_t until_us;   /* 0: any */
    const char *region; /* NULL: all */
    int64_t asn;        /* 0: all */
    int64_t rounds;     /* the last ones of each endpoint; 0: all */
    int64_t round_id;   /* 0: any */
};

/** Runs a report_* statement over the window. @return as db_query. */
PGresult *window_query(struct db *db, enum statement_id id, const struct window *window);

/** The same for a statement that cuts the window into periods of so many seconds (at least 1). */
PGresult *window_periods(struct db *db, enum statement_id id, const struct window *window, int64_t period_s);

/** What was seen, how many rounds, from when to when. */
struct window_extent {
    long long rounds;
    long long attempts;
    char first_at[40]; /* RFC 3339, "" when nothing was seen */
    char last_at[40];
};

bool window_extent(struct db *db, const struct window *window, struct window_extent *ret_extent);

/** Reads the window's cells into an initialised matrix and settles it. @return false after cli_error. */
bool window_matrix(struct db *db, const struct window *window, struct matrix *matrix);

/** {"schema": 1, "kind": ..., "since": ..., "until": ..., "site": ..., "rounds": ...}. NULL without memory. */
json_t *window_json(const char *kind, const struct window *window, const struct window_extent *extent);

#endif

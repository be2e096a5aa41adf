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

enum { WINDOW_BUCKET_S = 600, WINDOW_LONG_S = 7200 };

/**
 * Is the window longer than two hours? Its attempts are then read as counts of ten minutes (rollup_*), and it begins and ends at the
 * edge of ten minutes.
 */
bool window_is_rolled(const struct window *window);

/** The window that is really read: itself, or its edges moved outwards to those of ten minutes. */
struct window window_aligned(const struct window *window);

/** Runs a report_* statement over the window, or the rolled_* one that stands for it. @return as db_query. */
PGresult *window_query(struct db *db, enum statement_id id, const struct window *window);

/** The same for a statement that cuts the window into periods of so many seconds (at least 1). */
PGresult *window_periods(struct db *db, enum statement_id id, const struct window *window, int64_t period_s);

/** The same, its rows one by one. @return as db_stream. */
bool window_stream(struct db *db, enum statement_id id, const struct window *window, int64_t period_s,
                   db_row_fn *each, void *arg);

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

/**
 * Fills and settles an initialised matrix from rows like those of report_looks and report_counts.
 * @param cells  who and what the matrix is of: looks, or other rows with the same columns. @return false without memory.
 */
bool window_fill(struct matrix *matrix, const PGresult *cells, const PGresult *looks, const PGresult *counts);

/** {"schema": 1, "kind": ..., "since": ..., "until": ..., "site": ..., "rounds": ...}. NULL without memory. */
json_t *window_json(const char *kind, const struct window *window, const struct window_extent *extent);

#endif

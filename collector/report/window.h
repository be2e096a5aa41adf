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

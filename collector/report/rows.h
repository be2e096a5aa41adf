#ifndef PARALLAX_COLLECTOR_REPORT_ROWS_H
#define PARALLAX_COLLECTOR_REPORT_ROWS_H

#include "report/format.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Lists: one row of a result is one line, written by a table of fields in all three formats. JSON keys and CSV headers
 * are the statement's column names.
 */

enum rows_kind {
    ROWS_TEXT,
    ROWS_INT,
    ROWS_US,       /* "31 ms" on paper, microseconds elsewhere */
    ROWS_TIME,     /* RFC 3339 */
    ROWS_SHARE,    /* 0 to 1: "98.3 %" on paper */
    ROWS_LIST,     /* JSON array of texts */
    ROWS_ROLE,     /* endpoint role by number */
    ROWS_ENDPOINT, /* column is the host; port and address stand beside it */
    ROWS_ASN,
    ROWS_OUTCOME, /* column is PREFIX_class; PREFIX_raw_kind and PREFIX_raw stand beside it */
    ROWS_HASH,    /* hex, cut on paper */
};

struct rows_field {
    const char *column;
    const char *title; /* N_(); NULL: not in text */
    enum rows_kind kind;
    const char *second; /* ROWS_US: another column, "31 ms / 40 ms" on paper; NULL for none */
};

/** A table with a heading. @param fields  ended by a row with column NULL. */
void rows_print(const PGresult *result, const struct rows_field *fields, FILE *stream);

/** Array of objects. NULL without memory. */
json_t *rows_json(const PGresult *result, const struct rows_field *fields);

bool rows_csv(const PGresult *result, const struct rows_field *fields, FILE *stream);

#endif

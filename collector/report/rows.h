#ifndef PARALLAX_COLLECTOR_REPORT_ROWS_H
#define PARALLAX_COLLECTOR_REPORT_ROWS_H

#include "report/format.h"
#include "words/buf.h"
#include "words/outcome.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Lists. Rows are JSON, an array of objects, wherever they came from; a table of fields says how they are shown, and every
 * format is written from these two. JSON keys are the statement's column names and the headers of the CSV.
 */

enum rows_kind {
    ROWS_TEXT,
    ROWS_WORD, /* one of our own words, translated on paper */
    ROWS_INT,
    ROWS_US,    /* "31 ms" on paper, microseconds elsewhere */
    ROWS_TIME,  /* RFC 3339 */
    ROWS_SHARE, /* 0 to 1: "98.3 %" on paper */
    ROWS_TIMES, /* a factor in PREFIX_times, its interval in PREFIX_low and PREFIX_high: "3.1x (2.9-3.3)" on paper */
    ROWS_LIST,     /* JSON array of texts */
    ROWS_ROLE,     /* endpoint role: a number in a result, its name in JSON */
    ROWS_ENDPOINT, /* the host; endpoint_role (or role), port and address stand beside it */
    ROWS_ASN,
    ROWS_OUTCOME, /* column is PREFIX_class; PREFIX_raw_kind and PREFIX_raw stand beside it; an object in JSON */
    ROWS_OUTCOMES, /* JSON array of outcomes by number with their count, the most common one first */
    ROWS_HASH,     /* hex, cut on paper */
    ROWS_FLAG,
};

struct rows_field {
    const char *column;
    const char *title; /* N_(); NULL: not on paper */
    enum rows_kind kind;
    const char *second; /* ROWS_US: another column, "31 ms / 40 ms" on paper; NULL for none */
    const char *path;   /* where it lies in the row, "endpoint.host"; NULL: under its column */
};

/** What a statement brought. @param fields  ended by a row with column NULL. @return an array; NULL without memory. */
json_t *rows_read(const PGresult *result, const struct rows_field *fields);

/** The value of a field, NULL when the row has none or null. Borrowed. */
const json_t *rows_value(const json_t *row, const struct rows_field *field);

/** Appends a field as people read it, "-" for none. Strangers' bytes stay raw. */
void rows_say(struct buf *out, const json_t *row, const struct rows_field *field);

/** An outcome as an object: "stage", "class", "raw_kind", "raw". NULL without memory. */
json_t *rows_outcome_json(struct outcome outcome);

/** The outcome that an object {"class", "raw_kind", "raw"} stands for. @return false for anything else. */
bool rows_outcome(const json_t *value, struct outcome *ret_outcome);

bool rows_is_number(enum rows_kind kind);

/** A table with a heading. */
void rows_print(const json_t *rows, const struct rows_field *fields, FILE *stream);

bool rows_csv(const json_t *rows, const struct rows_field *fields, FILE *stream);

/** One row a line. */
bool rows_ndjson(const json_t *rows, FILE *stream);

/** A table as GitHub draws it. */
bool rows_md(const json_t *rows, const struct rows_field *fields, FILE *stream);

#endif

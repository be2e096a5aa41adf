#ifndef PARALLAX_COLLECTOR_REPORT_DOCUMENT_H
#define PARALLAX_COLLECTOR_REPORT_DOCUMENT_H

#include "report/rows.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * What a report says, before it is known in which format: an answer in one line, the whole as JSON, and the list that formats
 * of rows are made of.
 */
struct document {
    char *answer; /* the first line, in the reader's language; may hold strangers' bytes */
    char *extent; /* what it is about: "60 rounds, 3 vantages, ..."; NULL for none */
    json_t *root; /* "schema", "kind", the window, and the lists */
    json_t *rows; /* the list; csv, ndjson and md are made of it, and text unless its kind prints */
    const struct rows_field *fields; /* how its rows are shown */
    bool found;                      /* a fault or a difference: the exit code is 1 */
};

void document_init(struct document *document);
void document_done(struct document *document);

/** Sets the answer, printf-like. @return false without memory. */
bool document_answer(struct document *document, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Sets the rows (a reference is taken over; NULL: no memory) and puts them into the root under "rows". */
bool document_rows(struct document *document, json_t *rows, const struct rows_field *fields);

#endif

#ifndef PARALLAX_COLLECTOR_REPORT_CSV_H
#define PARALLAX_COLLECTOR_REPORT_CSV_H

#include "words/buf.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * RFC 4180 lines that are safe to look at and to open in a spreadsheet: control characters of strangers are escaped as on a
 * terminal (\xNN), and a text that would be read as a formula (it begins with =, +, - or @) gets an apostrophe in front.
 * Numbers are written as they are.
 */
struct csv {
    struct buf line; /* of the current row */
    bool failed;     /* out of memory, sticky */
    bool begun;      /* the current row has a field */
};

void csv_begin(struct csv *csv);
void csv_done(struct csv *csv);

/** Adds a field to the current row. */
void csv_text(struct csv *csv, const char *text);
void csv_number(struct csv *csv, const char *digits); /* "" for none */
void csv_int(struct csv *csv, long long number);

/** Ends the row and writes it. @return false when writing failed or memory was out. */
bool csv_end_row(struct csv *csv, FILE *stream);

#endif

#ifndef PARALLAX_COLLECTOR_REPORT_MD_H
#define PARALLAX_COLLECTOR_REPORT_MD_H

#include "words/buf.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Markdown as GitHub reads it (tables of GFM section 4.10), with nothing of a stranger's text left that it would act upon: no
 * markup, no links (nor bare addresses, which it would make links of), no HTML, no mention of anybody, and no end of a cell.
 */
struct md {
    struct buf line;  /* of the current row */
    struct buf ruler; /* under the heading */
    bool failed;      /* out of memory, sticky */
};

void md_begin(struct md *md);
void md_done(struct md *md);

/** Adds a column. @param right  its numbers stand to the right. */
void md_head(struct md *md, const char *title, bool right);
bool md_end_head(struct md *md, FILE *stream);

/** Adds a field to the current row. */
void md_cell(struct md *md, const char *text);
/** Ends the row and writes it. @return false when writing failed or memory was out. */
bool md_end_row(struct md *md, FILE *stream);

/** Appends a text as it may stand anywhere in a line. @return false without memory. */
bool md_text(struct buf *out, const char *text);

#endif

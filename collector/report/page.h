#ifndef PARALLAX_COLLECTOR_REPORT_PAGE_H
#define PARALLAX_COLLECTOR_REPORT_PAGE_H

#include "report/kinds.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * One HTML file that can be sent to somebody: nothing is fetched from anywhere (a policy in the page forbids it), it reads without
 * JavaScript, and it is smaller than PAGE_MAX_BYTES; what did not fit is counted where it is missing.
 */

enum { PAGE_MAX_BYTES = 2000000 };

/**
 * Writes the page.
 * @param whole  the page of everything: the same whichever kind was asked for; else the rows of the document alone.
 * @return false when it could not be written (nothing is said), or after cli_error when it could not be made.
 */
bool page_write(struct report *report, const struct document *document, bool whole, FILE *stream);

#endif

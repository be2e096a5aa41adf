#ifndef PARALLAX_COLLECTOR_REPORT_SHOW_H
#define PARALLAX_COLLECTOR_REPORT_SHOW_H

#include "diff/diff.h"
#include "report/rows.h"
#include "report/window.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A matrix and a diff on paper. Everything a stranger wrote is made safe here, and nowhere before. */

/**
 * Draws the matrix in blocks of vantages that fit the stream's width (one block in a pipe).
 * @return lines printed.
 */
unsigned matrix_print(const struct matrix *matrix, FILE *stream);

/** Adds "vantages", "endpoints" and "cells" to an object. @return false without memory. */
bool matrix_to_json(const struct matrix *matrix, json_t *root);

/** Every cell with its endpoint and vantage, and how it is shown. NULL without memory. */
json_t *matrix_rows(const struct matrix *matrix);
extern const struct rows_field cell_fields[];

/** One line a cell. @return false when writing failed. */
bool matrix_to_csv(const struct matrix *matrix, FILE *stream);

/** Endpoints against vantages. @return false when writing failed. */
bool matrix_to_md(const struct matrix *matrix, FILE *stream);

/** Cells that fail, and cells that say anything. */
void matrix_totals(const struct matrix *matrix, unsigned *ret_failing, unsigned *ret_cells);

/** Findings under the endpoint they are about, with caveats, then who was set aside. */
void diff_print(const struct diff *diff, FILE *stream);

/** Adds "set_aside" and "findings". */
bool diff_to_json(const struct diff *diff, json_t *root);

/** How the objects of "findings" are shown. */
extern const struct rows_field finding_fields[];

/** Writes it with a newline and frees it. @return false after cli_error (out of memory, or stdout cannot be written). */
bool show_json(json_t *root);

#endif

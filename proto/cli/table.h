#ifndef PARALLAX_CLI_TABLE_H
#define PARALLAX_CLI_TABLE_H

#include "cli/term.h"

#include <stdio.h>

/*
 * Columns that line up by display width. Cells are copied; they must be safe to print already (text_safe for what came
 * from strangers). Two spaces between columns, no trailing spaces, the last column never padded.
 */
struct table;

/** @param columns  1 to 64. @return NULL without memory. */
struct table *table_new(unsigned columns);
void table_free(struct table *table);

/** Right-aligns a column (numbers). */
void table_align_right(struct table *table, unsigned column);

/** Adds a cell to the current row; a full row starts the next. Printf-like; never fails the caller. */
void table_cell(struct table *table, enum term_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Fills what is left of the current row with empty cells. */
void table_end_row(struct table *table);

/**
 * Prints it, cutting the last column where the terminal is too narrow (never in a pipe).
 * @param indent  spaces before each row.
 */
void table_print(struct table *table, FILE *stream, unsigned indent);

#endif

#ifndef PARALLAX_SHOW_ROWS_H
#define PARALLAX_SHOW_ROWS_H

#include "words/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Labelled rows, "label  text", whose texts line up by display width and, where the terminal is narrow, wrap below
 * themselves: what a terminal cuts off is often just what one looked for. Everything given must be safe to print already.
 */
struct rows;

/** @param timed  has a right-aligned column of durations between label and text. @return NULL without memory. */
struct rows *rows_new(bool timed);
void rows_free(struct rows *rows);

/** Adds a row and empties the text for the next. A row without label continues the one above it. */
void rows_add(struct rows *rows, const char *label, struct buf *text);
/** The same with a duration. @param took_us  negative: none. */
void rows_add_timed(struct rows *rows, const char *label, int64_t took_us, struct buf *text);
/** An empty line. */
void rows_gap(struct rows *rows);

bool rows_are_empty(const struct rows *rows);

/** Prints them, indented by two. */
void rows_print(const struct rows *rows, FILE *out);

/** Prints prose, wrapped, indented by two, and a line end. */
void rows_prose(FILE *out, const char *text);

#endif

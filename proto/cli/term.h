#ifndef PARALLAX_CLI_TERM_H
#define PARALLAX_CLI_TERM_H

#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * What a terminal needs to know: whether there is one, how wide, how wide a text is on it, and that no byte of a
 * stranger reaches it raw.
 */

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_GOOD, TERM_BAD, TERM_WARN, TERM_HEAD };

/** Is the stream a terminal (and TERM not "dumb")? Colour: that, and NO_COLOR unset. */
bool term_is_tty(FILE *stream);
bool term_has_colour(FILE *stream);

/** Columns of the terminal, COLUMNS when set, 80 when neither is known. */
unsigned term_width(FILE *stream);

/**
 * From now on a stream in memory (open_memstream) counts as a terminal when another stream is one, with its width and colours:
 * what is composed there is shown here. One at a time; NULL ends it.
 */
void term_compose(FILE *memory, FILE *shown);

/** Rows of the terminal; 24 when they are not known. */
unsigned term_height(FILE *stream);

/** Display columns of UTF-8 text (wide CJK count 2, combining 0; invalid bytes 1 each). */
unsigned text_width(const char *text);

/**
 * Appends text from a stranger so that it may be printed: valid printable UTF-8 as it is; control characters, DEL, C1,
 * bidi controls (U+202A-202E, U+2066-2069), line and paragraph separators and invalid bytes as \xNN or \u{NNNN}. A backslash stays.
 * @return false without memory.
 */
bool text_safe(struct buf *out, const char *text, size_t length);

/** text_safe of a NUL-terminated text into memory the caller frees; never NULL (aborts the program without memory). */
char *text_safe_copy(const char *text);

/** Cuts to at most columns display columns, with "…" when something was cut. Appends. */
bool text_cut(struct buf *out, const char *text, unsigned columns);

/** Wraps prose at width columns with an indent (spaces) on every line; CJK may break anywhere. Appends, ends in newline. */
bool text_wrap(struct buf *out, const char *text, unsigned indent, unsigned width);

/** Writes text in a style when colour is on for the stream. */
void term_print(FILE *stream, enum term_style style, const char *text);

#endif

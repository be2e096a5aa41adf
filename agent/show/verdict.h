#ifndef PARALLAX_SHOW_VERDICT_H
#define PARALLAX_SHOW_VERDICT_H

#include "words/cause.h"

#include <stdio.h>

/*
 * A case and what was concluded from it, for people: the answer first, then the evidence that carries it, what was ruled
 * out and by which variant, and what to do. Translated; wrapped to the terminal's width; everything a peer sent is printed
 * through text_safe, facts included. Nothing here checks the stream.
 */

/** In full. The file has at least one attempt. */
void show_verdict(FILE *out, const struct case_file *file, const struct conclusion *conclusion);

/** One line of a list. @param name_width  columns for "host:port", so that the lines meet. */
void show_verdict_line(FILE *out, const struct case_file *file, const struct conclusion *conclusion,
                       unsigned name_width);

#endif

#ifndef PARALLAX_CLI_CAUSE_SAY_H
#define PARALLAX_CLI_CAUSE_SAY_H

#include "words/cause.h"

/* The catalogue's texts for people: translated, with a conclusion's facts in them. */

/** The part of a connection that a cause's id belongs to ("cert" of "cert.expired": "certificate"), translated. */
const char *cause_section(const char *cause_id);

/** "certificate: missing intermediate"; the name alone when it begins with the section's ("DNS timed out"). Appends. */
void cause_title(struct buf *out, const struct cause_row *row);

/** A row's text, translated, with the conclusion's facts filled in, safe to print. Appends. */
void cause_filled(struct buf *out, const char *text, const struct conclusion *conclusion);

#endif

#ifndef PARALLAX_SHOW_EXPLAIN_H
#define PARALLAX_SHOW_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

/* The catalogue of causes, as `probe --list-causes` and `probe --explain CAUSE` print it. */

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON };

/**
 * One cause: verdict, evidence, what tells it apart, remedy.
 * @param id  as typed; an unknown one is a usage error that names the nearest.
 * @return an exit code.
 */
int explain_cause(FILE *out, const char *id, enum explain_format format);

/** All causes: id, name, section. @return an exit code. */
int list_causes(FILE *out, enum explain_format format);

#endif

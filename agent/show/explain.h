#ifndef PARALLAX_SHOW_EXPLAIN_H
#define PARALLAX_SHOW_EXPLAIN_H

#include "show/report.h"

#include <stdio.h>

/* The catalogue of causes, as `probe --list-causes` and `probe --explain CAUSE` print it. */

/**
 * One cause: verdict, evidence, what tells it apart, remedy; {names} stand for what a case fills in.
 * @param id  as typed; an unknown one is a usage error that names the nearest.
 * @return an exit code.
 */
int explain_cause(FILE *out, const char *id, enum report_format format);

/** All causes: id, name, section; in json and ndjson all that explain_cause() says. @return an exit code. */
int list_causes(FILE *out, enum report_format format);

#endif

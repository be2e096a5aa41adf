#ifndef PARALLAX_COLLECTOR_OUTLET_GAUGES_H
#define PARALLAX_COLLECTOR_OUTLET_GAUGES_H

#include "store/pg.h"
#include "words/buf.h"

#include <stdbool.h>

/* Numbers that are read from the database from time to time, into the process's registry; see gauges.c. */
struct gauges;

/** @return NULL without memory. */
struct gauges *gauges_new(uv_loop_t *loop, struct pg *pg);

/** Stops its timer; `done` comes from the loop. Then, once its pg is closed, gauges_free. */
void gauges_stop(struct gauges *gauges, void (*done)(void *arg), void *arg);
void gauges_free(struct gauges *gauges);

/** The database came, or went: what was read from it is not known any more. */
void gauges_ready(struct gauges *gauges);
void gauges_lost(struct gauges *gauges);

/** Is the other connection there, that results are stored over? */
void gauges_rows(struct gauges *gauges, bool up);

/** Something changed: a round was judged. Read again, soon. */
void gauges_changed(struct gauges *gauges);

/** Appends what /healthz says. @return is it well: both connections are there and the judge is not behind? */
bool gauges_health(const struct gauges *gauges, struct buf *out);

#endif

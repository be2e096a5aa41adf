#ifndef PARALLAX_COLLECTOR_PLAN_PRESENCE_H
#define PARALLAX_COLLECTOR_PLAN_PRESENCE_H

#include "store/pg.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Says every 2 s that this collector lives, and, when it leads, buries those that do not; see presence.c. */
struct presence;

struct presence_settings {
    int64_t collector_id;
    const char *name; /* where it listens */
    /** Is this the collector that buries? */
    bool (*leads)(void *arg);
    /** This one was taken for dead meanwhile, and its vantages for away. */
    void (*on_buried)(void *arg);
    void *arg;
};

/** @param settings  copied; name outlives it. @return NULL without memory. */
struct presence *presence_new(uv_loop_t *loop, struct pg *pg, const struct presence_settings *settings);

/** Stops its timer; `done` comes from the loop. Then, once its pg is closed, presence_free. */
void presence_stop(struct presence *presence, void (*done)(void *arg), void *arg);
void presence_free(struct presence *presence);

/** The database came. */
void presence_ready(struct presence *presence);

#endif

#ifndef PARALLAX_COLLECTOR_DUTIES_H
#define PARALLAX_COLLECTOR_DUTIES_H

#include "store/retain.h"

#include <uv.h>

/* What blocks, beside an event loop, each on a thread (store/worker.h): the judge with its counting, and retention. */
struct duties;

struct duties_settings {
    const char *conninfo;             /* outlives them, as keep does */
    int expiry_days;                  /* certificates that end sooner make an incident */
    const struct retain_policy *keep; /* NULL: everything, for good */
    /** Is this the collector that drops what is too old? */
    bool (*leads)(void *arg);
    void *arg;
};

/** @return NULL without memory. */
struct duties *duties_new(uv_loop_t *loop, const struct duties_settings *settings);

/** Each ends after what it has under way: a round, ten minutes, a day. */
void duties_stop(struct duties *duties);

/** Patience is over: cuts the database connections of what is under way. */
void duties_interrupt(struct duties *duties);

/** When the loop is over. NULL is fine. */
void duties_free(struct duties *duties);

#endif

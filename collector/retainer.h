#ifndef PARALLAX_COLLECTOR_RETAINER_H
#define PARALLAX_COLLECTOR_RETAINER_H

#include "store/retain.h"
#include "store/worker.h"

/*
 * Retention beside an event loop: once an hour, as long as this is the collector that leads. What was in use for too long, or failed, is
 * tried again sooner. What went is a line in the log and some metrics.
 */
struct retainer;

struct retainer_settings {
    const char *conninfo;               /* outlives it */
    const struct retain_policy *policy; /* as well */
    /** Is this the collector that drops? */
    bool (*leads)(void *arg);
    void *arg;
};

/** @param settings  copied. @return NULL without memory. */
struct retainer *retainer_new(uv_loop_t *loop, const struct retainer_settings *settings);

/** To stop it, or interrupt it. */
struct worker *retainer_worker(const struct retainer *retainer);

/** After it has stopped. NULL is fine. */
void retainer_free(struct retainer *retainer);

#endif

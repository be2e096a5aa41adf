#ifndef PARALLAX_PROBE_ENGINE_MEMORY_H
#define PARALLAX_PROBE_ENGINE_MEMORY_H

#include "words/plan.h"

#include <stdint.h>

/*
 * What earlier attempts have told about endpoints: does our own engine speak what they speak? A table of fixed size, where
 * endpoints that fall on the same place drive each other out; one that is forgotten is learnt again. No I/O.
 */
struct engine_memory;

enum engine_opinion {
    OPINION_NONE,   /* nothing is known */
    OPINION_OWN,    /* it agrees on what our engine speaks */
    OPINION_LIBSSL, /* it was asked by our engine, and chose something else: from then on it is libssl's */
};

/** @return NULL without memory. */
struct engine_memory *engine_memory_new(void);
void engine_memory_free(struct engine_memory *memory);

/** Names an endpoint as a server tells them apart: host, port, the name sent, and the address. */
uint64_t engine_memory_key(const struct endpoint *endpoint, const char *sni, const struct address *address);

enum engine_opinion engine_memory_get(const struct engine_memory *memory, uint64_t key);

/** OPINION_LIBSSL stays until the endpoint is forgotten. */
void engine_memory_put(struct engine_memory *memory, uint64_t key, enum engine_opinion opinion);

#endif

#include "probe/engine_memory.h"

#include <stdlib.h>
#include <string.h>

/*
 * A place holds the upper half of a key with its two lowest bits replaced by the opinion; an empty place is 0. Two endpoints
 * with the same place and the same 30 bits are taken for one: then the wrong engine is tried first, and no harm is done.
 */
enum { PLACES_BITS = 18, PLACES = 1 << PLACES_BITS, OPINION_MASK = 3 };

struct engine_memory {
    uint32_t places[PLACES]; /* a page comes with its first endpoint */
};

struct engine_memory *engine_memory_new(void)
{
    return calloc(1, sizeof(struct engine_memory));
}

void engine_memory_free(struct engine_memory *memory)
{
    free(memory);
}

/* FNV-1a. Who could choose names that collide gains nothing but slower attempts at them. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t engine_memory_key(const struct endpoint *endpoint, const char *sni, const struct address *address)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash = mix(hash, endpoint->host, strlen(endpoint->host) + 1);
    hash = mix(hash, sni, strlen(sni) + 1);
    hash = mix(hash, &endpoint->port, sizeof endpoint->port);
    return mix(hash, address->bytes, address->length);
}

static uint32_t tag_of(uint64_t key)
{
    return (uint32_t)(key >> 32) & ~(uint32_t)OPINION_MASK;
}

static size_t place_of(uint64_t key)
{
    return (size_t)(key ^ (key >> 44)) & (PLACES - 1);
}

enum engine_opinion engine_memory_get(const struct engine_memory *memory, uint64_t key)
{
    uint32_t place = memory->places[place_of(key)];
    bool known = place != 0 && (place & ~(uint32_t)OPINION_MASK) == tag_of(key);
    return known ? (enum engine_opinion)(place & OPINION_MASK) : OPINION_NONE;
}

void engine_memory_put(struct engine_memory *memory, uint64_t key, enum engine_opinion opinion)
{
    if (engine_memory_get(memory, key) != OPINION_LIBSSL)
        memory->places[place_of(key)] = tag_of(key) | (uint32_t)opinion;
}

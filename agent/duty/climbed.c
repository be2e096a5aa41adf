#include "duty/climbed.h"

#include <stddef.h>
#include <stdlib.h>

/* A direct-mapped table with a short probe; when all places of a probe are taken, the oldest note gives way. */

enum { PROBE_PLACES = 8 };

struct note {
    bool used;
    uint64_t endpoint_id;
    struct address address;
    enum outcome_class class;
    int64_t at_us;
};

struct climbed {
    struct note notes[CLIMBED_PLACES];
};

struct climbed *climbed_new(void)
{
    return calloc(1, sizeof(struct climbed));
}

void climbed_free(struct climbed *climbed)
{
    free(climbed);
}

static uint32_t mixed(uint32_t hash, uint8_t byte)
{
    return (hash ^ byte) * 16777619U; /* FNV-1a */
}

static size_t first_place(uint64_t endpoint_id, const struct address *address)
{
    uint32_t hash = 2166136261U;
    for (unsigned i = 0; i < 64; i += 8)
        hash = mixed(hash, (uint8_t)(endpoint_id >> i));
    for (size_t i = 0; i < address->length; i++)
        hash = mixed(hash, address->bytes[i]);
    return hash % CLIMBED_PLACES;
}

static bool is_about(const struct note *note, uint64_t endpoint_id, const struct address *address,
                     enum outcome_class class)
{
    return note->used && note->endpoint_id == endpoint_id && note->class == class &&
           address_equal(&note->address, address);
}

bool climbed_is_due(const struct climbed *climbed, uint64_t endpoint_id, const struct address *address,
                    enum outcome_class class, int64_t now_us)
{
    size_t first = first_place(endpoint_id, address);
    for (size_t i = 0; i < PROBE_PLACES; i++) {
        const struct note *note = &climbed->notes[(first + i) % CLIMBED_PLACES];
        if (is_about(note, endpoint_id, address, class))
            return now_us - note->at_us >= CLIMBED_WINDOW_US;
    }
    return true;
}

static bool is_older(const struct note *note, const struct note *than)
{
    return than->used && (!note->used || note->at_us < than->at_us);
}

void climbed_note(struct climbed *climbed, uint64_t endpoint_id, const struct address *address,
                  enum outcome_class class, int64_t now_us)
{
    size_t first = first_place(endpoint_id, address);
    struct note *place = &climbed->notes[first];
    for (size_t i = 0; i < PROBE_PLACES; i++) {
        struct note *note = &climbed->notes[(first + i) % CLIMBED_PLACES];
        if (is_about(note, endpoint_id, address, class)) {
            place = note;
            break;
        }
        if (is_older(note, place))
            place = note;
    }
    *place = (struct note){
        .used = true, .endpoint_id = endpoint_id, .address = *address, .class = class, .at_us = now_us};
}

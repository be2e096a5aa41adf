#include "duty/asked.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Sets of a few places; a hash is its own place in the table. When a set is full, its oldest note gives way. */

enum { SET_PLACES = 8, SETS = ASKED_PLACES / SET_PLACES };

struct note {
    bool used;
    uint8_t sha256[ASKED_SHA256_BYTES];
    int64_t at_us;
};

struct asked {
    struct note sets[SETS][SET_PLACES];
};

struct asked *asked_new(void)
{
    return calloc(1, sizeof(struct asked));
}

void asked_free(struct asked *asked)
{
    free(asked);
}

static size_t set_of(const uint8_t *sha256)
{
    return ((size_t)sha256[0] << 8 | sha256[1]) % SETS;
}

static bool is_about(const struct note *note, const uint8_t *sha256)
{
    return note->used && memcmp(note->sha256, sha256, ASKED_SHA256_BYTES) == 0;
}

bool asked_is_due(const struct asked *asked, const uint8_t sha256[ASKED_SHA256_BYTES], int64_t now_us)
{
    const struct note *set = asked->sets[set_of(sha256)];
    for (size_t i = 0; i < SET_PLACES; i++)
        if (is_about(&set[i], sha256))
            return now_us - set[i].at_us >= ASKED_WINDOW_US;
    return true;
}

static bool is_older(const struct note *note, const struct note *than)
{
    return than->used && (!note->used || note->at_us < than->at_us);
}

void asked_note(struct asked *asked, const uint8_t sha256[ASKED_SHA256_BYTES], int64_t now_us)
{
    struct note *set = asked->sets[set_of(sha256)], *place = set;
    for (size_t i = 0; i < SET_PLACES && !is_about(place, sha256); i++)
        if (is_about(&set[i], sha256) || is_older(&set[i], place))
            place = &set[i];
    place->used = true;
    place->at_us = now_us;
    memcpy(place->sha256, sha256, ASKED_SHA256_BYTES);
}

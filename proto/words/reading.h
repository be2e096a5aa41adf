#ifndef PARALLAX_WORDS_READING_H
#define PARALLAX_WORDS_READING_H

#include "words/evidence_pb.h"

/* Reading a stranger's message part by part; for the converters alone. */

struct reading {
    struct arena *arena;  /* where copies go */
    const char *too_long; /* what to say of a text beyond its bound (static) */
    const char *why;      /* the first rule found broken (static); NULL: none yet */
};

/** Notes the broken rule. @return false. */
static inline bool broken(struct reading *reading, const char *why)
{
    reading->why = why;
    return false;
}

/** A copy of a peer's text; "" and too_long noted when it is longer than max. */
static inline const char *text_in(struct reading *reading, const char *text, size_t max)
{
    const char *copy = text_from_pb(text, max, reading->arena);
    if (copy == NULL)
        reading->why = reading->too_long;
    return copy == NULL ? "" : copy;
}

#endif

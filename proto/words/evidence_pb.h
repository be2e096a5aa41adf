#ifndef PARALLAX_WORDS_EVIDENCE_PB_H
#define PARALLAX_WORDS_EVIDENCE_PB_H

#include "words/arena.h"
#include "words/evidence.h"
#include "words/plan.h"

#include "link.pb-c.h"

/* Between generated structs and ours; for the converters alone. Packed structs point into the arena and into
 * what they were made from; read ones are checked and copied. */

/** @return a packable copy in the arena, NULL at its bound. */
Parallax__Attempt *attempt_to_pb(const struct attempt *attempt, struct arena *arena);
/** @return a new attempt, or NULL with *ret_why naming the broken rule. */
struct attempt *attempt_from_pb(const Parallax__Attempt *pb, const char **ret_why);

Parallax__EndpointList *list_to_pb(const struct endpoint_list *list, struct arena *arena);
bool list_from_pb(const Parallax__EndpointList *pb, struct arena *arena, struct endpoint_list *ret_list,
                  const char **ret_why);
void round_to_pb(const struct round_plan *plan, Parallax__RoundPlan *pb);
bool round_from_pb(const Parallax__RoundPlan *pb, struct round_plan *ret_plan, const char **ret_why);

/** A NUL-terminated copy of a peer's text, or NULL when it is longer than max or has a NUL inside its UTF-8.
 */
const char *text_from_pb(const char *text, size_t max, struct arena *arena);

/** Borrowed bytes as a field. */
static inline ProtobufCBinaryData bytes_to_pb(const void *data, size_t length)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)data, .len = length};
}

#endif

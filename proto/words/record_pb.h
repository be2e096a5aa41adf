#ifndef PARALLAX_WORDS_RECORD_PB_H
#define PARALLAX_WORDS_RECORD_PB_H

#include "words/evidence_pb.h"
#include "words/message.h"

/* Between bytes and records; for the converters alone. (record_in_pb.c) */

/**
 * Unpacking takes all from an arena and goes with it. A few bytes on the wire can ask for a large struct each, so the
 * arena's ceiling follows the length of what is unpacked.
 */
size_t unpack_ceiling(size_t length);
ProtobufCAllocator unpack_allocator(struct arena *arena);

/** Is it a message that ends with a batch, its last part as its only one? No other message is read as one. */
bool payload_is_batch(const void *bytes, size_t length);

/** message_decode of such a one. */
bool batch_decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message,
                  const char **ret_why);

#endif

#ifndef PARALLAX_WORDS_RECORD_PB_H
#define PARALLAX_WORDS_RECORD_PB_H

#include "words/evidence_pb.h"
#include "words/message.h"

/* Between bytes and records; for the converters alone. (record_in_pb.c) */

/**
 * The ceiling of the arena that bytes are unpacked into: a few of them can ask for a large struct each, so it follows their length.
 */
size_t unpack_ceiling(size_t length);

/** Is it a message of nothing but a batch? No other message is read as one. */
bool payload_is_batch(struct bytes payload);

/** message_decode of such a one. */
bool batch_decode(struct bytes payload, struct arena *arena, struct message *ret_message,
                  const char **ret_why);

#endif

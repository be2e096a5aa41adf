#ifndef PARALLAX_WORDS_UNPACK_H
#define PARALLAX_WORDS_UNPACK_H

#include "words/arena.h"
#include "words/message.h"

#include <protobuf-c/protobuf-c.h>

/*
 * What protobuf_c_message_unpack does, in one pass and from one arena: a third of its time. For the converters alone.
 */

/**
 * @param arena  where the struct, its parts and its texts are taken from; how much there may be is the arena's bound. Byte fields
 *               point into `bytes`.
 * @return NULL when the bytes are no such message, or at the arena's bound.
 */
const void *unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena);

/** One field of a message as it stands in its bytes. */
struct wire_field {
    uint32_t number;
    unsigned type;      /* of the wire: 0 varint, 1 64 bits, 2 bytes, 5 32 bits */
    uint64_t value;     /* of a varint */
    struct bytes bytes; /* of type 2 */
};

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/**
 * Takes the next field off the front.
 * @return false when nothing is left, and where the bytes are no field: then rest->length is not 0.
 */
bool wire_next(struct bytes *rest, struct wire_field *ret_field);

#endif

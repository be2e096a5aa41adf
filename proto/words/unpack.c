#include "words/unpack.h"

#include <string.h>

/*
 * Guided by the tables that protoc-c makes. A field that comes again counts as protobuf has it: the last of scalars, texts and bytes,
 * both of messages, merged, and all of what is repeated, packed or not. Fields that the tables do not know are passed over.
 */

enum {
    SHORT_BITS = 35,
    LONG_BITS = 64
}; /* what the bytes of a varint may hold: of tags and lengths, and of values */

/* Most are of one byte. */
static inline bool varint(const uint8_t **at, const uint8_t *end, unsigned most_bits, uint64_t *ret_value)
{
    if (*at < end && **at < 0x80) {
        *ret_value = *(*at)++;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < most_bits; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static inline bool take(struct bytes *rest, struct wire_field *field)
{
    const uint8_t *at = rest->data, *end = at + rest->length;
    uint64_t tag = 0, length = 0;
    if (rest->length == 0 || !varint(&at, end, SHORT_BITS, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
        return false;
    field->number = (uint32_t)(tag >> 3);
    field->type = tag & 7;
    field->value = 0;
    if (field->type == WIRE_VARINT || field->type == WIRE_BYTES) {
        bool value = field->type == WIRE_VARINT;
        if (!varint(&at, end, value ? LONG_BITS : SHORT_BITS, value ? &field->value : &length))
            return false;
    } else if (field->type == WIRE_64 || field->type == WIRE_32) {
        length = field->type == WIRE_64 ? 8 : 4;
    } else {
        return false;
    }
    if (length > (uint64_t)(end - at))
        return false;
    field->bytes = (struct bytes){at, (size_t)length};
    *rest = (struct bytes){at + length, (size_t)(end - at) - (size_t)length};
    return true;
}

bool wire_next(struct bytes *rest, struct wire_field *ret_field)
{
    return take(rest, ret_field);
}

/* --- one value ------------------------------------------------------------------------------------------------ */

static inline uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

/* @return the size of a varint's place in a struct; 0: the type is none that we have. */
static inline size_t put_varint(ProtobufCType type, uint64_t value, void *place)
{
    uint32_t word = (uint32_t)value;
    if (type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_SINT64) {
        value = type == PROTOBUF_C_TYPE_SINT64 ? unzigzag(value) : value;
        memcpy(place, &value, sizeof value);
        return sizeof value;
    }
    if (type == PROTOBUF_C_TYPE_SINT32)
        word = (uint32_t)unzigzag(word);
    else if (type == PROTOBUF_C_TYPE_BOOL)
        word = value != 0;
    else if (type != PROTOBUF_C_TYPE_UINT32)
        return 0;
    memcpy(place, &word, sizeof word);
    return sizeof word;
}

static bool unpack_into(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena,
                        ProtobufCMessage *message);

static bool put_message(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena,
                        void *place)
{
    ProtobufCMessage **at = place;
    if (*at == NULL) {
        ProtobufCMessage *made = arena_take(arena, type->sizeof_message);
        if (made == NULL)
            return false;
        type->message_init(made);
        *at = made;
    }
    return unpack_into(type, bytes, arena, *at);
}

static bool put_bytes(const ProtobufCFieldDescriptor *field, struct bytes bytes, struct arena *arena,
                      void *place)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return put_message(field->descriptor, bytes, arena, place);
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){bytes.length, (uint8_t *)(uintptr_t)bytes.data};
        return true;
    }
    if (field->type != PROTOBUF_C_TYPE_STRING)
        return false;
    char *text = arena_text(arena, (const char *)bytes.data, bytes.length);
    *(char **)place = text;
    return text != NULL;
}

static inline bool put_value(const ProtobufCFieldDescriptor *field, const struct wire_field *wire,
                             struct arena *arena, void *place)
{
    return wire->type == WIRE_VARINT
               ? put_varint(field->type, wire->value, place) > 0
               : wire->type == WIRE_BYTES && put_bytes(field, wire->bytes, arena, place);
}

/* --- where it goes -------------------------------------------------------------------------------------------- */

static size_t place_size(ProtobufCType type)
{
    uint64_t none;
    return type == PROTOBUF_C_TYPE_BYTES                                       ? sizeof(ProtobufCBinaryData)
           : type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *)
                                                                               : put_varint(type, 0, &none);
}

/* The place of one item more; a list doubles when its count is a power of two. NULL at the arena's bound. */
static void *place_more(const ProtobufCFieldDescriptor *field, struct arena *arena, char *message)
{
    size_t *count = (size_t *)(void *)(message + field->quantifier_offset), size = place_size(field->type);
    char **list = (char **)(void *)(message + field->offset);
    if ((*count & (*count - 1)) == 0) {
        char *grown = arena_array(arena, *count == 0 ? 1 : *count * 2, size);
        if (grown == NULL)
            return NULL;
        if (*count > 0)
            memcpy(grown, *list, *count * size);
        *list = grown;
    }
    return *list + size * (*count)++;
}

static bool put_packed(const ProtobufCFieldDescriptor *field, struct bytes bytes, struct arena *arena,
                       char *message)
{
    const uint8_t *at = bytes.data, *end = bytes.length == 0 ? at : at + bytes.length;
    uint64_t value = 0;
    while (at < end) {
        void *place = varint(&at, end, LONG_BITS, &value) ? place_more(field, arena, message) : NULL;
        if (place == NULL || put_varint(field->type, value, place) == 0)
            return false;
    }
    return true;
}

static bool put_field(const ProtobufCFieldDescriptor *field, const struct wire_field *wire,
                      struct arena *arena, char *message)
{
    bool scalar = field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING &&
                  field->type != PROTOBUF_C_TYPE_BYTES;
    void *place = message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED && scalar && wire->type == WIRE_BYTES)
        return put_packed(field, wire->bytes, arena, message);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        place = place_more(field, arena, message);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t *which = (uint32_t *)(void *)(message + field->quantifier_offset);
        if (*which != field->id)
            memset(place, 0, place_size(field->type));
        *which = field->id;
    }
    return place != NULL && put_value(field, wire, arena, place);
}

/* Tables are in the order of the numbers, and ours leave none out. */
static inline const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                         uint32_t number)
{
    if (number <= type->n_fields && type->fields[number - 1].id == number)
        return &type->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(type, number);
}

static bool unpack_into(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena,
                        ProtobufCMessage *message)
{
    struct wire_field wire;
    while (take(&bytes, &wire)) {
        const ProtobufCFieldDescriptor *field = find_field(type, wire.number);
        if (field == NULL)
            continue;
        bool plain = field->label != PROTOBUF_C_LABEL_REPEATED && field->flags == 0;
        void *place = (char *)message + field->offset;
        if (plain ? !put_value(field, &wire, arena, place) : !put_field(field, &wire, arena, (char *)message))
            return false;
    }
    return bytes.length == 0;
}

const void *unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena)
{
    void *message = NULL;
    return put_message(type, bytes, arena, &message) ? message : NULL;
}

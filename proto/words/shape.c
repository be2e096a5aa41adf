#include "words/shape_parts.h"

#include "words/record_pb.h"
#include "words/unpack.h"

#include <stdlib.h>
#include <string.h>

/* --- varints -------------------------------------------------------------------------------------------------- */

bool varint_put(struct buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t length = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[length++] = (uint8_t)(value | 0x80);
    bytes[length++] = (uint8_t)value;
    return buf_append(out, bytes, length);
}

bool varint_take(struct bytes *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; bytes->length > 0 && shift < 64; shift += 7) {
        uint8_t byte = *bytes->data;
        *bytes = (struct bytes){bytes->data + 1, bytes->length - 1};
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static bool step_put(struct buf *bytes, enum shape_kind kind, uint32_t number)
{
    return varint_put(bytes, (uint64_t)number << 3 | kind);
}

static struct shape_step step_of(unsigned kind, uint32_t number)
{
    unsigned wire =
        kind == SHAPE_NUMBER || kind == SHAPE_STAMP || kind == SHAPE_DRIFT ? WIRE_VARINT : WIRE_BYTES;
    uint32_t tag = number << 3 | wire;
    struct shape_step step = {.kind = (uint8_t)kind};
    if (number == 0)
        return step;
    step.tag_length = tag < 0x80 ? 1 : 2;
    step.tag[0] = (uint8_t)(tag < 0x80 ? tag : tag | 0x80);
    step.tag[1] = (uint8_t)(tag >> 7);
    return step;
}

/* @param ret_step  @return false when there is none that a record can have. */
static bool step_take(struct bytes *bytes, struct shape_step *ret_step)
{
    enum { NUMBERS = 1 << 11 }; /* their tags are two bytes at most */
    uint64_t step = 0;
    if (!varint_take(bytes, &step) || step >> 3 >= NUMBERS)
        return false;
    *ret_step = step_of(step & 7, (uint32_t)(step >> 3));
    return true;
}

/* Every message that is opened is closed, and only what stands for a whole record has no number. */
static bool steps_are_sound(const struct shape *shape)
{
    size_t depth = 0, drifts = 0;
    bool sound = shape->step_count > 0;
    for (size_t i = 0; sound && i < shape->step_count; i++) {
        const struct shape_step *step = &shape->steps[i];
        bool whole = step->kind == SHAPE_FIELDS && shape->step_count == 1;
        sound =
            step->kind == SHAPE_CLOSE ? step->tag_length == 0 && depth > 0 : step->tag_length > 0 || whole;
        depth -= step->kind == SHAPE_CLOSE;
        depth += step->kind == SHAPE_OPEN;
        drifts += step->kind == SHAPE_DRIFT;
        sound = sound && depth < SHAPE_MAX_DEPTH && drifts <= SHAPE_MAX_DRIFTS;
    }
    return sound && depth == 0;
}

bool shape_init(struct shape *shape, struct bytes bytes)
{
    struct shape made = {.steps = NULL};
    if (bytes.length > SHAPE_MAX_BYTES || !buf_append(&made.bytes, bytes.data, bytes.length))
        return false;
    made.steps = calloc(bytes.length + 1, sizeof *made.steps); /* a step is a byte or more */
    bool sound = made.steps != NULL;
    while (sound && bytes.length > 0) {
        struct shape_step *step = &made.steps[made.step_count++];
        sound = step_take(&bytes, step);
        if (sound && step->kind != SHAPE_OPEN && step->kind != SHAPE_CLOSE)
            made.codes += shape_is_run(step->kind) ? SHAPE_RUN_CODES : 1;
    }
    if (sound && steps_are_sound(&made)) {
        *shape = made;
        return true;
    }
    shape_done(&made);
    return false;
}

void shape_done(struct shape *shape)
{
    buf_done(&shape->bytes);
    free(shape->steps);
    *shape = (struct shape){.steps = NULL};
}

/* --- the shape of a record ------------------------------------------------------------------------------------- */

/* What is of another kind than its type says. Of what is repeated, and the same from one attempt to the next, a shape has not every
 * part: endpoints would have shapes of their own. */
static const struct {
    const ProtobufCMessageDescriptor *type;
    uint32_t first, last;
    enum shape_kind kind;
} specials[] = {
    {&parallax__attempt__descriptor, 1, 2, SHAPE_DRIFT},
    {&parallax__clock__descriptor, 1, 3, SHAPE_DRIFT},
    {&parallax__clock__descriptor, 5, 15, SHAPE_STAMP},
    {&parallax__tcp_info__descriptor, 2, 2, SHAPE_STAMP},
    {&parallax__tls_record__descriptor, 6, 6, SHAPE_STAMP},
    {&parallax__tls__descriptor, 15, 15, SHAPE_FIELDS},
    {&parallax__tls__descriptor, 25, 25, SHAPE_FIELDS},
    {&parallax__http__descriptor, 3, 3, SHAPE_FIELDS},
    {&parallax__round_report__descriptor, 1, 2, SHAPE_DRIFT},
    {&parallax__round_report__descriptor, 7, 7, SHAPE_FIELDS},
};

static enum shape_kind kind_of(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (specials[i].type == type && field->id >= specials[i].first && field->id <= specials[i].last)
            return specials[i].kind;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return SHAPE_OPEN;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return SHAPE_FIELDS;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return SHAPE_NOISE;
    return field->type == PROTOBUF_C_TYPE_STRING ? SHAPE_TEXT : SHAPE_NUMBER;
}

/* What is left of a message, the next field of it taken off. */
struct reading {
    struct bytes rest;
    struct wire_field field;
    bool is_field;
};

static void reading_next(struct reading *reading)
{
    reading->is_field = wire_next(&reading->rest, &reading->field);
}

static struct reading reading_of(struct bytes bytes)
{
    struct reading reading = {.rest = bytes};
    reading_next(&reading);
    return reading;
}

static bool reading_is_at(const struct reading *reading, uint32_t number, unsigned type)
{
    return reading->is_field && reading->field.number == number && reading->field.type == type;
}

static bool describe(const ProtobufCMessageDescriptor *type, struct bytes message, struct buf *shape,
                     unsigned depth);

static bool describe_messages(const ProtobufCFieldDescriptor *field, struct reading *reading,
                              struct buf *bytes, unsigned depth)
{
    bool described = true;
    for (; described && reading_is_at(reading, field->id, WIRE_BYTES); reading_next(reading))
        described = step_put(bytes, SHAPE_OPEN, field->id) &&
                    describe(field->descriptor, reading->field.bytes, bytes, depth + 1) &&
                    step_put(bytes, SHAPE_CLOSE, 0);
    return described;
}

/* All fields that the schema has are in the shape, whether they are there or not: most that are not are zero just now. */
static bool describe(const ProtobufCMessageDescriptor *type, struct bytes message, struct buf *bytes,
                     unsigned depth)
{
    struct reading reading = reading_of(message);
    bool described = depth < SHAPE_MAX_DEPTH;
    for (unsigned i = 0; described && i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        enum shape_kind kind = kind_of(type, field);
        if (kind == SHAPE_OPEN) {
            described = describe_messages(field, &reading, bytes, depth);
            continue;
        }
        described = step_put(bytes, kind, field->id);
        while (reading.is_field && reading.field.number == field->id)
            reading_next(&reading);
    }
    return described && !reading.is_field && reading.rest.length == 0;
}

/* Does the record come out again as it went in? Not when it has fields that the schema does not know, or in another order. */
static bool comes_back(struct bytes bytes, struct bytes record)
{
    struct shape shape;
    struct buf texts, noise, again;
    if (!shape_init(&shape, bytes))
        return false;
    buf_init(&texts, 0);
    buf_init(&noise, 0);
    buf_init(&again, 0);
    const struct bytes none = {(const uint8_t *)"", 0};
    uint64_t *codes = malloc((shape.codes + 1) * sizeof *codes);
    bool back = codes != NULL && shape_tell(&shape, none, record, codes, &texts, &noise);
    struct bytes new_texts = {texts.data, texts.len}, new_noise = {noise.data, noise.len};
    memset(shape.drifts, 0, sizeof shape.drifts);
    back = back && shape_apply(&shape, none, codes, &new_texts, &new_noise, &again) &&
           again.len == record.length && memcmp(again.data, record.data, record.length) == 0;
    free(codes);
    buf_done(&texts);
    buf_done(&noise);
    buf_done(&again);
    shape_done(&shape);
    return back;
}

bool shape_of(struct bytes record, struct buf *bytes)
{
    buf_clear(bytes);
    if (describe(&parallax__record__descriptor, record, bytes, 0) &&
        comes_back((struct bytes){bytes->data, bytes->len}, record))
        return true;
    buf_clear(bytes);
    return step_put(bytes, SHAPE_FIELDS, 0);
}

uint64_t record_endpoint(struct bytes record)
{
    enum { ATTEMPT_ENDPOINT_ID = 3 };
    struct wire_field field;
    if (!wire_next(&record, &field) || field.type != WIRE_BYTES || field.number != RECORD_ATTEMPT)
        return 0;
    struct bytes attempt = field.bytes;
    while (wire_next(&attempt, &field))
        if (field.number >= ATTEMPT_ENDPOINT_ID)
            return field.number == ATTEMPT_ENDPOINT_ID ? field.value : 0;
    return 0;
}

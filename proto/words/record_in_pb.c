#include "words/record_pb.h"

#include <stdlib.h>
#include <string.h>

/*
 * A batch is most of what a collector reads. It is taken apart here record by record, so that what unpacking takes is a few
 * kilobytes that are used again for each, and so that each attempt is known as it came: what is stored beside the columns.
 */

/* --- the arena of what is unpacked ------------------------------------------------------------------------- */

static void *unpack_alloc(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static void unpack_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

ProtobufCAllocator unpack_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){.alloc = unpack_alloc, .free = unpack_free, .allocator_data = arena};
}

/* An attempt with all its parts grows about five times, one with nothing but its clock nine times. */
size_t unpack_ceiling(size_t length)
{
    enum { GROWTH = 16, SMALLEST_BYTES = 65536 };
    return length > SIZE_MAX / GROWTH - SMALLEST_BYTES ? SIZE_MAX / 2 : length * GROWTH + SMALLEST_BYTES;
}

/* --- records ----------------------------------------------------------------------------------------------- */

struct attempt *attempt_decode(const void *bytes, size_t length, const char **ret_why)
{
    struct arena scratch;
    arena_init(&scratch, unpack_ceiling(length));
    ProtobufCAllocator allocator = unpack_allocator(&scratch);
    *ret_why = "not an encoded attempt";
    const Parallax__Attempt *pb = parallax__attempt__unpack(&allocator, length, bytes);
    struct attempt *attempt = pb == NULL ? NULL : attempt_from_pb(pb, ret_why);
    arena_done(&scratch);
    return attempt;
}

static bool report_in(const Parallax__RoundReport *pb, struct round_report *report, const char **ret_why)
{
    *ret_why = "an id of a round report is out of range";
    if (pb->sequence > INT64_MAX || pb->round_id > INT64_MAX)
        return false;
    *report = (struct round_report){.sequence = pb->sequence,
                                    .round_id = pb->round_id,
                                    .attempts = pb->attempts,
                                    .refused = pb->refused,
                                    .late = pb->late,
                                    .dropped = pb->dropped};
    *ret_why = "a round report counts dropped results of too many endpoints";
    if (pb->n_dropped_at == 0 || pb->n_dropped_at > MESSAGE_MAX_DROPPED_AT)
        return pb->n_dropped_at == 0;
    report->dropped_at = calloc(pb->n_dropped_at, sizeof *report->dropped_at);
    *ret_why = "out of memory";
    for (size_t i = 0; report->dropped_at != NULL && i < pb->n_dropped_at; i++)
        report->dropped_at[report->dropped_at_count++] =
            (struct dropped_at){pb->dropped_at[i]->endpoint_id, pb->dropped_at[i]->count};
    return report->dropped_at != NULL;
}

static bool record_in(const Parallax__Record *pb, struct record *record, const char **ret_why)
{
    *record = (struct record){0};
    if (pb->kind_case == PARALLAX__RECORD__KIND_ATTEMPT) {
        record->kind = RECORD_ATTEMPT;
        record->attempt = attempt_from_pb(pb->attempt, ret_why);
        return record->attempt != NULL;
    }
    *ret_why = "a record of no known kind";
    if (pb->kind_case != PARALLAX__RECORD__KIND_ROUND_REPORT)
        return false;
    record->kind = RECORD_ROUND_REPORT;
    return report_in(pb->round_report, &record->report, ret_why);
}

bool record_decode(const void *bytes, size_t length, struct record *ret_record, const char **ret_why)
{
    struct arena scratch;
    arena_init(&scratch, unpack_ceiling(length));
    ProtobufCAllocator allocator = unpack_allocator(&scratch);
    const Parallax__Record *pb = parallax__record__unpack(&allocator, length, bytes);
    struct record record;
    *ret_why = "not a record";
    bool read = pb != NULL && record_in(pb, &record, ret_why);
    arena_done(&scratch);
    if (read)
        *ret_record = record;
    return read;
}

/* --- batches ----------------------------------------------------------------------------------------------- */

/* The wire types that protobuf has without groups. */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* One field of a message as it stands in the bytes. */
struct field {
    uint64_t number;
    bool is_bytes;
    struct bytes bytes; /* of one that is_bytes */
};

static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* @return false at the end, and where the bytes are no field; *at is `end` only in the first case. */
static bool field_next(const uint8_t **at, const uint8_t *end, struct field *ret_field)
{
    uint64_t tag = 0, length = 0;
    const uint8_t *here = *at;
    if (!varint(&here, end, &tag))
        return false;
    *ret_field = (struct field){.number = tag >> 3, .is_bytes = (tag & 7) == WIRE_BYTES};
    if ((tag & 7) == WIRE_64 || (tag & 7) == WIRE_32)
        length = (tag & 7) == WIRE_64 ? 8 : 4;
    else if (((tag & 7) != WIRE_VARINT && !ret_field->is_bytes) || !varint(&here, end, &length))
        return false;
    if ((tag & 7) == WIRE_VARINT)
        length = 0;
    if (length > (uint64_t)(end - here))
        return false;
    ret_field->bytes = (struct bytes){here, (size_t)length};
    *at = here + length;
    return true;
}

bool payload_is_batch(const void *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = length == 0 ? at : at + length;
    struct field field;
    return field_next(&at, end, &field) && at == end && field.is_bytes && field.number == MESSAGE_BATCH;
}

/* The attempt of an encoded record; length 0: it is none. Of several the last counts, as everywhere in protobuf. */
static struct bytes attempt_bytes(struct bytes record)
{
    const uint8_t *at = record.data, *end = at + record.length;
    struct field field;
    struct bytes found = {0};
    while (field_next(&at, end, &field))
        if (field.is_bytes && (field.number == RECORD_ATTEMPT || field.number == RECORD_ROUND_REPORT))
            found = field.number == RECORD_ATTEMPT ? field.bytes : (struct bytes){0};
    return at == end ? found : (struct bytes){0};
}

static bool batch_record(struct bytes bytes, struct record *ret_record, const char **ret_why)
{
    struct bytes encoded = attempt_bytes(bytes);
    if (encoded.length == 0)
        return record_decode(bytes.data, bytes.length, ret_record, ret_why);
    *ret_record = (struct record){.kind = RECORD_ATTEMPT, .encoded = encoded};
    ret_record->attempt = attempt_decode(encoded.data, encoded.length, ret_why);
    return ret_record->attempt != NULL;
}

/* @return how many records there are; more than fit: too many, or they are not records. */
static size_t batch_count(struct bytes batch)
{
    const uint8_t *at = batch.data, *end = at + batch.length;
    struct field field;
    size_t count = 0;
    while (field_next(&at, end, &field))
        count += field.is_bytes && field.number == 1;
    return at == end ? count : SIZE_MAX;
}

static bool batch_records(struct bytes batch, struct message *message, const char **ret_why)
{
    const uint8_t *at = batch.data, *end = at + batch.length;
    struct field field;
    uint64_t last = 0;
    while (field_next(&at, end, &field)) {
        struct record *record = &message->batch.records[message->batch.count];
        if (!field.is_bytes || field.number != 1)
            continue;
        if (!batch_record(field.bytes, record, ret_why))
            return false;
        message->batch.count++;
        if (record_sequence(record) <= last) {
            *ret_why = "sequences of a batch do not ascend";
            return false;
        }
        last = record_sequence(record);
    }
    return true;
}

bool batch_decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message,
                  const char **ret_why)
{
    const uint8_t *at = bytes;
    struct message message = {.kind = MESSAGE_BATCH};
    struct field whole;
    *ret_why = "not a message";
    if (!field_next(&at, at + length, &whole))
        return false;
    size_t count = batch_count(whole.bytes);
    if (count == SIZE_MAX)
        return false;
    *ret_why = "too many records in a batch";
    if (count > MESSAGE_MAX_RECORDS)
        return false;
    message.batch.records = arena_array(arena, count, sizeof *message.batch.records);
    *ret_why = "out of memory";
    if (message.batch.records == NULL)
        return false;
    if (!batch_records(whole.bytes, &message, ret_why)) {
        message_done(&message);
        return false;
    }
    *ret_message = message;
    return true;
}

#include "words/record_pb.h"

#include "words/unpack.h"

#include <stdlib.h>
#include <string.h>

/*
 * A batch is most of what a collector reads. It is taken apart here record by record, so that what unpacking takes is a few
 * kilobytes that are used again for each, and so that each attempt is known as it came: what is stored beside the columns.
 */

/* --- the arena of what is unpacked ------------------------------------------------------------------------- */

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
    *ret_why = "not an encoded attempt";
    const Parallax__Attempt *pb =
        unpack(&parallax__attempt__descriptor, (struct bytes){bytes, length}, &scratch);
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
    const Parallax__Record *pb =
        unpack(&parallax__record__descriptor, (struct bytes){bytes, length}, &scratch);
    struct record record;
    *ret_why = "not a record";
    bool read = pb != NULL && record_in(pb, &record, ret_why);
    arena_done(&scratch);
    if (read)
        *ret_record = record;
    return read;
}

/* --- batches ----------------------------------------------------------------------------------------------- */

bool payload_is_batch(struct bytes payload)
{
    struct wire_field field;
    return wire_next(&payload, &field) && payload.length == 0 && field.type == WIRE_BYTES &&
           field.number == MESSAGE_BATCH;
}

/* The attempt of an encoded record; length 0: it is none, or comes in several parts. */
static struct bytes attempt_bytes(struct bytes record)
{
    struct wire_field field;
    bool found = wire_next(&record, &field) && record.length == 0 && field.type == WIRE_BYTES &&
                 field.number == RECORD_ATTEMPT;
    return found ? field.bytes : (struct bytes){0};
}

static bool batch_record(struct bytes bytes, struct arena *scratch, struct record *ret_record,
                         const char **ret_why)
{
    struct bytes encoded = attempt_bytes(bytes);
    *ret_why = "not a record";
    if (encoded.length == 0) {
        const Parallax__Record *pb = unpack(&parallax__record__descriptor, bytes, scratch);
        return pb != NULL && record_in(pb, ret_record, ret_why);
    }
    const Parallax__Attempt *pb = unpack(&parallax__attempt__descriptor, encoded, scratch);
    *ret_record = (struct record){.kind = RECORD_ATTEMPT, .encoded = encoded};
    ret_record->attempt = pb == NULL ? NULL : attempt_from_pb(pb, ret_why);
    return ret_record->attempt != NULL;
}

/* @return how many records there are; more than fit: too many, or they are not records. */
static size_t batch_count(struct bytes batch)
{
    struct wire_field field;
    size_t count = 0;
    while (wire_next(&batch, &field))
        count += field.type == WIRE_BYTES && field.number == 1;
    return batch.length == 0 ? count : SIZE_MAX;
}

static bool batch_records(struct bytes batch, struct message *message, const char **ret_why)
{
    struct arena scratch;
    struct wire_field field;
    uint64_t last = 0;
    bool read = true;
    arena_init(&scratch, 0);
    while (read && wire_next(&batch, &field)) {
        struct record *record = &message->batch.records[message->batch.count];
        if (field.type != WIRE_BYTES || field.number != 1)
            continue;
        scratch.max_bytes = unpack_ceiling(field.bytes.length);
        read = batch_record(field.bytes, &scratch, record, ret_why);
        message->batch.count += read;
        arena_clear(&scratch);
        if (read && record_sequence(record) <= last) {
            *ret_why = "sequences of a batch do not ascend";
            read = false;
        }
        last = read ? record_sequence(record) : 0;
    }
    arena_done(&scratch);
    return read;
}

bool batch_decode(struct bytes payload, struct arena *arena, struct message *ret_message,
                  const char **ret_why)
{
    struct message message = {.kind = MESSAGE_BATCH};
    struct wire_field whole = {0};
    *ret_why = "not a message";
    size_t count = wire_next(&payload, &whole) ? batch_count(whole.bytes) : SIZE_MAX;
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

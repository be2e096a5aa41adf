#include "words/message.h"

#include "words/evidence_pb.h"

#include <stdlib.h>
#include <string.h>

/* A stranger's message into ours: each reader checks and copies one kind, or names the rule that is broken.
 */

/*
 * Unpacking takes all from an arena and goes with it. A few bytes on the wire can ask for a large struct each, so the
 * arena's ceiling follows the length of what is unpacked.
 */
static void *unpack_alloc(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static void unpack_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

static ProtobufCAllocator unpack_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){.alloc = unpack_alloc, .free = unpack_free, .allocator_data = arena};
}

/* An attempt with all its parts grows about five times, one with nothing but its clock nine times. */
static size_t unpack_ceiling(size_t length)
{
    enum { GROWTH = 16, SMALLEST_BYTES = 65536 };
    return length > SIZE_MAX / GROWTH - SMALLEST_BYTES ? SIZE_MAX / 2 : length * GROWTH + SMALLEST_BYTES;
}

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

typedef bool message_in_fn(const Parallax__Message *pb, struct arena *arena, struct message *message,
                           const char **ret_why);

static bool text_in(const char *text, size_t max, struct arena *arena, const char **ret_text)
{
    *ret_text = text_from_pb(text, max, arena);
    return *ret_text != NULL;
}

static bool bytes_in(ProtobufCBinaryData data, size_t max, struct arena *arena, struct bytes *ret_bytes)
{
    char *copy = data.len > max ? NULL : arena_text(arena, (const char *)data.data, data.len);
    *ret_bytes = (struct bytes){.data = (const uint8_t *)copy, .length = data.len};
    return copy != NULL;
}

static bool hello_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                     const char **ret_why)
{
    *ret_why = "a text of hello is too long";
    message->hello.protocol = pb->hello->protocol;
    message->hello.next_sequence = pb->hello->next_sequence;
    message->hello.spooled = pb->hello->spooled;
    return text_in(pb->hello->agent_version, 64, arena, &message->hello.agent_version) &&
           text_in(pb->hello->tls_library, 128, arena, &message->hello.tls_library) &&
           text_in(pb->hello->hostname, 255, arena, &message->hello.hostname);
}

static bool welcome_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                       const char **ret_why)
{
    *ret_why = "a text of welcome is too long";
    message->welcome.protocol = pb->welcome->protocol;
    message->welcome.committed = pb->welcome->committed;
    return text_in(pb->welcome->vantage, 64, arena, &message->welcome.vantage) &&
           text_in(pb->welcome->collector_version, 64, arena, &message->welcome.collector_version);
}

static bool ping_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                    const char **ret_why)
{
    (void)arena;
    (void)ret_why;
    message->ping.sent_us = pb->ping->sent_us;
    message->ping.spooled = pb->ping->spooled;
    return true;
}

static bool pong_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                    const char **ret_why)
{
    (void)arena;
    (void)ret_why;
    message->pong.sent_us = pb->pong->sent_us;
    message->pong.received_us = pb->pong->received_us;
    message->pong.answered_us = pb->pong->answered_us;
    return true;
}

static bool list_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                    const char **ret_why)
{
    return list_from_pb(pb->list, arena, &message->list, ret_why);
}

static bool list_wanted_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                           const char **ret_why)
{
    (void)arena;
    *ret_why = "a wanted list's hash is not 32 bytes";
    if (pb->list_wanted->sha256.len != sizeof message->list_wanted.sha256)
        return false;
    memcpy(message->list_wanted.sha256, pb->list_wanted->sha256.data, sizeof message->list_wanted.sha256);
    return true;
}

static bool round_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                     const char **ret_why)
{
    (void)arena;
    return round_from_pb(pb->round, &message->round, ret_why);
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

static bool batch_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                     const char **ret_why)
{
    *ret_why = "too many records in a batch";
    size_t count = pb->batch->n_records;
    if (count > MESSAGE_MAX_RECORDS)
        return false;
    message->batch.records = arena_array(arena, count, sizeof *message->batch.records);
    if (message->batch.records == NULL)
        return false;
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        struct record *record = &message->batch.records[i];
        bool read = record_in(pb->batch->records[i], record, ret_why);
        if (read)
            message->batch.count++;
        if (read && record_sequence(record) <= last) {
            *ret_why = "sequences of a batch do not ascend";
            read = false;
        }
        if (!read) {
            message_done(message);
            return false;
        }
        last = record_sequence(record);
    }
    return true;
}

static bool ack_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                   const char **ret_why)
{
    (void)arena;
    (void)ret_why;
    message->ack.committed = pb->ack->committed;
    return true;
}

static bool wanted_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                      const char **ret_why)
{
    size_t count = pb->certificates_wanted->n_sha256;
    *ret_why = "too many certificates wanted at once";
    if (count > MESSAGE_MAX_HASHES)
        return false;
    message->certificates_wanted.sha256 =
        arena_array(arena, count, sizeof *message->certificates_wanted.sha256);
    if (message->certificates_wanted.sha256 == NULL)
        return false;
    *ret_why = "a certificate hash is not 32 bytes";
    for (size_t i = 0; i < count; i++) {
        ProtobufCBinaryData hash = pb->certificates_wanted->sha256[i];
        if (hash.len != sizeof message->certificates_wanted.sha256[i])
            return false;
        memcpy(message->certificates_wanted.sha256[message->certificates_wanted.count++], hash.data,
               hash.len);
    }
    return true;
}

static bool certificates_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                            const char **ret_why)
{
    size_t count = pb->certificates->n_der;
    *ret_why = "too many certificates at once";
    if (count > MESSAGE_MAX_HASHES)
        return false;
    message->certificates.der = arena_array(arena, count, sizeof *message->certificates.der);
    if (message->certificates.der == NULL)
        return false;
    *ret_why = "a certificate is too large";
    for (size_t i = 0; i < count; i++) {
        if (!bytes_in(pb->certificates->der[i], MESSAGE_CERTIFICATE_MAX_BYTES, arena,
                      &message->certificates.der[i]))
            return false;
        message->certificates.count++;
    }
    return true;
}

static bool goodbye_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                       const char **ret_why)
{
    *ret_why = "a goodbye's text is too long";
    bool known = pb->goodbye->reason <= GOODBYE_OVERLOADED;
    message->goodbye.reason = known ? (enum goodbye_reason)pb->goodbye->reason : GOODBYE_OTHER;
    return text_in(pb->goodbye->text, 1024, arena, &message->goodbye.text);
}

static bool enrol_request_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                             const char **ret_why)
{
    *ret_why = "a part of the enrolment request is too long";
    return text_in(pb->enrol_request->token, 256, arena, &message->enrol_request.token) &&
           bytes_in(pb->enrol_request->csr_der, 4096, arena, &message->enrol_request.csr_der) &&
           text_in(pb->enrol_request->agent_version, 64, arena, &message->enrol_request.agent_version) &&
           text_in(pb->enrol_request->hostname, 255, arena, &message->enrol_request.hostname);
}

static bool enrol_answer_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                            const char **ret_why)
{
    *ret_why = "a part of the enrolment answer is too long";
    return bytes_in(pb->enrol_answer->certificate_pem, 65536, arena,
                    &message->enrol_answer.certificate_pem) &&
           bytes_in(pb->enrol_answer->ca_pem, 65536, arena, &message->enrol_answer.ca_pem) &&
           text_in(pb->enrol_answer->vantage, 64, arena, &message->enrol_answer.vantage);
}

static bool renew_request_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                             const char **ret_why)
{
    *ret_why = "the certificate request is too long";
    return bytes_in(pb->renew_request->csr_der, 4096, arena, &message->renew_request.csr_der);
}

static bool renew_answer_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                            const char **ret_why)
{
    *ret_why = "the renewed certificate is too long";
    return bytes_in(pb->renew_answer->certificate_pem, 65536, arena, &message->renew_answer.certificate_pem);
}

/* enum message_kind is link.proto's field numbers. */
#define SAME_NUMBER(kind)                                                                                    \
    _Static_assert((int)MESSAGE_##kind == (int)PARALLAX__MESSAGE__KIND_##kind,                               \
                   "message kinds differ from link.proto")
SAME_NUMBER(HELLO);
SAME_NUMBER(WELCOME);
SAME_NUMBER(PING);
SAME_NUMBER(PONG);
SAME_NUMBER(LIST);
SAME_NUMBER(LIST_WANTED);
SAME_NUMBER(ROUND);
SAME_NUMBER(BATCH);
SAME_NUMBER(ACK);
SAME_NUMBER(CERTIFICATES_WANTED);
SAME_NUMBER(CERTIFICATES);
SAME_NUMBER(GOODBYE);
SAME_NUMBER(ENROL_REQUEST);
SAME_NUMBER(ENROL_ANSWER);
SAME_NUMBER(RENEW_REQUEST);
SAME_NUMBER(RENEW_ANSWER);

/* Indexed by the oneof's case. */
static message_in_fn *const readers[] = {
    [MESSAGE_HELLO] = hello_in,
    [MESSAGE_WELCOME] = welcome_in,
    [MESSAGE_PING] = ping_in,
    [MESSAGE_PONG] = pong_in,
    [MESSAGE_LIST] = list_in,
    [MESSAGE_LIST_WANTED] = list_wanted_in,
    [MESSAGE_ROUND] = round_in,
    [MESSAGE_BATCH] = batch_in,
    [MESSAGE_ACK] = ack_in,
    [MESSAGE_CERTIFICATES_WANTED] = wanted_in,
    [MESSAGE_CERTIFICATES] = certificates_in,
    [MESSAGE_GOODBYE] = goodbye_in,
    [MESSAGE_ENROL_REQUEST] = enrol_request_in,
    [MESSAGE_ENROL_ANSWER] = enrol_answer_in,
    [MESSAGE_RENEW_REQUEST] = renew_request_in,
    [MESSAGE_RENEW_ANSWER] = renew_answer_in,
};

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

bool message_decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message,
                    const char **ret_why)
{
    struct arena scratch;
    arena_init(&scratch, unpack_ceiling(length));
    ProtobufCAllocator allocator = unpack_allocator(&scratch);
    const Parallax__Message *pb = parallax__message__unpack(&allocator, length, bytes);
    size_t kind = pb == NULL ? 0 : (size_t)pb->kind_case;
    struct message message = {0};
    bool read = false;
    *ret_why = pb == NULL ? "not a message" : "a message of no known kind";
    if (kind > 0 && kind < sizeof readers / sizeof readers[0]) {
        message.kind = (enum message_kind)kind;
        read = readers[kind](pb, arena, &message, ret_why);
    }
    arena_done(&scratch);
    if (read)
        *ret_message = message;
    return read;
}

#include "words/message.h"

#include "words/evidence_pb.h"

#include <string.h>

/* Encoding a large list or batch may need a copy of all of it; what a peer sends is bounded by the frame
 * instead. */
enum { PACK_ARENA_BYTES = 512 * 1024 * 1024 };

static bool pack(const ProtobufCMessage *pb, struct buf *out)
{
    size_t length = protobuf_c_message_get_packed_size(pb);
    uint8_t *room = buf_room(out, length);
    if (room == NULL)
        return false;
    buf_grew(out, protobuf_c_message_pack(pb, room));
    return true;
}

bool attempt_encode(const struct attempt *attempt, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, PACK_ARENA_BYTES);
    Parallax__Attempt *pb = attempt_to_pb(attempt, &arena);
    bool packed = pb != NULL && pack(&pb->base, out);
    arena_done(&arena);
    return packed;
}

static bool report_to_pb(const struct round_report *report, struct arena *arena, Parallax__RoundReport *pb)
{
    parallax__round_report__init(pb);
    pb->sequence = report->sequence;
    pb->round_id = report->round_id;
    pb->attempts = report->attempts;
    pb->refused = report->refused;
    pb->late = report->late;
    pb->dropped = report->dropped;
    Parallax__DroppedAt *at = arena_array(arena, report->dropped_at_count, sizeof *at);
    pb->dropped_at = arena_array(arena, report->dropped_at_count, sizeof *pb->dropped_at);
    if (at == NULL || pb->dropped_at == NULL)
        return false;
    for (size_t i = 0; i < report->dropped_at_count; i++) {
        parallax__dropped_at__init(&at[i]);
        at[i].endpoint_id = report->dropped_at[i].endpoint_id;
        at[i].count = report->dropped_at[i].count;
        pb->dropped_at[pb->n_dropped_at++] = &at[i];
    }
    return true;
}

static bool record_to_pb(const struct record *record, struct arena *arena, Parallax__Record *pb)
{
    parallax__record__init(pb);
    if (record->kind == RECORD_ATTEMPT) {
        pb->kind_case = PARALLAX__RECORD__KIND_ATTEMPT;
        pb->attempt = attempt_to_pb(record->attempt, arena);
        return pb->attempt != NULL;
    }
    pb->kind_case = PARALLAX__RECORD__KIND_ROUND_REPORT;
    pb->round_report = arena_take(arena, sizeof *pb->round_report);
    return pb->round_report != NULL && report_to_pb(&record->report, arena, pb->round_report);
}

bool record_encode(const struct record *record, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, PACK_ARENA_BYTES);
    Parallax__Record pb;
    bool packed = record_to_pb(record, &arena, &pb) && pack(&pb.base, out);
    arena_done(&arena);
    return packed;
}

/* A batch whose records are encoded already is written by hand: Message.batch (8) around Batch.records (1),
 * both length-delimited (wire type 2). */
static size_t varint_length(uint64_t value)
{
    size_t length = 1;
    for (; value >= 0x80; value >>= 7)
        length++;
    return length;
}

static bool varint_write(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        if (!buf_byte(out, (uint8_t)(value | 0x80)))
            return false;
    }
    return buf_byte(out, (uint8_t)value);
}

bool message_encode_batch(const struct bytes *records, size_t count, struct buf *out)
{
    enum { MESSAGE_BATCH_TAG = 8 << 3 | 2, BATCH_RECORDS_TAG = 1 << 3 | 2 };
    size_t inner = 0;
    for (size_t i = 0; i < count; i++)
        inner += 1 + varint_length(records[i].length) + records[i].length;
    bool written = buf_byte(out, MESSAGE_BATCH_TAG) && varint_write(out, inner);
    for (size_t i = 0; written && i < count; i++)
        written = buf_byte(out, BATCH_RECORDS_TAG) && varint_write(out, records[i].length) &&
                  buf_append(out, records[i].data, records[i].length);
    return written;
}

/* --- messages, ours to theirs ------------------------------------------------------------------------------ */

static char *text_out(const char *text)
{
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

/* Takes the generated struct of a message's kind from the arena and points the oneof at it. */
#define SET_KIND(field, type, init, CASE)                                                                    \
    do {                                                                                                     \
        pb->kind_case = PARALLAX__MESSAGE__KIND_##CASE;                                                      \
        pb->field = arena_take(arena, sizeof(type));                                                         \
        if (pb->field == NULL)                                                                               \
            return false;                                                                                    \
        init(pb->field);                                                                                     \
    } while (0)

static bool hello_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(hello, Parallax__Hello, parallax__hello__init, HELLO);
    pb->hello->protocol = message->hello.protocol;
    pb->hello->agent_version = text_out(message->hello.agent_version);
    pb->hello->tls_library = text_out(message->hello.tls_library);
    pb->hello->next_sequence = message->hello.next_sequence;
    pb->hello->spooled = message->hello.spooled;
    pb->hello->hostname = text_out(message->hello.hostname);
    return true;
}

static bool welcome_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(welcome, Parallax__Welcome, parallax__welcome__init, WELCOME);
    pb->welcome->protocol = message->welcome.protocol;
    pb->welcome->vantage = text_out(message->welcome.vantage);
    pb->welcome->committed = message->welcome.committed;
    pb->welcome->history_bytes = message->welcome.history_bytes;
    pb->welcome->collector_version = text_out(message->welcome.collector_version);
    return true;
}

static bool ping_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(ping, Parallax__Ping, parallax__ping__init, PING);
    pb->ping->sent_us = message->ping.sent_us;
    pb->ping->spooled = message->ping.spooled;
    return true;
}

static bool pong_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(pong, Parallax__Pong, parallax__pong__init, PONG);
    pb->pong->sent_us = message->pong.sent_us;
    pb->pong->received_us = message->pong.received_us;
    pb->pong->answered_us = message->pong.answered_us;
    return true;
}

static bool list_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    pb->kind_case = PARALLAX__MESSAGE__KIND_LIST;
    pb->list = list_to_pb(&message->list, arena);
    return pb->list != NULL;
}

static bool list_wanted_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(list_wanted, Parallax__ListWanted, parallax__list_wanted__init, LIST_WANTED);
    pb->list_wanted->sha256 = bytes_to_pb(message->list_wanted.sha256, sizeof message->list_wanted.sha256);
    return true;
}

static bool round_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(round, Parallax__RoundPlan, parallax__round_plan__init, ROUND);
    round_to_pb(&message->round, pb->round);
    return true;
}

static bool batch_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(batch, Parallax__Batch, parallax__batch__init, BATCH);
    size_t count = message->batch.count;
    Parallax__Record *records = arena_array(arena, count, sizeof *records);
    pb->batch->records = arena_array(arena, count, sizeof *pb->batch->records);
    if (records == NULL || pb->batch->records == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!record_to_pb(&message->batch.records[i], arena, &records[i]))
            return false;
        pb->batch->records[pb->batch->n_records++] = &records[i];
    }
    return true;
}

static bool ack_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(ack, Parallax__Ack, parallax__ack__init, ACK);
    pb->ack->committed = message->ack.committed;
    return true;
}

static bool wanted_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(certificates_wanted, Parallax__CertificatesWanted, parallax__certificates_wanted__init,
             CERTIFICATES_WANTED);
    Parallax__CertificatesWanted *wanted = pb->certificates_wanted;
    wanted->sha256 = arena_array(arena, message->certificates_wanted.count, sizeof *wanted->sha256);
    for (size_t i = 0; wanted->sha256 != NULL && i < message->certificates_wanted.count; i++)
        wanted->sha256[wanted->n_sha256++] = bytes_to_pb(message->certificates_wanted.sha256[i], 32);
    return wanted->sha256 != NULL;
}

static bool certificates_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(certificates, Parallax__Certificates, parallax__certificates__init, CERTIFICATES);
    Parallax__Certificates *certificates = pb->certificates;
    certificates->der = arena_array(arena, message->certificates.count, sizeof *certificates->der);
    for (size_t i = 0; certificates->der != NULL && i < message->certificates.count; i++)
        certificates->der[certificates->n_der++] =
            bytes_to_pb(message->certificates.der[i].data, message->certificates.der[i].length);
    return certificates->der != NULL;
}

static bool goodbye_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(goodbye, Parallax__Goodbye, parallax__goodbye__init, GOODBYE);
    pb->goodbye->reason = message->goodbye.reason;
    pb->goodbye->text = text_out(message->goodbye.text);
    return true;
}

static bool enrol_request_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(enrol_request, Parallax__EnrolRequest, parallax__enrol_request__init, ENROL_REQUEST);
    pb->enrol_request->token = text_out(message->enrol_request.token);
    pb->enrol_request->csr_der =
        bytes_to_pb(message->enrol_request.csr_der.data, message->enrol_request.csr_der.length);
    pb->enrol_request->agent_version = text_out(message->enrol_request.agent_version);
    pb->enrol_request->hostname = text_out(message->enrol_request.hostname);
    return true;
}

static bool enrol_answer_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(enrol_answer, Parallax__EnrolAnswer, parallax__enrol_answer__init, ENROL_ANSWER);
    pb->enrol_answer->certificate_pem =
        bytes_to_pb(message->enrol_answer.certificate_pem.data, message->enrol_answer.certificate_pem.length);
    pb->enrol_answer->ca_pem =
        bytes_to_pb(message->enrol_answer.ca_pem.data, message->enrol_answer.ca_pem.length);
    pb->enrol_answer->vantage = text_out(message->enrol_answer.vantage);
    return true;
}

static bool renew_request_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(renew_request, Parallax__RenewRequest, parallax__renew_request__init, RENEW_REQUEST);
    pb->renew_request->csr_der =
        bytes_to_pb(message->renew_request.csr_der.data, message->renew_request.csr_der.length);
    return true;
}

static bool renew_answer_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(renew_answer, Parallax__RenewAnswer, parallax__renew_answer__init, RENEW_ANSWER);
    pb->renew_answer->certificate_pem =
        bytes_to_pb(message->renew_answer.certificate_pem.data, message->renew_answer.certificate_pem.length);
    return true;
}

static bool packed_out(const struct message *message, struct arena *arena, Parallax__Message *pb)
{
    SET_KIND(packed, Parallax__Packed, parallax__packed__init, PACKED);
    pb->packed->zstd = bytes_to_pb(message->packed.zstd.data, message->packed.zstd.length);
    pb->packed->noise = bytes_to_pb(message->packed.noise.data, message->packed.noise.length);
    return true;
}

typedef bool message_out_fn(const struct message *message, struct arena *arena, Parallax__Message *pb);

bool message_encode(const struct message *message, struct buf *out)
{
    static message_out_fn *const writers[] = {
        [MESSAGE_HELLO] = hello_out,
        [MESSAGE_WELCOME] = welcome_out,
        [MESSAGE_PING] = ping_out,
        [MESSAGE_PONG] = pong_out,
        [MESSAGE_LIST] = list_out,
        [MESSAGE_LIST_WANTED] = list_wanted_out,
        [MESSAGE_ROUND] = round_out,
        [MESSAGE_BATCH] = batch_out,
        [MESSAGE_ACK] = ack_out,
        [MESSAGE_CERTIFICATES_WANTED] = wanted_out,
        [MESSAGE_CERTIFICATES] = certificates_out,
        [MESSAGE_GOODBYE] = goodbye_out,
        [MESSAGE_ENROL_REQUEST] = enrol_request_out,
        [MESSAGE_ENROL_ANSWER] = enrol_answer_out,
        [MESSAGE_RENEW_REQUEST] = renew_request_out,
        [MESSAGE_RENEW_ANSWER] = renew_answer_out,
        [MESSAGE_PACKED] = packed_out,
    };
    struct arena arena;
    arena_init(&arena, PACK_ARENA_BYTES);
    Parallax__Message pb = PARALLAX__MESSAGE__INIT;
    bool packed = writers[message->kind](message, &arena, &pb) && pack(&pb.base, out);
    arena_done(&arena);
    return packed;
}

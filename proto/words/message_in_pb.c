#include "words/message.h"

#include "words/frame.h"
#include "words/record_pb.h"
#include "words/unpack.h"

#include <string.h>

/* A stranger's message into ours: each reader checks and copies one kind, or names the rule that is broken.
 */

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
    message->welcome.history_bytes = pb->welcome->history_bytes;
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

static bool packed_in(const Parallax__Message *pb, struct arena *arena, struct message *message,
                      const char **ret_why)
{
    *ret_why = "a packed message is too long";
    return bytes_in(pb->packed->zstd, FRAME_MAX_BYTES, arena, &message->packed.zstd) &&
           bytes_in(pb->packed->noise, FRAME_MAX_BYTES, arena, &message->packed.noise);
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
SAME_NUMBER(PACKED);

/* Indexed by the oneof's case. */
static message_in_fn *const readers[] = {
    [MESSAGE_HELLO] = hello_in,
    [MESSAGE_WELCOME] = welcome_in,
    [MESSAGE_PING] = ping_in,
    [MESSAGE_PONG] = pong_in,
    [MESSAGE_LIST] = list_in,
    [MESSAGE_LIST_WANTED] = list_wanted_in,
    [MESSAGE_ROUND] = round_in,
    [MESSAGE_ACK] = ack_in,
    [MESSAGE_CERTIFICATES_WANTED] = wanted_in,
    [MESSAGE_CERTIFICATES] = certificates_in,
    [MESSAGE_GOODBYE] = goodbye_in,
    [MESSAGE_ENROL_REQUEST] = enrol_request_in,
    [MESSAGE_ENROL_ANSWER] = enrol_answer_in,
    [MESSAGE_RENEW_REQUEST] = renew_request_in,
    [MESSAGE_RENEW_ANSWER] = renew_answer_in,
    [MESSAGE_PACKED] = packed_in,
};

bool message_decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message,
                    const char **ret_why)
{
    struct arena scratch;
    const struct bytes payload = {bytes, length};
    if (payload_is_batch(payload))
        return batch_decode(payload, arena, ret_message, ret_why);
    arena_init(&scratch, unpack_ceiling(length));
    const Parallax__Message *pb = unpack(&parallax__message__descriptor, payload, &scratch);
    size_t kind = pb == NULL ? 0 : (size_t)pb->kind_case;
    struct message message = {0};
    bool read = false;
    *ret_why = pb == NULL ? "not a message" : "a message of no known kind";
    if (kind < sizeof readers / sizeof readers[0] && readers[kind] != NULL) {
        message.kind = (enum message_kind)kind;
        read = readers[kind](pb, arena, &message, ret_why);
    }
    arena_done(&scratch);
    if (read)
        *ret_message = message;
    return read;
}

#ifndef PARALLAX_WORDS_MESSAGE_H
#define PARALLAX_WORDS_MESSAGE_H

#include "words/arena.h"
#include "words/buf.h"
#include "words/evidence.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What travels between an agent and its collector, as plain structs. Encoding and decoding (message_pb.c,
 * evidence_pb.c, plan_pb.c) are the only code that knows protobuf. Decoded bytes are a stranger's: every
 * length, enum and count is checked, and a message that breaks a rule is refused whole.
 */

enum {
    LINK_PROTOCOL = 1,
    MESSAGE_MAX_RECORDS = 1024,
    MESSAGE_MAX_HASHES = 1024,
    MESSAGE_MAX_DROPPED_AT = 1024,
    MESSAGE_CERTIFICATE_MAX_BYTES = 1 << 17
};

/* X(symbol, number, name): why a session ends; the text beside it says more */
#define GOODBYE_REASONS(X)                                                                                   \
    X(GOODBYE_OTHER, 0, "other")                                                                             \
    X(GOODBYE_SHUTDOWN, 1, "shutdown") /* the sender is stopping; come back later */                         \
    X(GOODBYE_PROTOCOL, 2, "protocol") /* the peer broke a rule */                                           \
    X(GOODBYE_VERSION, 3, "version")                                                                         \
    X(GOODBYE_REVOKED, 4, "revoked")   /* do not come back */                                                \
    X(GOODBYE_REPLACED, 5, "replaced") /* a newer session of the same vantage took over */                   \
    X(GOODBYE_TOKEN, 6, "token")       /* enrolment refused */                                               \
    X(GOODBYE_OVERLOADED, 7, "overloaded")
enum goodbye_reason { GOODBYE_REASONS(PLAN_ENUM) };
const char *goodbye_reason_name(int reason);

/** Results that a spool could not keep, of one endpoint (0: of endpoints that are not told apart). */
struct dropped_at {
    uint64_t endpoint_id;
    uint32_t count;
};

struct round_report {
    uint64_t sequence;
    uint64_t round_id;
    uint32_t attempts;
    uint32_t refused;
    uint32_t late;
    uint32_t dropped;
    size_t dropped_at_count; /* at most MESSAGE_MAX_DROPPED_AT */
    struct dropped_at
        *dropped_at; /* owned by the record; adds up to dropped, unless the sender knows no better */
};

struct bytes {
    const uint8_t *data;
    size_t length;
};

/** A batch that was packed (link/pack.h). */
struct packed {
    struct bytes zstd;  /* RFC 8878 */
    struct bytes noise; /* what would not get smaller */
};

enum record_kind { RECORD_ATTEMPT = 1, RECORD_ROUND_REPORT = 2 };

/** What a spool holds: one attempt, or the end of a round at this vantage. */
struct record {
    enum record_kind kind;
    struct attempt *attempt; /* owned by the record */
    struct bytes
        encoded; /* the attempt as it came in a message, borrowed from its bytes; length 0: it did not */
    struct round_report report;
};

uint64_t record_sequence(const struct record *record);
void record_done(struct record *record); /* frees what it owns */

/** Encodes one record (Record in link.proto) onto out. @return false without memory or past out's ceiling. */
bool record_encode(const struct record *record, struct buf *out);

/** Decodes one record. @param ret_record  set only on success; record_done it. @param ret_why  which rule was broken (static text). */
bool record_decode(const void *bytes, size_t length, struct record *ret_record, const char **ret_why);

/**
 * Encodes an attempt alone: what is stored beside the columns.
 * attempt_decode is its inverse. @return NULL when the bytes are malformed or break a rule; *ret_why then
 * names the rule (static text).
 */
bool attempt_encode(const struct attempt *attempt, struct buf *out);
struct attempt *attempt_decode(const void *bytes, size_t length, const char **ret_why);

enum message_kind {
    MESSAGE_HELLO = 1,
    MESSAGE_WELCOME,
    MESSAGE_PING,
    MESSAGE_PONG,
    MESSAGE_LIST,
    MESSAGE_LIST_WANTED,
    MESSAGE_ROUND,
    MESSAGE_BATCH,
    MESSAGE_ACK,
    MESSAGE_CERTIFICATES_WANTED,
    MESSAGE_CERTIFICATES,
    MESSAGE_GOODBYE,
    MESSAGE_ENROL_REQUEST,
    MESSAGE_ENROL_ANSWER,
    MESSAGE_RENEW_REQUEST,
    MESSAGE_RENEW_ANSWER,
    MESSAGE_PACKED, /* between channels alone (link/channel.h) */
};
const char *message_kind_name(int kind);

struct message {
    enum message_kind kind;
    union {
        struct {
            uint32_t protocol;
            const char *agent_version;
            const char *tls_library;
            uint64_t next_sequence;
            uint64_t spooled;
            const char *hostname;
        } hello;
        struct {
            uint32_t protocol;
            const char *vantage;
            uint64_t committed;
            const char *collector_version;
            uint32_t history_bytes; /* 0: it takes nothing packed */
        } welcome;
        struct {
            uint64_t sent_us;
            uint64_t spooled;
        } ping;
        struct {
            uint64_t sent_us;
            int64_t received_us;
            int64_t answered_us;
        } pong;
        struct endpoint_list list;
        struct {
            uint8_t sha256[PLAN_SHA256_BYTES];
        } list_wanted;
        struct round_plan round;
        struct {
            size_t count;
            struct record *records;
        } batch;
        struct {
            uint64_t committed;
        } ack;
        struct {
            size_t count;
            uint8_t (*sha256)[32];
        } certificates_wanted;
        struct {
            size_t count;
            struct bytes *der;
        } certificates;
        struct {
            enum goodbye_reason reason;
            const char *text;
        } goodbye;
        struct {
            const char *token;
            struct bytes csr_der;
            const char *agent_version;
            const char *hostname;
        } enrol_request;
        struct {
            struct bytes certificate_pem;
            struct bytes ca_pem;
            const char *vantage;
        } enrol_answer;
        struct {
            struct bytes csr_der;
        } renew_request;
        struct {
            struct bytes certificate_pem;
        } renew_answer;
        struct packed packed;
    };
};

/** Encodes one message (a frame's payload) onto out. Borrowed pointers are only read. @return false without
 * memory. */
bool message_encode(const struct message *message, struct buf *out);

/** Encodes a batch from records that are already encoded (as a spool keeps them), without decoding them. */
bool message_encode_batch(const struct bytes *records, size_t count, struct buf *out);

/**
 * Decodes one payload.
 * @param arena        where texts, lists and byte runs of the message live; records' attempts own their
 * memory.
 * @param ret_message  set only on success; message_done it, then drop the arena.
 * @param ret_why      on failure: which rule was broken (static text, safe to log).
 */
bool message_decode(const void *bytes, size_t length, struct arena *arena, struct message *ret_message,
                    const char **ret_why);

/** Frees the records of a batch. */
void message_done(struct message *message);

/** Sets list->sha256 from its endpoints. @return false without memory. */
bool endpoint_list_seal(struct endpoint_list *list);

#endif

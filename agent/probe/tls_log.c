#include "probe/tls_log.h"

#include "hello/answer.h"
#include "hello/server_hello.h"
#include "hello/write.h"
#include "words/cursor.h"

enum {
    TLS_RECORD_HEADER_BYTES = 5,
    TLS_NAMED_CURVE = 3,
    TLS_EXTENSION_SERVER_NAME = 0,
    TLS_EXTENSION_SUPPORTED_VERSIONS = 43,
    TLS_EXTENSION_KEY_SHARE = 51,
    TLS_VERSION_1_2 = 0x0303,
};

/* RFC 6066, 3: a server acknowledges the name with an empty extension. */
static void check_echo(struct attempt *attempt, uint16_t type, const struct cursor *body)
{
    if (type == TLS_EXTENSION_SERVER_NAME && cursor_left(body) > 0)
        attempt->end.abuse = ABUSE_ECHO;
}

static void read_hello_extension(struct attempt *attempt, uint16_t type, struct cursor body,
                                 uint16_t *version)
{
    struct evidence_tls *tls = &attempt->tls;
    check_echo(attempt, type, &body);
    if (type == TLS_EXTENSION_SUPPORTED_VERSIONS)
        *version = cursor_u16(&body);
    else if (type == TLS_EXTENSION_KEY_SHARE)
        tls->group = cursor_u16(&body);
}

/* RFC 8446, 4.1.3; RFC 5246, 7.4.1.3. */
static void read_server_hello(struct attempt *attempt, struct cursor body)
{
    struct evidence_tls *tls = &attempt->tls;
    uint16_t version = cursor_u16(&body);
    const uint8_t *random = cursor_bytes(&body, HELLO_RANDOM_BYTES);
    (void)cursor_block(&body, cursor_u8(&body)); /* session id */
    uint16_t cipher = cursor_u16(&body);
    (void)cursor_u8(&body); /* compression */
    if (body.failed || random == NULL)
        return;
    bool retry = server_hello_random_is_retry(random);
    if (cursor_left(&body) > 0) {
        struct cursor extensions = cursor_block(&body, cursor_u16(&body));
        while (!extensions.failed && cursor_left(&extensions) > 0) {
            uint16_t type = cursor_u16(&extensions);
            struct cursor extension = cursor_block(&extensions, cursor_u16(&extensions));
            read_hello_extension(attempt, type, extension, &version);
        }
    }
    if (retry && tls->hello_retry) /* RFC 8446, 4.1.4: at most one */
        attempt->end.abuse = ABUSE_RETRY;
    tls->hello_retry |= retry;
    if (retry || version < TLS_VERSION_1_2)
        return;
    tls->version = version;
    tls->cipher = cipher;
}

static void read_encrypted_extensions(struct attempt *attempt, struct cursor body)
{
    struct cursor extensions = cursor_block(&body, cursor_u16(&body));
    while (!extensions.failed && cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor extension = cursor_block(&extensions, cursor_u16(&extensions));
        check_echo(attempt, type, &extension);
    }
}

/* A prime of 6,144 bits begins like the name of a curve; the suite, which is kept of TLS 1.2 alone, tells them apart. */
static bool is_on_curve(const struct evidence_tls *tls, const struct cursor *body)
{
    return tls->cipher != 0 ? hello_suite_on_curve(tls->cipher)
                            : cursor_left(body) > 0 && *body->at == TLS_NAMED_CURVE;
}

/* TLS 1.2: RFC 8422, 5.4 for curves, RFC 5246, 7.4.3 for finite fields. */
static void read_server_key_exchange(struct evidence_tls *tls, struct cursor body)
{
    if (is_on_curve(tls, &body)) {
        (void)cursor_u8(&body);
        uint16_t group = cursor_u16(&body);
        (void)cursor_block(&body, cursor_u8(&body));
        if (!body.failed)
            tls->group = group;
    } else {
        for (int i = 0; i < 3; i++) /* p, g, Ys */
            (void)cursor_block(&body, cursor_u16(&body));
    }
    uint16_t signature = cursor_u16(&body);
    if (!body.failed)
        tls->signature = signature;
}

static void read_received(struct attempt *attempt, uint8_t type, struct cursor body, int64_t at_us)
{
    struct evidence_tls *tls = &attempt->tls;
    if (type == TLS_SERVER_HELLO)
        read_server_hello(attempt, body);
    else if (type == TLS_ENCRYPTED_EXTENSIONS)
        read_encrypted_extensions(attempt, body);
    else if (type == TLS_SERVER_KEY_EXCHANGE)
        read_server_key_exchange(tls, body);
    else if (type == TLS_CERTIFICATE_VERIFY)
        tls->signature = cursor_u16(&body);
    else if (type == TLS_CERTIFICATE_REQUEST)
        tls->certificate_request = true;
    else if (type == TLS_NEW_SESSION_TICKET)
        tls->session_ticket = true;
    /* The server's first flight ends here: in TLS 1.2 with ServerHelloDone, in 1.3 with its Finished. */
    if ((type == TLS_SERVER_HELLO_DONE || type == TLS_FINISHED) && attempt->clock.flight_us == EVIDENCE_NEVER)
        attempt->clock.flight_us = at_us;
}

/* For a hello and its answer, then for more: a peer that keeps silent costs the first of it only. */
static bool make_room(struct attempt *attempt)
{
    enum { FIRST = 4, SECOND = 16 };
    struct evidence_tls *tls = &attempt->tls;
    if (tls->record_count != 0 && tls->record_count != FIRST && tls->record_count != SECOND)
        return true;
    size_t room = tls->record_count == 0 ? FIRST : tls->record_count == FIRST ? SECOND : EVIDENCE_MAX_RECORDS;
    struct tls_record *records = arena_array(&attempt->arena, room, sizeof *records);
    if (records == NULL)
        return false;
    for (size_t i = 0; i < tls->record_count; i++)
        records[i] = tls->records[i];
    tls->records = records;
    return true;
}

struct tls_record *tls_log_record(struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    if (tls->record_count == EVIDENCE_MAX_RECORDS || !make_room(attempt)) {
        tls->records_dropped++;
        return NULL;
    }
    return &tls->records[tls->record_count++];
}

static void log_handshake(struct attempt *attempt, bool received, const uint8_t *bytes, size_t length,
                          int64_t at_us, struct tls_record *record)
{
    struct cursor cursor;
    cursor_init(&cursor, bytes, length);
    uint8_t type = cursor_u8(&cursor);
    (void)cursor_u24(&cursor);
    if (cursor.failed)
        return;
    if (record != NULL)
        record->type = type;
    if (received)
        read_received(attempt, type, cursor, at_us);
    else if (type == TLS_CLIENT_HELLO && attempt->tls.hello_length == 0)
        attempt->tls.hello_length = (uint32_t)length + TLS_RECORD_HEADER_BYTES;
}

void tls_log_message(struct attempt *attempt, bool received, int content, const uint8_t *bytes, size_t length,
                     int64_t at_us)
{
    if (content != TLS_CONTENT_CCS && content != TLS_CONTENT_ALERT && content != TLS_CONTENT_HANDSHAKE)
        return;
    struct tls_record *record = tls_log_record(attempt);
    if (record != NULL)
        *record = (struct tls_record){.received = received,
                                      .content = (uint8_t)content,
                                      .length = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
                                      .at_us = at_us};
    if (content == TLS_CONTENT_HANDSHAKE)
        log_handshake(attempt, received, bytes, length, at_us, record);
    if (content == TLS_CONTENT_ALERT && length >= 2 && record != NULL) {
        record->level = bytes[0];
        record->type = bytes[1];
    }
}

#include "hello/answer.h"
#include "words/cursor.h"

#include <string.h>

/*
 * Two layers, each with its bounds. Records (RFC 8446, 5.1) are taken one by one; the payloads of handshake records are put one
 * after the other into `joined`, where messages (RFC 8446, 4; RFC 5246, 7.4) are read as soon as they are whole:
 *
 *      bytes   | record | record | alert |  ...
 *      joined  | ServerHello | Certificate | Cert...      `taken`: up to here messages were read
 *
 * Reading ends where nothing more can be said: at a fatal alert, at what is malformed, after ServerHelloDone, and at the first
 * encrypted record.
 */

enum {
    RECORD_HEADER_BYTES = 5,
    RECORD_MAX_BYTES = 16384, /* of plain text */
    RECORD_MAX_ENCRYPTED_BYTES = RECORD_MAX_BYTES + 2048,
    MESSAGE_HEADER_BYTES = 4,
    VERSION_TLS_1_2 = 0x0303,
    VERSION_TLS_1_3 = 0x0304,
    VERSION_TLCP = 0x0101
};

enum content { CONTENT_CCS = 20, CONTENT_ALERT = 21, CONTENT_HANDSHAKE = 22, CONTENT_DATA = 23 };
enum alert { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0 };

struct reader {
    struct hello_answer *answer;
    uint8_t *joined;
    size_t joined_bytes;
    size_t taken;
    size_t step;    /* of the flight, in `messages`; what comes next has a later one */
    bool stop;      /* nothing more can be said */
    bool encrypted; /* a ServerHello of TLS 1.3 came */
};

static void malformed(struct reader *reader)
{
    reader->answer->kind = HELLO_MALFORMED;
    reader->stop = true;
}

static struct hello_span take_vector(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor_bytes(cursor, length);
    return (struct hello_span){.bytes = bytes, .length = bytes == NULL ? 0 : length};
}

/* --- messages: each says whether it is well formed --------------------------------------------------------------- */

static bool read_server_hello(struct reader *reader, struct cursor *body)
{
    struct hello_answer *answer = reader->answer;
    answer->has_hello = server_hello_read(body->at, cursor_left(body), &answer->hello);
    if (!answer->has_hello)
        return false;
    reader->encrypted = answer->hello.retry || answer->hello.version >= VERSION_TLS_1_3;
    if (reader->encrypted)
        answer->kind = answer->hello.retry ? HELLO_RETRY : HELLO_SERVER_HELLO;
    (void)cursor_block(body, cursor_left(body));
    return true;
}

static bool read_certificates(struct reader *reader, struct cursor *body)
{
    struct hello_answer *answer = reader->answer;
    struct cursor list = cursor_block(body, cursor_u24(body));
    if (cursor_left(&list) == 0)
        return false;
    while (!list.failed && cursor_left(&list) > 0) {
        struct hello_span certificate = take_vector(&list, cursor_u24(&list));
        if (certificate.length == 0)
            return false;
        if (answer->certificate_count < HELLO_MAX_CERTIFICATES)
            answer->certificates[answer->certificate_count++] = certificate;
        else
            answer->certificates_dropped++;
    }
    return !list.failed;
}

/* RFC 6066, 8 */
static bool read_status(struct reader *reader, struct cursor *body)
{
    enum { STATUS_OCSP = 1 };
    if (cursor_u8(body) != STATUS_OCSP)
        return false;
    reader->answer->staple = take_vector(body, cursor_u24(body));
    reader->answer->has_staple = !body->failed;
    return reader->answer->staple.length > 0;
}

bool hello_suite_on_curve(uint16_t cipher)
{
    static const struct {
        uint16_t first, last;
    } suites[] = {{0xc001, 0xc019}, {0xc023, 0xc032}, {0xc048, 0xc04f}, {0xc05c, 0xc063},
                  {0xc072, 0xc079}, {0xc086, 0xc08d}, {0xc0ac, 0xc0af}, {0xcca8, 0xcca9}};
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (cipher >= suites[i].first && cipher <= suites[i].last)
            return true;
    return false;
}

static void read_curve(struct hello_answer *answer, struct cursor *body)
{
    enum { NAMED_CURVE = 3 };
    body->failed |= cursor_u8(body) != NAMED_CURVE;
    answer->key_exchange_group = cursor_u16(body);
    (void)cursor_block(body, cursor_u8(body));
}

static void read_prime(struct cursor *body)
{
    for (int i = 0; i < 3; i++) /* p, g, Ys */
        (void)cursor_block(body, cursor_u16(body));
}

static bool read_key_exchange(struct reader *reader, struct cursor *body)
{
    struct hello_answer *answer = reader->answer;
    const uint8_t *start = body->at;
    answer->key_exchange = (struct hello_span){.bytes = start, .length = cursor_left(body)};
    if (hello_suite_on_curve(answer->hello.cipher))
        read_curve(answer, body);
    else
        read_prime(body);
    if (body->failed)
        return false;
    answer->parameters = (struct hello_span){.bytes = start, .length = (size_t)(body->at - start)};
    if (cursor_left(body) == 0) /* an anonymous suite */
        return true;
    if (answer->hello.version >= VERSION_TLS_1_2)
        answer->signature = cursor_u16(body);
    answer->signed_bytes = take_vector(body, cursor_u16(body));
    return true;
}

static bool read_request(struct reader *reader, struct cursor *body)
{
    reader->answer->certificate_request = true;
    (void)cursor_block(body, cursor_left(body));
    return true;
}

static bool read_done(struct reader *reader, struct cursor *body)
{
    if (cursor_left(body) > 0)
        return false;
    reader->answer->done = reader->stop = true;
    reader->answer->kind = HELLO_FLIGHT;
    return true;
}

/* In the order in which they have to come (RFC 5246, 7.3); each at most once, and all but the first and the last may be missing. */
static const struct message {
    uint8_t type;
    bool (*read)(struct reader *reader, struct cursor *body);
} messages[] = {
    {2, read_server_hello},  {11, read_certificates}, {22, read_status},
    {12, read_key_exchange}, {13, read_request},      {14, read_done},
};
/* Says nothing, and may come at any time (RFC 5246, 7.4.1.1). */
enum { HELLO_REQUEST = 0, MESSAGES = sizeof messages / sizeof messages[0] };

static bool read_message(struct reader *reader, uint8_t type, struct cursor body)
{
    if (type == HELLO_REQUEST && cursor_left(&body) == 0)
        return true;
    size_t step = reader->step;
    while (step < MESSAGES && messages[step].type != type)
        step++;
    if (step == MESSAGES || (step > 0 && !reader->answer->has_hello))
        return false;
    reader->step = step + 1;
    return messages[step].read(reader, &body) && !body.failed && cursor_left(&body) == 0;
}

static void read_messages(struct reader *reader)
{
    while (!reader->stop && reader->joined_bytes - reader->taken >= MESSAGE_HEADER_BYTES) {
        struct cursor all;
        cursor_init(&all, reader->joined + reader->taken, reader->joined_bytes - reader->taken);
        uint8_t type = cursor_u8(&all);
        size_t length = cursor_u24(&all);
        if (reader->encrypted || length > HELLO_MAX_ANSWER_BYTES) {
            malformed(reader);
            return;
        }
        if (length > cursor_left(&all))
            return;
        if (!read_message(reader, type, cursor_block(&all, length))) {
            malformed(reader);
            return;
        }
        reader->taken += MESSAGE_HEADER_BYTES + length;
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void read_handshake(struct reader *reader, const uint8_t *bytes, size_t length)
{
    memcpy(reader->joined + reader->joined_bytes, bytes, length);
    reader->joined_bytes += length;
    read_messages(reader);
    /* Keys change after a ServerHello: nothing may follow it in its record (RFC 8446, 5.1), and nothing plain in another. */
    if (reader->encrypted && reader->joined_bytes > reader->taken)
        malformed(reader);
}

/* A warning lets the handshake go on (RFC 5246, 7.2.2). TLS 1.3 has none, whatever the level says (RFC 8446, 6). */
static void read_alert(struct reader *reader, struct cursor body)
{
    struct hello_answer *answer = reader->answer;
    uint8_t level = cursor_u8(&body), description = cursor_u8(&body);
    if (body.failed || cursor_left(&body) > 0 || (level != ALERT_WARNING && level != ALERT_FATAL)) {
        malformed(reader);
        return;
    }
    answer->alert_level = level;
    answer->alert = description;
    if (level == ALERT_WARNING && description != ALERT_CLOSE_NOTIFY && !reader->encrypted)
        return;
    answer->kind = HELLO_ALERT;
    reader->stop = true;
}

/* A whole record, but for one of a handshake, which is read as it comes. */
static void read_body(struct reader *reader, enum content content, struct cursor body, bool whole)
{
    if (content == CONTENT_HANDSHAKE) {
        if (cursor_left(&body) > 0)
            read_handshake(reader, body.at, cursor_left(&body));
    } else if (content == CONTENT_ALERT) {
        if (whole)
            read_alert(reader, body);
    } else if (!reader->encrypted) {
        malformed(reader); /* a ChangeCipherSpec or data before there are keys */
    } else if (content == CONTENT_DATA) {
        reader->stop = true;
    }
}

/* The first record says whether it is TLS at all, as soon as its first byte is there. @return false when it is not. */
static bool check_first(struct reader *reader, const uint8_t *bytes, size_t length)
{
    bool content = bytes[0] >= CONTENT_CCS && bytes[0] <= CONTENT_DATA;
    bool tls = length < 2 || bytes[1] == VERSION_TLS_1_2 >> 8;
    bool tlcp =
        length >= 2 && bytes[1] == VERSION_TLCP >> 8 && (length < 3 || bytes[2] == (VERSION_TLCP & 0xff));
    if (length >= 3)
        reader->answer->record_version = (uint16_t)(bytes[1] << 8 | bytes[2]);
    if (content && (tls || tlcp))
        return true;
    reader->answer->kind = HELLO_NOT_TLS;
    reader->answer->record_version = 0;
    return false;
}

/* @return false when the header of a later record (or of the first, which is known to be TLS) cannot be one. */
static bool check_header(const struct reader *reader, const uint8_t header[RECORD_HEADER_BYTES])
{
    size_t length = (size_t)(header[3] << 8 | header[4]);
    size_t max = header[0] == CONTENT_DATA ? RECORD_MAX_ENCRYPTED_BYTES : RECORD_MAX_BYTES;
    return header[0] >= CONTENT_CCS && header[0] <= CONTENT_DATA &&
           header[1] == reader->answer->record_version >> 8 && length <= max;
}

static void read_record(struct reader *reader, struct cursor *all)
{
    const uint8_t *header = cursor_bytes(all, RECORD_HEADER_BYTES);
    if (header == NULL) {
        reader->stop = true;
        return;
    }
    if (!check_header(reader, header)) {
        malformed(reader);
        return;
    }
    size_t length = (size_t)(header[3] << 8 | header[4]), left = cursor_left(all);
    bool whole = length <= left;
    struct cursor body = cursor_block(all, whole ? length : left);
    read_body(reader, (enum content)header[0], body, whole);
}

void hello_answer_read(const uint8_t *bytes, size_t length, uint8_t *joined, struct hello_answer *ret_answer)
{
    struct reader reader = {.answer = ret_answer, .joined = joined};
    struct cursor all;
    *ret_answer = (struct hello_answer){.kind = length == 0 ? HELLO_NOTHING : HELLO_PARTIAL};
    if (length == 0 || !check_first(&reader, bytes, length))
        return;
    cursor_init(&all, bytes, length < HELLO_MAX_ANSWER_BYTES ? length : HELLO_MAX_ANSWER_BYTES);
    while (!reader.stop && cursor_left(&all) > 0) {
        ret_answer->at = (size_t)(all.at - bytes);
        read_record(&reader, &all);
    }
    if (ret_answer->kind == HELLO_PARTIAL && length >= HELLO_MAX_ANSWER_BYTES)
        malformed(&reader);
    if (ret_answer->record_version == VERSION_TLCP)
        ret_answer->kind = HELLO_TLCP;
    if (ret_answer->kind != HELLO_MALFORMED)
        ret_answer->at = 0;
}

const char *hello_answer_name(enum hello_answer_kind kind)
{
#define X(symbol, name) name,
    static const char *const names[] = {HELLO_ANSWERS(X)};
#undef X
    return names[kind];
}

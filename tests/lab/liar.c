/*
 * An agent that lies: it connects to a collector, does one thing that no agent does, and prints how that ended:
 *
 *   lab-liar PORT LIE [STATE]        STATE: the folder of an enrolled agent, for lies that need an identity
 *   lab-liar PORT crowd COUNT        holds COUNT connections from a few addresses until its stdin ends
 *
 * The last line is "goodbye REASON: TEXT", "closed", "reset", "no TLS" or "still open".
 */
#include "link/clock.h"
#include "link/pki.h"
#include "words/frame.h"
#include "words/message.h"
#include "words/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define HOUR_US (INT64_C(3600) * 1000000)

enum { PATIENCE_S = 90, CROWD_ADDRESSES = 16, CROWD_MAX = 4096, DRIP_US = 1000000 };

struct liar {
    uint16_t port;
    const char *state; /* NULL: no identity */
    int fd;
    SSL *ssl;
    struct frame_reader reader;
    uint64_t committed;
    struct round_plan round;
    uint64_t endpoint_id;
    uint64_t acknowledged, wanted_ack;
    uint64_t base; /* of its sequences, which ascend from one run to the next */
    char end[512]; /* what the collector said; "" before */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "lab-liar: %s\n", what);
    exit(3);
}

/* --- the connection --- */

/* @param last  of the source address 127.0.1.x; 0: any. */
static int dial(uint16_t port, unsigned last)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + last);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd < 0 || (last > 0 && bind(fd, (struct sockaddr *)&from, sizeof from) != 0) ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("cannot connect");
    return fd;
}

static X509 *certificate_of(const char *state, EVP_PKEY **ret_key)
{
    char path[4096], *why = NULL;
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/identity.pem", state);
    bool one = stat(path, &status) == 0;
    if (!one)
        (void)snprintf(path, sizeof path, "%s/key.pem", state);
    *ret_key = pki_key_read(path, &why);
    if (!one)
        (void)snprintf(path, sizeof path, "%s/certificate.pem", state);
    X509 *certificate = *ret_key == NULL ? NULL : pki_certificate_read(path, &why);
    if (certificate == NULL)
        die(why == NULL ? "no identity" : why);
    return certificate;
}

static SSL_CTX *context_new(const char *state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        die("out of memory");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* it is the collector that is tested */
    if (state != NULL) {
        EVP_PKEY *key = NULL;
        X509 *certificate = certificate_of(state, &key);
        if (SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
            die("the identity does not fit");
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    return context;
}

static bool secure(struct liar *liar, SSL_CTX *context)
{
    liar->ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (liar->ssl == NULL || SSL_set_fd(liar->ssl, liar->fd) != 1)
        die("out of memory");
    if (SSL_connect(liar->ssl) == 1)
        return true;
    (void)snprintf(liar->end, sizeof liar->end, "no TLS");
    return false;
}

static bool put(struct liar *liar, const void *bytes, size_t length)
{
    return SSL_write(liar->ssl, bytes, (int)length) == (int)length;
}

static bool put_message(struct liar *liar, const struct message *message)
{
    struct buf payload, frame;
    buf_init(&payload, FRAME_MAX_BYTES);
    buf_init(&frame, 0);
    if (!message_encode(message, &payload) || !frame_write(&frame, payload.data, payload.len))
        die("cannot encode");
    bool sent = put(liar, frame.data, frame.len);
    buf_done(&payload);
    buf_done(&frame);
    return sent;
}

/* --- what the collector says --- */

static void heard(struct liar *liar, const struct message *message)
{
    struct message wanted = {.kind = MESSAGE_LIST_WANTED};
    if (message->kind == MESSAGE_WELCOME)
        liar->committed = message->welcome.committed;
    if (message->kind == MESSAGE_ACK)
        liar->acknowledged = message->ack.committed;
    if (message->kind == MESSAGE_GOODBYE)
        (void)snprintf(liar->end, sizeof liar->end, "goodbye %s: %s",
                       goodbye_reason_name((int)message->goodbye.reason), message->goodbye.text);
    if (message->kind == MESSAGE_ROUND) {
        liar->round = message->round;
        memcpy(wanted.list_wanted.sha256, message->round.list_sha256, PLAN_SHA256_BYTES);
        if (liar->endpoint_id == 0)
            (void)put_message(liar, &wanted);
    }
    if (message->kind == MESSAGE_LIST && message->list.count > 0)
        liar->endpoint_id = message->list.endpoints[0].id;
}

/* Reads one message. @return its kind; 0 at the end, which is noted. */
static enum message_kind hear(struct liar *liar)
{
    const uint8_t *payload = NULL;
    size_t length = 0;
    char bytes[16384];
    enum frame_result result;
    while ((result = frame_next(&liar->reader, &payload, &length)) == FRAME_MORE) {
        errno = 0;
        int got = SSL_read(liar->ssl, bytes, sizeof bytes);
        if (got > 0 && frame_feed(&liar->reader, bytes, (size_t)got))
            continue;
        bool late = errno == EAGAIN || errno == EWOULDBLOCK;
        if (liar->end[0] == '\0')
            (void)snprintf(liar->end, sizeof liar->end, "%s",
                           late                  ? "still open"
                           : errno == ECONNRESET ? "reset"
                                                 : "closed");
        return 0;
    }
    struct arena arena;
    struct message message;
    const char *why = "";
    arena_init(&arena, FRAME_MAX_BYTES * 4);
    if (result != FRAME_READY || !message_decode(payload, length, &arena, &message, &why))
        die("the collector sends nonsense");
    enum message_kind kind = message.kind;
    heard(liar, &message);
    message_done(&message);
    arena_done(&arena);
    return kind;
}

static void hear_out(struct liar *liar)
{
    while (hear(liar) != 0)
        continue;
}

static void hear_until(struct liar *liar, enum message_kind wanted)
{
    enum message_kind kind;
    do
        kind = hear(liar);
    while (kind != 0 && kind != wanted);
}

/* --- how one begins --- */

static bool meet(struct liar *liar)
{
    liar->fd = dial(liar->port, 0);
    return secure(liar, context_new(liar->state));
}

static uint64_t epoch(void)
{
    return (uint64_t)(clock_wall_us() / 1000000 - 1735689600);
}

static bool say_hello(struct liar *liar)
{
    const struct message hello = {.kind = MESSAGE_HELLO,
                                  .hello = {.protocol = LINK_PROTOCOL,
                                            .agent_version = "0.0.0-liar",
                                            .tls_library = "\x1b[31mred\x1b[0m",
                                            .next_sequence = epoch() << 32 | 1,
                                            .hostname = "liar"}};
    return put_message(liar, &hello);
}

/* Like an honest agent: Hello, Welcome. */
static bool greet(struct liar *liar)
{
    if (!meet(liar) || !say_hello(liar))
        return false;
    hear_until(liar, MESSAGE_WELCOME);
    return liar->end[0] == '\0';
}

/* And a round with its endpoints. */
static bool learn(struct liar *liar)
{
    if (!greet(liar))
        return false;
    while (liar->endpoint_id == 0 && hear(liar) != 0)
        continue;
    return liar->end[0] == '\0';
}

/* An attempt that could be true. */
static struct record truth(const struct liar *liar, uint64_t sequence)
{
    struct attempt *attempt = attempt_new();
    if (attempt == NULL)
        die("out of memory");
    attempt->sequence = liar->base + sequence;
    attempt->round_id = liar->round.round_id;
    attempt->endpoint_id = liar->endpoint_id;
    attempt->clock.start_us = liar->round.start_us;
    attempt->agent_version = "0.0.0-liar";
    return (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
}

static void send_records(struct liar *liar, struct record *records, size_t count)
{
    struct message batch = {.kind = MESSAGE_BATCH, .batch = {.count = count, .records = records}};
    (void)put_message(liar, &batch);
    for (size_t i = 0; i < count; i++)
        record_done(&records[i]);
}

static void send_record(struct liar *liar, struct record record)
{
    send_records(liar, &record, 1);
    hear_out(liar);
}

/* --- lies before TLS --- */

static void lie_plain(struct liar *liar, const char *bytes, size_t length)
{
    char answer[512];
    liar->fd = dial(liar->port, 0);
    ssize_t got = write(liar->fd, bytes, length);
    while (got > 0)
        got = read(liar->fd, answer, sizeof answer);
    (void)snprintf(liar->end, sizeof liar->end, "%s", got == 0 ? "closed" : "reset");
}

static void lie_garbage(struct liar *liar)
{
    char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37 + 11);
    lie_plain(liar, bytes, sizeof bytes);
}

static void lie_http(struct liar *liar)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: collector\r\n\r\n";
    lie_plain(liar, request, sizeof request - 1);
}

static void lie_silent(struct liar *liar)
{
    lie_plain(liar, "\x16", 1);
}

static void lie_tls12(struct liar *liar)
{
    SSL_CTX *context = context_new(NULL);
    liar->fd = dial(liar->port, 0);
    (void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    (void)secure(liar, context);
}

/* A certificate of a CA of its own, that names a vantage there is. */
static void lie_forged(struct liar *liar)
{
    char *why = NULL, name[64];
    EVP_PKEY *real_key = NULL, *ca_key = pki_key_new(&why), *key = pki_key_new(&why);
    X509 *real = certificate_of(liar->state, &real_key);
    X509 *ca = pki_ca_new(ca_key, "Parallax collector", 30, &why);
    if (!pki_vantage_name(real, name, sizeof name) || ca == NULL)
        die("cannot forge");
    X509 *forged = pki_sign(ca, ca_key, key, PKI_VANTAGE, name, 86400, &why);
    SSL_CTX *context = context_new(NULL);
    if (forged == NULL || SSL_CTX_use_certificate(context, forged) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1)
        die("cannot forge");
    liar->fd = dial(liar->port, 0);
    if (secure(liar, context) && say_hello(liar))
        hear_out(liar);
    EVP_PKEY_free(real_key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    X509_free(real);
    X509_free(ca);
    X509_free(forged);
}

/* --- lies in frames --- */

static void lie_bytes(struct liar *liar, const void *bytes, size_t length)
{
    if (meet(liar) && put(liar, bytes, length))
        hear_out(liar);
}

static void lie_mute(struct liar *liar)
{
    lie_bytes(liar, "", 0);
}

static void lie_huge(struct liar *liar)
{
    lie_bytes(liar, "\xff\xff\xff\xff", 4);
}

static void lie_large(struct liar *liar)
{
    lie_bytes(liar, "\x00\x02\x00\x00", 4);
}

static void lie_nonsense(struct liar *liar)
{
    lie_bytes(liar, "\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff", 12);
}

static void lie_unknown(struct liar *liar)
{
    lie_bytes(liar, "\x00\x00\x00\x03\x9a\x06\x00", 7);
}

static void lie_drip(struct liar *liar)
{
    static const char hello[] = "\x00\x00\x00\x40\x0a\x3e";
    if (!meet(liar))
        return;
    for (size_t i = 0; i < 64 && put(liar, &hello[i % 6], 1); i++)
        (void)usleep(DRIP_US);
    hear_out(liar);
}

static void lie_key_updates(struct liar *liar)
{
    if (!meet(liar) || !put(liar, "\x00\x00\xea\x00", 4))
        return;
    for (int i = 0; i < 200; i++)
        if (SSL_key_update(liar->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || !put(liar, "x", 1))
            break;
    hear_out(liar);
}

static void lie_half(struct liar *liar)
{
    liar->endpoint_id = 1; /* asks for no list, which would be the other half */
    if (greet(liar) && put(liar, "\x00\x00\x04\x00 half of it", 15))
        hear_out(liar);
}

/* --- lies in messages --- */

static void lie_early(struct liar *liar)
{
    struct message batch = {.kind = MESSAGE_BATCH};
    if (meet(liar) && put_message(liar, &batch))
        hear_out(liar);
}

static void lie_hello(struct liar *liar)
{
    if (meet(liar) && say_hello(liar))
        hear_out(liar);
}

static void lie_second_hello(struct liar *liar)
{
    if (greet(liar) && say_hello(liar))
        hear_out(liar);
}

static void lie_welcome(struct liar *liar)
{
    const struct message welcome = {.kind = MESSAGE_WELCOME,
                                    .welcome = {.protocol = 1, .vantage = "x", .collector_version = "x"}};
    if (greet(liar) && put_message(liar, &welcome))
        hear_out(liar);
}

static void lie_token(struct liar *liar)
{
    char token[128] = "plx1.", *why = NULL;
    int length = 0;
    EVP_PKEY *key = pki_key_new(&why);
    unsigned char *csr = pki_csr_der(key, &length, &why);
    memset(token + 5, 'a', 64);
    token[69] = '.';
    memset(token + 70, 'A', 43);
    const struct message request = {.kind = MESSAGE_ENROL_REQUEST,
                                    .enrol_request = {.token = token,
                                                      .csr_der = {csr, (size_t)length},
                                                      .agent_version = "0.0.0-liar",
                                                      .hostname = "liar"}};
    if (meet(liar) && put_message(liar, &request))
        hear_out(liar);
    OPENSSL_free(csr);
    EVP_PKEY_free(key);
}

static void lie_certificates(struct liar *liar)
{
    enum { EACH = 1000, TIMES = 1000 };
    static struct bytes der[EACH];
    struct message message = {.kind = MESSAGE_CERTIFICATES, .certificates = {.count = EACH, .der = der}};
    for (size_t i = 0; i < EACH; i++)
        der[i] = (struct bytes){(const uint8_t *)"certificate", 11};
    if (!greet(liar))
        return;
    for (int i = 0; i < TIMES && put_message(liar, &message); i++)
        continue;
    hear_out(liar);
}

static void lie_lists(struct liar *liar)
{
    const struct message wanted = {.kind = MESSAGE_LIST_WANTED};
    if (!greet(liar))
        return;
    for (int i = 0; i < 100000 && put_message(liar, &wanted); i++)
        continue;
    hear_out(liar);
}

static void lie_pings(struct liar *liar)
{
    const struct message ping = {.kind = MESSAGE_PING};
    if (!greet(liar))
        return;
    for (int i = 0; i < 1000000 && put_message(liar, &ping); i++)
        continue;
    hear_out(liar);
}

/* Its receive buffer stays full; the collector must not wait for it. */
static void lie_deaf(struct liar *liar)
{
    struct message ping = {.kind = MESSAGE_PING};
    if (!greet(liar))
        return;
    while (put_message(liar, &ping))
        (void)usleep(1000);
    (void)snprintf(liar->end, sizeof liar->end, "closed");
}

/* --- lies in records --- */

static void lie_descending(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record records[] = {truth(liar, 5), truth(liar, 4)};
    send_records(liar, records, 2);
    hear_out(liar);
}

/* Over two batches: what ascends in each does not over both. */
static void lie_repeated(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record first = truth(liar, 5), again = truth(liar, 5);
    send_records(liar, &first, 1);
    send_record(liar, again);
}

static void lie_epoch(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 6);
    record.attempt->sequence = ((liar->committed >> 32) + epoch() + 1000) << 32;
    send_record(liar, record);
}

static void lie_round(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 7);
    record.attempt->round_id += 1000000;
    send_record(liar, record);
}

static void lie_no_round(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 8);
    record.attempt->round_id = 0;
    send_record(liar, record);
}

static void lie_endpoint(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 9);
    record.attempt->endpoint_id += 1000000;
    send_record(liar, record);
}

static void lie_future(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 10);
    record.attempt->clock.start_us += 2 * HOUR_US;
    send_record(liar, record);
}

static void lie_past(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 11);
    record.attempt->clock.start_us -= 2 * HOUR_US;
    send_record(liar, record);
}

static void lie_clock(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record record = truth(liar, 12);
    record.attempt->clock.start_error_us = (uint64_t)HOUR_US;
    send_record(liar, record);
}

/* What is true of a batch is kept. */
static void lie_mixed(struct liar *liar)
{
    if (!learn(liar))
        return;
    struct record records[] = {truth(liar, 20), truth(liar, 21), truth(liar, 22)};
    records[1].attempt->endpoint_id += 1000000;
    send_records(liar, records, 3);
    hear_out(liar);
}

/* --- lies in packed batches --- */

/* What is under zstd. */
static void put_packed(struct liar *liar, const struct buf *stream)
{
    struct message message = {.kind = MESSAGE_PACKED};
    size_t bound = ZSTD_compressBound(stream->len);
    uint8_t *room = malloc(bound);
    size_t length = room == NULL ? 0 : ZSTD_compress(room, bound, stream->data, stream->len, 1);
    if (room == NULL || ZSTD_isError(length) != 0)
        die("cannot pack");
    message.packed.zstd = (struct bytes){room, length};
    (void)put_message(liar, &message);
    free(room);
    hear_out(liar);
}

static void lie_packed(struct liar *liar)
{
    const struct message message = {.kind = MESSAGE_PACKED,
                                    .packed = {.zstd = {(const uint8_t *)"not packed at all", 17}}};
    if (greet(liar) && put_message(liar, &message))
        hear_out(liar);
}

/* 64 MB of nothing, in a few kilobytes. */
static void lie_packed_bomb(struct liar *liar)
{
    enum { MEGABYTES = 64 };
    struct buf stream;
    buf_init(&stream, 0);
    uint8_t *room = buf_room(&stream, MEGABYTES << 20);
    if (room == NULL)
        die("out of memory");
    memset(room, 0, MEGABYTES << 20);
    buf_grew(&stream, MEGABYTES << 20);
    if (greet(liar))
        put_packed(liar, &stream);
    buf_done(&stream);
}

/* One long record, and "the same again" as often as a batch has records: 64 MB of them. */
static void lie_packed_again(struct liar *liar)
{
    enum { TIMES = 1000, LONG = 65536, WHOLE = 0 };
    struct buf stream;
    buf_init(&stream, 0);
    bool made = varint_put(&stream, 1) && varint_put(&stream, 0) && varint_put(&stream, TIMES);
    for (size_t i = 0; made && i < TIMES; i++)
        made = varint_put(&stream, WHOLE);
    for (size_t i = 0; made && i < TIMES; i++)
        made = varint_put(&stream, i > 0 ? 1 << 1 : 0); /* the one before */
    made = made && varint_put(&stream, 0) && varint_put(&stream, 1);
    for (size_t i = 0; made && i < TIMES; i++)
        made = varint_put(&stream, i == 0 ? 2 * LONG : 0); /* how much longer than the one before */
    made = made && varint_put(&stream, 0);
    for (size_t i = 0; made && i < LONG; i++)
        made = buf_byte(&stream, (uint8_t)i);
    if (!made)
        die("out of memory");
    if (greet(liar))
        put_packed(liar, &stream);
    buf_done(&stream);
}

/* Shapes, which are kept, without end. */
static void lie_packed_shapes(struct liar *liar)
{
    enum { SHAPES = 100000 };
    struct buf stream;
    buf_init(&stream, 0);
    bool made = varint_put(&stream, 1) && varint_put(&stream, SHAPES);
    for (unsigned i = 0; made && i < SHAPES; i++)
        made = varint_put(&stream, 1) && varint_put(&stream, 1 << 3 | SHAPE_NUMBER);
    if (!made)
        die("out of memory");
    if (greet(liar))
        put_packed(liar, &stream);
    buf_done(&stream);
}

/* A record like one that is not kept. */
static void lie_packed_lost(struct liar *liar)
{
    static const uint8_t numbers[] = {1, 0, 1, 0, 7 << 1, 0, 0, 0};
    struct buf stream;
    buf_init(&stream, 0);
    if (!buf_append(&stream, numbers, sizeof numbers))
        die("out of memory");
    if (greet(liar))
        put_packed(liar, &stream);
    buf_done(&stream);
}

/* True records, as large and as fast as they can be, once there is STATE/go; ends when all are acknowledged. */
static void lie_pour(struct liar *liar)
{
    enum { BATCHES = 34, EACH = 48, HEADERS = 32, VALUE = 1000 };
    static struct http_header headers[HEADERS];
    static char value[VALUE + 1];
    char go[4096];
    memset(value, 'x', VALUE);
    for (size_t i = 0; i < HEADERS; i++)
        headers[i] = (struct http_header){"x-large", value};
    if (!learn(liar))
        return;
    (void)snprintf(go, sizeof go, "%s/go", liar->state);
    while (access(go, F_OK) != 0)
        (void)usleep(10000);
    for (uint64_t batch = 0; batch < BATCHES; batch++) {
        struct record records[EACH];
        for (uint64_t i = 0; i < EACH; i++) {
            records[i] = truth(liar, batch * EACH + i);
            records[i].attempt->clock.request_us = 1000;
            records[i].attempt->http.status = 200;
            records[i].attempt->http.headers = headers;
            records[i].attempt->http.header_count = HEADERS;
        }
        send_records(liar, records, EACH);
    }
    liar->wanted_ack = liar->base + BATCHES * EACH - 1;
    while (liar->acknowledged < liar->wanted_ack && hear(liar) != 0)
        continue;
    if (liar->acknowledged == liar->wanted_ack)
        (void)snprintf(liar->end, sizeof liar->end, "acknowledged %d", BATCHES * EACH);
}

/* --- */

static const struct {
    const char *name;
    void (*tell)(struct liar *liar);
} lies[] = {
    {"garbage", lie_garbage},
    {"http", lie_http},
    {"silent", lie_silent},
    {"tls12", lie_tls12},
    {"forged", lie_forged},
    {"mute", lie_mute},
    {"huge", lie_huge},
    {"large", lie_large},
    {"nonsense", lie_nonsense},
    {"unknown", lie_unknown},
    {"drip", lie_drip},
    {"key-updates", lie_key_updates},
    {"half", lie_half},
    {"early", lie_early},
    {"hello", lie_hello},
    {"second-hello", lie_second_hello},
    {"welcome", lie_welcome},
    {"token", lie_token},
    {"certificates", lie_certificates},
    {"lists", lie_lists},
    {"pings", lie_pings},
    {"deaf", lie_deaf},
    {"descending", lie_descending},
    {"repeated", lie_repeated},
    {"epoch", lie_epoch},
    {"round", lie_round},
    {"no-round", lie_no_round},
    {"endpoint", lie_endpoint},
    {"future", lie_future},
    {"past", lie_past},
    {"clock", lie_clock},
    {"mixed", lie_mixed},
    {"packed", lie_packed},
    {"packed-bomb", lie_packed_bomb},
    {"packed-again", lie_packed_again},
    {"packed-shapes", lie_packed_shapes},
    {"packed-lost", lie_packed_lost},
    {"pour", lie_pour},
};

static void crowd(uint16_t port, unsigned count)
{
    static SSL *all[CROWD_MAX];
    SSL_CTX *context = context_new(NULL);
    unsigned in = 0;
    for (unsigned i = 0; i < count && i < CROWD_MAX; i++) {
        int fd = dial(port, count <= 128 ? 1 : 1 + i % CROWD_ADDRESSES);
        all[i] = SSL_new(context);
        if (all[i] == NULL || SSL_set_fd(all[i], fd) != 1)
            die("out of memory");
        in += SSL_connect(all[i]) == 1;
        ERR_clear_error();
    }
    (void)printf("%u\n", in);
    (void)fflush(stdout);
    while (getchar() != EOF)
        continue;
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: lab-liar PORT LIE [STATE]");
    struct liar liar = {.port = (uint16_t)strtoul(argv[1], NULL, 10), .state = argc > 3 ? argv[3] : NULL};
    liar.base = epoch() << 32 | (uint64_t)(clock_wall_us() % 1000000) << 6;
    (void)signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[2], "crowd") == 0 && argc > 3)
        crowd(liar.port, (unsigned)strtoul(argv[3], NULL, 10));
    frame_reader_init(&liar.reader, FRAME_MAX_BYTES);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        if (strcmp(lies[i].name, argv[2]) != 0)
            continue;
        lies[i].tell(&liar);
        (void)printf("%s\n", liar.end[0] == '\0' ? "closed" : liar.end);
        frame_reader_done(&liar.reader);
        SSL_free(liar.ssl);
        (void)close(liar.fd);
        return 0;
    }
    die("there is no such lie");
}

#include "fuzz.h"

#include "hello/client_internal.h"
#include "hello/schedule.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/*
 * A server that a TLS client meets. The first byte says how large the pieces are that arrive, and whether what follows is
 *
 *   raw    bytes as they come over the wire, or
 *   steps  of one byte and a piece each: what to say. Some are good messages, made with the client's own keys, so that whatever comes after
 *          them gets as far as it can; the rest are bytes of the fuzzer's in records that decrypt.
 *
 * Whatever is said, nobody gets in who has not shown the key of the certificate, and nothing grows without a bound.
 */

enum { MAX_STEPS = 64, MAX_BUFFERED_BYTES = 256 * 1024 };

enum step {
    STEP_RECORD,  /* content, bytes */
    STEP_MESSAGE, /* type, body */
    STEP_HELLO,
    STEP_EXTENSIONS,
    STEP_CERTIFICATE, /* its extensions */
    STEP_PROOF,
    STEP_FINISHED,
    STEP_RAW,
    STEP_SEND,
    STEP_CLOSE,
    STEPS
};

static struct tls_algorithms *algorithms;
static struct chain_cache *chains;
static EVP_PKEY *key;
static struct buf certificate;

struct server {
    struct tls_client *client;
    size_t piece;
    EVP_MD_CTX *transcript;
    struct record_keys keys;
    uint8_t secret[TLS_HASH_MAX_BYTES];
    uint8_t session_id[HELLO_SESSION_ID_BYTES];
    uint8_t suite; /* of 0x1301.. */
    struct buf out, message;
    bool proved, finished, opened;
};

static const struct tls_suite *suite_of(const struct server *server)
{
    return tls_suite_find(algorithms, (uint16_t)(0x1301 + server->suite % TLS_SUITES));
}

/* RFC 8446, 4.4.1: a hello that was answered with "again" is in the transcript as its hash. */
static void fold_transcript(struct server *server)
{
    const struct tls_hash *hash = suite_of(server)->hash;
    uint8_t synthetic[MESSAGE_HEADER_BYTES + TLS_HASH_MAX_BYTES] = {254, 0, 0, (uint8_t)hash->bytes};
    REQUIRE(EVP_DigestFinal_ex(server->transcript, synthetic + MESSAGE_HEADER_BYTES, NULL) == 1);
    REQUIRE(EVP_DigestInit_ex2(server->transcript, hash->md, NULL) == 1);
    REQUIRE(EVP_DigestUpdate(server->transcript, synthetic, MESSAGE_HEADER_BYTES + hash->bytes) == 1);
}

/* The suite is not agreed yet when the first hello goes by; so all is hashed with the suite that a good hello would choose. */
static void on_message(void *arg, bool sent, int content, const uint8_t *bytes, size_t length)
{
    enum { SESSION_ID_AT = 4 + 2 + HELLO_RANDOM_BYTES + 1 };
    struct server *server = arg;
    REQUIRE(length > 0 && (content == RECORD_HANDSHAKE || content == RECORD_ALERT || content == RECORD_CCS));
    if (content != RECORD_HANDSHAKE)
        return;
    REQUIRE(length >= MESSAGE_HEADER_BYTES);
    if (sent && bytes[0] == 1)
        memcpy(server->session_id, bytes + SESSION_ID_AT, sizeof server->session_id);
    static const uint8_t retry[] = {0xcf, 0x21, 0xad, 0x74};
    if (!sent && bytes[0] == 2 && length > 10 && memcmp(bytes + 6, retry, sizeof retry) == 0)
        fold_transcript(server);
    if (!server->opened && !(length == MESSAGE_HEADER_BYTES && bytes[0] == 0))
        REQUIRE(EVP_DigestUpdate(server->transcript, bytes, length) == 1);
}

static void on_data(void *arg, const uint8_t *bytes, size_t length)
{
    struct server *server = arg;
    REQUIRE(bytes != NULL && length > 0 && server->proved && server->finished);
}

static void on_secret(void *arg, const char *label, const uint8_t random[HELLO_RANDOM_BYTES],
                      const uint8_t *secret, size_t length)
{
    struct server *server = arg;
    (void)random;
    REQUIRE(length == 32 || length == 48);
    if (strncmp(label, "SERVER_", 7) != 0)
        return;
    memcpy(server->secret, secret, length);
    const struct tls_suite *suite = server->client == NULL ? suite_of(server) : server->client->suite;
    REQUIRE(record_keys_set(&server->keys, suite, secret, true));
}

static void make_certificate(void)
{
    X509 *made = X509_new();
    unsigned char *der = NULL;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    REQUIRE(made != NULL && key != NULL && X509_set_pubkey(made, key) == 1);
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 86400);
    REQUIRE(X509_sign(made, key, NULL) > 0);
    int length = i2d_X509(made, &der);
    REQUIRE(length > 0 && buf_append(&certificate, der, (size_t)length));
    OPENSSL_free(der);
    X509_free(made);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    X509_STORE *store = X509_STORE_new();
    algorithms = tls_algorithms_new();
    chains = chain_cache_new(
        &(struct chain_cache_options){.store = store, .max_chains = 16, .max_bytes = 1 << 16});
    REQUIRE(algorithms != NULL && chains != NULL);
    X509_STORE_free(store);
    make_certificate();
    return 0;
}

static void check(struct server *server)
{
    const struct tls_client *client = server->client;
    struct tls_client_facts facts;
    size_t output = 0;
    tls_client_facts(client, &facts);
    enum tls_client_state state = tls_client_state(client);
    REQUIRE(state != TLS_CLIENT_OPEN || (server->proved && server->finished && facts.chain != NULL));
    REQUIRE((facts.reason != 0) == (state == TLS_CLIENT_FAILED || state == TLS_CLIENT_ALERT));
    REQUIRE(client->messages.cap <= MAX_BUFFERED_BYTES && client->kept.len <= MAX_BUFFERED_BYTES);
    REQUIRE(client->input.len <= RECORD_HEADER_BYTES + UINT16_MAX);
    (void)tls_client_output(client, &output);
    REQUIRE(output <= MAX_BUFFERED_BYTES);
    server->opened |= state == TLS_CLIENT_OPEN;
}

static void arrive(struct server *server, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += server->piece) {
        size_t now = length - at < server->piece ? length - at : server->piece;
        uint8_t *copy = malloc(now); /* of the exact size, so that a read past the end is seen */
        REQUIRE(copy != NULL);
        memcpy(copy, bytes + at, now);
        enum tls_client_state state = tls_client_receive(server->client, copy, now);
        REQUIRE(state == tls_client_state(server->client));
        free(copy);
        check(server);
    }
}

/* As it is protected at the moment. */
static void say_record(struct server *server, uint8_t content, const uint8_t *bytes, size_t length)
{
    buf_clear(&server->out);
    if (server->keys.cipher != NULL)
        REQUIRE(record_seal(&server->keys, content, bytes, length, &server->out));
    else
        REQUIRE(hello_write_records(content, RECORD_VERSION, bytes, length, &server->out));
    arrive(server, server->out.data, server->out.len);
}

static void begin(struct server *server, uint8_t type)
{
    const uint8_t header[MESSAGE_HEADER_BYTES] = {type};
    buf_clear(&server->message);
    REQUIRE(buf_append(&server->message, header, sizeof header));
}

static void add(struct server *server, const void *bytes, size_t length)
{
    REQUIRE(length == 0 || buf_append(&server->message, bytes, length));
}

static void add_number(struct server *server, size_t value, int bytes)
{
    while (bytes-- > 0)
        REQUIRE(buf_byte(&server->message, (uint8_t)(value >> (8 * bytes))));
}

static void say_message(struct server *server)
{
    struct buf *message = &server->message;
    size_t length = message->len - MESSAGE_HEADER_BYTES;
    message->data[1] = (uint8_t)(length >> 16);
    message->data[2] = (uint8_t)(length >> 8);
    message->data[3] = (uint8_t)length;
    say_record(server, RECORD_HANDSHAKE, message->data, message->len);
}

/* The point of the share is X25519's base point: everybody's. */
static void say_hello(struct server *server)
{
    static const uint8_t random[HELLO_RANDOM_BYTES] = {1}, point[32] = {9};
    static const uint8_t extensions[] = {0, 0x2e, 0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 0x24, 0, 0x1d, 0, 0x20};
    begin(server, 2);
    add_number(server, RECORD_VERSION, 2);
    add(server, random, sizeof random);
    add_number(server, sizeof server->session_id, 1);
    add(server, server->session_id, sizeof server->session_id);
    add_number(server, suite_of(server)->id, 2);
    add_number(server, 0, 1);
    add(server, extensions, sizeof extensions);
    add(server, point, sizeof point);
    say_message(server);
}

static void say_certificate(struct server *server, const uint8_t *extensions, size_t length)
{
    begin(server, 11);
    add_number(server, 0, 1);
    add_number(server, 3 + certificate.len + 2 + length, 3);
    add_number(server, certificate.len, 3);
    add(server, certificate.data, certificate.len);
    add_number(server, length, 2);
    add(server, extensions, length);
    say_message(server);
}

static void say_proof(struct server *server)
{
    enum { HASH_AT = 64 + 34, SIGNATURE_BYTES = 64 };
    uint8_t content[HASH_AT + TLS_HASH_MAX_BYTES], signature[SIGNATURE_BYTES];
    struct tls_hash *hash = suite_of(server)->hash;
    size_t length = sizeof signature;
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    memset(content, ' ', 64);
    memcpy(content + 64, "TLS 1.3, server CertificateVerify", 34);
    REQUIRE(schedule_transcript(hash, server->transcript, content + HASH_AT));
    REQUIRE(EVP_DigestSignInit(signer, NULL, NULL, NULL, key) == 1);
    REQUIRE(EVP_DigestSign(signer, signature, &length, content, HASH_AT + hash->bytes) == 1);
    EVP_MD_CTX_free(signer);
    begin(server, 15);
    add_number(server, 0x0807, 2);
    add_number(server, length, 2);
    add(server, signature, length);
    server->proved = true;
    say_message(server);
}

static void say_finished(struct server *server)
{
    uint8_t transcript[TLS_HASH_MAX_BYTES], mac[TLS_HASH_MAX_BYTES];
    struct tls_hash *hash = suite_of(server)->hash;
    REQUIRE(schedule_transcript(hash, server->transcript, transcript));
    REQUIRE(schedule_finished(hash, server->secret, transcript, mac));
    begin(server, 20);
    add(server, mac, hash->bytes);
    server->finished = true;
    say_message(server);
}

static void take_output(struct server *server)
{
    size_t length = 0;
    (void)tls_client_output(server->client, &length);
    tls_client_sent(server->client, length);
}

static void do_step(struct server *server, enum step step, const uint8_t *bytes, size_t length)
{
    uint8_t first = length > 0 ? bytes[0] : 0;
    const uint8_t *rest = length > 0 ? bytes + 1 : bytes;
    size_t rest_length = length > 0 ? length - 1 : 0;
    switch (step) {
    case STEP_RECORD:
        say_record(server, first, rest, rest_length);
        break;
    case STEP_MESSAGE:
        begin(server, first);
        add(server, rest, rest_length);
        say_message(server);
        break;
    case STEP_HELLO:
        say_hello(server);
        break;
    case STEP_EXTENSIONS:
        begin(server, 8);
        add_number(server, length, 2);
        add(server, bytes, length);
        say_message(server);
        break;
    case STEP_CERTIFICATE:
        say_certificate(server, bytes, length);
        break;
    case STEP_PROOF:
        say_proof(server);
        break;
    case STEP_FINISHED:
        say_finished(server);
        break;
    case STEP_RAW:
        arrive(server, bytes, length);
        break;
    case STEP_SEND:
        (void)tls_client_send(server->client, bytes, length);
        take_output(server);
        break;
    case STEP_CLOSE:
        tls_client_close(server->client);
        break;
    case STEPS:
        break;
    }
    check(server);
}

static void start(struct server *server, uint8_t how)
{
    *server = (struct server){.piece = 1 + (size_t)(how & 0x1f) * 37, .suite = how >> 5 & 3};
    server->transcript = EVP_MD_CTX_new();
    REQUIRE(EVP_DigestInit_ex2(server->transcript, suite_of(server)->hash->md, NULL) == 1);
    const struct tls_client_options options = {.algorithms = algorithms,
                                               .chains = chains,
                                               .profile = hello_profile_find(HELLO_PROFILE_NORMAL),
                                               .sni = "site.example",
                                               .on_message = on_message,
                                               .on_data = on_data,
                                               .on_secret = on_secret,
                                               .arg = server};
    server->client = tls_client_new(&options);
    REQUIRE(server->client != NULL);
    take_output(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t nothing[1];
    struct server server;
    struct cursor input;
    if (length < 1)
        return 0;
    start(&server, bytes[0]);
    cursor_init(&input, bytes + 1, length - 1);
    if ((bytes[0] & 0x80) != 0) {
        arrive(&server, input.at, cursor_left(&input));
        REQUIRE(!server.opened);
    } else
        for (int i = 0; i < MAX_STEPS && cursor_left(&input) > 0; i++) {
            enum step step = (enum step)(cursor_u8(&input) % STEPS);
            struct cursor piece = fuzz_piece(&input);
            do_step(&server, step, piece.at != NULL ? piece.at : nothing, cursor_left(&piece));
        }
    tls_client_free(server.client);
    EVP_MD_CTX_free(server.transcript);
    record_keys_done(&server.keys);
    buf_done(&server.out);
    buf_done(&server.message);
    ERR_clear_error();
    return 0;
}

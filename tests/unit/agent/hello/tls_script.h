#ifndef PARALLAX_TESTS_TLS_SCRIPT_H
#define PARALLAX_TESTS_TLS_SCRIPT_H

#include "hello/algorithms.h"
#include "hello/records.h"
#include "hello/schedule.h"
#include "hello/share.h"
#include "tls_peers.h"
#include "words/cursor.h"

/*
 * A TLS 1.3 server that says what a script says: a good flight in which one thing is changed. It hashes and encrypts what it really
 * said, so that a change is a fault only where a client has to look. The same script is played to our client and to libssl's.
 */

enum part {
    PART_RETRY, /* a HelloRetryRequest */
    PART_HELLO,
    PART_EXTENSIONS,
    PART_REQUEST,
    PART_CERTIFICATE,
    PART_PROOF,
    PART_FINISHED,
    PART_AFTER
};

enum change {
    AS_IT_IS,
    SET,       /* bytes at */
    CUT,       /* the last `at` bytes away */
    GROW,      /* bytes at the end */
    WHOLE,     /* other bytes in place of the body */
    EXTENSION, /* one more */
    TYPE,      /* another type of message */
    SKIP,      /* not said */
    TWICE,     /* said again */
    BEFORE,    /* a record before: content, then bytes */
    BARE,      /* bytes before, without a record around them */
    TAIL,      /* bytes after it in the same record */
    LIE,       /* its length, three bytes */
    INSIDE,    /* a record between its halves: content, then bytes */
    PIECES,    /* records of `at` bytes */
    EMPTY,     /* `at` empty records of content bytes[0] before */
    WRONG_TAG  /* of its record */
};

struct script {
    const char *name;
    enum part part;
    enum change change;
    int at;
    const char *bytes; /* hex; spaces do not count */
};

struct actor {
    struct tls_algorithms *algorithms;
    EVP_PKEY *key;
    X509 *certificate;
    const char *digest; /* of its proof; NULL: none */
    uint16_t scheme;
    bool retries;         /* asks for P-256 first */
    bool asks;            /* for a certificate */
    uint8_t flip;         /* SET: XOR of what is there with this, in place of bytes */
    size_t script_length; /* of the body that was changed */

    const struct script *script;
    const struct tls_suite *suite;
    struct buf out, message;
    EVP_MD_CTX *transcript;
    struct record_keys write;
    uint16_t group;
    size_t peer_bytes;
    uint8_t session_id[32], peer[SHARE_MAX_PUBLIC_BYTES], secret[48], client_secret[48], server_secret[48];
};

/* Its key is of P-256, or of Ed25519, whose signatures are all of one length. */
static inline void actor_init(struct actor *actor, struct tls_algorithms *algorithms, const char *kind)
{
    bool edwards = strcmp(kind, "ED25519") == 0;
    *actor = (struct actor){
        .algorithms = algorithms, .digest = edwards ? NULL : "SHA256", .scheme = edwards ? 0x0807 : 0x0403};
    actor->key = peers_key(kind);
    actor->certificate = peers_certificate(actor->key, NULL, "site.example");
    actor->suite = tls_suite_find(algorithms, 0x1301);
}

static inline void actor_done(struct actor *actor)
{
    EVP_PKEY_free(actor->key);
    X509_free(actor->certificate);
    EVP_MD_CTX_free(actor->transcript);
    record_keys_done(&actor->write);
    buf_done(&actor->out);
    buf_done(&actor->message);
}

static inline void put_hex(struct buf *out, const char *hex)
{
    for (unsigned value; *hex != '\0'; hex += *hex == ' ' ? 1 : 2)
        if (*hex != ' ') {
            assert_int_equal(sscanf(hex, "%2x", &value), 1);
            assert_true(buf_byte(out, (uint8_t)value));
        }
}

static inline void put_number(struct buf *out, size_t value, int bytes)
{
    while (bytes-- > 0)
        assert_true(buf_byte(out, (uint8_t)(value >> (8 * bytes))));
}

static inline void set_number(struct buf *out, size_t at, size_t value, int bytes)
{
    while (bytes-- > 0)
        out->data[at++] = (uint8_t)(value >> (8 * bytes));
}

static inline size_t get_number(const struct buf *out, size_t at, int bytes)
{
    size_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | out->data[at++];
    return value;
}

/* As it is protected at the moment. */
static inline void put_record(struct actor *actor, uint8_t content, const uint8_t *bytes, size_t length)
{
    if (actor->write.cipher != NULL) {
        assert_true(record_seal(&actor->write, content, bytes, length, &actor->out));
        return;
    }
    put_number(&actor->out, content, 1);
    put_number(&actor->out, 0x0303, 2);
    put_number(&actor->out, length, 2);
    assert_true(buf_append(&actor->out, length > 0 ? (const void *)bytes : "", length));
}

static inline void put_hex_record(struct actor *actor, const char *hex)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    put_hex(&bytes, hex);
    put_record(actor, bytes.data[0], bytes.data + 1, bytes.len - 1);
    buf_done(&bytes);
}

/* The block of extensions begins here in the body; 0xffff: it has none. */
static inline size_t block_of(const struct actor *actor, uint8_t type, const struct buf *body)
{
    (void)actor;
    if (type == 2)
        return 2 + 32 + 1 + 32 + 2 + 1;
    if (type == 13)
        return 1;
    if (type == 11)
        return 1 + 3 + 3 + get_number(body, 4, 3);
    return type == 8 ? 0 : body->len - 2; /* a ticket's, which is empty */
}

static inline void add_extension(struct actor *actor, uint8_t type, struct buf *body, const char *hex)
{
    size_t at = block_of(actor, type, body), before = body->len;
    put_hex(body, hex);
    set_number(body, at, get_number(body, at, 2) + body->len - before, 2);
    if (type == 11)
        set_number(body, 1, get_number(body, 1, 3) + body->len - before, 3);
}

static inline void change_body(struct actor *actor, uint8_t *type, struct buf *body)
{
    const struct script *script = actor->script;
    struct buf bytes;
    buf_init(&bytes, 0);
    if (script->bytes != NULL)
        put_hex(&bytes, script->bytes);
    if (script->change == SET && actor->flip != 0)
        body->data[script->at] ^= (size_t)script->at < body->len ? actor->flip : 0;
    else if (script->change == SET)
        memcpy(body->data + (script->at < 0 ? (int)body->len + script->at : script->at), bytes.data,
               bytes.len);
    else if (script->change == CUT)
        body->len -= (size_t)script->at;
    else if (script->change == WHOLE)
        buf_clear(body);
    else if (script->change == TYPE)
        *type = bytes.data[0];
    else if (script->change == EXTENSION)
        add_extension(actor, *type, body, script->bytes);
    if (script->change == WHOLE || script->change == GROW)
        assert_true(bytes.len == 0 || buf_append(body, bytes.data, bytes.len));
    buf_done(&bytes);
}

static inline void put_pieces(struct actor *actor, const struct buf *message, size_t piece)
{
    for (size_t at = 0; at < message->len; at += piece)
        put_record(actor, 22, message->data + at, message->len - at < piece ? message->len - at : piece);
}

static inline void put_changed(struct actor *actor, struct buf *message)
{
    const struct script *script = actor->script;
    size_t half = message->len / 2;
    if (script->change == SKIP)
        return;
    if (script->change == BEFORE)
        put_hex_record(actor, script->bytes);
    if (script->change == BARE)
        put_hex(&actor->out, script->bytes);
    for (int i = 0; script->change == EMPTY && i < script->at; i++)
        put_hex_record(actor, script->bytes);
    if (script->change == LIE)
        set_number(message, 1, strtoul(script->bytes, NULL, 16), 3);
    if (script->change == TAIL)
        put_hex(message, script->bytes);
    if (script->change == INSIDE) {
        half = script->at > 0 ? (size_t)script->at : half;
        put_record(actor, 22, message->data, half);
        put_hex_record(actor, script->bytes);
        put_record(actor, 22, message->data + half, message->len - half);
    } else
        put_pieces(actor, message, script->change == PIECES ? (size_t)script->at : message->len);
    if (script->change == TWICE)
        put_pieces(actor, message, message->len);
    if (script->change == WRONG_TAG)
        actor->out.data[actor->out.len - 1] ^= 1;
}

/* The body becomes a message, changed where the script says so, and is said. */
static inline void say(struct actor *actor, enum part part, uint8_t type, struct buf *body)
{
    bool changed = actor->script->part == part;
    if (changed)
        change_body(actor, &type, body);
    if (changed)
        actor->script_length = body->len;
    buf_clear(&actor->message);
    put_number(&actor->message, type, 1);
    put_number(&actor->message, body->len, 3);
    assert_true(body->len == 0 || buf_append(&actor->message, body->data, body->len));
    bool skipped = changed && actor->script->change == SKIP;
    for (int i = 0; !skipped && i < (changed && actor->script->change == TWICE ? 2 : 1); i++)
        assert_int_equal(EVP_DigestUpdate(actor->transcript, actor->message.data, actor->message.len), 1);
    if (changed)
        put_changed(actor, &actor->message);
    else
        put_record(actor, 22, actor->message.data, actor->message.len);
    buf_clear(body);
}

static inline void read_share(struct actor *actor, struct cursor *body)
{
    (void)cursor_u16(body);
    actor->group = cursor_u16(body);
    actor->peer_bytes = cursor_u16(body);
    const uint8_t *key = cursor_bytes(body, actor->peer_bytes);
    assert_non_null(key);
    memcpy(actor->peer, key, actor->peer_bytes);
}

static inline void read_client_hello(struct actor *actor, const uint8_t *bytes, size_t length)
{
    struct cursor cursor;
    cursor_init(&cursor, bytes + 5, length - 5);
    struct cursor message = cursor;
    (void)cursor_bytes(&cursor, 4 + 2 + 32);
    struct cursor id = cursor_block(&cursor, cursor_u8(&cursor));
    memcpy(actor->session_id, id.at, cursor_left(&id));
    (void)cursor_block(&cursor, cursor_u16(&cursor));
    (void)cursor_block(&cursor, cursor_u8(&cursor));
    struct cursor extensions = cursor_block(&cursor, cursor_u16(&cursor));
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor body = cursor_block(&extensions, cursor_u16(&extensions));
        if (type == 51)
            read_share(actor, &body);
    }
    EVP_DigestUpdate(actor->transcript, message.at, cursor_left(&message));
}

static inline void say_retry(struct actor *actor, struct buf *body)
{
    uint8_t synthetic[4 + 32] = {254, 0, 0, 32};
    assert_int_equal(EVP_DigestFinal_ex(actor->transcript, synthetic + 4, NULL), 1);
    EVP_DigestInit_ex2(actor->transcript, actor->suite->hash->md, NULL);
    EVP_DigestUpdate(actor->transcript, synthetic, sizeof synthetic);
    put_hex(body, "0303 CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C 20");
    assert_true(buf_append(body, actor->session_id, 32));
    put_hex(body, "1301 00 0014 002b 0002 0304 0033 0002 0017 002c 0004 0002 abcd");
    say(actor, PART_RETRY, 2, body);
}

static inline void say_server_hello(struct actor *actor, struct buf *body)
{
    struct key_share share;
    uint8_t key[SHARE_MAX_PUBLIC_BYTES], shared[SHARE_MAX_SECRET_BYTES], hash[48];
    size_t shared_bytes = 0;
    assert_true(key_share_init(&share, tls_group_find(actor->algorithms, actor->group)));
    size_t key_bytes = key_share_public(&share, key);
    assert_int_equal(key_share_agree(&share, actor->peer, actor->peer_bytes, shared, &shared_bytes),
                     KEY_SHARE_AGREED);
    put_number(body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put_number(body, (size_t)i + 1, 1);
    put_number(body, 32, 1);
    assert_true(buf_append(body, actor->session_id, 32));
    put_number(body, actor->suite->id, 2);
    put_number(body, 0, 1);
    put_number(body, 14 + key_bytes, 2);
    put_hex(body, "002b 0002 0304 0033");
    put_number(body, 4 + key_bytes, 2);
    put_number(body, actor->group, 2);
    put_number(body, key_bytes, 2);
    assert_true(buf_append(body, key, key_bytes));
    say(actor, PART_HELLO, 2, body);
    struct tls_hash *kind = actor->suite->hash;
    assert_true(schedule_next(kind, kind->derived, shared, shared_bytes, actor->secret));
    assert_true(schedule_transcript(kind, actor->transcript, hash));
    assert_true(schedule_expand(kind, actor->secret, "s hs traffic", hash, kind->bytes, actor->server_secret,
                                kind->bytes));
    assert_true(record_keys_set(&actor->write, actor->suite, actor->server_secret, true));
    key_share_done(&share);
}

static inline void say_certificate(struct actor *actor, struct buf *body)
{
    unsigned char *der = NULL;
    size_t length = (size_t)i2d_X509(actor->certificate, &der);
    put_number(body, 0, 1);
    put_number(body, length + 5, 3);
    put_number(body, length, 3);
    assert_true(buf_append(body, der, length));
    put_number(body, 0, 2);
    OPENSSL_free(der);
    say(actor, PART_CERTIFICATE, 11, body);
}

static inline void say_proof(struct actor *actor, struct buf *body)
{
    uint8_t content[64 + 34 + 48], signature[1024];
    size_t length = sizeof signature, hash_bytes = actor->suite->hash->bytes;
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context = NULL;
    memset(content, ' ', 64);
    memcpy(content + 64, "TLS 1.3, server CertificateVerify", 34);
    assert_true(schedule_transcript(actor->suite->hash, actor->transcript, content + 98));
    assert_int_equal(EVP_DigestSignInit_ex(signer, &context, actor->digest, NULL, NULL, actor->key, NULL), 1);
    assert_int_equal(EVP_DigestSign(signer, signature, &length, content, 98 + hash_bytes), 1);
    EVP_MD_CTX_free(signer);
    put_number(body, actor->scheme, 2);
    put_number(body, length, 2);
    assert_true(buf_append(body, signature, length));
    say(actor, PART_PROOF, 15, body);
}

static inline void say_finished(struct actor *actor, struct buf *body)
{
    struct tls_hash *kind = actor->suite->hash;
    uint8_t hash[48], mac[48], derived[48], master[48];
    assert_true(schedule_transcript(kind, actor->transcript, hash));
    assert_true(schedule_finished(kind, actor->server_secret, hash, mac));
    assert_true(buf_append(body, mac, kind->bytes));
    say(actor, PART_FINISHED, 20, body);
    assert_true(schedule_transcript(kind, actor->transcript, hash));
    assert_true(
        schedule_expand(kind, actor->secret, "derived", kind->empty, kind->bytes, derived, kind->bytes));
    assert_true(schedule_next(kind, derived, NULL, 0, master));
    assert_true(
        schedule_expand(kind, master, "s ap traffic", hash, kind->bytes, actor->server_secret, kind->bytes));
    assert_true(record_keys_set(&actor->write, actor->suite, actor->server_secret, true));
}

/* The flight, and what comes after the handshake. */
static inline void say_flight(struct actor *actor, struct buf *body)
{
    say_server_hello(actor, body);
    put_hex(body, "0013 0000 0000 0010 000b 0009 08 687474702f312e31");
    say(actor, PART_EXTENSIONS, 8, body);
    if (actor->asks) {
        put_hex(body, "00 0012 000d 0004 0002 0403 002f 0006 0004 0002 3000");
        say(actor, PART_REQUEST, 13, body);
    }
    say_certificate(actor, body);
    say_proof(actor, body);
    say_finished(actor, body);
    put_hex(body, "00001c20 00000001 01 00 0004 01020304 0000");
    say(actor, PART_AFTER, 4, body);
    put_record(actor, 23, (const uint8_t *)"data", 4);
}

/* All it says to the first hello, into `out`: a HelloRetryRequest, or all. */
static inline void act(struct actor *actor, const struct script *script, const uint8_t *hello, size_t length)
{
    struct buf body;
    buf_init(&body, 0);
    EVP_MD_CTX_free(actor->transcript);
    record_keys_done(&actor->write);
    actor->transcript = EVP_MD_CTX_new();
    EVP_DigestInit_ex2(actor->transcript, actor->suite->hash->md, NULL);
    actor->script = script;
    buf_clear(&actor->out);
    read_client_hello(actor, hello, length);
    if (actor->retries)
        say_retry(actor, &body);
    else
        say_flight(actor, &body);
    buf_done(&body);
}

/* ... to the second, which comes behind a ChangeCipherSpec. */
static inline void act_again(struct actor *actor, const uint8_t *bytes, size_t length)
{
    struct buf body;
    buf_init(&body, 0);
    buf_clear(&actor->out);
    assert_true(length > 6 && bytes[0] == 20);
    read_client_hello(actor, bytes + 6, length - 6);
    say_flight(actor, &body);
    buf_done(&body);
}

#endif

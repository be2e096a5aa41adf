#include "cmocka_all.h"
#include "hello/write.h"
#include "probe/hello_facts.h"
#include "probe/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

/* What is wrong with a ServerHello: the same that libssl, to which the same bytes are given, finds wrong with it. */

enum { ROOM_BYTES = 16 * 1024, SESSION_ID_AT = 5 + 4 + 2 + 32 + 1 };

static struct trust *trust;

static int setup(void **state)
{
    char *why = NULL;
    const struct trust_files files = {0};
    (void)state;
    trust = trust_new(&files, &why);
    return trust == NULL;
}

static int teardown(void **state)
{
    (void)state;
    trust_free(trust);
    return 0;
}

struct made {
    const char *what;
    uint16_t version, cipher;
    uint8_t compression;
    bool retry;
    const char *random_end;
    size_t extension_bytes;
    uint8_t extensions[64];
};

static const uint8_t retry_random[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                         0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                         0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

static void put_number(struct buf *out, size_t number, size_t width)
{
    while (width-- > 0)
        assert_true(buf_byte(out, (uint8_t)(number >> 8 * width)));
}

/* A record with a ServerHello that gives the session id back. */
static void make_hello(const struct made *made, const uint8_t *session_id, struct buf *out)
{
    struct buf body;
    uint8_t random[32] = {7};
    size_t end = made->random_end == NULL ? 0 : 8;
    buf_init(&body, 0);
    memcpy(random + 32 - end, made->random_end == NULL ? "" : made->random_end, end);
    put_number(&body, made->version, 2);
    assert_true(buf_append(&body, made->retry ? retry_random : random, 32));
    put_number(&body, 32, 1);
    assert_true(buf_append(&body, session_id, 32));
    put_number(&body, made->cipher, 2);
    put_number(&body, made->compression, 1);
    put_number(&body, made->extension_bytes, 2);
    assert_true(buf_append(&body, made->extensions, made->extension_bytes));
    put_number(out, 0x160303, 3);
    put_number(out, body.len + 4, 2);
    put_number(out, 2, 1);
    put_number(out, body.len, 3);
    assert_true(buf_append(out, body.data, body.len));
    buf_done(&body);
}

static int libssl_reason(const struct made *made, struct buf *answer)
{
    uint8_t hello[ROOM_BYTES];
    SSL *ssl = SSL_new(trust_context(trust, VARIANT_NORMAL));
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    assert_true(BIO_read(out, hello, sizeof hello) > SESSION_ID_AT + 32);
    make_hello(made, hello + SESSION_ID_AT, answer);
    assert_int_equal(BIO_write(in, answer->data, (int)answer->len), (int)answer->len);
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int reason = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
    SSL_free(ssl);
    return reason;
}

static int facts_reason(const struct buf *bytes)
{
    static uint8_t joined[ROOM_BYTES];
    struct hello_answer answer;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    hello_answer_read(bytes->data, bytes->len, joined, &answer);
    enum evidence_ending how =
        hello_facts(attempt, hello_profile_find(HELLO_PROFILE_NORMAL), &answer, 300, 5);
    int reason = attempt->tls.error_count == 0 ? 0 : ERR_GET_REASON(attempt->tls.errors[0]);
    assert_int_equal(how, reason == 0 ? ENDING_BY_US : ENDING_ERROR);
    attempt_free(attempt);
    return reason;
}

#define EXTENSIONS(...) .extension_bytes = sizeof((const uint8_t[]){__VA_ARGS__}), .extensions = {__VA_ARGS__}
#define OF_13           0, 43, 0, 2, 3, 4
#define ZEROS_8         0, 0, 0, 0, 0, 0, 0, 0
#define SHARE           0, 51, 0, 36, 0, 29, 0, 32, 9, 1, 2, 3, 4, 5, 6, 7, ZEROS_8, ZEROS_8, ZEROS_8
#define SIGNED          0xff, 1, 0, 1, 0

static void what_is_wrong_is_what_libssl_says(void **state)
{
    static const struct made rows[] = {
        {"TLS 1.3", 0x303, 0x1301, EXTENSIONS(OF_13, SHARE)},
        {"TLS 1.2", 0x303, 0xc02f, EXTENSIONS(SIGNED)},
        {"another group asked for", 0x303, 0x1301, .retry = true, EXTENSIONS(OF_13, 0, 51, 0, 2, 0, 23)},
        {"TLS 1.1", 0x302, 0xc013, EXTENSIONS(SIGNED)},
        {"a version that is not offered", 0x303, 0x1301, EXTENSIONS(0, 43, 0, 2, 3, 5)},
        {"TLS 1.2 by the extension of TLS 1.3", 0x303, 0xc02f, EXTENSIONS(0, 43, 0, 2, 3, 3, SIGNED)},
        {"another group asked for in TLS 1.2", 0x303, 0x1301, .retry = true,
         EXTENSIONS(0, 43, 0, 2, 3, 3, 0, 51, 0, 2, 0, 23)},
        {"a fallback", 0x303, 0xc02f, .random_end = "DOWNGRD\1", EXTENSIONS(SIGNED)},
        {"ALPN in plain text", 0x303, 0x1301, EXTENSIONS(OF_13, 0, 16, 0, 5, 0, 3, 2, 'h', '2')},
        {"a cookie without asking again", 0x303, 0x1301, EXTENSIONS(OF_13, 0, 44, 0, 3, 0, 1, 9)},
        {"a key share in TLS 1.2", 0x303, 0xc02f, EXTENSIONS(SHARE)},
        {"a suite that is not offered", 0x303, 0x1304, EXTENSIONS(OF_13, SHARE)},
        {"a suite that does not exist", 0x303, 0x13ff, EXTENSIONS(OF_13, SHARE)},
        {"a suite of TLS 1.3 in TLS 1.2", 0x303, 0x1301, EXTENSIONS(SIGNED)},
        {"a suite of TLS 1.2 in TLS 1.3", 0x303, 0xc02f, EXTENSIONS(OF_13, SHARE)},
        {"compression in TLS 1.2", 0x303, 0xc02f, 1, EXTENSIONS(SIGNED)},
        {"compression in TLS 1.3", 0x303, 0x1301, 1, EXTENSIONS(OF_13, SHARE)},
        {"a group that is not offered", 0x303, 0x1301, EXTENSIONS(OF_13, 0, 51, 0, 5, 0, 99, 0, 1, 9)},
        {"a share of a group without ours", 0x303, 0x1301, EXTENSIONS(OF_13, 0, 51, 0, 5, 0, 23, 0, 1, 9)},
        {"a group asked for that is there", 0x303, 0x1301, .retry = true,
         EXTENSIONS(OF_13, 0, 51, 0, 2, 0, 29)},
        {"a group asked for that is not offered", 0x303, 0x1301, .retry = true,
         EXTENSIONS(OF_13, 0, 51, 0, 2, 0, 99)},
        {"a key chosen that nobody shared before", 0x303, 0x1301, EXTENSIONS(OF_13, 0, 41, 0, 2, 0, 0)},
    };
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf answer;
        buf_init(&answer, 0);
        int theirs = libssl_reason(&rows[i], &answer), ours = facts_reason(&answer);
        if (ours != theirs) {
            print_error("%s: %d, and libssl %d\n", rows[i].what, ours, theirs);
            wrong++;
        }
        buf_done(&answer);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_what_libssl_says),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

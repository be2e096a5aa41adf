#include "cmocka_all.h"
#include "probe/tls_log.h"

#include <stdlib.h>
#include <string.h>

static struct attempt *attempt;

static int setup(void **state)
{
    (void)state;
    attempt = attempt_new();
    assert_non_null(attempt);
    attempt->tls.records = arena_array(&attempt->arena, EVIDENCE_MAX_RECORDS, sizeof *attempt->tls.records);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    attempt_free(attempt);
    return 0;
}

/* From a heap copy of the exact size, so that a read past the end is seen. */
static void log_bytes(bool received, int content, const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    tls_log_message(attempt, received, content, copy, length, 7);
    free(copy);
}

/* ServerHello: TLS 1.3 by extension, TLS_AES_128_GCM_SHA256, key share X25519. */
static size_t server_hello(uint8_t *out, const uint8_t random[32])
{
    static const uint8_t tail[] = {0, 0x13, 0x01, 0, 0, 14, 0, 43, 0, 2, 3, 4, 0, 51, 0, 4, 0, 29, 0, 0};
    uint8_t *at = out;
    *at++ = TLS_SERVER_HELLO;
    *at++ = 0;
    *at++ = 0;
    *at++ = (uint8_t)(2 + 32 + sizeof tail);
    *at++ = 3;
    *at++ = 3;
    memcpy(at, random, 32);
    memcpy(at + 32, tail, sizeof tail);
    return 4 + 2 + 32 + sizeof tail;
}

static void reads_what_a_server_hello_chose(void **state)
{
    (void)state;
    uint8_t bytes[128], random[32] = {1};
    size_t length = server_hello(bytes, random);
    log_bytes(true, TLS_CONTENT_HANDSHAKE, bytes, length);
    assert_int_equal(attempt->tls.version, 0x0304);
    assert_int_equal(attempt->tls.cipher, 0x1301);
    assert_int_equal(attempt->tls.group, 29);
    assert_false(attempt->tls.hello_retry);
    assert_int_equal(attempt->tls.record_count, 1);
    assert_true(attempt->tls.records[0].received);
    assert_int_equal(attempt->tls.records[0].type, TLS_SERVER_HELLO);
    assert_int_equal(attempt->tls.records[0].at_us, 7);
}

static void a_hello_retry_request_agrees_on_nothing(void **state)
{
    static const uint8_t random[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                       0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                       0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    (void)state;
    uint8_t bytes[128];
    size_t length = server_hello(bytes, random);
    log_bytes(true, TLS_CONTENT_HANDSHAKE, bytes, length);
    assert_true(attempt->tls.hello_retry);
    assert_int_equal(attempt->tls.version, 0);
}

static void every_cut_of_a_server_hello_is_survived(void **state)
{
    (void)state;
    uint8_t bytes[128], random[32] = {1};
    size_t length = server_hello(bytes, random);
    for (size_t cut = 0; cut < length; cut++)
        log_bytes(true, TLS_CONTENT_HANDSHAKE, bytes, cut);
}

static void reads_the_key_exchange_of_tls12(void **state)
{
    (void)state;
    static const uint8_t curve[] = {TLS_SERVER_KEY_EXCHANGE, 0, 0, 10, 3, 0, 23, 2, 0xAA, 0xBB, 4, 3, 0, 0};
    log_bytes(true, TLS_CONTENT_HANDSHAKE, curve, sizeof curve);
    assert_int_equal(attempt->tls.group, 23);
    assert_int_equal(attempt->tls.signature, 0x0403);
    static const uint8_t field[] = {TLS_SERVER_KEY_EXCHANGE, 0, 0, 13, 0, 1, 9, 0, 1, 2, 0, 1, 5, 8, 4, 0, 0};
    log_bytes(true, TLS_CONTENT_HANDSHAKE, field, sizeof field);
    assert_int_equal(attempt->tls.signature, 0x0804);
}

static void a_long_prime_is_no_curve(void **state)
{
    static uint8_t message[4 + 2 * (2 + 0x300) + 3 + 5] = {TLS_SERVER_KEY_EXCHANGE};
    uint8_t *at = message + 4;
    (void)state;
    at[0] = 3; /* p: 0x0300 bytes */
    at[2] = 0xff;
    at += 2 + 0x300;
    at[1] = 1; /* g */
    at += 3;
    at[0] = 3; /* Ys */
    at += 2 + 0x300;
    memcpy(at, (uint8_t[]){8, 4, 0, 1, 9}, 5);
    attempt->tls.cipher = 0x009e;
    log_bytes(true, TLS_CONTENT_HANDSHAKE, message, sizeof message);
    assert_int_equal(attempt->tls.group, 0);
    assert_int_equal(attempt->tls.signature, 0x0804);
}

static void keeps_alerts_with_level_and_direction(void **state)
{
    (void)state;
    uint8_t level, description;
    log_bytes(true, TLS_CONTENT_ALERT, "\x02\x70", 2);
    log_bytes(true, TLS_CONTENT_ALERT, "\x02", 1);
    assert_int_equal(attempt->tls.record_count, 2);
    attempt->tls.record_count = 1;
    assert_true(attempt_alert(attempt, true, &level, &description));
    assert_int_equal(level, 2);
    assert_int_equal(description, 112);
    assert_false(attempt_alert(attempt, false, &level, &description));
}

static void the_log_is_bounded_and_counts_the_rest(void **state)
{
    (void)state;
    for (int i = 0; i < EVIDENCE_MAX_RECORDS + 3; i++)
        log_bytes(true, TLS_CONTENT_CCS, "\x01", 1);
    log_bytes(true, 256, "\x16\x03\x01", 3);
    assert_int_equal(attempt->tls.record_count, EVIDENCE_MAX_RECORDS);
    assert_int_equal(attempt->tls.records_dropped, 3);
}

static void the_first_client_hello_has_its_length(void **state)
{
    (void)state;
    uint8_t hello[100] = {TLS_CLIENT_HELLO, 0, 0, 96};
    log_bytes(false, TLS_CONTENT_HANDSHAKE, hello, 100);
    log_bytes(false, TLS_CONTENT_HANDSHAKE, hello, 50);
    assert_int_equal(attempt->tls.hello_length, 105);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_what_a_server_hello_chose),
        TEST(a_hello_retry_request_agrees_on_nothing),
        TEST(every_cut_of_a_server_hello_is_survived),
        TEST(reads_the_key_exchange_of_tls12),
        TEST(a_long_prime_is_no_curve),
        TEST(keeps_alerts_with_level_and_direction),
        TEST(the_log_is_bounded_and_counts_the_rest),
        TEST(the_first_client_hello_has_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

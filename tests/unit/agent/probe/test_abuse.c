#include "cmocka_all.h"

#include "probe/abuse.h"
#include "probe/tls_log.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <string.h>

static struct attempt *attempt;
static struct wire wire;

static int fresh(void **state)
{
    (void)state;
    attempt = attempt_new();
    wire = (struct wire){.fd = -1};
    return attempt == NULL;
}

static int away(void **state)
{
    (void)state;
    attempt_free(attempt);
    return 0;
}

static void an_ordinary_end_is_no_abuse(void **state)
{
    (void)state;
    attempt->tls.chain_count = 4;
    attempt->tls.record_count = 12;
    wire.reads = 2;
    wire.received_bytes = 7;
    attempt->end.how = ENDING_TIMEOUT;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_NONE);
    wire.reads = 40; /* slow, but not byte by byte */
    wire.received_bytes = 40 * 500;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_NONE);
}

static void errors_of_bounds_are_named(void **state)
{
    (void)state;
    uint64_t errors[] = {ERR_PACK(ERR_LIB_RSA, 0, SSL_R_EXCESSIVE_MESSAGE_SIZE),
                         ERR_PACK(ERR_LIB_SSL, 0, SSL_R_TOO_MANY_WARN_ALERTS)};
    attempt->tls.errors = errors;
    attempt->tls.error_count = 1;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_NONE); /* another library's number */
    attempt->tls.error_count = 2;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_ALERTS);
}

static void counts_beyond_reason_are_named(void **state)
{
    (void)state;
    attempt->tls.chain_count = EVIDENCE_MAX_CHAIN;
    attempt->tls.chain_dropped = 17;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_CHAIN);
    attempt->tls.chain_dropped = 0;
    wire.flooded = true;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_FLOOD);
    attempt->tls.records_dropped = 1000;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_MESSAGES);
}

static void a_drip_is_a_handshake_that_never_ends(void **state)
{
    (void)state;
    wire.reads = 5;
    wire.received_bytes = 5;
    attempt->end.how = ENDING_TIMEOUT;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_DRIP);
    attempt->end.how = ENDING_FIN;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_NONE);
    attempt->end.how = ENDING_TIMEOUT;
    attempt->clock.handshake_us = 5;
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_NONE);
}

/* type, length, version, random, session id, cipher, compression, extensions */
static size_t server_hello(uint8_t *out, bool retry, const char *extensions, size_t length)
{
    static const uint8_t random[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                       0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                       0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    memset(out, 0, 64);
    out[0] = TLS_SERVER_HELLO;
    out[3] = (uint8_t)(40 + length);
    out[4] = out[5] = 3;
    if (retry)
        memcpy(out + 6, random, sizeof random);
    out[43] = (uint8_t)length;
    memcpy(out + 44, extensions, length);
    return 44 + length;
}

static void log_hello(bool retry, const char *extensions, size_t length)
{
    uint8_t hello[128];
    tls_log_message(attempt, true, TLS_CONTENT_HANDSHAKE, hello,
                    server_hello(hello, retry, extensions, length), 1);
}

static void a_second_retry_is_abuse(void **state)
{
    (void)state;
    log_hello(true, "", 0);
    assert_int_equal(attempt->end.abuse, ABUSE_NONE);
    log_hello(true, "", 0);
    assert_int_equal(abuse_of(attempt, &wire), ABUSE_RETRY);
}

static void an_echoed_name_is_abuse_and_an_acknowledged_one_is_not(void **state)
{
    (void)state;
    log_hello(false, "\0\0\0\0", 4);
    assert_int_equal(attempt->end.abuse, ABUSE_NONE);
    log_hello(false, "\0\0\0\1a", 5);
    assert_int_equal(attempt->end.abuse, ABUSE_ECHO);
    attempt->end.abuse = ABUSE_NONE;
    tls_log_message(attempt, true, TLS_CONTENT_HANDSHAKE, (const uint8_t *)"\x08\0\0\6\0\4\0\0\0\0", 10, 1);
    assert_int_equal(attempt->end.abuse, ABUSE_NONE);
    tls_log_message(attempt, true, TLS_CONTENT_HANDSHAKE, (const uint8_t *)"\x08\0\0\7\0\5\0\0\0\1a", 11, 1);
    assert_int_equal(attempt->end.abuse, ABUSE_ECHO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, away)
    const struct CMUnitTest tests[] = {
        TEST(an_ordinary_end_is_no_abuse),    TEST(errors_of_bounds_are_named),
        TEST(counts_beyond_reason_are_named), TEST(a_drip_is_a_handshake_that_never_ends),
        TEST(a_second_retry_is_abuse),        TEST(an_echoed_name_is_abuse_and_an_acknowledged_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "agent/probe/prober_fixture.h"
#include "cmocka_all.h"
#include "hello/profile.h"

#include <openssl/ssl.h>
#include <string.h>

/* Attempts that go no further than the answer to their ClientHello: what is there of their evidence, and what it means. */

static struct probe_job hello_job(enum variant variant)
{
    struct probe_job job = named_job();
    job.endpoint.depth = DEPTH_HELLO;
    job.variant = variant;
    return job;
}

static struct attempt *against(void **state, enum lab_kind kind, int max_version)
{
    struct lab_server server;
    start_good(&server, kind, max_version);
    return run_against(*state, &server, hello_job(VARIANT_NORMAL));
}

/* Nothing was asked for behind the answer, and nothing is made up of it. */
static void assert_goes_no_further(const struct attempt *attempt)
{
    assert_int_equal(attempt->depth, DEPTH_HELLO);
    assert_int_equal(attempt->engine, ENGINE_OWN);
    assert_false(attempt->engine_again);
    assert_true(attempt->clock.handshake_us == EVIDENCE_NEVER && attempt->clock.request_us == EVIDENCE_NEVER);
    assert_int_equal(attempt->tls.chain_count, 0);
    assert_int_equal(attempt->tls.verify_error_count, 0);
    assert_int_equal(attempt->http.status, 0);
    assert_true(attempt->tls.hello_length > 200);
    assert_true(attempt->clock.hello_sent_us >= attempt->clock.connected_us);
    assert_true(attempt->tcp[MOMENT_CONNECTED].taken && attempt->tcp[MOMENT_HELLO].taken &&
                attempt->tcp[MOMENT_END].taken);
    assert_true(attempt->tls.record_count > 0 && !attempt->tls.records[0].received);
    assert_int_equal(attempt->tls.records[0].type, 1);
    assert_int_equal(attempt->tls.records[0].length, attempt->tls.hello_length - 5);
}

static void a_server_of_tls13_is_well(void **state)
{
    const struct attempt *attempt = against(state, LAB_TLS, TLS1_3_VERSION);
    assert_class(attempt, OUTCOME_OK);
    assert_goes_no_further(attempt);
    assert_int_equal(attempt->tls.version, 0x0304);
    assert_int_equal(attempt->tls.cipher, 0x1302);
    assert_int_equal(attempt->tls.group, 29);
    assert_int_equal(attempt->end.how, ENDING_BY_US);
    assert_string_equal(attempt->tls.sni, "a.test");
    assert_int_equal(attempt->tls.record_count, 2);
    assert_true(attempt->tls.records[1].received && attempt->tls.records[1].type == 2);
    assert_int_equal(attempt->end.first_bytes[0], 22);
    assert_true(attempt->clock.first_byte_us >= attempt->clock.hello_sent_us);
}

static void a_server_of_tls12_is_well(void **state)
{
    const struct attempt *attempt = against(state, LAB_TLS, TLS1_2_VERSION);
    assert_class(attempt, OUTCOME_OK);
    assert_goes_no_further(attempt);
    assert_int_equal(attempt->tls.version, 0x0303);
    assert_int_equal(attempt->tls.cipher, 0xc02c);
}

static void a_reset_is_one(void **state)
{
    const struct attempt *attempt = against(state, LAB_RESET, TLS1_3_VERSION);
    assert_class(attempt, OUTCOME_HELLO_RESET);
    assert_goes_no_further(attempt);
    assert_int_equal(attempt->end.how, ENDING_RESET);
}

static void a_close_is_one(void **state)
{
    const struct attempt *attempt = against(state, LAB_CLOSE, TLS1_3_VERSION);
    assert_class(attempt, OUTCOME_HELLO_CLOSED);
    assert_goes_no_further(attempt);
}

static void silence_is_waited_for_and_looked_at(void **state)
{
    struct lab_server server;
    struct probe_job job = hello_job(VARIANT_NORMAL);
    job.timeout_us = 700000;
    start_good(&server, LAB_SILENT, TLS1_3_VERSION);
    const struct attempt *attempt = run_against(*state, &server, job);
    assert_class(attempt, OUTCOME_HELLO_SILENT);
    assert_goes_no_further(attempt);
    assert_int_equal(attempt->end.how, ENDING_TIMEOUT);
    assert_true(attempt->clock.hello_acked_us != EVIDENCE_NEVER);
    assert_true(attempt->tcp[MOMENT_HALF_CLOSED].taken);
}

static void what_is_not_tls_is_told(void **state)
{
    const struct attempt *attempt = against(state, LAB_HTTP, TLS1_3_VERSION);
    assert_class(attempt, OUTCOME_TLS_NOT_TLS);
    assert_goes_no_further(attempt);
    assert_memory_equal(attempt->end.first_bytes, "HTTP/1.1", 8);
}

static void an_alert_is_told(void **state)
{
    struct lab_server server;
    uint8_t level, description;
    X509 *chain[] = {intermediate, NULL};
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ECDHE-RSA-AES128-GCM-SHA256"), 1);
    lab_start(&server, LAB_TLS, context);
    const struct attempt *attempt = run_against(*state, &server, hello_job(VARIANT_NORMAL));
    assert_class(attempt, OUTCOME_TLS_ALERT);
    assert_goes_no_further(attempt);
    assert_true(attempt_alert(attempt, true, &level, &description));
    assert_int_equal(description, SSL_AD_HANDSHAKE_FAILURE);
}

/* A group that nobody shared a key of is asked for: that is an answer as well. */
static void being_asked_again_is_an_answer(void **state)
{
    struct lab_server server;
    X509 *chain[] = {intermediate, NULL};
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set1_groups_list(context, "P-384"), 1);
    lab_start(&server, LAB_TLS, context);
    const struct attempt *attempt = run_against(*state, &server, hello_job(VARIANT_NORMAL));
    assert_class(attempt, OUTCOME_OK);
    assert_true(attempt->tls.hello_retry);
    assert_int_equal(attempt->tls.group, 24);
}

static void each_variant_says_its_own_hello(void **state)
{
    static const struct {
        enum variant variant;
        const char *profile;
    } rows[] = {{VARIANT_RETRY, HELLO_PROFILE_NORMAL},      {VARIANT_NO_SNI, HELLO_PROFILE_NORMAL},
                {VARIANT_TLS12, "openssl-tls12"},           {VARIANT_TLS13, "openssl-tls13"},
                {VARIANT_LEGACY, "openssl-legacy"},         {VARIANT_ECDSA_ONLY, "openssl-ecdsa"},
                {VARIANT_LARGE_HELLO, "openssl-large"},     {VARIANT_LARGE_SMALL_MSS, "openssl-large"},
                {VARIANT_SMALL_MSS, HELLO_PROFILE_NORMAL},  {VARIANT_SPLIT_HELLO, HELLO_PROFILE_NORMAL},
                {VARIANT_NO_ALPN, "openssl-no-alpn"},       {VARIANT_WIDE, "openssl-wide"},
                {VARIANT_CLIENT_CERT, HELLO_PROFILE_NORMAL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lab_server server;
        struct fixture *fixture;
        (void)setup((void **)&fixture);
        void *fresh = fixture;
        start_good(&server, LAB_TLS, TLS1_3_VERSION);
        const struct attempt *attempt = run_against(fixture, &server, hello_job(rows[i].variant));
        assert_class(attempt, OUTCOME_OK);
        assert_int_equal(attempt->depth, DEPTH_HELLO);
        assert_string_equal(attempt->hello_profile, rows[i].profile);
        assert_string_equal(attempt->tls.sni, rows[i].variant == VARIANT_NO_SNI ? "" : "a.test");
        (void)teardown(&fresh);
    }
}

/* Which engine the owner wants is about handshakes; this is none. */
static void no_engine_of_choice_goes_further(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.engine = PROBER_LIBSSL;
    const struct attempt *attempt = against(state, LAB_TLS, TLS1_3_VERSION);
    assert_class(attempt, OUTCOME_OK);
    assert_goes_no_further(attempt);
}

static void without_a_connection_it_is_what_it_always_was(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job job = hello_job(VARIANT_NORMAL);
    job.endpoint.port = server.port;
    lab_stop(&server);
    const struct attempt *attempt = run_one(*state, job);
    assert_class(attempt, OUTCOME_TCP_REFUSED);
    assert_int_equal(attempt->depth, DEPTH_HELLO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_of_tls13_is_well),
        TEST(a_server_of_tls12_is_well),
        TEST(a_reset_is_one),
        TEST(a_close_is_one),
        TEST(silence_is_waited_for_and_looked_at),
        TEST(what_is_not_tls_is_told),
        TEST(an_alert_is_told),
        TEST(being_asked_again_is_an_answer),
        cmocka_unit_test(each_variant_says_its_own_hello),
        TEST(no_engine_of_choice_goes_further),
        TEST(without_a_connection_it_is_what_it_always_was),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}

#include "link/pump.h"
#include "proto/link/link_fixture.h"

#include <stdlib.h>
#include <string.h>

struct pair {
    struct pump *client, *server;
    struct buf client_plain, server_plain;
};

static void pair_init(struct pair *pair, SSL_CTX *client, SSL_CTX *server)
{
    *pair = (struct pair){.client = pump_new(client, false, PKI_SERVER_NAME),
                          .server = pump_new(server, true, NULL)};
    assert_non_null(pair->client);
    assert_non_null(pair->server);
    (void)pump_advance(pair->client);
}

static void pair_done(struct pair *pair)
{
    pump_free(pair->client);
    pump_free(pair->server);
    buf_done(&pair->client_plain);
    buf_done(&pair->server_plain);
}

/* Carries what one side has to the other, in pieces of step bytes. */
static bool carry(struct pump *from, struct pump *to, struct buf *plain, size_t step)
{
    struct buf wire = {0};
    assert_true(pump_take(from, &wire));
    for (size_t at = 0; at < wire.len; at += step)
        (void)pump_feed(to, wire.data + at, wire.len - at < step ? wire.len - at : step, plain);
    bool moved = wire.len > 0;
    buf_done(&wire);
    return moved;
}

static void exchange(struct pair *pair, size_t step)
{
    for (int i = 0; i < 100; i++) {
        bool moved = carry(pair->client, pair->server, &pair->server_plain, step);
        moved |= carry(pair->server, pair->client, &pair->client_plain, step);
        if (!moved)
            return;
    }
    fail_msg("the two never fall silent");
}

static void test_both_ways(void **state)
{
    (void)state;
    struct pair pair;
    size_t steps[] = {1, 7, 100000};
    for (size_t i = 0; i < 3; i++) {
        pair_init(&pair, ours.client_context, ours.server_context);
        exchange(&pair, steps[i]);
        assert_int_equal(pump_state(pair.client), PUMP_OPEN);
        assert_int_equal(pump_state(pair.server), PUMP_OPEN);
        assert_string_equal(SSL_get_version(pump_ssl(pair.client)), "TLSv1.3");
        char *large = malloc(100000);
        memset(large, 'x', 100000);
        assert_true(pump_send(pair.client, large, 100000));
        assert_true(pump_send(pair.server, "pong", 4));
        exchange(&pair, steps[i]);
        assert_int_equal(pair.server_plain.len, 100000);
        assert_memory_equal(pair.server_plain.data, large, 100000);
        assert_int_equal(pair.client_plain.len, 4);
        char name[64];
        assert_true(pki_vantage_name(SSL_get0_peer_certificate(pump_ssl(pair.server)), name, sizeof name));
        assert_string_equal(name, "hk-1");
        free(large);
        pair_done(&pair);
    }
}

static void test_close_notify(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, ours.client_context, ours.server_context);
    exchange(&pair, 100000);
    assert_true(pump_send(pair.client, "last", 4));
    pump_shutdown(pair.client);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.server), PUMP_CLOSED);
    assert_memory_equal(pair.server_plain.data, "last", 4);
    assert_false(pump_send(pair.server, "late", 4));
    pair_done(&pair);
}

static void test_garbage(void **state)
{
    (void)state;
    struct pair pair;
    const char *garbage[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                             "\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06\x07", "SSH-2.0-OpenSSH_9.2\r\n"};
    for (size_t i = 0; i < 3; i++) {
        pair_init(&pair, ours.client_context, ours.server_context);
        assert_int_equal(pump_feed(pair.server, garbage[i], strlen(garbage[i]), &pair.server_plain),
                         PUMP_FAILED);
        assert_memory_equal(pump_error(pair.server), "TLS: ", 5);
        assert_int_equal(pump_feed(pair.client, garbage[i], strlen(garbage[i]), &pair.client_plain),
                         PUMP_FAILED);
        pair_done(&pair);
    }
}

static void test_damaged_record(void **state)
{
    (void)state;
    struct pair pair;
    struct buf wire = {0};
    pair_init(&pair, ours.client_context, ours.server_context);
    exchange(&pair, 100000);
    assert_true(pump_send(pair.client, "secret", 6));
    assert_true(pump_take(pair.client, &wire));
    wire.data[wire.len - 1] ^= 1;
    assert_int_equal(pump_feed(pair.server, wire.data, wire.len, &pair.server_plain), PUMP_FAILED);
    assert_int_equal(pair.server_plain.len, 0);
    assert_string_not_equal(pump_error(pair.server), "");
    buf_done(&wire);
    pair_done(&pair);
}

static void test_truncated(void **state)
{
    (void)state;
    struct pair pair;
    struct buf wire = {0};
    pair_init(&pair, ours.client_context, ours.server_context);
    exchange(&pair, 100000);
    assert_true(pump_send(pair.client, "secret", 6));
    assert_true(pump_take(pair.client, &wire));
    assert_int_equal(pump_feed(pair.server, wire.data, wire.len - 1, &pair.server_plain), PUMP_OPEN);
    assert_int_equal(pair.server_plain.len, 0);
    assert_int_equal(pump_feed(pair.server, wire.data + wire.len - 1, 1, &pair.server_plain), PUMP_OPEN);
    assert_int_equal(pair.server_plain.len, 6);
    buf_done(&wire);
    pair_done(&pair);
}

static void test_no_client_certificate(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, ours.bare_context, ours.server_context);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.server), PUMP_OPEN);
    assert_null(SSL_get0_peer_certificate(pump_ssl(pair.server)));
    pair_done(&pair);
}

static void test_vantage_of_another_ca(void **state)
{
    (void)state;
    struct pair pair;
    SSL_CTX *stranger = stranger_context();
    pair_init(&pair, stranger, ours.server_context);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.server), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.server), "certificate does not verify"));
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.client), "the peer refused"));
    pair_done(&pair);
    SSL_CTX_free(stranger);
}

static void test_collector_of_another_ca(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, ours.client_context, theirs.server_context);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.client), "certificate does not verify"));
    assert_int_equal(pump_state(pair.server), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.server), "the peer refused"));
    pair_done(&pair);
}

/* A vantage's key must not be able to play the collector. */
static void test_vantage_as_server(void **state)
{
    (void)state;
    struct pair pair;
    char *why = NULL;
    SSL_CTX *impostor = pki_server_context(ours.vantage, ours.vantage_key, ours.ca, &why);
    assert_non_null(impostor);
    pair_init(&pair, ours.client_context, impostor);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    pair_done(&pair);
    pair_init(&pair, ours.pinned_context, impostor);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    pair_done(&pair);
    SSL_CTX_free(impostor);
}

static void test_pinned(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, ours.pinned_context, ours.server_context);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_OPEN);
    pair_done(&pair);
    pair_init(&pair, ours.pinned_context, theirs.server_context);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.client), "not from the expected certificate authority"));
    pair_done(&pair);
}

/* Sending the pinned CA beside a leaf that it never signed must not be enough. */
static void test_pinned_ca_beside_foreign_leaf(void **state)
{
    (void)state;
    struct pair pair;
    char *why = NULL;
    SSL_CTX *impostor = pki_server_context(theirs.server, theirs.server_key, ours.ca, &why);
    assert_non_null(impostor);
    pair_init(&pair, ours.pinned_context, impostor);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.client), PUMP_FAILED);
    pair_done(&pair);
    SSL_CTX_free(impostor);
}

/* An agent's clock may be wrong by years, before or after: it judges no dates, neither when it enrols nor in a session. */
static void test_dates_of_a_collector(void **state)
{
    (void)state;
    SSL_CTX *clients[] = {ours.pinned_context, ours.client_context};
    char *why = NULL;
    X509 *old = pki_sign(ours.ca, ours.ca_key, ours.server_key, PKI_SERVER, "collector", -3600, &why);
    SSL_CTX *context = pki_server_context(old, ours.server_key, ours.ca, &why);
    assert_non_null(context);
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_init(&pair, clients[i], context);
        exchange(&pair, 100000);
        assert_int_equal(pump_state(pair.client), PUMP_OPEN);
        assert_int_equal(pump_state(pair.server), PUMP_OPEN);
        pair_done(&pair);
    }
    SSL_CTX_free(context);
    X509_free(old);
}

/* A collector judges the dates of a vantage's, and the alert tells the agent which of its troubles it is. */
static void test_dates_of_a_vantage(void **state)
{
    (void)state;
    struct pair pair;
    char *why = NULL;
    X509 *old = pki_sign(ours.ca, ours.ca_key, ours.vantage_key, PKI_VANTAGE, "hk-1", -3600, &why);
    SSL_CTX *context = pki_client_context(ours.ca, old, ours.vantage_key, &why);
    assert_non_null(context);
    pair_init(&pair, context, ours.server_context);
    assert_int_equal(pump_alert(pair.client), -1);
    exchange(&pair, 100000);
    assert_int_equal(pump_state(pair.server), PUMP_FAILED);
    assert_non_null(strstr(pump_error(pair.server), "expired"));
    assert_int_equal(pump_alert(pair.client), SSL_AD_CERTIFICATE_EXPIRED);
    assert_int_equal(pump_alert(pair.server), -1);
    pair_done(&pair);
    SSL_CTX_free(context);
    X509_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_close_notify),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_damaged_record),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_no_client_certificate),
        cmocka_unit_test(test_vantage_of_another_ca),
        cmocka_unit_test(test_collector_of_another_ca),
        cmocka_unit_test(test_vantage_as_server),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_pinned_ca_beside_foreign_leaf),
        cmocka_unit_test(test_dates_of_a_collector),
        cmocka_unit_test(test_dates_of_a_vantage),
    };
    return cmocka_run_group_tests(tests, fixtures_setup, fixtures_teardown);
}

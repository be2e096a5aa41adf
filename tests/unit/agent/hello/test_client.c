#include "tls_peers.h"

/* Our client against libssl's server, in memory. */

static struct peers_client us;

static void set_up_client(void)
{
    peers_client_init(&us);
}

static void read_facts(struct tls_client_facts *facts)
{
    tls_client_facts(us.client, facts);
}

/* A request, an answer, and the end. */
static void talk(SSL *server)
{
    uint8_t bytes[64];
    assert_true(tls_client_send(us.client, (const uint8_t *)"ping", 4));
    peers_to_server(us.client, server);
    assert_int_equal(SSL_read(server, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, "ping", 4);
    assert_int_equal(SSL_write(server, "answer", 6), 6);
    assert_int_equal(peers_to_client(server, us.client, 7), TLS_CLIENT_OPEN);
    assert_int_equal(us.data.len, 6);
    assert_memory_equal(us.data.data, "answer", 6);
    tls_client_close(us.client);
    tls_client_close(us.client);
    peers_to_server(us.client, server);
    assert_int_equal(SSL_read(server, bytes, sizeof bytes), 0);
    assert_int_equal(SSL_get_error(server, 0), SSL_ERROR_ZERO_RETURN);
    assert_int_equal(SSL_shutdown(server), 1);
    assert_int_equal(peers_to_client(server, us.client, 4096), TLS_CLIENT_CLOSED);
}

static void shake_one(SSL_CTX *context, const char *suite, const char *group, uint16_t signature)
{
    struct tls_client_facts facts;
    struct tls_client_options options = peers_options(&us);
    assert_int_equal(SSL_CTX_set_ciphersuites(context, suite), 1);
    assert_int_equal(SSL_CTX_set1_groups_list(context, group), 1);
    SSL *server = peers_server(context);
    peers_client_start(&us, &options);
    if (peers_shake(us.client, server, 4096) != TLS_CLIENT_OPEN)
        fail_msg("%s %s", suite, group);
    assert_true(SSL_is_init_finished(server));
    read_facts(&facts);
    assert_int_equal(facts.version, TLS1_3_VERSION);
    assert_int_equal(facts.cipher, SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(server)));
    assert_int_equal(facts.group, strcmp(group, "X25519") == 0  ? 0x1d
                                  : strcmp(group, "P-256") == 0 ? 0x17
                                                                : 0x18);
    assert_int_equal(facts.hello_retry, strcmp(group, "X25519") != 0);
    assert_int_equal(facts.signature, signature);
    assert_int_equal(facts.handshake_state, TLS_ST_OK);
    assert_true(facts.ticket);
    assert_non_null(facts.chain);
    assert_int_equal(X509_cmp(chain_leaf(facts.chain), SSL_get_certificate(server)), 0);
    talk(server);
    SSL_free(server);
}

static void shakes_with_every_suite_group_and_key(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    static const char *const groups[] = {"X25519", "P-256", "P-384"};
    static const struct {
        const char *kind;
        uint16_t signature;
    } keys[] = {{"P-256", 0x0403},   {"P-384", 0x0503},   {"P-521", 0x0603}, {"RSA", 0x0804},
                {"RSA-PSS", 0x0809}, {"ED25519", 0x0807}, {"ED448", 0x0808}};
    (void)state;
    set_up_client();
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        SSL_CTX *context = peers_server_context(keys[k].kind);
        for (size_t s = 0; s < 3; s++)
            for (size_t g = 0; g < 3; g++)
                shake_one(context, suites[s], groups[g], keys[k].signature);
        SSL_CTX_free(context);
    }
    peers_client_done(&us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_with_every_suite_group_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

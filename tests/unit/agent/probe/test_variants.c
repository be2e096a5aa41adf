#include "agent/probe/prober_fixture.h"
#include "cmocka_all.h"
#include "probe/prober.h"

/* Every variant against servers that are well: none may be rejected, and each must be what its name says. */

enum { SEGMENT_BYTES = 1460, RSA_BITS = 2048, WEAK_BITS = 1024 };

static struct attempt *probe_once(void **state, struct lab_server *server, enum variant variant)
{
    struct probe_job job = named_job();
    job.variant = variant;
    job.role = ATTEMPT_LADDER;
    if (variant == VARIANT_CONTROL_SNI)
        job.endpoint.sni = "example.com";
    return run_against(*state, server, job);
}

static struct attempt *against(void **state, SSL_CTX *context, enum variant variant)
{
    struct lab_server server;
    lab_start(&server, LAB_TLS, context);
    return probe_once(state, &server, variant);
}

/* @param rsa_bits  0: an elliptic curve. */
static SSL_CTX *context_of_key(int rsa_bits, int max_version)
{
    X509 *chain[] = {intermediate, NULL};
    SSL_CTX *context = tls_context(&good_leaf, chain, max_version);
    if (rsa_bits == 0)
        return context;
    EVP_PKEY *rsa = EVP_RSA_gen((unsigned)rsa_bits);
    X509 *leaf = lab_sign(&good_leaf, rsa, intermediate, key);
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(made, 0);
    assert_int_equal(SSL_CTX_use_certificate(made, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(made, rsa), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(made, intermediate), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(made, max_version), 1);
    X509_free(leaf);
    EVP_PKEY_free(rsa);
    SSL_CTX_free(context);
    return made;
}

/* --- none is rejected ------------------------------------------------------------------------------------------- */

struct healthy {
    int rsa_bits;
    int max_version;
};

static bool may_be_rejected(enum variant variant, const struct healthy *server)
{
    return (variant == VARIANT_RSA_ONLY && server->rsa_bits == 0) ||
           (variant == VARIANT_ECDSA_ONLY && server->rsa_bits != 0) ||
           (variant == VARIANT_TLS13 && server->max_version < TLS1_3_VERSION);
}

static void check_healthy(void **state, const struct healthy *server, enum variant variant)
{
    struct fixture *fixture;
    (void)setup((void **)&fixture);
    void *fresh = fixture;
    struct attempt *attempt = against(&fresh, context_of_key(server->rsa_bits, server->max_version), variant);
    (void)state;
    assert_int_equal(attempt->variant, variant);
    assert_int_equal(attempt->role, ATTEMPT_LADDER);
    struct outcome outcome = classify(attempt);
    bool rejected = attempt->clock.handshake_us == EVIDENCE_NEVER;
    if (rejected != may_be_rejected(variant, server) && variant != VARIANT_OTHER_PORT)
        fail_msg("%s, %s, %s: %s", variant_name((int)variant), server->rsa_bits == 0 ? "EC" : "RSA",
                 server->max_version == TLS1_3_VERSION ? "1.3" : "1.2", outcome_class_id(outcome.class));
    if (variant == VARIANT_CONTROL_SNI)
        assert_class(attempt, OUTCOME_CERT_NAME);
    else if (!rejected)
        assert_class(attempt, OUTCOME_OK);
    (void)teardown(&fresh);
}

static void no_healthy_server_rejects_a_variant(void **state)
{
    static const struct healthy servers[] = {
        {0, TLS1_3_VERSION}, {0, TLS1_2_VERSION}, {RSA_BITS, TLS1_3_VERSION}, {RSA_BITS, TLS1_2_VERSION}};
    enum variant variant;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        for (uint32_t number = 0; variant_from_number(number, &variant); number++)
            if (!variant_fetches(variant) &&         /* asks another server */
                (variant != VARIANT_IDLE || i == 0)) /* it takes its time */
                check_healthy(state, &servers[i], variant);
}

/* --- each is what its name says ----------------------------------------------------------------------------------- */

static void the_names_are_those_of_the_variant(void **state)
{
    assert_string_equal(against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_CONTROL_SNI)->tls.sni,
                        "example.com");
}

static void no_sni_sends_none(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_NO_SNI);
    assert_string_equal(attempt->tls.sni, "");
    assert_class(attempt, OUTCOME_OK);
}

static int alpn_seen;
static int note_alpn(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *in,
                     unsigned int in_length, void *arg)
{
    (void)ssl, (void)arg, (void)in_length;
    alpn_seen++;
    *out = in + 1;
    *length = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static void no_alpn_offers_none(void **state)
{
    SSL_CTX *context = context_of_key(0, TLS1_3_VERSION);
    SSL_CTX_set_alpn_select_cb(context, note_alpn, NULL);
    alpn_seen = 0;
    struct attempt *attempt = against(state, context, VARIANT_NO_ALPN);
    assert_class(attempt, OUTCOME_OK);
    assert_int_equal(alpn_seen, 0);
    assert_string_equal(attempt->tls.alpn, "");
}

static void legacy_reaches_tls_1_0(void **state)
{
    SSL_CTX *context = context_of_key(0, TLS1_VERSION);
    SSL_CTX_set_security_level(context, 0);
    struct attempt *attempt = against(state, context, VARIANT_LEGACY);
    assert_class(attempt, OUTCOME_OK);
    assert_int_not_equal(attempt->clock.handshake_us, EVIDENCE_NEVER);
}

static void normal_does_not_reach_tls_1_0(void **state)
{
    SSL_CTX *context = context_of_key(0, TLS1_VERSION);
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(against(state, context, VARIANT_NORMAL)->clock.handshake_us, EVIDENCE_NEVER);
}

static void legacy_clears_a_weak_key(void **state)
{
    assert_class(against(state, context_of_key(WEAK_BITS, TLS1_3_VERSION), VARIANT_LEGACY), OUTCOME_OK);
}

static void normal_names_a_weak_key(void **state)
{
    assert_class(against(state, context_of_key(WEAK_BITS, TLS1_3_VERSION), VARIANT_NORMAL),
                 OUTCOME_CERT_WEAK_KEY);
}

static SSL_CTX *only_camellia(void)
{
    SSL_CTX *context = context_of_key(0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-CAMELLIA128-SHA256:@SECLEVEL=0"), 1);
    return context;
}

static void wide_finds_a_cipher_that_normal_does_not_offer(void **state)
{
    assert_class(against(state, only_camellia(), VARIANT_WIDE), OUTCOME_OK);
}

static SSL_CTX *only_brainpool(void)
{
    SSL_CTX *context = context_of_key(0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set1_groups_list(context, "brainpoolP384r1"), 1);
    return context;
}

static void normal_has_no_group_in_common(void **state)
{
    struct attempt *attempt = against(state, only_brainpool(), VARIANT_NORMAL);
    assert_class(attempt, OUTCOME_TLS_ALERT);
    assert_int_equal(classify(attempt).raw, 40);
}

static void wide_has_a_group_in_common(void **state)
{
    assert_int_not_equal(against(state, only_brainpool(), VARIANT_WIDE)->clock.handshake_us, EVIDENCE_NEVER);
}

static void kind_of_certificate(void **state, int rsa_bits, enum variant variant, bool passes)
{
    struct attempt *attempt = against(state, context_of_key(rsa_bits, TLS1_3_VERSION), variant);
    assert_int_equal(attempt->clock.handshake_us != EVIDENCE_NEVER, passes);
}

static void rsa_only_passes_an_rsa_key(void **state)
{
    kind_of_certificate(state, RSA_BITS, VARIANT_RSA_ONLY, true);
}

static void rsa_only_fails_an_ec_key(void **state)
{
    kind_of_certificate(state, 0, VARIANT_RSA_ONLY, false);
}

static void ecdsa_only_passes_an_ec_key(void **state)
{
    kind_of_certificate(state, 0, VARIANT_ECDSA_ONLY, true);
}

static void ecdsa_only_fails_an_rsa_key(void **state)
{
    kind_of_certificate(state, RSA_BITS, VARIANT_ECDSA_ONLY, false);
}

static void a_large_hello_is_above_a_segment(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_LARGE_HELLO);
    assert_class(attempt, OUTCOME_OK);
    assert_true(attempt->tls.hello_length > SEGMENT_BYTES);
}

static void small_mss_bounds_both_sides(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_SMALL_MSS);
    assert_class(attempt, OUTCOME_OK);
    assert_true(attempt->tcp[MOMENT_END].snd_mss <= 1000);
    assert_true(attempt->tls.hello_length < SEGMENT_BYTES);
}

static void a_large_hello_goes_in_small_segments(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_LARGE_SMALL_MSS);
    assert_class(attempt, OUTCOME_OK);
    assert_true(attempt->tcp[MOMENT_END].snd_mss <= 1000);
    assert_true(attempt->tls.hello_length > SEGMENT_BYTES);
}

static void a_split_hello_comes_in_pieces(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_SPLIT_HELLO);
    assert_class(attempt, OUTCOME_OK);
    uint32_t pieces = (attempt->tls.hello_length + 127) / 128;
    assert_true(pieces >= 2);
    /* the SYN, its acknowledgement and the pieces, by the time the first answer came */
    assert_true(attempt->tcp[MOMENT_HELLO].segs_out >= pieces + 2);
    assert_int_equal(attempt->tcp[MOMENT_HELLO].bytes_acked, attempt->tls.hello_length + 1);
}

static void idle_asks_nothing(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_IDLE);
    assert_class(attempt, OUTCOME_OK);
    assert_int_equal(attempt->clock.request_us, EVIDENCE_NEVER);
    assert_int_equal(attempt->end.how, ENDING_BY_US);
}

static void another_port_is_connected_to_and_no_more(void **state)
{
    struct attempt *attempt = against(state, context_of_key(0, TLS1_3_VERSION), VARIANT_OTHER_PORT);
    assert_class(attempt, OUTCOME_OK);
    assert_int_equal(attempt->clock.hello_sent_us, EVIDENCE_NEVER);
    assert_int_not_equal(attempt->clock.connected_us, EVIDENCE_NEVER);
}

static void a_retry_has_a_port_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    start_good(&server, LAB_RESET, TLS1_3_VERSION);
    struct probe_job jobs[2] = {named_job(), named_job()};
    for (int i = 0; i < 2; i++)
        jobs[i].endpoint.port = server.port;
    jobs[1].variant = VARIANT_RETRY;
    fixture->options.concurrency = 1;
    run(fixture, jobs, 2);
    lab_stop(&server);
    assert_int_equal(fixture->count, 2);
    assert_int_not_equal(fixture->attempts[0]->flow.source_port, fixture->attempts[1]->flow.source_port);
}

/* --- the client's certificate --------------------------------------------------------------------------------------- */

static char client_path[] = "/tmp/prober-client-XXXXXX";

static void write_client(void)
{
    static const struct lab_certificate client = {"client.test", "DNS:client.test", -DAY_S, 30 * DAY_S};
    X509 *certificate = lab_sign(&client, key, intermediate, key);
    int fd = mkstemp(client_path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(PEM_write_X509(file, intermediate), 1);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
}

static SSL_CTX *asks_for_a_certificate(void)
{
    SSL_CTX *context = context_of_key(0, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root), 1);
    return context;
}

static void the_certificate_is_shown_by_its_variant(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.client_cert = client_path;
    assert_class(against(state, asks_for_a_certificate(), VARIANT_CLIENT_CERT), OUTCOME_OK);
}

static void the_certificate_is_shown_by_no_other(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.client_cert = client_path;
    assert_class(against(state, asks_for_a_certificate(), VARIANT_NORMAL), OUTCOME_HTTP_CLIENT_CERT);
}

static void a_wrong_certificate_file_is_told_of_at_once(void **state)
{
    struct fixture *fixture = *state;
    char *why = NULL;
    fixture->options.client_cert = ca_path; /* no key in it */
    assert_null(prober_new(&fixture->loop, &fixture->options, &why));
    assert_non_null(why);
    assert_non_null(strstr(why, ca_path));
    free(why);
}

static int make_all(void **state)
{
    (void)make_authorities(state);
    write_client();
    return 0;
}

static int free_all(void **state)
{
    (void)unlink(client_path);
    return free_authorities(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_healthy_server_rejects_a_variant),
        T(the_names_are_those_of_the_variant),
        T(no_sni_sends_none),
        T(no_alpn_offers_none),
        T(legacy_reaches_tls_1_0),
        T(normal_does_not_reach_tls_1_0),
        T(legacy_clears_a_weak_key),
        T(normal_names_a_weak_key),
        T(wide_finds_a_cipher_that_normal_does_not_offer),
        T(normal_has_no_group_in_common),
        T(wide_has_a_group_in_common),
        T(rsa_only_passes_an_rsa_key),
        T(rsa_only_fails_an_ec_key),
        T(ecdsa_only_passes_an_ec_key),
        T(ecdsa_only_fails_an_rsa_key),
        T(a_large_hello_is_above_a_segment),
        T(small_mss_bounds_both_sides),
        T(a_large_hello_goes_in_small_segments),
        T(a_split_hello_comes_in_pieces),
        T(idle_asks_nothing),
        T(another_port_is_connected_to_and_no_more),
        T(a_retry_has_a_port_of_its_own),
        T(the_certificate_is_shown_by_its_variant),
        T(the_certificate_is_shown_by_no_other),
        T(a_wrong_certificate_file_is_told_of_at_once),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

#include "agent/probe/prober_fixture.h"
#include "cmocka_all.h"
#include "words/attempt_json.h"

#include <jansson.h>

/* Which engine makes an attempt, and that one cannot tell from the evidence which it was. */

/* One after another, on one prober. */
static void run_in_turn(struct fixture *fixture, enum prober_engine engine, struct probe_job *jobs,
                        unsigned count, uint16_t port)
{
    fixture->options.engine = engine;
    fixture->options.concurrency = 1;
    for (unsigned i = 0; i < count; i++)
        jobs[i].endpoint.port = port;
    run(fixture, jobs, count);
    assert_int_equal(fixture->count, count);
}

static void assert_engine(const struct attempt *attempt, enum evidence_engine engine, bool again)
{
    assert_class(attempt, OUTCOME_OK);
    assert_int_equal(attempt->engine, engine);
    assert_int_equal(attempt->engine_again, again);
}

static void libssl_alone_when_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[2] = {named_job(), named_job()};
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    run_in_turn(fixture, PROBER_LIBSSL, jobs, 2, server.port);
    lab_stop(&server);
    assert_engine(fixture->attempts[1], ENGINE_LIBSSL, false);
}

static void auto_learns_which_endpoints_our_own_speaks_to(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[4] = {named_job(), named_job(), job_for("127.0.0.1", 0), named_job()};
    jobs[3].variant = VARIANT_TLS12;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    run_in_turn(fixture, PROBER_AUTO, jobs, 4, server.port);
    lab_stop(&server);
    assert_engine(fixture->attempts[0], ENGINE_LIBSSL, false);
    assert_engine(fixture->attempts[1], ENGINE_OWN, false);
    assert_engine(fixture->attempts[2], ENGINE_LIBSSL, false); /* another name */
    assert_engine(fixture->attempts[3], ENGINE_LIBSSL, false); /* a variant that our own does not say */
}

static void auto_leaves_tls12_to_libssl(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[2] = {named_job(), named_job()};
    start_good(&server, LAB_TLS, TLS1_2_VERSION);
    run_in_turn(fixture, PROBER_AUTO, jobs, 2, server.port);
    lab_stop(&server);
    assert_engine(fixture->attempts[1], ENGINE_LIBSSL, false);
    assert_int_equal(server.served, 2);
}

static void what_our_own_does_not_speak_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[2] = {named_job(), named_job()};
    start_good(&server, LAB_TLS, TLS1_2_VERSION);
    run_in_turn(fixture, PROBER_OWN, jobs, 2, server.port);
    lab_stop(&server);
    const struct attempt *first = fixture->attempts[0];
    assert_engine(first, ENGINE_LIBSSL, true);
    assert_int_equal(first->tls.version, 0x0303);
    assert_int_equal(first->tls.chain_count, 2);
    assert_true(first->clock.connect_us > 0 && first->clock.handshake_us > first->clock.connected_us);
    size_t hellos = 0;
    for (size_t i = 0; i < first->tls.record_count; i++)
        hellos += first->tls.records[i].content == 22 && first->tls.records[i].type == 1;
    assert_int_equal(hellos, 1); /* of the second connection alone */
    assert_engine(fixture->attempts[1], ENGINE_LIBSSL, false);
    assert_int_equal(server.served, 3);
}

/* --- the same evidence -------------------------------------------------------------------------------------------- */

/* What differs from one connection to the next, whoever makes it. */
static json_t *without_chance(const struct attempt *attempt)
{
    static const char *const chance[] = {"clock", "tcp_info", "flow"};
    json_t *json = attempt_json(attempt, NULL, classify(attempt));
    assert_non_null(json);
    for (size_t i = 0; i < sizeof chance / sizeof chance[0]; i++)
        (void)json_object_del(json, chance[i]);
    (void)json_object_del(json_object_get(json, "prober"), "engine");
    json_t *ending = json_object_get(json, "ending"), *record;
    (void)json_object_del(ending, "received_bytes"); /* a signature has no fixed length */
    (void)json_object_del(ending, "first_bytes");
    if (attempt->variant == VARIANT_CLIENT_CERT)
        (void)json_object_del(ending, "sent_bytes");
    size_t i;
    json_array_foreach(json_object_get(json_object_get(json, "tls"), "records"), i, record)
    {
        (void)json_object_del(record, "at_us");
        json_int_t type = json_integer_value(json_object_get(record, "type"));
        if (type == 4 ||
            type == 15) /* a ticket says times, a proof numbers, that are now a byte shorter and now longer */
            (void)json_object_del(record, "length");
    }
    return json;
}

static void assert_same(const struct attempt *left, const struct attempt *right)
{
    json_t *one = without_chance(left), *other = without_chance(right);
    char *one_text = json_dumps(one, JSON_SORT_KEYS | JSON_INDENT(1));
    char *other_text = json_dumps(other, JSON_SORT_KEYS | JSON_INDENT(1));
    assert_non_null(one_text);
    assert_non_null(other_text);
    size_t at = 0, from;
    while (one_text[at] == other_text[at] && one_text[at] != '\0')
        at++;
    from = at < 200 ? 0 : at - 200;
    if (one_text[at] != other_text[at]) /* cmocka would show the beginnings alone, which are the same */
        fail_msg("%.400s\n--- but ---\n%.400s", one_text + from, other_text + from);
    free(one_text);
    free(other_text);
    json_decref(one);
    json_decref(other);
}

/* The first attempt is libssl's, the second our own's with a new chain, the third our own's with one that was seen. */
static void compare_engines(struct fixture *fixture, struct lab_server *server, struct probe_job job)
{
    struct probe_job jobs[3] = {job, job, job};
    run_in_turn(fixture, PROBER_AUTO, jobs, 3, server->port);
    lab_stop(server);
    assert_int_equal(fixture->attempts[0]->engine, ENGINE_LIBSSL);
    assert_int_equal(fixture->attempts[1]->engine, ENGINE_OWN);
    assert_same(fixture->attempts[0], fixture->attempts[1]);
    assert_same(fixture->attempts[1], fixture->attempts[2]);
}

static void evidence_of_a_good_server_is_the_same(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    compare_engines(*state, &server, named_job());
}

static void evidence_of_a_bad_chain_is_the_same(void **state)
{
    static const struct lab_certificate leaf = {"b.test", "DNS:b.test", -9 * DAY_S, -DAY_S};
    X509 *chain[] = {root, intermediate, NULL};
    struct lab_server server;
    lab_start(&server, LAB_TLS, tls_context(&leaf, chain, TLS1_3_VERSION));
    compare_engines(*state, &server, named_job());
}

static void evidence_of_another_group_is_the_same(void **state)
{
    X509 *chain[] = {intermediate, NULL};
    struct lab_server server;
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_set1_groups_list(context, "P-384"), 1);
    lab_start(&server, LAB_TLS, context);
    compare_engines(*state, &server, named_job());
}

static void evidence_of_a_required_certificate_is_the_same(void **state)
{
    X509 *chain[] = {intermediate, NULL};
    struct lab_server server;
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(SSL_CTX_add_client_CA(context, root), 1);
    lab_start(&server, LAB_TLS, context);
    struct fixture *fixture = *state;
    struct probe_job job = named_job();
    job.flags = PROBE_NO_REQUEST; /* a reset for what nobody reads would overtake the alert */
    compare_engines(fixture, &server, job);
    assert_class(fixture->attempts[1], OUTCOME_HTTP_CLIENT_CERT);
    assert_int_equal(fixture->attempts[1]->tls.ca_name_count, 1);
}

static void evidence_of_other_hellos_is_the_same(void **state)
{
    static const enum variant variants[] = {VARIANT_TLS13, VARIANT_NO_ALPN, VARIANT_LARGE_HELLO,
                                            VARIANT_CLIENT_CERT};
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct fixture *fixture;
        struct lab_server server;
        (void)setup((void **)&fixture);
        void *fresh = fixture;
        struct probe_job job = named_job();
        job.variant = variants[i];
        start_good(&server, LAB_TLS, TLS1_3_VERSION);
        compare_engines(fixture, &server, job);
        assert_class(fixture->attempts[1], OUTCOME_OK);
        (void)teardown(&fresh);
    }
}

/* A file with a certificate, perhaps what is above it, and its key. */
static void write_identity(char path[], X509 *issuer, bool with_chain)
{
    static const struct lab_certificate visitor = {"visitor", "DNS:visitor.test", -DAY_S, 30 * DAY_S};
    X509 *certificate = lab_sign(&visitor, key, issuer, key);
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_true(!with_chain || PEM_write_X509(file, issuer) == 1);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
}

/* The server trusts what the root signed: it has to be shown what is between. */
static void show_certificate(X509 *issuer, bool with_chain, enum outcome_class expected)
{
    char path[] = "/tmp/prober-visitor-XXXXXX";
    X509 *chain[] = {intermediate, NULL};
    struct lab_server server;
    struct fixture *fixture;
    (void)setup((void **)&fixture);
    void *fresh = fixture;
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_3_VERSION);
    X509_STORE *trusted = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(trusted, root), 1);
    (void)SSL_CTX_set1_verify_cert_store(context, trusted);
    X509_STORE_free(trusted);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(SSL_CTX_set_num_tickets(context, 0), 1); /* how many come in time is chance */
    write_identity(path, issuer, with_chain);
    fixture->options.client_cert = path;
    lab_start(&server, LAB_TLS, context);
    struct probe_job job = named_job();
    job.variant = VARIANT_CLIENT_CERT;
    job.flags = PROBE_NO_REQUEST;
    compare_engines(fixture, &server, job);
    assert_class(fixture->attempts[1], expected);
    (void)unlink(path);
    (void)teardown(&fresh);
}

static void a_certificate_is_shown_by_both(void **state)
{
    (void)state;
    show_certificate(intermediate, true, OUTCOME_OK);
    show_certificate(intermediate, false, OUTCOME_HTTP_ALERT); /* unknown CA */
    show_certificate(root, false, OUTCOME_OK);                 /* which goes along: it is known here */
}

/* Whether the tickets came before the reset is chance. */
static void a_late_reset_is_one_for_both(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job jobs[2] = {named_job(), named_job()};
    start_good(&server, LAB_RESET_LATE, TLS1_3_VERSION);
    run_in_turn(fixture, PROBER_AUTO, jobs, 2, server.port);
    lab_stop(&server);
    assert_int_equal(fixture->attempts[1]->engine, ENGINE_OWN);
    for (unsigned i = 0; i < 2; i++)
        assert_class(fixture->attempts[i], OUTCOME_HTTP_RESET);
}

static void a_hello_in_pieces_is_taken(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    struct probe_job job = named_job();
    job.variant = VARIANT_SPLIT_HELLO;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    run_in_turn(fixture, PROBER_OWN, &job, 1, server.port);
    lab_stop(&server);
    assert_engine(fixture->attempts[0], ENGINE_OWN, false);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(libssl_alone_when_asked_for),
        TEST(auto_learns_which_endpoints_our_own_speaks_to),
        TEST(auto_leaves_tls12_to_libssl),
        TEST(what_our_own_does_not_speak_is_made_again),
        TEST(evidence_of_a_good_server_is_the_same),
        TEST(evidence_of_a_bad_chain_is_the_same),
        TEST(evidence_of_another_group_is_the_same),
        TEST(evidence_of_a_required_certificate_is_the_same),
        cmocka_unit_test(evidence_of_other_hellos_is_the_same),
        cmocka_unit_test(a_certificate_is_shown_by_both),
        TEST(a_late_reset_is_one_for_both),
        TEST(a_hello_in_pieces_is_taken),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}

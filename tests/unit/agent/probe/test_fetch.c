#include "prober_fixture.h"

#include "hello/certificate_facts.h"
#include "words/cause.h"

/* Attempts on third parties that a certificate names: who may be asked, and what is kept of a failure. */

static struct attempt *about;
static struct case_file file = {.count = 1};

/* A job about a leaf that came from `from` and names `where` for both. @param chain  what was sent with the leaf. */
static struct probe_job fetch_job(enum variant variant, const char *from, const char *host, uint16_t port)
{
    char *url = arena_take(&about->arena, 64);
    struct probe_job job = named_job();
    assert_non_null(url);
    (void)snprintf(url, 64, "http://%s:%u/x", host, port);
    about->tls.leaf.ocsp_url = url;
    assert_true(address_parse(from, &about->flow.destination));
    job.endpoint.address = about->flow.destination;
    job.variant = variant;
    job.role = ATTEMPT_LADDER;
    job.timeout_us = 1000000;
    job.about = &file;
    return job;
}

static bool allow_all(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                      void *arg)
{
    (void)job;
    (void)address;
    (void)why;
    (void)arg;
    return true;
}

static bool allow_no_host(const struct probe_job *job, const struct address *address,
                          char why[PROBER_WHY_BYTES], void *arg)
{
    (void)why;
    assert_null(address);
    assert_string_equal(job->endpoint.host, "127.0.0.1");
    ++*(unsigned *)arg;
    return false;
}

static bool allow_no_address(const struct probe_job *job, const struct address *address,
                             char why[PROBER_WHY_BYTES], void *arg)
{
    (void)job;
    (void)why;
    (void)arg;
    return address == NULL;
}

static struct attempt *ask(struct fixture *fixture, struct lab_server *server, const char *from)
{
    lab_start(server, LAB_HTTP, NULL);
    struct attempt *attempt = run_one(fixture, fetch_job(VARIANT_OCSP, from, "127.0.0.1", server->port));
    lab_stop(server);
    return attempt;
}

static void a_failure_says_where_it_ended(void **state)
{
    struct lab_server server;
    struct attempt *attempt = ask(*state, &server, "127.0.0.1");
    assert_int_equal(attempt->tls.responder, RESPONDER_FAILED);
    assert_string_equal(attempt->tls.responder_url, about->tls.leaf.ocsp_url);
    assert_int_equal(attempt->http.status, 400);
    assert_int_equal(server.served, 1);
}

static void a_silent_responder_costs_the_deadline(void **state)
{
    struct lab_server server;
    lab_start(&server, LAB_SILENT, NULL);
    struct attempt *attempt = run_one(*state, fetch_job(VARIANT_OCSP, "127.0.0.1", "127.0.0.1", server.port));
    lab_stop(&server);
    assert_int_equal(attempt->tls.responder, RESPONDER_FAILED);
    assert_class(attempt, OUTCOME_HTTP_SILENT);
    assert_true(attempt->end.sent_bytes > 0);
}

static void the_owner_may_forbid_a_host(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    unsigned asked = 0;
    fixture->options.allow = allow_no_host;
    fixture->options.allow_arg = &asked;
    struct attempt *attempt = ask(fixture, &server, "127.0.0.1");
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_int_equal(asked, 1);
    assert_int_equal(server.served, 0);
}

static void the_owner_may_forbid_an_address(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    fixture->options.allow = allow_no_address;
    assert_class(ask(fixture, &server, "127.0.0.1"), OUTCOME_LOCAL_POLICY);
    assert_int_equal(server.served, 0);
}

/* Of one-shot probes, where nobody has said what is allowed. */
static void a_public_server_leads_into_no_network_of_ours(void **state)
{
    struct lab_server server;
    struct attempt *attempt = ask(*state, &server, "203.0.114.1");
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_int_equal(server.served, 0);
}

static void a_private_server_leads_to_no_other_sort_of_address(void **state)
{
    struct probe_job job = fetch_job(VARIANT_OCSP, "10.0.0.1", "169.254.169.254", 80);
    assert_class(run_one(*state, job), OUTCOME_LOCAL_POLICY);
}

static void what_the_owner_allows_may_be_private(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    fixture->options.allow = allow_all;
    assert_int_equal(ask(fixture, &server, "203.0.114.1")->http.status, 400);
}

static bool pace_third(const struct address *address, const struct probe_job *job, void *arg)
{
    assert_int_equal(address->length, 4);
    assert_int_equal(job->variant, VARIANT_OCSP);
    return ++*(unsigned *)arg >= 3;
}

static void a_responder_waits_for_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    unsigned asked = 0;
    fixture->options.pace = pace_third;
    fixture->options.pace_arg = &asked;
    assert_int_equal(ask(fixture, &server, "127.0.0.1")->http.status, 400);
    assert_int_equal(asked, 3);
}

static void a_certificate_that_names_nothing_leads_nowhere(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.resolver = "127.0.0.1:1";
    struct probe_job job = fetch_job(VARIANT_ISSUER, "127.0.0.1", "127.0.0.1", 1);
    struct attempt *attempt = run_one(fixture, job); /* its leaf has no issuer URL */
    assert_int_equal(attempt->tls.issuer, ISSUER_FAILED);
    assert_string_equal(attempt->tls.issuer_url, "");
    assert_int_equal(attempt->flow.destination.length, 0);
}

static void without_an_issuer_nothing_is_asked(void **state)
{
    struct lab_server server;
    size_t sent = about->tls.chain_count;
    about->tls.chain_count = 1;
    struct attempt *attempt = ask(*state, &server, "127.0.0.1");
    about->tls.chain_count = sent;
    assert_class(attempt, OUTCOME_LOCAL_OTHER);
    assert_int_equal(attempt->end.sent_bytes, 0);
}

static int make_about(void **state)
{
    if (make_authorities(state) != 0)
        return -1;
    X509 *leaf = lab_sign(&good_leaf, key, intermediate, key), *sent[] = {leaf, intermediate};
    about = attempt_new();
    assert_non_null(about);
    about->tls.chain = arena_array(&about->arena, 2, sizeof *about->tls.chain);
    for (size_t i = 0; i < 2; i++) {
        unsigned char *der = arena_take(&about->arena, 4096), *at = der;
        about->tls.chain[i].der = der;
        about->tls.chain[i].der_length = (size_t)i2d_X509(sent[i], &at);
        assert_true(certificate_facts(sent[i], &about->arena, &about->tls.chain[i]));
    }
    about->tls.chain_count = 2;
    file.attempts[0] = about;
    X509_free(leaf);
    return 0;
}

static int free_about(void **state)
{
    attempt_free(about);
    return free_authorities(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failure_says_where_it_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_silent_responder_costs_the_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(the_owner_may_forbid_a_host, setup, teardown),
        cmocka_unit_test_setup_teardown(the_owner_may_forbid_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(a_public_server_leads_into_no_network_of_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(a_private_server_leads_to_no_other_sort_of_address, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_owner_allows_may_be_private, setup, teardown),
        cmocka_unit_test_setup_teardown(a_responder_waits_for_its_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_certificate_that_names_nothing_leads_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_issuer_nothing_is_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_about, free_about);
}

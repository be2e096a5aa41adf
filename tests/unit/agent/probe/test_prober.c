#include "agent/probe/dns_message.h"
#include "agent/probe/prober_fixture.h"
#include "cmocka_all.h"
#include "probe/dns_answer.h"
#include "probe/prober.h"
#include "words/classify.h"

#include <errno.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* The whole engine against real sockets: what each kind of server leaves in the evidence. */

/* --- successes -------------------------------------------------------------------------------------------------- */

static void assert_stamps_ascend(const struct attempt *attempt)
{
    int64_t before = 0;
    const int64_t stamps[] = {
        attempt->clock.connect_us,    attempt->clock.connected_us,  attempt->clock.hello_sent_us,
        attempt->clock.first_byte_us, attempt->clock.flight_us,     attempt->clock.handshake_us,
        attempt->clock.request_us,    attempt->clock.first_data_us, attempt->clock.closed_us};
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        assert_true(stamps[i] >= before);
        before = stamps[i];
    }
}

static void assert_success(const struct attempt *attempt, uint16_t version)
{
    assert_class(attempt, OUTCOME_OK);
    assert_stamps_ascend(attempt);
    assert_int_equal(attempt->tls.version, version);
    assert_int_equal(attempt->tls.group, 29);
    assert_int_equal(attempt->tls.signature, 0x0403);
    assert_string_equal(attempt->tls.sni, "a.test");
    assert_int_equal(attempt->tls.chain_count, 2);
    assert_true(attempt->tls.chain[0].der_length > 0);
    assert_false(attempt->tls.chain_out_of_order);
    assert_true(attempt->tls.has_san);
    assert_int_equal(attempt->tls.staple, STAPLE_ABSENT);
    assert_int_equal(attempt->tls.verify_error_count, 0);
    assert_int_equal(attempt->http.status, 200);
    assert_string_equal(attempt_header(attempt, "server"), "lab");
    assert_int_equal(attempt->http.body_bytes, 5);
    assert_int_equal(attempt->end.how, ENDING_CLOSE_NOTIFY);
    assert_int_equal(attempt->end.first_bytes[0], 22);
    for (int i = 0; i <= MOMENT_END; i++)
        assert_true(attempt->tcp[i].taken);
    assert_int_equal(attempt->tcp[MOMENT_HELLO].bytes_acked, attempt->tls.hello_length + 1);
    assert_int_not_equal(attempt->clock.hello_acked_us, EVIDENCE_NEVER);
}

static void tls13_succeeds(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct attempt *attempt = run_against(*state, &server, named_job());
    assert_success(attempt, 0x0304);
    assert_true(attempt->tls.session_ticket);
    assert_int_equal(attempt->dns_count, 0);
}

static void tls12_is_pinned_by_its_variant(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.variant = VARIANT_TLS12;
    assert_success(run_against(*state, &server, job), 0x0303);
}

static void a_version_that_is_missing_is_an_alert(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_2_VERSION);
    struct probe_job job = named_job();
    job.variant = VARIANT_TLS13;
    struct attempt *attempt = run_against(*state, &server, job);
    assert_class(attempt, OUTCOME_TLS_ALERT);
    assert_int_equal(classify(attempt).raw, 70);
    assert_int_equal(attempt->end.how, ENDING_ALERT);
    assert_int_equal(attempt->tls.version, 0);
    assert_true(attempt->tls.error_count > 0);
}

static void an_address_is_checked_without_sni(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct attempt *attempt = run_against(*state, &server, job_for("127.0.0.1", 0));
    assert_class(attempt, OUTCOME_OK);
    assert_string_equal(attempt->tls.sni, "");
}

static void without_a_request_the_probe_ends_by_itself(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.flags = PROBE_NO_REQUEST;
    struct attempt *attempt = run_against(*state, &server, job);
    assert_class(attempt, OUTCOME_OK);
    assert_int_equal(attempt->end.how, ENDING_BY_US);
    assert_int_equal(attempt->clock.request_us, EVIDENCE_NEVER);
}

/* --- certificates ----------------------------------------------------------------------------------------------- */

static void every_verify_error_is_kept_and_none_ends_the_handshake(void **state)
{
    struct lab_server server;
    X509 *none[] = {NULL};
    struct lab_certificate bad = {"other.test", "DNS:other.test", -20 * DAY_S, -DAY_S};
    lab_start(&server, LAB_TLS, tls_context(&bad, none, TLS1_3_VERSION));
    struct attempt *attempt = run_against(*state, &server, named_job());
    assert_int_not_equal(attempt->clock.handshake_us, EVIDENCE_NEVER);
    assert_int_equal(attempt->http.status, 200);
    assert_true(has_verify_error(attempt, X509_V_ERR_CERT_HAS_EXPIRED));
    assert_true(has_verify_error(attempt, X509_V_ERR_HOSTNAME_MISMATCH));
    assert_true(has_verify_error(attempt, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY));
    assert_class(attempt, OUTCOME_CERT_EXPIRED);
}

static void a_chain_out_of_order_is_seen_as_sent(void **state)
{
    struct lab_server server;
    X509 *swapped[] = {root, intermediate, NULL};
    lab_start(&server, LAB_TLS, tls_context(&good_leaf, swapped, TLS1_3_VERSION));
    struct attempt *attempt = run_against(*state, &server, named_job());
    assert_class(attempt, OUTCOME_OK);
    assert_true(attempt->tls.chain_out_of_order);
    assert_int_equal(attempt->tls.chain_count, 3);
    const unsigned char *der = attempt->tls.chain[1].der;
    X509 *second = d2i_X509(NULL, &der, (long)attempt->tls.chain[1].der_length);
    assert_int_equal(X509_cmp(second, root), 0);
    X509_free(second);
}

static void a_required_client_certificate_is_named(void **state)
{
    struct lab_server server;
    X509 *chain[] = {intermediate, NULL};
    SSL_CTX *context = tls_context(&good_leaf, chain, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(SSL_CTX_add_client_CA(context, root), 1);
    lab_start(&server, LAB_TLS, context);
    struct attempt *attempt = run_against(*state, &server, named_job());
    assert_class(attempt, OUTCOME_HTTP_CLIENT_CERT);
    assert_int_equal(classify(attempt).raw, 116);
    assert_true(attempt->tls.certificate_request);
    assert_int_equal(attempt->tls.ca_name_count, 1);
    assert_string_equal(attempt->tls.ca_names[0], "CN=Lab Root");
}

/* --- servers that misbehave ------------------------------------------------------------------------------------- */

static struct attempt *run_raw(struct fixture *fixture, enum lab_kind kind)
{
    struct lab_server server;
    lab_start(&server, kind, NULL);
    struct probe_job job = named_job();
    if (kind == LAB_SILENT)
        job.timeout_us = 300000;
    return run_against(fixture, &server, job);
}

static void a_reset_after_the_hello_keeps_errno_and_counters(void **state)
{
    struct attempt *attempt = run_raw(*state, LAB_RESET);
    assert_class(attempt, OUTCOME_HELLO_RESET);
    assert_int_equal(attempt->flow.error, ECONNRESET);
    assert_int_equal(attempt->flow.error_call, CALL_RECV);
    assert_int_equal(attempt->end.how, ENDING_RESET);
    assert_int_equal(attempt->tls.ssl_error, SSL_ERROR_SYSCALL);
    assert_true(attempt->tcp[MOMENT_END].taken);
    assert_int_equal(attempt->tcp[MOMENT_END].bytes_acked, attempt->tls.hello_length + 1);
}

static void a_close_after_the_hello_sends_no_alert(void **state)
{
    struct attempt *attempt = run_raw(*state, LAB_CLOSE);
    uint8_t level, description;
    assert_class(attempt, OUTCOME_HELLO_CLOSED);
    assert_int_equal(attempt->end.how, ENDING_FIN);
    assert_false(attempt_alert(attempt, false, &level, &description));
    assert_int_equal(attempt->end.sent_bytes, attempt->tls.hello_length);
    assert_int_equal(attempt->tcp[MOMENT_END].bytes_received, 1);
    assert_false(attempt->tcp[MOMENT_HALF_CLOSED].taken);
}

static void silence_ends_at_the_deadline(void **state)
{
    struct attempt *attempt = run_raw(*state, LAB_SILENT);
    assert_class(attempt, OUTCOME_HELLO_SILENT);
    assert_int_equal(attempt->end.how, ENDING_TIMEOUT);
    assert_int_not_equal(attempt->clock.hello_acked_us, EVIDENCE_NEVER);
    assert_int_equal(attempt->clock.first_byte_us, EVIDENCE_NEVER);
    assert_int_equal(attempt->tcp[MOMENT_END].data_segs_in, 0);
    assert_true(attempt->tcp[MOMENT_HALF_CLOSED].taken);
    assert_true(attempt->tcp[MOMENT_HALF_CLOSED].at_us > attempt->tcp[MOMENT_END].at_us);
}

static void plain_http_is_not_tls(void **state)
{
    struct attempt *attempt = run_raw(*state, LAB_HTTP);
    assert_class(attempt, OUTCOME_TLS_NOT_TLS);
    assert_memory_equal(attempt->end.first_bytes, "HTTP/", 5);
}

static void a_reset_after_the_handshake_is_http(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_RESET_LATE, TLS1_3_VERSION);
    struct attempt *attempt = run_against(*state, &server, named_job());
    assert_class(attempt, OUTCOME_HTTP_RESET);
    assert_int_equal(attempt->flow.error, ECONNRESET);
}

static void a_closed_port_is_refused(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct probe_job job = named_job();
    lab_bind(fd, &job.endpoint.port); /* bound, not listening */
    struct attempt *attempt = run_one(*state, job);
    (void)close(fd);
    assert_class(attempt, OUTCOME_TCP_REFUSED);
    assert_int_equal(attempt->flow.error_call, CALL_CONNECT);
    assert_int_equal(attempt->end.how, ENDING_NONE);
}

/* --- policy, cancelling, queueing ------------------------------------------------------------------------------- */

static bool allow_no_address(const struct probe_job *job, const struct address *address,
                             char why[PROBER_WHY_BYTES], void *arg)
{
    (void)job;
    (void)snprintf(why, PROBER_WHY_BYTES, "deny: that");
    ++*(unsigned *)arg;
    return address == NULL;
}

static void a_refused_address_is_never_connected(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    unsigned asked = 0;
    lab_start(&server, LAB_CLOSE, NULL);
    fixture->options.allow = allow_no_address;
    fixture->options.allow_arg = &asked;
    struct attempt *attempt = run_against(fixture, &server, named_job());
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_string_equal(attempt->local_detail, "deny: that");
    assert_int_equal(asked, 2);
    assert_int_equal(server.served, 0);
    assert_int_equal(attempt->clock.connect_us, EVIDENCE_NEVER);
    assert_int_equal(attempt->flow.destination.length, 4);
}

static bool pace_one(const struct address *address, const struct probe_job *job, void *arg)
{
    (void)job;
    assert_int_equal(address->length, 4);
    return ++*(unsigned *)arg <= 1;
}

static void an_address_whose_rate_is_used_up_is_not_connected(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    unsigned asked = 1;
    lab_start(&server, LAB_CLOSE, NULL);
    fixture->options.pace = pace_one;
    fixture->options.pace_arg = &asked;
    struct attempt *attempt = run_against(fixture, &server, named_job());
    assert_class(attempt, OUTCOME_LOCAL_POLICY);
    assert_int_equal(asked, 2);
    assert_int_equal(server.served, 0);
    assert_int_equal(attempt->clock.connect_us, EVIDENCE_NEVER);
}

static void a_host_that_is_no_name_reaches_no_header(void **state)
{
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job job = named_job();
    job.endpoint.sni = "a.test\r\nX-Injected: 1";
    struct attempt *attempt = run_against(*state, &server, job);
    assert_class(attempt, OUTCOME_LOCAL_OTHER);
    assert_int_equal(server.served, 0);
}

static void an_address_that_has_no_route_is_this_vantages_matter(void **state)
{
    struct probe_job job = job_for("fe80::1", 443); /* no interface named */
    struct attempt *attempt = run_one(*state, job);
    assert_class(attempt, OUTCOME_LOCAL_NO_ROUTE);
    assert_int_not_equal(attempt->local_error, 0);
}

static void descriptors_that_run_out_are_this_vantages_matter(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, none;
    struct probe_job job = named_job();
    job.endpoint.port = 9;
    open_prober(fixture);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_true(prober_probe(fixture->prober, &job, on_attempt, fixture));
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(fixture->count, 1);
    assert_class(fixture->attempts[0], OUTCOME_LOCAL_RESOURCE);
    assert_int_equal(fixture->attempts[0]->flow.error_call, CALL_SOCKET);
}

static void cancelling_ends_the_running_and_the_queued(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server, closing;
    lab_start(&server, LAB_SILENT, NULL);
    lab_start(&closing, LAB_CLOSE, NULL);
    struct probe_job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = named_job();
        jobs[i].endpoint.port = server.port;
    }
    jobs[0].endpoint.port = closing.port;
    fixture->options.concurrency = 2;
    fixture->cancel_after_first = true;
    run(fixture, jobs, 4);
    lab_stop(&server);
    lab_stop(&closing);
    assert_int_equal(fixture->count, 4);
    assert_class(fixture->attempts[0], OUTCOME_HELLO_CLOSED);
    for (int i = 1; i < 4; i++)
        assert_class(fixture->attempts[i], OUTCOME_LOCAL_CANCELLED);
}

static void a_queue_of_one_serves_all(void **state)
{
    struct fixture *fixture = *state;
    struct lab_server server;
    start_good(&server, LAB_TLS, TLS1_3_VERSION);
    struct probe_job jobs[5];
    for (int i = 0; i < 5; i++) {
        jobs[i] = named_job();
        jobs[i].endpoint.port = server.port;
        jobs[i].endpoint.id = (uint64_t)i + 1;
    }
    fixture->options.concurrency = 1;
    run(fixture, jobs, 5);
    lab_stop(&server);
    for (unsigned i = 0; i < 5; i++) {
        assert_class(fixture->attempts[i], OUTCOME_OK);
        assert_int_equal(fixture->attempts[i]->endpoint_id, i + 1);
    }
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static void localhost_gives_an_attempt_per_family(void **state)
{
    struct fixture *fixture = *state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct probe_job job = job_for("localhost", 0);
    lab_bind(fd, &job.endpoint.port);
    run(fixture, &job, 1);
    (void)close(fd);
    assert_int_equal(fixture->count, 2);
    unsigned lengths =
        fixture->attempts[0]->flow.destination.length + fixture->attempts[1]->flow.destination.length;
    assert_int_equal(lengths, 4 + 16);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(fixture->attempts[i]->dns_count, 2);
        assert_true(fixture->attempts[i]->dns[0].from_hosts_file);
    }
}

static void one_family_gives_one_attempt(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct probe_job job = job_for("localhost", 0);
    lab_bind(fd, &job.endpoint.port);
    job.flags = PROBE_ONLY_IPV4;
    struct attempt *attempt = run_one(*state, job);
    (void)close(fd);
    assert_int_equal(attempt->flow.destination.length, 4);
    assert_int_equal(attempt->dns_count, 1);
}

/* A name server that answers A with two addresses and a CNAME, and AAAA with an rcode. */
struct name_server {
    int fd;
    uint16_t port;
    unsigned a_rcode;
    unsigned aaaa_rcode;
    pthread_t thread;
};

static void *name_server_thread(void *arg)
{
    struct name_server *server = arg;
    uint8_t question[512];
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    ssize_t got;
    while ((got = recvfrom(server->fd, question, sizeof question, 0, (struct sockaddr *)&peer, &length)) >
           4) {
        struct dns_message answer;
        unsigned id = (unsigned)question[0] << 8 | question[1];
        bool v6 = question[got - 3] == DNS_TYPE_AAAA;
        unsigned rcode = v6 ? server->aaaa_rcode : server->a_rcode;
        dns_begin(&answer, id, rcode, v6 || rcode != 0 ? 0 : 3, v6 ? DNS_TYPE_AAAA : DNS_TYPE_A);
        if (!v6 && rcode == 0) {
            dns_record(&answer, DNS_TYPE_CNAME, 300, "\3cdn\4test", 10);
            dns_record(&answer, DNS_TYPE_A, 60, "\x7f\x00\x00\x01", 4);
            dns_record(&answer, DNS_TYPE_A, 60, "\x7f\x00\x00\x02", 4);
        }
        (void)sendto(server->fd, answer.bytes, answer.length, 0, (struct sockaddr *)&peer, length);
        length = sizeof peer;
    }
    return NULL;
}

static void name_server_start(struct name_server *server, unsigned a_rcode, unsigned aaaa_rcode)
{
    *server = (struct name_server){
        .fd = socket(AF_INET, SOCK_DGRAM, 0), .a_rcode = a_rcode, .aaaa_rcode = aaaa_rcode};
    lab_bind(server->fd, &server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, name_server_thread, server), 0);
}

/* An empty datagram ends it. */
static void name_server_stop(struct name_server *server)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(server->port)};
    assert_int_equal(sendto(server->fd, "", 0, 0, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->fd);
}

static void run_with_names(struct fixture *fixture, unsigned a_rcode, unsigned aaaa_rcode, unsigned flags)
{
    struct name_server names;
    char resolver[32];
    name_server_start(&names, a_rcode, aaaa_rcode);
    (void)snprintf(resolver, sizeof resolver, "127.0.0.1:%u", names.port);
    fixture->options.resolver = resolver;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct probe_job job = job_for("a.test", 0);
    lab_bind(fd, &job.endpoint.port);
    job.flags = flags;
    run(fixture, &job, 1);
    (void)close(fd);
    name_server_stop(&names);
    assert_string_equal(fixture->attempts[0]->dns[0].resolver, resolver);
}

static void both_answers_are_evidence_and_the_first_address_is_tried(void **state)
{
    struct fixture *fixture = *state;
    char text[ADDRESS_TEXT_BYTES];
    run_with_names(fixture, 0, 2, 0);
    assert_int_equal(fixture->count, 1);
    const struct attempt *attempt = fixture->attempts[0];
    assert_string_equal(address_text(&attempt->flow.destination, text), "127.0.0.1");
    assert_int_equal(attempt->dns[0].rcode, 0);
    assert_int_equal(attempt->dns[0].answer_count, 3);
    assert_string_equal(attempt->dns[0].answers[0].name, "cdn.test");
    assert_int_equal(attempt->dns[1].rcode, 2);
    assert_class(attempt, OUTCOME_TCP_REFUSED);
}

static void all_addresses_are_tried_when_asked(void **state)
{
    struct fixture *fixture = *state;
    run_with_names(fixture, 0, 0, PROBE_ALL_ADDRESSES);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->attempts[1]->dns[0].answer_count, 3);
}

static void a_name_that_does_not_exist_ends_at_dns(void **state)
{
    struct fixture *fixture = *state;
    run_with_names(fixture, 3, 3, 0);
    assert_int_equal(fixture->count, 1);
    assert_class(fixture->attempts[0], OUTCOME_DNS_NXDOMAIN);
    assert_int_equal(fixture->attempts[0]->flow.destination.length, 0);
}

/* --- options ---------------------------------------------------------------------------------------------------- */

static void bad_options_say_why(void **state)
{
    struct fixture *fixture = *state;
    char *why = NULL;
    fixture->options.ca_file = "/nonexistent.pem";
    assert_null(prober_new(&fixture->loop, &fixture->options, &why));
    assert_non_null(strstr(why, "/nonexistent.pem"));
    free(why);
    fixture->options.ca_file = ca_path;
    fixture->options.resolver = "not an address";
    assert_null(prober_new(&fixture->loop, &fixture->options, &why));
    assert_non_null(strstr(why, "not an address"));
    free(why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls13_succeeds),
        TEST(tls12_is_pinned_by_its_variant),
        TEST(a_version_that_is_missing_is_an_alert),
        TEST(an_address_is_checked_without_sni),
        TEST(without_a_request_the_probe_ends_by_itself),
        TEST(every_verify_error_is_kept_and_none_ends_the_handshake),
        TEST(a_chain_out_of_order_is_seen_as_sent),
        TEST(a_required_client_certificate_is_named),
        TEST(a_reset_after_the_hello_keeps_errno_and_counters),
        TEST(a_close_after_the_hello_sends_no_alert),
        TEST(silence_ends_at_the_deadline),
        TEST(plain_http_is_not_tls),
        TEST(a_reset_after_the_handshake_is_http),
        TEST(a_closed_port_is_refused),
        TEST(a_refused_address_is_never_connected),
        TEST(an_address_whose_rate_is_used_up_is_not_connected),
        TEST(a_host_that_is_no_name_reaches_no_header),
        TEST(an_address_that_has_no_route_is_this_vantages_matter),
        TEST(descriptors_that_run_out_are_this_vantages_matter),
        TEST(cancelling_ends_the_running_and_the_queued),
        TEST(a_queue_of_one_serves_all),
        TEST(localhost_gives_an_attempt_per_family),
        TEST(one_family_gives_one_attempt),
        TEST(both_answers_are_evidence_and_the_first_address_is_tried),
        TEST(all_addresses_are_tried_when_asked),
        TEST(a_name_that_does_not_exist_ends_at_dns),
        TEST(bad_options_say_why),
    };
    for (int i = 0; i < PROBER_ENGINE_COUNT; i++) {
        engine = (enum prober_engine)i;
        int failed =
            cmocka_run_group_tests_name(prober_engine_names[i], tests, make_authorities, free_authorities);
        if (failed != 0)
            return failed;
    }
    return 0;
}

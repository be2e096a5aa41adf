#include "agent/probe/lab_server.h"
#include "cmocka_all.h"
#include "show/show.h"
#include "words/classify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* An attempt made by hand, whose peer put escape sequences wherever it could. */

enum { DAY_S = 86400 };

static const char evil[] = "\x1b]0;owned\x07\x1b[2Jevil";

struct fixture {
    struct attempt *attempt;
    struct endpoint endpoint;
    char *printed;
    size_t length;
};

static void add_certificate(struct attempt *attempt)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct lab_certificate wanted = {evil, "DNS:a.test,DNS:b.test,IP:192.0.2.7", -DAY_S, 10 * DAY_S + 3600};
    X509 *made = lab_sign(&wanted, key, NULL, NULL);
    unsigned char *der = NULL;
    int length = i2d_X509(made, &der);
    assert_true(length > 0);
    attempt->tls.chain = arena_array(&attempt->arena, 1, sizeof *attempt->tls.chain);
    unsigned char *kept = arena_take(&attempt->arena, (size_t)length);
    memcpy(kept, der, (size_t)length);
    attempt->tls.chain[0] = (struct chain_certificate){.der = kept, .der_length = (size_t)length};
    attempt->tls.chain_count = 1;
    OPENSSL_free(der);
    X509_free(made);
    EVP_PKEY_free(key);
}

static void add_handshake(struct attempt *attempt)
{
    attempt->clock.connect_us = 1000;
    attempt->clock.connected_us = 32000;
    attempt->clock.handshake_us = 96000;
    attempt->clock.request_us = 96000;
    attempt->clock.first_data_us = 129000;
    attempt->tcp[MOMENT_CONNECTED] = (struct tcp_snapshot){.taken = true, .rtt_us = 30800};
    attempt->tls.version = 0x0304;
    attempt->tls.cipher = 0x1302;
    attempt->tls.group = 29;
    attempt->tls.signature = 0x0403;
    attempt->tls.verify_errors = arena_array(&attempt->arena, 1, sizeof *attempt->tls.verify_errors);
    attempt->tls.verify_errors[0] = (struct verify_error){.code = 18, .depth = 0};
    attempt->tls.verify_error_count = 1;
    attempt->http.status = 200;
    attempt->http.reason = arena_string(&attempt->arena, evil);
    attempt->http.headers = arena_array(&attempt->arena, 1, sizeof *attempt->http.headers);
    attempt->http.headers[0] = (struct http_header){"server", arena_string(&attempt->arena, evil)};
    attempt->http.header_count = 1;
    attempt->end.how = ENDING_CLOSE_NOTIFY;
}

static void add_dns(struct attempt *attempt)
{
    struct dns_query *query = &attempt->dns[0];
    attempt->dns_count = 2;
    *query = (struct dns_query){.type = 1, .resolver = "192.0.2.53:53", .took_us = 12000, .answer_count = 2};
    query->answers = arena_array(&attempt->arena, 2, sizeof *query->answers);
    query->answers[0] = (struct dns_answer){.name = arena_string(&attempt->arena, evil), .ttl_s = 300};
    query->answers[1] = (struct dns_answer){.name = "", .address = attempt->flow.destination, .ttl_s = 60};
    attempt->dns[1] = (struct dns_query){.type = 28, .resolver = "192.0.2.53:53", .took_us = 12000};
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->endpoint = (struct endpoint){.site = "", .host = "a.test", .port = 443, .sni = ""};
    fixture->attempt = attempt_new();
    assert_non_null(fixture->attempt);
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    fixture->attempt->clock.start_us = (int64_t)now.tv_sec * 1000000;
    assert_true(address_parse("203.0.113.7", &fixture->attempt->flow.destination));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    attempt_free(fixture->attempt);
    free(fixture->printed);
    free(fixture);
    return 0;
}

static struct shown shown_of(const struct fixture *fixture)
{
    return (struct shown){fixture->attempt, &fixture->endpoint, classify(fixture->attempt)};
}

static const char *print(struct fixture *fixture, void (*show)(FILE *out, const struct shown *shown))
{
    struct shown shown = shown_of(fixture);
    FILE *out = open_memstream(&fixture->printed, &fixture->length);
    assert_non_null(out);
    show(out, &shown);
    assert_int_equal(fclose(out), 0);
    return fixture->printed;
}

static void line(FILE *out, const struct shown *shown)
{
    show_line(out, shown, 20);
}

static void json(FILE *out, const struct shown *shown)
{
    assert_true(show_json(out, shown));
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_no_controls(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (((unsigned char)*at < ' ' && *at != '\n') || *at == 0x7f)
            fail_msg("control character %d printed in:\n%s", *at, text);
}

static void the_first_line_is_the_answer(void **state)
{
    struct fixture *fixture = *state;
    add_handshake(fixture->attempt);
    const char *text = print(fixture, show_text);
    static const char first[] = "a.test:443  203.0.113.7  FAIL  self-signed certificate";
    assert_memory_equal(text, first, sizeof first - 1);
}

static void every_stage_has_its_row(void **state)
{
    struct fixture *fixture = *state;
    add_dns(fixture->attempt);
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    const char *text = print(fixture, show_text);
    assert_has(text, "203.0.113.7 (A, ttl 60) via 192.0.2.53:53");
    assert_has(text, "no AAAA via 192.0.2.53:53");
    assert_has(text, "rtt 31 ms, no retransmits");
    assert_has(text, "TLSv1.3  TLS_AES_256_GCM_SHA384  X25519  ecdsa_secp256r1_sha256");
    assert_has(text, "200 ");
    assert_has(text, "by peer, close_notify");
    assert_has(text, "(10 days left)");
    assert_has(text, "a.test, b.test, 192.0.2.7");
    assert_has(text, "EC 256 bits");
    assert_has(text, "18 self-signed certificate (depth 0)");
}

static void what_a_peer_sent_reaches_no_terminal_raw(void **state)
{
    struct fixture *fixture = *state;
    add_dns(fixture->attempt);
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    assert_no_controls(print(fixture, show_text));
    assert_has(fixture->printed, "evil");
    free(fixture->printed);
    assert_no_controls(print(fixture, show_pem));
    assert_has(fixture->printed, "-----BEGIN CERTIFICATE-----");
    free(fixture->printed);
    assert_no_controls(print(fixture, line));
    free(fixture->printed);
    assert_no_controls(print(fixture, json));
}

static void a_failed_connect_says_errno_and_icmp(void **state)
{
    struct fixture *fixture = *state;
    struct evidence_flow *flow = &fixture->attempt->flow;
    fixture->attempt->clock.connect_us = 0;
    flow->error = EHOSTUNREACH;
    flow->error_call = CALL_CONNECT;
    flow->icmp_type = 3;
    flow->icmp_code = 13;
    assert_true(address_parse("198.51.100.1", &flow->icmp_offender));
    const char *text = print(fixture, show_text);
    assert_has(text, "connect: errno 113 EHOSTUNREACH");
    assert_has(text, "ICMP type 3 code 13 from 198.51.100.1");
}

static void bytes_of_another_protocol_are_shown(void **state)
{
    struct fixture *fixture = *state;
    struct attempt *attempt = fixture->attempt;
    attempt->clock.connect_us = 0;
    attempt->clock.connected_us = attempt->clock.hello_sent_us = attempt->clock.first_byte_us = 1000;
    attempt->end.how = ENDING_ERROR;
    memcpy(attempt->end.first_bytes, "SSH-2.0\r\n", 9);
    attempt->end.first_byte_count = 9;
    const char *text = print(fixture, show_text);
    assert_has(text, "port does not speak TLS");
    assert_has(text, "first bytes: SSH-2.0\\x0d\\x0a");
    assert_no_controls(text);
}

static void a_line_says_what_matters(void **state)
{
    struct fixture *fixture = *state;
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    assert_has(print(fixture, line), "FAIL  self-signed certificate");
    free(fixture->printed);
    fixture->attempt->tls.verify_error_count = 0;
    assert_has(print(fixture, line),
               "a.test:443            203.0.113.7      ok    TLSv1.3  95 ms  HTTP 200  cert 10 d\n");
}

static void json_can_be_read_back(void **state)
{
    struct fixture *fixture = *state;
    add_dns(fixture->attempt);
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    json_t *read = json_loads(print(fixture, json), 0, NULL);
    assert_non_null(read);
    assert_int_equal(json_integer_value(json_object_get(read, "schema")), 1);
    json_decref(read);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_line_is_the_answer),
        TEST(every_stage_has_its_row),
        TEST(what_a_peer_sent_reaches_no_terminal_raw),
        TEST(a_failed_connect_says_errno_and_icmp),
        TEST(bytes_of_another_protocol_are_shown),
        TEST(a_line_says_what_matters),
        TEST(json_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

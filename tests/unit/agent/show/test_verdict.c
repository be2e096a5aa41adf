#include "agent/probe/lab_server.h"
#include "cli/program.h"
#include "cli/term.h"
#include "cmocka_all.h"
#include "show/show.h"
#include "show/verdict.h"
#include "words/classify.h"
#include "words/conclusion_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Attempts and conclusions made by hand, whose peers put escape sequences wherever they could, in both languages. What is
 * concluded from what is tested elsewhere; here it is how a conclusion reads.
 */

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

typedef void show_fn(FILE *out, const struct case_file *file, const struct conclusion *conclusion);

/* A case of the fixture's attempt alone. */
static struct case_file case_of(const struct fixture *fixture)
{
    return (struct case_file){.endpoint = &fixture->endpoint,
                              .count = 1,
                              .attempts = {fixture->attempt},
                              .outcomes = {classify(fixture->attempt)}};
}

static const char *print_case(struct fixture *fixture, const struct case_file *file,
                              const struct conclusion *conclusion, show_fn *show)
{
    free(fixture->printed);
    FILE *out = open_memstream(&fixture->printed, &fixture->length);
    assert_non_null(out);
    show(out, file, conclusion);
    assert_int_equal(fclose(out), 0);
    return fixture->printed;
}

static const char *print(struct fixture *fixture, enum cause cause, show_fn *show)
{
    struct case_file file = case_of(fixture);
    struct conclusion conclusion = {.cause = cause};
    return print_case(fixture, &file, &conclusion, show);
}

static void line(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    show_verdict_line(out, file, conclusion, 20);
}

static void pem(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    (void)conclusion;
    show_pem(out, file->attempts[0]);
}

static void json(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    json_t *value = case_json(file, conclusion);
    assert_non_null(value);
    assert_int_equal(json_dumpf(value, out, JSON_COMPACT), 0);
    json_decref(value);
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
    const char *text = print(fixture, CAUSE_CERT_SELF_SIGNED, show_verdict);
    static const char first[] =
        "a.test:443  203.0.113.7  FAIL  certificate: self-signed\n\n  Self-signed certificate.\n";
    assert_memory_equal(text, first, sizeof first - 1);
}

static void every_stage_has_its_row(void **state)
{
    struct fixture *fixture = *state;
    add_dns(fixture->attempt);
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    const char *text = print(fixture, CAUSE_CERT_SELF_SIGNED, show_verdict);
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
    assert_no_controls(print(fixture, CAUSE_CERT_SELF_SIGNED, show_verdict));
    assert_has(fixture->printed, "evil");
    assert_no_controls(print(fixture, CAUSE_CERT_SELF_SIGNED, pem));
    assert_has(fixture->printed, "-----BEGIN CERTIFICATE-----");
    assert_no_controls(print(fixture, CAUSE_CERT_SELF_SIGNED, line));
    assert_no_controls(print(fixture, CAUSE_CERT_SELF_SIGNED, json));
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
    const char *text = print(fixture, CAUSE_TCP_REJECTED, show_verdict);
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
    const char *text = print(fixture, CAUSE_TLS_PLAINTEXT, show_verdict);
    assert_has(text, "first bytes: SSH-2.0\\x0d\\x0a");
    assert_no_controls(text);
}

static void a_line_says_what_matters(void **state)
{
    struct fixture *fixture = *state;
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    assert_has(print(fixture, CAUSE_CERT_SELF_SIGNED, line),
               "FAIL  certificate: self-signed (x509 18 self-signed certificate)\n");
    fixture->attempt->tls.verify_error_count = 0;
    assert_has(print(fixture, CAUSE_NONE, line),
               "a.test:443            203.0.113.7      ok    TLSv1.3  95 ms  HTTP 200  cert 10 d\n");
    assert_has(print(fixture, CAUSE_CERT_WRONG_ORDER, line), "FAIL  certificate: chain out of order\n");
}

static void a_healthy_case_has_nothing_to_do(void **state)
{
    struct fixture *fixture = *state;
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    fixture->attempt->tls.verify_error_count = 0;
    struct case_file file = case_of(fixture);
    struct conclusion conclusion = {.cause = CAUSE_NONE,
                                    .fact_count = 1,
                                    .facts = {{"days", "10"}},
                                    .also_count = 2,
                                    .also = {CAUSE_CERT_EXPIRES_SOON, CAUSE_CERT_WEAK_KEY}};
    const char *text = print_case(fixture, &file, &conclusion, show_verdict);
    assert_memory_equal(text, "a.test:443  203.0.113.7  ok\n\n  tcp", 34);
    assert_has(text, "\n  also         certificate: Expires in 10 days.\n");
    assert_has(text,
               "\n               certificate: weak key\n"); /* whose facts are not known says its name only */
    assert_null(strstr(text, "consistent"));
    assert_null(strstr(text, "\n  do "));
}

/* --- ten causes of different sections, in both languages ---------------------------------------------------------- */

struct reading {
    enum cause cause;
    struct fact facts[4];
    const char *english, *chinese;
};

static const struct reading readings[] = {
    {CAUSE_CERT_EXPIRED,
     {{"date", "2026-11-19"}, {"ip", "203.0.113.7"}},
     "Certificate expired on 2026-11-19 (served by 203.0.113.7).",
     "证书已于 2026-11-19 过期（由 203.0.113.7 提供）。"},
    {CAUSE_CERT_MISSING_INTERMEDIATE,
     {{NULL, NULL}},
     "certificate: missing intermediate",
     "证书：缺少中间证书"},
    {CAUSE_CERT_NAME, {{"host", "a.test"}, {"names", "b.test"}}, "a.test", "b.test"},
    {CAUSE_TLS_PLAINTEXT,
     {{"protocol", "SSH"}},
     "The port speaks SSH, not TLS.",
     "此端口使用的是 SSH，不是 TLS。"},
    {CAUSE_TLS_LEGACY, {{"version", "?"}}, "\n  Legacy TLS only.\n", "\n  仅支持旧版 TLS。\n"},
    {CAUSE_TLS_LEGACY, {{"version", "TLSv1"}}, "Legacy TLS only (TLSv1).", "仅支持旧版 TLS（TLSv1）。"},
    {CAUSE_TLS_TLCP, {{NULL, NULL}}, "TLS: TLCP only", "TLS：仅支持国密 TLCP"},
    {CAUSE_TCP_REFUSED, {{NULL, NULL}}, "TCP: connection refused", "TCP：连接被拒绝"},
    {CAUSE_HELLO_NAME_RESET,
     {{"host", "a.test"}},
     "ClientHello: reset on the name",
     "ClientHello：因域名被重置"},
    {CAUSE_HELLO_CLOSED,
     {{"when", "early, 12 ms of rtt 40 ms"}},
     "Closed without an answer (early, 12 ms of rtt 40 ms).",
     "没有应答就关闭（过早，12 ms，RTT 40 ms）。"},
    {CAUSE_EDGE_REJECTS_ORIGIN,
     {{"fault", "expired, 2026-11-19"}},
     "expired, 2026-11-19.",
     "已过期，2026-11-19。"},
    {CAUSE_CAPACITY_BURST,
     {{NULL, NULL}},
     "capacity: listen queue overflows under a burst",
     "容量：突发连接时监听队列溢出"},
    {CAUSE_DNS_SERVFAIL,
     {{"host", "a.test"}, {"resolver", "192.0.2.53"}},
     "DNS: resolver failed",
     "  DNS 解析器失败（SERVFAIL）\n"},
    {CAUSE_EDGE_GATEWAY, {{"status", "502"}}, "HTTP 502", "HTTP 502"},
    {CAUSE_LOCAL_NO_ROUTE, {{"family", "IPv6"}}, "no way to IPv6 addresses", "IPv6"},
};

static void verdicts_read_in_both_languages(void **state)
{
    struct fixture *fixture = *state;
    struct case_file file = case_of(fixture);
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct conclusion conclusion = {.cause = readings[i].cause};
        while (conclusion.fact_count < 4 && readings[i].facts[conclusion.fact_count].key != NULL) {
            conclusion.facts[conclusion.fact_count] = readings[i].facts[conclusion.fact_count];
            conclusion.fact_count++;
        }
        cli_set_language("en");
        assert_has(print_case(fixture, &file, &conclusion, show_verdict), readings[i].english);
        cli_set_language("zh");
        assert_has(print_case(fixture, &file, &conclusion, show_verdict), readings[i].chinese);
        assert_has(fixture->printed, "  相符  ");
        cli_set_language("en");
    }
}

static void facts_of_strangers_are_made_safe(void **state)
{
    struct fixture *fixture = *state;
    struct case_file file = case_of(fixture);
    struct conclusion conclusion = {
        .cause = CAUSE_CERT_NAME,
        .fact_count = 2,
        .facts = {{"host", "{names}\xe2\x80\xae"}, {"names", "\x1b]0;x\x07\xff\n"}}};
    const char *text = print_case(fixture, &file, &conclusion, show_verdict);
    assert_no_controls(text);
    assert_has(text, "{names}\\u{202E}"); /* a fact is not filled in again */
    assert_has(text, "\\x1b]0;x\\x07\\xff\\x0a");
    json_t *read = json_loads(print_case(fixture, &file, &conclusion, json), 0, NULL);
    assert_non_null(read);
    const json_t *verdict = json_object_get(read, "verdict");
    assert_string_equal(json_string_value(json_object_get(verdict, "cause")), "cert.name");
    assert_string_equal(json_string_value(json_object_get(json_object_get(verdict, "facts"), "names")),
                        "\x1b]0;x\x07\\xff\n");
    assert_int_equal(json_array_size(json_object_get(read, "attempts")), 1);
    json_decref(read);
}

/* What the ladder added: attempts alike are counted, and what they rule out names them. */
static void other_attempts_are_listed(void **state)
{
    struct fixture *fixture = *state;
    struct attempt *control = attempt_new(), *burst = attempt_new();
    assert_true(control != NULL && burst != NULL);
    control->variant = VARIANT_CONTROL_SNI;
    control->tls.sni = evil;
    burst->variant = VARIANT_BURST;
    struct case_file file = case_of(fixture);
    const struct attempt *more[] = {control, burst, burst, burst};
    for (size_t i = 0; i < 4; i++) {
        file.attempts[file.count] = more[i];
        file.outcomes[file.count++] = i == 0 ? outcome_make(OUTCOME_OK, RAW_NONE, 0)
                                             : outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, 104);
    }
    const struct endpoint origin = {.site = "", .host = "198.51.100.9", .port = 8443, .sni = "a.test"};
    assert_true(address_parse("198.51.100.9", &control->flow.destination));
    file.origins[1] = &origin;
    struct conclusion conclusion = {.cause = CAUSE_HELLO_NAME_RESET, .certainty = CERTAINTY_CONFIRMED};
    conclusion_rule_out(&conclusion, CAUSE_HELLO_ADDRESS_BLOCKED, VARIANT_CONTROL_SNI);
    conclusion_rule_out(&conclusion, CAUSE_TCP_REFUSED, VARIANT_NORMAL);
    conclusion_rule_out(&conclusion, CAUSE_HELLO_ADDRESS_BLOCKED, VARIANT_NORMAL); /* said already */
    const char *text = print_case(fixture, &file, &conclusion, show_verdict);
    assert_no_controls(text);
    assert_has(text, "  attempts   control-sni  ok  at the origin 198.51.100.9  \\x1b]0;owned");
    assert_has(text, "             burst        reset after ClientHello (errno 104 ECONNRESET)  3 times\n");
    assert_has(text, "  confirmed  early reset");
    assert_has(text, "  ruled out  address blocked (by control-sni), connection refused\n");
    json_t *read = json_loads(print_case(fixture, &file, &conclusion, json), 0, NULL);
    const json_t *verdict = json_object_get(read, "verdict");
    assert_string_equal(json_string_value(json_object_get(verdict, "certainty")), "confirmed");
    assert_int_equal(json_array_size(json_object_get(verdict, "variants")), 5);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(verdict, "ruled_out"), 0), "by")),
        "control-sni");
    const json_t *second = json_array_get(json_object_get(read, "attempts"), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(second, "endpoint"), "host")),
                        "198.51.100.9");
    json_decref(read);
    attempt_free(control);
    attempt_free(burst);
}

static void assert_lines_fit(const char *text, unsigned columns)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char *one = strndup(text, length);
        if (text_width(one) > columns || (length > 0 && one[length - 1] == ' '))
            fail_msg("%u columns: \"%s\"", text_width(one), one);
        free(one);
        text += length + 1;
    }
}

static void a_narrow_terminal_wraps(void **state)
{
    struct fixture *fixture = *state;
    add_handshake(fixture->attempt);
    assert_int_equal(setenv("COLUMNS", "40", 1), 0);
    fixture->endpoint.host = "a";
    struct case_file file = case_of(fixture);
    struct conclusion conclusion = {.cause = CAUSE_CERT_MISSING_INTERMEDIATE};
    static const char *const languages[] = {"en", "zh"};
    fixture->attempt->http.header_count = 0;
    fixture->attempt->http.reason = "";
    for (size_t i = 0; i < 2; i++) {
        cli_set_language(languages[i]);
        const char *text = print_case(fixture, &file, &conclusion, show_verdict);
        assert_lines_fit(strchr(text, '\n') + 1, 40);
        assert_has(text, "fullchain.pem");
    }
    cli_set_language("en");
    assert_int_equal(unsetenv("COLUMNS"), 0);
}

static void json_can_be_read_back(void **state)
{
    struct fixture *fixture = *state;
    add_dns(fixture->attempt);
    add_handshake(fixture->attempt);
    add_certificate(fixture->attempt);
    json_t *read = json_loads(print(fixture, CAUSE_CERT_SELF_SIGNED, json), 0, NULL);
    assert_non_null(read);
    const json_t *attempt = json_array_get(json_object_get(read, "attempts"), 0);
    assert_int_equal(json_integer_value(json_object_get(attempt, "schema")), 1);
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
        TEST(a_healthy_case_has_nothing_to_do),
        TEST(verdicts_read_in_both_languages),
        TEST(facts_of_strangers_are_made_safe),
        TEST(other_attempts_are_listed),
        TEST(a_narrow_terminal_wraps),
        TEST(json_can_be_read_back),
    };
    (void)unsetenv("COLUMNS");
    cli_set_language("en");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

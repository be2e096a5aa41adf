#include "cmocka_all.h"
#include "words/cause.h"
#include "words/classify.h"

#include <openssl/x509_vfy.h>
#include <string.h>

/* An edge's answer, with and without what its origin says. */

enum { MAX_PLACES = 3 };

struct fixture {
    struct endpoint endpoint, origin;
    struct case_file file;
    struct attempt *attempts[MAX_PLACES];
    struct arena arena;
    struct conclusion conclusion;
};

/* What an attempt came to. */
struct came {
    uint16_t status;      /* with a handshake; 0: it did not come so far */
    int32_t verify_error; /* with a handshake */
    uint8_t alert;
    int32_t refused; /* errno of connect() */
    uint16_t version;
};

static struct attempt *attempt_of(struct came came)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    assert_true(address_parse("203.0.113.7", &attempt->flow.destination));
    attempt->clock.connect_us = 1;
    attempt->clock.closed_us = 100;
    if (came.refused != 0) {
        attempt->flow.error = came.refused;
        attempt->flow.error_call = CALL_CONNECT;
        return attempt;
    }
    attempt->clock.connected_us = attempt->clock.hello_sent_us = attempt->clock.first_byte_us = 2;
    if (came.alert != 0) {
        attempt->tls.records = arena_array(&attempt->arena, 1, sizeof *attempt->tls.records);
        attempt->tls.records[0] =
            (struct tls_record){.received = true, .content = 21, .type = came.alert, .level = 2};
        attempt->tls.record_count = 1;
        attempt->end.how = ENDING_ALERT;
        attempt->end.received_bytes = 7;
        return attempt;
    }
    attempt->clock.handshake_us = attempt->clock.request_us = 3;
    attempt->tls.version = came.version == 0 ? 0x0304 : came.version;
    if (came.verify_error != 0) {
        attempt->tls.verify_errors = arena_array(&attempt->arena, 1, sizeof *attempt->tls.verify_errors);
        attempt->tls.verify_errors[0] = (struct verify_error){came.verify_error, 0};
        attempt->tls.verify_error_count = 1;
    }
    attempt->http.status = came.status;
    attempt->end.how = ENDING_BY_US;
    return attempt;
}

static void begin(struct fixture *fixture, struct came edge)
{
    *fixture = (struct fixture){.endpoint = {.site = "", .host = "www.shop.example", .port = 443, .sni = ""}};
    fixture->origin = fixture->endpoint;
    fixture->origin.role = ROLE_ORIGIN;
    arena_init(&fixture->arena, 1 << 20);
    fixture->attempts[0] = attempt_of(edge);
    fixture->file = (struct case_file){.endpoint = &fixture->endpoint,
                                       .count = 1,
                                       .attempts = {fixture->attempts[0]},
                                       .outcomes = {classify(fixture->attempts[0])},
                                       .now_us = INT64_C(1795000000000000)};
}

static void add_origin(struct fixture *fixture, struct came came, enum variant variant)
{
    size_t place = fixture->file.count++;
    fixture->attempts[place] = attempt_of(came);
    fixture->attempts[place]->variant = variant;
    fixture->file.attempts[place] = fixture->attempts[place];
    fixture->file.outcomes[place] = classify(fixture->attempts[place]);
    fixture->file.origins[place] = &fixture->origin;
}

static void give_headers(struct fixture *fixture, const char *name, const char *value)
{
    struct attempt *attempt = fixture->attempts[0];
    attempt->http.headers = arena_array(&attempt->arena, 1, sizeof *attempt->http.headers);
    attempt->http.headers[0] = (struct http_header){name, value};
    attempt->http.header_count = 1;
}

static const char *fact(const struct fixture *fixture, const char *key)
{
    for (size_t i = 0; i < fixture->conclusion.fact_count; i++)
        if (strcmp(fixture->conclusion.facts[i].key, key) == 0)
            return fixture->conclusion.facts[i].value;
    return "";
}

static const char *concluded(struct fixture *fixture)
{
    assert_true(conclude(&fixture->file, &fixture->arena, &fixture->conclusion));
    return cause_row(fixture->conclusion.cause)->id;
}

static void end(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->file.count; i++)
        attempt_free(fixture->attempts[i]);
    arena_done(&fixture->arena);
}

static void each_status_has_its_cause(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        bool cdn;
        const char *cause;
    } samples[] = {
        {200, true, "none"},
        {404, true, "none"},
        {500, false, "http.server_error"},
        {500, true, "http.server_error"},
        {502, false, "edge.gateway"},
        {503, false, "http.server_error"},
        {504, true, "edge.gateway"},
        {520, true, "edge.520"},
        {521, true, "edge.521"},
        {522, true, "edge.522"},
        {523, false, "edge.523"},
        {524, true, "edge.524"},
        {525, true, "edge.525"},
        {526, true, "edge.526"},
        {527, false, "edge.gateway"},
        {528, true, "edge.gateway"},
        {528, false, "http.server_error"},
        {529, false, "http.server_error"},
        {530, false, "edge.530"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture, (struct came){.status = samples[i].status});
        if (samples[i].cdn)
            give_headers(&fixture, "cf-ray", "8f1a-HKG");
        assert_string_equal(concluded(&fixture), samples[i].cause);
        if (samples[i].status >= 500) {
            assert_string_equal(fact(&fixture, "cdn"), samples[i].cdn ? "Cloudflare" : "");
            assert_string_equal(fact(&fixture, "pop"), samples[i].cdn ? "HKG" : "");
        }
        end(&fixture);
    }
}

static void the_origin_says_why(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        struct came with_sni, without_sni;
        const char *cause, *origin_cause;
        enum certainty certainty;
    } samples[] = {
        {502, {.status = 200}, {.alert = 112}, "edge.no_sni_upstream", "none", CERTAINTY_CONFIRMED},
        {502, {.status = 200}, {.alert = 40}, "edge.no_sni_upstream", "none", CERTAINTY_CONFIRMED},
        {503, {.status = 200}, {.alert = 112}, "edge.no_sni_upstream", "none", CERTAINTY_CONFIRMED},
        {525, {.status = 404}, {.alert = 112}, "edge.no_sni_upstream", "none", CERTAINTY_CONFIRMED},
        {502,
         {.status = 200},
         {.status = 200, .verify_error = X509_V_ERR_HOSTNAME_MISMATCH},
         "edge.no_sni_upstream",
         "none",
         CERTAINTY_CONSISTENT},
        {504, {.status = 200}, {.alert = 112}, "edge.gateway", "none", CERTAINTY_CONSISTENT},
        {521, {.status = 200}, {.alert = 112}, "edge.521", "none", CERTAINTY_CONSISTENT},
        {502, {.status = 200}, {.status = 200}, "edge.gateway", "none", CERTAINTY_CONSISTENT},
        {503, {.status = 200}, {.status = 200}, "http.server_error", "", CERTAINTY_CONSISTENT},
        {502,
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         "edge.rejects_origin",
         "cert.expired",
         CERTAINTY_CONSISTENT},
        {526,
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         {.alert = 112},
         "edge.rejects_origin",
         "cert.expired",
         CERTAINTY_CONFIRMED},
        {504,
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         "edge.origin_fails",
         "cert.expired",
         CERTAINTY_CONSISTENT},
        {502, {.refused = 111}, {.refused = 111}, "edge.origin_fails", "tcp.refused", CERTAINTY_CONSISTENT},
        {521, {.refused = 111}, {.refused = 111}, "edge.521", "tcp.refused", CERTAINTY_CONSISTENT},
        {500, {.refused = 111}, {.refused = 111}, "http.server_error", "", CERTAINTY_CONSISTENT},
        {200,
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         {.status = 200, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
         "edge.origin_certificate",
         "cert.expired",
         CERTAINTY_CONFIRMED},
        {200, {.status = 200}, {.alert = 112}, "none", "", CERTAINTY_CONSISTENT},
        {200, {.refused = 111}, {.refused = 111}, "none", "", CERTAINTY_CONSISTENT},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture, (struct came){.status = samples[i].status});
        add_origin(&fixture, samples[i].with_sni, VARIANT_NORMAL);
        add_origin(&fixture, samples[i].without_sni, VARIANT_NO_SNI);
        assert_string_equal(concluded(&fixture), samples[i].cause);
        assert_string_equal(fact(&fixture, "origin_cause"), samples[i].origin_cause);
        assert_int_equal(fixture.conclusion.certainty, samples[i].certainty);
        end(&fixture);
    }
}

static void what_this_vantage_could_not_try_blames_no_origin(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct came){.status = 502});
    add_origin(&fixture, (struct came){.refused = 111}, VARIANT_NORMAL);
    fixture.attempts[1]->local = LOCAL_POLICY;
    fixture.file.outcomes[1] = classify(fixture.attempts[1]);
    assert_string_equal(concluded(&fixture), "edge.gateway");
    assert_string_equal(fact(&fixture, "origin"), "");
    end(&fixture);
}

static void versions_that_differ_are_worth_a_word(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, (struct came){.status = 200});
    add_origin(&fixture, (struct came){.status = 200, .version = 0x0303}, VARIANT_NORMAL);
    assert_string_equal(concluded(&fixture), "none");
    assert_int_equal(fixture.conclusion.also_count, 1);
    assert_int_equal(fixture.conclusion.also[0], CAUSE_EDGE_VERSIONS_DIFFER);
    assert_string_equal(fact(&fixture, "origin_version"), "TLSv1.2");
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_cause),
        cmocka_unit_test(the_origin_says_why),
        cmocka_unit_test(what_this_vantage_could_not_try_blames_no_origin),
        cmocka_unit_test(versions_that_differ_are_worth_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

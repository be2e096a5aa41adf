#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outlet/alert.h"
#include "outlet/receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text_at(const json_t *root, const char *object, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(root, object), key));
    return text == NULL ? "" : text;
}

static void says(const struct told *told, const char *expected)
{
    struct buf text;
    buf_init(&text, 0);
    assert_true(told_summary(told, &text));
    assert_string_equal((const char *)text.data, expected);
    buf_done(&text);
}

static void test_open(void **state)
{
    const struct told told = alert_sample();
    (void)state;
    json_t *labels = alert_labels(&told);
    assert_non_null(labels);
    json_t *alert = alert_json(&told, labels, "https://status.example/p.html", INT64_C(1767225600000000));
    assert_non_null(alert);
    assert_string_equal(text_at(alert, "labels", "alertname"), "ParallaxFails");
    assert_string_equal(text_at(alert, "labels", "severity"), "critical");
    assert_string_equal(text_at(alert, "labels", "asn"), "64496");
    assert_string_equal(text_at(alert, "labels", "outcome"), "hello.reset");
    assert_null(json_object_get(json_object_get(alert, "labels"), "region")); /* an empty label is none */
    assert_null(json_object_get(json_object_get(alert, "labels"), "cause"));
    assert_string_equal(json_string_value(json_object_get(alert, "startsAt")), "2026-01-01T00:00:00Z");
    assert_string_equal(json_string_value(json_object_get(alert, "endsAt")), "2026-01-01T00:04:00Z");
    assert_string_equal(json_string_value(json_object_get(alert, "generatorURL")),
                        "https://status.example/p.html#incident-0");
    assert_string_equal(text_at(alert, "annotations", "summary"),
                        "test test.invalid:443: reset after ClientHello, from AS64496");
    json_decref(alert);
    json_decref(labels);
}

/* A closed one ends when it ended, and keeps the labels it was told with. */
static void test_closed(void **state)
{
    struct told told = alert_sample();
    (void)state;
    told.closed = "2026-01-01T00:02:00Z";
    told.cause = "hello.reset_early";
    json_t *labels = json_loads("{\"alertname\": \"old\", \"incident\": \"7\"}", 0, NULL);
    json_t *alert = alert_json(&told, labels, NULL, INT64_C(1767225600000000));
    assert_string_equal(json_string_value(json_object_get(alert, "endsAt")), "2026-01-01T00:02:00Z");
    assert_true(json_equal(json_object_get(alert, "labels"), labels));
    assert_null(json_object_get(alert, "generatorURL"));
    json_decref(alert);
    json_decref(labels);
}

static void test_places(void **state)
{
    struct told told = alert_sample();
    (void)state;
    told.outcome = outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, 112);
    told.place = PLACE_REGION;
    told.region = "cn";
    says(&told, "test test.invalid:443: TLS alert (alert 112 unrecognized_name), from region cn");
    told.outcome = outcome_make(OUTCOME_TCP_TIMEOUT, RAW_NONE, 0);
    told.place = PLACE_ENDPOINT;
    told.endpoints = 3;
    told.sites = "blog, shop";
    says(&told, "blog, shop, 3 endpoints: no answer to SYN, from everywhere");
    told.place = PLACE_EDGE;
    told.edge = "Fastly";
    told.pop = "HKG";
    told.flapping = true;
    says(&told, "blog, shop, 3 endpoints: no answer to SYN, at the edge Fastly HKG (comes and goes)");
    told.edge = told.pop = "";
    told.flapping = false;
    told.address = "192.0.2.7";
    says(&told, "blog, shop, 3 endpoints: no answer to SYN, at the address 192.0.2.7");
    told.place = PLACE_VANTAGE;
    told.vantage = "hk-1";
    says(&told, "blog, shop, 3 endpoints: no answer to SYN, from vantage hk-1 or on its path");
    told.kind = INCIDENT_VANTAGE_ASIDE;
    says(&told, "vantage hk-1: set aside, because it fails where others pass");
    assert_string_equal(told_severity(&told), "info");
    told.kind = INCIDENT_EXPIRES;
    told.endpoints = 1;
    told.not_after = "2026-02-01T00:00:00Z";
    says(&told, "blog, shop test.invalid:443: its certificate expires on 2026-02-01T00:00:00Z");
    assert_string_equal(told_severity(&told), "warning");
    told.kind = INCIDENT_DIFFERS;
    told.place = PLACE_ASN;
    told.aspect = "issuer";
    told.value = "CN=Proxy \"CA\"\n";
    told.other_value = "CN=R11";
    says(&told,
         "blog, shop test.invalid:443: issuer differs, from AS64496 (CN=Proxy \"CA\"\n; others: CN=R11)");
}

/* A server's words are data in JSON. */
static void test_event(void **state)
{
    struct told told = alert_sample();
    const struct told_event event = {
        .id = 9, .change = INCIDENT_CLOSED, .at = "2026-01-01T00:00:00Z", .confidence = 0.5};
    (void)state;
    told.pop = "\"}\n\xe5\xba\x97";
    told.closed = "2026-01-01T00:00:00Z";
    json_t *root = event_json(&event, &told, NULL);
    char *text = json_dumps(root, JSON_COMPACT);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));
    json_t *again = json_loads(text, 0, NULL);
    assert_string_equal(text_at(again, "incident", "pop"), told.pop);
    assert_string_equal(json_string_value(json_object_get(again, "change")), "closed");
    assert_int_equal(json_integer_value(json_object_get(again, "id")), 9);
    assert_true(json_is_null(json_object_get(again, "round_id")));
    json_decref(again);
    json_decref(root);
    free(text);
}

static void test_remedy(void **state)
{
    struct told told = alert_sample();
    struct buf text;
    (void)state;
    buf_init(&text, 0);
    assert_true(told_remedy(&told, &text));
    assert_non_null(strstr((const char *)text.data, "report explain 0"));
    buf_clear(&text);
    told.cause = "cert.expired";
    assert_true(told_remedy(&told, &text));
    assert_null(strstr((const char *)text.data, "report explain"));
    assert_null(strchr((const char *)text.data, '{'));
    buf_done(&text);
}

static void test_receivers(void **state)
{
    struct receiver receiver, other;
    const char *why = "";
    (void)state;
    assert_true(
        receiver_init(&receiver, RECEIVER_ALERTMANAGER, "http://u:secret@am.example:9093/prefix/", &why));
    assert_string_equal(receiver.url, "http://u:secret@am.example:9093/prefix/api/v2/alerts");
    assert_int_equal(strncmp(receiver.name, "http://am.example:9093#", 23), 0);
    assert_int_equal(strlen(receiver.name), 23 + 8);
    assert_null(strstr(receiver.name, "secret"));
    assert_true(receiver_init(&other, RECEIVER_WEBHOOK, "https://am.example/hook/secret?key=secret/", &why));
    assert_string_equal(other.url, "https://am.example/hook/secret?key=secret/");
    assert_int_equal(strncmp(other.name, "https://am.example:443#", 23), 0);
    receiver_done(&receiver);
    receiver_done(&other);
    static const char *const bad[] = {"",        "am.example:9093", "ftp://am.example/", "file:///etc/passwd",
                                      "http://", "http://a b/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(receiver_init(&receiver, RECEIVER_WEBHOOK, bad[i], &why));
}

static bool token_of(const char *content, char out[RECEIVER_TOKEN_BYTES])
{
    char path[] = "/tmp/test_alert.XXXXXX";
    const char *why = "";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content));
    (void)close(file);
    bool read = receiver_token(path, out, &why);
    (void)unlink(path);
    return read;
}

static void test_token(void **state)
{
    char token[RECEIVER_TOKEN_BYTES];
    const char *why = "";
    (void)state;
    assert_true(token_of("abc.DEF-1\r\nmore\n", token));
    assert_string_equal(token, "abc.DEF-1");
    assert_true(token_of("x", token));
    assert_false(token_of("", token));
    assert_false(token_of("\n", token));
    assert_false(token_of("two words\n", token));
    assert_false(token_of("\x01\n", token));
    assert_false(receiver_token("/nonexistent/token", token, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),  cmocka_unit_test(test_closed), cmocka_unit_test(test_places),
        cmocka_unit_test(test_event), cmocka_unit_test(test_remedy), cmocka_unit_test(test_receivers),
        cmocka_unit_test(test_token),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}

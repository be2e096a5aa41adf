#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diff/watch.h"
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

static const int64_t now_us = INT64_C(1767225600000000); /* 2026-01-01T00:00:00Z */

static void test_open(void **state)
{
    json_t *incident = alert_sample(now_us);
    (void)state;
    json_t *labels = alert_labels(incident);
    assert_non_null(labels);
    json_t *alert = alert_json(incident, labels, "https://status.example/p.html", now_us);
    assert_non_null(alert);
    assert_string_equal(text_at(alert, "labels", "alertname"), "ParallaxFails");
    assert_string_equal(text_at(alert, "labels", "severity"), "critical");
    assert_string_equal(text_at(alert, "labels", "incident"), "0");
    assert_string_equal(text_at(alert, "labels", "site"), "test");
    assert_string_equal(text_at(alert, "labels", "asn"), "64496");
    assert_string_equal(text_at(alert, "labels", "outcome"), "hello.reset");
    assert_null(json_object_get(json_object_get(alert, "labels"), "region")); /* an empty label is none */
    assert_null(json_object_get(json_object_get(alert, "labels"), "cause"));
    assert_string_equal(json_string_value(json_object_get(alert, "startsAt")), "2026-01-01T00:00:00Z");
    assert_string_equal(json_string_value(json_object_get(alert, "endsAt")), "2026-01-01T00:04:00Z");
    assert_string_equal(json_string_value(json_object_get(alert, "generatorURL")),
                        "https://status.example/p.html#incident-0");
    assert_string_equal(text_at(alert, "annotations", "summary"),
                        "AS64496 -> test.invalid:443: reset after ClientHello");
    assert_string_equal(text_at(alert, "annotations", "remedy"), "see: parallax-collector report explain 0");
    json_decref(alert);
    json_decref(labels);
    json_decref(incident);
}

/* A closed one ends when it ended, and keeps the labels it was told with. */
static void test_closed(void **state)
{
    json_t *incident = alert_sample(now_us);
    (void)state;
    (void)json_object_set_new(incident, "closed_at", json_string("2026-01-01T00:02:00Z"));
    (void)json_object_set_new(incident, "cause", json_string("hello.reset_early"));
    json_t *labels = json_loads("{\"alertname\": \"old\", \"incident\": \"7\"}", 0, NULL);
    json_t *alert = alert_json(incident, labels, NULL, now_us);
    assert_string_equal(json_string_value(json_object_get(alert, "endsAt")), "2026-01-01T00:02:00Z");
    assert_true(json_equal(json_object_get(alert, "labels"), labels));
    assert_null(json_object_get(alert, "generatorURL"));
    json_decref(alert);
    json_decref(labels);
    json_decref(incident);
}

/* A server's words are data in JSON. */
static void test_event(void **state)
{
    static const char pop[] = "\"}\n\xe5\xba\x97";
    json_t *incident = alert_sample(now_us);
    const struct alert_event event = {
        .id = 9, .change = INCIDENT_CLOSED, .at = "2026-01-01T00:00:00Z", .confidence = 0.5};
    (void)state;
    (void)json_object_set_new(incident, "what", json_string(pop));
    (void)json_object_set_new(incident, "remedy", json_string("renew"));
    json_t *root = event_json(&event, incident, NULL);
    char *text = json_dumps(root, JSON_COMPACT);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));
    json_t *again = json_loads(text, 0, NULL);
    assert_string_equal(text_at(again, "incident", "what"), pop);
    assert_string_equal(json_string_value(json_object_get(again, "remedy")), "renew");
    assert_string_equal(json_string_value(json_object_get(again, "change")), "closed");
    assert_int_equal(json_integer_value(json_object_get(again, "id")), 9);
    assert_true(json_is_null(json_object_get(again, "round_id")));
    json_decref(again);
    json_decref(root);
    json_decref(incident);
    free(text);
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
        cmocka_unit_test(test_open),      cmocka_unit_test(test_closed), cmocka_unit_test(test_event),
        cmocka_unit_test(test_receivers), cmocka_unit_test(test_token),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}

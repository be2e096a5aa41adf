#include "cmocka_all.h"

#include "words/attempt_json.h"
#include "words/classify.h"

#include <stdlib.h>
#include <string.h>

static void strangers_bytes_stay_valid_json(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    assert_true(address_parse("203.0.113.7", &attempt->flow.destination));
    attempt->clock.connected_us = 1;
    attempt->clock.request_us = 2;
    struct http_header header = {.name = "server", .value = "\x1b[31m\xff\"\\"};
    attempt->http.headers = &header;
    attempt->http.header_count = 1;
    attempt->http.reason = "\xed\xa0\x80";
    json_t *json = attempt_json(attempt, NULL, classify(attempt));
    assert_non_null(json);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_non_null(text);
    assert_null(strchr(text, 0x1b));
    json_t *back = json_loads(text, 0, NULL);
    assert_non_null(back);
    const char *value = json_string_value(json_object_get(
        json_array_get(json_object_get(json_object_get(back, "http"), "headers"), 0), "value"));
    assert_string_equal(value, "\x1b[31m\\xff\"\\");
    json_decref(back);
    json_decref(json);
    free(text);
    attempt_free(attempt);
}

static void an_attempt_with_nothing_observed_is_whole(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct endpoint endpoint = {.host = "www.shop.example", .sni = "", .port = 443, .site = ""};
    json_t *json = attempt_json(attempt, &endpoint, classify(attempt));
    assert_non_null(json);
    static const char *const keys[] = {"schema", "endpoint", "variant", "role", "outcome", "clock", "dns",
                                       "flow",   "tcp_info", "tls",     "http", "ending",  "local", "prober"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_non_null(json_object_get(json, keys[i]));
    assert_true(json_is_null(json_object_get(json, "flow")));
    assert_true(json_is_null(json_object_get(json_object_get(json, "clock"), "connected_us")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "endpoint"), "sni")),
                        "www.shop.example");
    json_decref(json);
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_bytes_stay_valid_json),
        cmocka_unit_test(an_attempt_with_nothing_observed_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

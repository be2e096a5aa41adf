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

static void a_line_is_what_its_tree_says(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    struct endpoint endpoint = {.host = "www.shop.example", .sni = "", .port = 443, .site = ""};
    struct http_header header = {.name = "server", .value = "\x01\"\\ \xc3\xa9 \xff"};
    struct buf lines;
    assert_non_null(attempt);
    attempt->clock.connected_us = 1;
    attempt->clock.request_us = 2;
    attempt->clock.start_us = -1;
    attempt->http.reason = "back\\slash";
    attempt->tls.alpn = "quo\"te";
    attempt->tls.sni = "tab\t";
    attempt->tcp[MOMENT_END] = (struct tcp_snapshot){.taken = true, .bytes_acked = INT64_MAX};
    attempt->http.headers = &header;
    attempt->http.header_count = 1;
    buf_init(&lines, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(attempt_json_write(&lines, attempt, &endpoint, classify(attempt)));
        assert_true(buf_byte(&lines, '\n'));
    }
    char *second = strchr((char *)lines.data, '\n') + 1;
    json_t *tree = json_loads(second, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    char *dumped = json_dumps(tree, JSON_COMPACT);
    assert_non_null(dumped);
    assert_int_equal(strncmp(dumped, second, strlen(dumped)), 0);
    assert_string_equal(second + strlen(dumped), "\n");
    free(dumped);
    json_decref(tree);
    buf_done(&lines);
    attempt_free(attempt);
}

/* Neither what was read of a certificate nor that it says nothing is known of one that nobody read. */
static void a_certificate_that_was_not_read_has_no_facts(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct chain_certificate certificate = {.sha256 = {0xab}};
    attempt->clock.connected_us = 1;
    attempt->tls.chain = &certificate;
    attempt->tls.chain_count = 1;
    json_t *json = attempt_json(attempt, NULL, classify(attempt));
    const json_t *tls = json_object_get(json, "tls");
    const json_t *first = json_array_get(json_object_get(tls, "chain"), 0);
    assert_int_equal(json_object_size(first), 1);
    assert_memory_equal(json_text_at(first, "sha256"), "ab00", 4);
    assert_true(json_is_null(json_object_get(tls, "leaf")));
    json_decref(json);
    attempt_free(attempt);
}

static void an_attempt_that_was_cleared_is_as_new(void **state)
{
    (void)state;
    struct attempt *used = attempt_new(), *fresh = attempt_new();
    assert_non_null(used);
    assert_non_null(fresh);
    used->clock.connected_us = used->clock.resolved_us = 1;
    used->local = LOCAL_POLICY;
    used->local_detail = arena_string(&used->arena, "why");
    used->dns_count = 1;
    used->flow.error = 104;
    used->tls.chain_count = 1;
    used->tls.chain = arena_array(&used->arena, 1, sizeof *used->tls.chain);
    used->end.received_bytes = 7;
    attempt_clear(used);
    json_t *was_used = attempt_json(used, NULL, classify(used));
    json_t *is_fresh = attempt_json(fresh, NULL, classify(fresh));
    assert_non_null(was_used);
    assert_true(json_equal(was_used, is_fresh));
    assert_int_equal(used->arena.used_bytes, 0);
    json_decref(was_used);
    json_decref(is_fresh);
    attempt_free(used);
    attempt_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_bytes_stay_valid_json),
        cmocka_unit_test(an_attempt_with_nothing_observed_is_whole),
        cmocka_unit_test(a_line_is_what_its_tree_says),
        cmocka_unit_test(a_certificate_that_was_not_read_has_no_facts),
        cmocka_unit_test(an_attempt_that_was_cleared_is_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

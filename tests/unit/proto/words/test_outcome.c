#include "cmocka_all.h"

#include "words/outcome.h"
#include "words/plan.h"

#include <string.h>

static int last_number;
static unsigned seen;

static void check_class(enum outcome_class class, void *arg)
{
    (void)arg;
    enum outcome_class back;
    struct outcome outcome;
    assert_true((int)class > last_number);
    last_number = (int)class;
    seen++;
    assert_true(outcome_class_from_id(outcome_class_id(class), &back));
    assert_int_equal(back, class);
    assert_true(outcome_class_text(class)[0] != '\0');
    assert_true(outcome_from_numbers((int)class, RAW_ERRNO, 5, &outcome));
    assert_int_equal(outcome.class, class);
    /* The id names the stage, apart from "ok" and the short form of "certificate". */
    const char *stage = outcome_stage_id(outcome.stage), *dot = strchr(outcome_class_id(class), '.');
    size_t prefix = dot == NULL ? 0 : (size_t)(dot - outcome_class_id(class));
    assert_true(prefix == 0 || strncmp(stage, outcome_class_id(class), prefix) == 0);
    assert_int_equal(outcome_is_ok(outcome), class == OUTCOME_OK);
    assert_int_equal(outcome_is_failure(outcome),
                     class != OUTCOME_OK && outcome.stage != OUTCOME_STAGE_LOCAL);
}

static void classes_are_named_numbered_and_staged(void **state)
{
    (void)state;
    last_number = -1;
    outcome_each_class(check_class, NULL);
    assert_true(seen > 40);
    struct outcome outcome;
    assert_false(outcome_from_numbers(9999, RAW_NONE, 0, &outcome));
    assert_false(outcome_from_numbers(OUTCOME_OK, 99, 0, &outcome));
}

static void raw_numbers_carry_their_names(void **state)
{
    (void)state;
    char text[96];
    assert_string_equal(outcome_raw_text(outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, 112), text, sizeof text),
                        "alert 112 unrecognized_name");
    assert_string_equal(
        outcome_raw_text(outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, 104), text, sizeof text),
        "errno 104 ECONNRESET");
    assert_string_equal(
        outcome_raw_text(outcome_make(OUTCOME_HTTP_GATEWAY, RAW_HTTP_STATUS, 502), text, sizeof text),
        "HTTP 502");
    assert_string_equal(
        outcome_raw_text(outcome_make(OUTCOME_TCP_UNREACHABLE, RAW_ICMP, 3 * 256 + 13), text, sizeof text),
        "ICMP type 3 code 13");
    assert_string_equal(
        outcome_raw_text(outcome_make(OUTCOME_CERT_SELF_SIGNED, RAW_X509, 18), text, sizeof text),
        "x509 18 self-signed certificate");
    assert_string_equal(
        outcome_raw_text(outcome_make(OUTCOME_TLS_NOT_TLS, RAW_SSL_REASON, 267), text, sizeof text),
        "ssl_reason 267 wrong version number");
    assert_string_equal(outcome_raw_text(outcome_make(OUTCOME_OK, RAW_NONE, 0), text, sizeof text), "");
    assert_string_equal(outcome_raw_text(outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, 99), text, sizeof text),
                        "alert 99");
}

static void slots_spread_over_the_round_and_stay(void **state)
{
    (void)state;
    struct round_plan plan = {.round_id = 1, .start_us = 1000, .spread_us = 999};
    unsigned low = 0;
    for (uint64_t id = 1; id <= 1000; id++) {
        int64_t slot = round_slot_us(&plan, id);
        assert_true(slot >= 1000 && slot <= 1999);
        low += slot < 1500;
    }
    assert_in_range(low, 400, 600);
    /* Agents and collectors of different versions must agree: the value is part of the protocol. */
    plan.spread_us = 1000000;
    assert_true(round_slot_us(&plan, 7) - plan.start_us == 964678);
    plan.spread_us = 0;
    assert_true(round_slot_us(&plan, 7) == 1000);
}

static void endpoints_know_their_sni(void **state)
{
    (void)state;
    struct endpoint endpoint = {.host = "www.shop.example", .sni = "", .port = 443};
    char text[ENDPOINT_TEXT_BYTES];
    assert_string_equal(endpoint_sni(&endpoint), "www.shop.example");
    endpoint.sni = "other.example";
    assert_string_equal(endpoint_sni(&endpoint), "other.example");
    endpoint.no_sni = true;
    assert_string_equal(endpoint_sni(&endpoint), "");
    endpoint = (struct endpoint){.host = "2001:db8::1", .sni = "", .port = 8443};
    assert_string_equal(endpoint_sni(&endpoint), "");
    assert_string_equal(endpoint_text(&endpoint, text), "[2001:db8::1]:8443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_named_numbered_and_staged),
        cmocka_unit_test(raw_numbers_carry_their_names),
        cmocka_unit_test(slots_spread_over_the_round_and_stay),
        cmocka_unit_test(endpoints_know_their_sni),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmocka_all.h"

#include "duty/climbed.h"

#include <stdlib.h>

static const int64_t minute_us = INT64_C(60) * 1000 * 1000;
static const struct address here = {4, {192, 0, 2, 1}}, there = {4, {192, 0, 2, 2}}, none = {0};

static void once_in_a_window(void **state)
{
    struct climbed *climbed = climbed_new();
    (void)state;
    assert_true(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, 0));
    assert_true(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, 0)); /* asking notes nothing */
    climbed_note(climbed, 7, &here, OUTCOME_HELLO_RESET, minute_us);
    assert_false(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, minute_us));
    assert_false(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, CLIMBED_WINDOW_US));
    assert_true(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, minute_us + CLIMBED_WINDOW_US));
    climbed_note(climbed, 7, &here, OUTCOME_HELLO_RESET, 20 * minute_us);
    assert_false(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, 21 * minute_us));
    climbed_free(climbed);
}

static void each_failure_by_itself(void **state)
{
    struct climbed *climbed = climbed_new();
    (void)state;
    climbed_note(climbed, 7, &here, OUTCOME_HELLO_RESET, 0);
    assert_true(climbed_is_due(climbed, 8, &here, OUTCOME_HELLO_RESET, 0));
    assert_true(climbed_is_due(climbed, 7, &there, OUTCOME_HELLO_RESET, 0));
    assert_true(climbed_is_due(climbed, 7, &none, OUTCOME_HELLO_RESET, 0));
    assert_true(climbed_is_due(climbed, 7, &here, OUTCOME_CERT_EXPIRED, 0)); /* it changed */
    climbed_note(climbed, 7, &here, OUTCOME_CERT_EXPIRED, 0);
    assert_false(climbed_is_due(climbed, 7, &here, OUTCOME_HELLO_RESET, 0)); /* and came and went */
    climbed_note(climbed, 9, &none, OUTCOME_DNS_TIMEOUT, 0);
    assert_false(climbed_is_due(climbed, 9, &none, OUTCOME_DNS_TIMEOUT, 0));
    climbed_free(climbed);
}

static void the_newest_is_never_forgotten_first(void **state)
{
    enum { MANY = 4 * CLIMBED_PLACES };
    struct climbed *climbed = climbed_new();
    unsigned kept = 0;
    (void)state;
    for (uint64_t id = 1; id <= MANY; id++) {
        climbed_note(climbed, id, &here, OUTCOME_HELLO_RESET, (int64_t)id);
        assert_false(climbed_is_due(climbed, id, &here, OUTCOME_HELLO_RESET, (int64_t)id));
    }
    for (uint64_t id = MANY - CLIMBED_PLACES / 4; id <= MANY; id++)
        kept += !climbed_is_due(climbed, id, &here, OUTCOME_HELLO_RESET, MANY);
    assert_in_range(kept, CLIMBED_PLACES / 8, CLIMBED_PLACES);
    climbed_free(climbed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_in_a_window),
        cmocka_unit_test(each_failure_by_itself),
        cmocka_unit_test(the_newest_is_never_forgotten_first),
    };
    return cmocka_run_group_tests_name("climbed", tests, NULL, NULL);
}

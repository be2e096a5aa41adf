#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/pace.h"

#include <string.h>

static const int64_t s_us = 1000000;

static struct pace *new_pace(unsigned per_second_milli, unsigned burst)
{
    const struct pace_rates rates = {.per_second_milli = per_second_milli, .burst = burst};
    struct pace *pace = pace_new(&rates);
    assert_non_null(pace);
    return pace;
}

static struct address address_of(const char *text)
{
    struct address address;
    assert_true(address_parse(text, &address));
    return address;
}

static void test_burst_then_one_a_second(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1"), b = address_of("2001:db8::1");
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 0);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 0);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), s_us);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 2 * s_us);
    assert_int_equal(pace_reserve(pace, &b, 0, 100 * s_us), 0); /* another address, another bucket */
    assert_int_equal(pace_reserve(pace, &a, 3 * s_us, 100 * s_us), 0);
    assert_int_equal(pace_reserve(pace, &a, 100 * s_us, 100 * s_us),
                     0); /* full again, and not fuller than the burst */
    assert_int_equal(pace_reserve(pace, &a, 100 * s_us, 100 * s_us), 0);
    assert_int_equal(pace_reserve(pace, &a, 100 * s_us, 100 * s_us), s_us);
    pace_free(pace);
}

static void test_planned_attempts_leave_a_debt(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1");
    for (int i = 0; i < 4; i++)
        assert_true(pace_spend(pace, &a, 0));
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 3 * s_us);
    pace_free(pace);
}

static void test_debt_ends(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
    for (int i = 0; i < 2 + PACE_MAX_DEBT; i++)
        assert_true(pace_spend(pace, &a, 0));
    assert_false(pace_spend(pace, &a, 0));
    assert_true(pace_spend(pace, &b, 0));
    assert_true(pace_spend(pace, &a, s_us)); /* a second brings one token */
    assert_false(pace_spend(pace, &a, s_us));
    pace_free(pace);
}

static void test_a_wait_that_is_too_long_costs_nothing(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1");
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(pace_reserve(pace, &a, 0, 100 * s_us), -1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pace_reserve(pace, &a, 0, 3 * s_us - 1), -1);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 4 * s_us);
    pace_free(pace);
}

static void test_other_rate(void **state)
{
    (void)state;
    struct pace *pace = new_pace(500, 1);
    struct address a = address_of("192.0.2.1");
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 0);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 2 * s_us);
    pace_free(pace);
}

/* More addresses than places: nothing grows, and one in debt outlives the fresh ones that pass by. */
static void test_flood_of_addresses(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1"), other = address_of("2001:db8::");
    for (int i = 0; i < 20; i++)
        (void)pace_spend(pace, &a, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        memcpy(other.bytes + 8, &i, sizeof i);
        (void)pace_reserve(pace, &other, 0, 100 * s_us);
    }
    assert_true(pace_reserve(pace, &a, 0, 100 * s_us) > 10 * s_us);
    pace_free(pace);
}

/* Nine addresses of one place's neighbourhood take turns: whoever is pushed out leaves its debt to whoever comes. */
static void test_taking_turns_gains_nothing(void **state)
{
    (void)state;
    struct pace *pace = new_pace(1000, 2);
    struct address flood = address_of("2001:db8::");
    unsigned went = 0;
    for (uint32_t turn = 0; turn < 200; turn++) {
        for (uint32_t i = 0; i < 20000; i++) {
            memcpy(flood.bytes + 8, &i, sizeof i);
            went += pace_spend(pace, &flood, 0);
        }
    }
    assert_true(went <= PACE_ADDRESSES * (PACE_MAX_DEBT + 2));
    pace_free(pace);
}

static void test_all_together_have_a_rate(void **state)
{
    (void)state;
    const struct pace_rates rates = {.per_second_milli = 1000, .burst = 2, .all_per_second = 10};
    struct pace *pace = pace_new(&rates);
    unsigned went = 0;
    for (int64_t now_us = 0; now_us < 5 * s_us; now_us += s_us / 100)
        went += pace_spend_any(pace, now_us);
    assert_in_range(went, 55, 60); /* a second's worth, and five seconds' */
    pace_free(pace);
}

static void test_other_rates_hold_at_once(void **state)
{
    (void)state;
    const struct pace_rates slower = {.per_second_milli = 100, .burst = 1, .all_per_second = 1};
    struct pace *pace = new_pace(1000, 2);
    struct address a = address_of("192.0.2.1");
    for (int i = 0; i < 100; i++)
        assert_true(pace_spend_any(pace, 0));
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 0);
    pace_set(pace, &slower);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), s_us);
    assert_int_equal(pace_reserve(pace, &a, 0, 100 * s_us), 11 * s_us);
    assert_true(pace_spend_any(pace, 0));
    assert_false(pace_spend_any(pace, 0));
    assert_true(pace_spend_any(pace, s_us));
    pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_one_a_second),
        cmocka_unit_test(test_planned_attempts_leave_a_debt),
        cmocka_unit_test(test_debt_ends),
        cmocka_unit_test(test_a_wait_that_is_too_long_costs_nothing),
        cmocka_unit_test(test_other_rate),
        cmocka_unit_test(test_flood_of_addresses),
        cmocka_unit_test(test_taking_turns_gains_nothing),
        cmocka_unit_test(test_all_together_have_a_rate),
        cmocka_unit_test(test_other_rates_hold_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

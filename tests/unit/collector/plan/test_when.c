#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/when.h"
#include "words/units.h"

#define T0 (INT64_C(1800000000) * US_PER_S) /* a multiple of 60 s */

static void starts_are_multiples(void **arg)
{
    (void)arg;
    assert_int_equal(plan_next_start(T0, 0, 60), T0 + 60 * US_PER_S);
    assert_int_equal(plan_next_start(T0 + 58 * US_PER_S, 0, 60), T0 + 60 * US_PER_S);
    assert_int_equal(plan_next_start(T0 - PLAN_LEAST_US, 0, 60), T0);
}

static void too_late_is_the_next_one(void **arg)
{
    (void)arg;
    assert_int_equal(plan_next_start(T0 - PLAN_LEAST_US + 1, 0, 60), T0 + 60 * US_PER_S);
    /* a collector that slept an hour does not catch up */
    assert_int_equal(plan_next_start(T0 + 3600 * US_PER_S, T0, 60), T0 + 3660 * US_PER_S);
}

static void no_round_twice(void **arg)
{
    (void)arg;
    int64_t last_us = 0;
    for (int i = 0; i < 5; i++) { /* as many as are planned ahead */
        int64_t start_us = plan_next_start(T0 + 123, last_us, 1);
        assert_true(start_us > last_us);
        assert_int_equal(start_us % US_PER_S, 0);
        if (last_us != 0)
            assert_int_equal(start_us, last_us + US_PER_S);
        last_us = start_us;
    }
}

static void a_clock_that_went_back_goes_on(void **arg)
{
    (void)arg;
    assert_int_equal(plan_next_start(T0, T0 + 3600 * US_PER_S, 60), T0 + 60 * US_PER_S);
    assert_int_equal(plan_next_start(T0, T0 + 60 * US_PER_S, 60), T0 + 120 * US_PER_S);
}

static void spread_and_deadline(void **arg)
{
    (void)arg;
    struct round_plan plan = {.start_us = T0};
    plan_shape(&plan, 60, 10, 10 * US_PER_S);
    assert_int_equal(plan.spread_us, 2500 * US_PER_MS);
    assert_int_equal(plan.deadline_us, T0 + 2500 * US_PER_MS + 22 * US_PER_S);
    plan_shape(&plan, 60, 100000, 10 * US_PER_S);
    assert_int_equal(plan.spread_us, 30 * US_PER_S);
    plan_shape(&plan, 1, 100, US_PER_S);
    assert_int_equal(plan.spread_us, 500 * US_PER_MS);
    plan_shape(&plan, 0, 4, 5 * US_PER_S);
    assert_int_equal(plan.spread_us, 200 * US_PER_MS);
    plan_shape(&plan, 0, 1000000, 5 * US_PER_S);
    assert_int_equal(plan.spread_us, 30 * US_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_multiples), cmocka_unit_test(too_late_is_the_next_one),
        cmocka_unit_test(no_round_twice),       cmocka_unit_test(a_clock_that_went_back_goes_on),
        cmocka_unit_test(spread_and_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

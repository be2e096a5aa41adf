#include "cmocka_all.h"

#include "diff/latency.h"

#include <math.h>

/* Ranks from tables of the sign test's interval for a median (Conover, Practical Nonparametric Statistics, table A3). */
static void test_ranks(void **state)
{
    (void)state;
    const struct {
        unsigned n, rank;
    } known[] = {{0, 0},  {5, 0},  {6, 1},  {8, 1},  {9, 2},   {10, 2},
                 {12, 3}, {15, 4}, {20, 6}, {25, 8}, {50, 18}, {100, 40}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(latency_rank(known[i].n), known[i].rank);
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_median(void **state)
{
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};
    (void)state;
    assert_true(is_near(latency_median(odd, 3), 3));
    assert_true(is_near(latency_median(even, 4), 2.5));
    assert_true(is_near(latency_median(NULL, 0), 0));
}

/* Ratios 1.0, 1.1, ... 1.9 in some order: median 1.45, interval from the second to the ninth. */
static void test_effect(void **state)
{
    struct latency_point here[10], there[11];
    struct latency_effect effect;
    (void)state;
    for (int i = 0; i < 10; i++) {
        here[i] = (struct latency_point){.period = i, .us = 1000.0 * (1.0 + (i * 7 % 10) / 10.0)};
        there[i] = (struct latency_point){.period = i, .us = 1000.0};
    }
    there[10] = (struct latency_point){.period = 99, .us = 1}; /* the other has no such period */
    struct latency_series a = {10, here}, b = {11, there};
    assert_true(latency_compare(&a, &b, &effect));
    assert_int_equal(effect.periods, 10);
    assert_true(is_near(effect.times, 1.45));
    assert_true(is_near(effect.low, 1.1));
    assert_true(is_near(effect.high, 1.8));
}

/* One slow period moves neither the effect nor, beyond its rank, the interval. */
static void test_one_outlier(void **state)
{
    struct latency_point here[12], there[12];
    struct latency_effect effect;
    (void)state;
    for (int i = 0; i < 12; i++) {
        here[i] = (struct latency_point){.period = i, .us = i == 5 ? 1e9 : 2000};
        there[i] = (struct latency_point){.period = i, .us = 1000};
    }
    struct latency_series a = {12, here}, b = {12, there};
    assert_true(latency_compare(&a, &b, &effect));
    assert_true(is_near(effect.times, 2) && is_near(effect.low, 2) && is_near(effect.high, 2));
}

static void test_too_few(void **state)
{
    struct latency_point here[6], there[6];
    struct latency_effect effect;
    (void)state;
    for (int i = 0; i < 6; i++)
        here[i] = there[i] = (struct latency_point){.period = i, .us = 1000};
    struct latency_series a = {5, here}, b = {6, there};
    assert_false(latency_compare(&a, &b, &effect));
    a.count = 6;
    assert_true(latency_compare(&a, &b, &effect));
    for (int i = 0; i < 6; i++)
        there[i].period += 3;
    assert_false(latency_compare(&a, &b, &effect));
}

static void test_pool(void **state)
{
    struct latency_point a[] = {{1, 10}, {2, 10}, {4, 10}}, b[] = {{1, 30}, {3, 7}}, c[] = {{1, 20}, {2, 20}},
                         pooled[LATENCY_MAX_PERIODS];
    struct latency_series places[] = {{3, a}, {2, b}, {2, c}};
    (void)state;
    assert_int_equal(latency_pool(places, 3, pooled), 4);
    const double expected[] = {20, 15, 7, 10};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pooled[i].period, i + 1);
        assert_true(is_near(pooled[i].us, expected[i]));
    }
    assert_int_equal(latency_pool(places, 0, pooled), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),       cmocka_unit_test(test_median),  cmocka_unit_test(test_effect),
        cmocka_unit_test(test_one_outlier), cmocka_unit_test(test_too_few), cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/offset.h"

static const int64_t hour_us = INT64_C(3600) * 1000000;

/* The collector's clock is ours + ahead; the ways take out_us and back_us. */
static bool exchange(struct offset *offset, int64_t sent_us, int64_t ahead_us, int64_t out_us,
                     int64_t back_us)
{
    int64_t received_us = sent_us + out_us + ahead_us;
    return offset_add(offset, sent_us, received_us, received_us + 50, sent_us + out_us + 50 + back_us);
}

static void check_within_error(const struct offset *offset, int64_t now_us, int64_t ahead_us)
{
    int64_t found_us = 0;
    uint64_t error_us = 0;
    assert_true(offset_get(offset, now_us, &found_us, &error_us));
    assert_true(found_us - ahead_us <= (int64_t)error_us && ahead_us - found_us <= (int64_t)error_us);
}

static void test_unknown_at_first(void **state)
{
    (void)state;
    struct offset offset = {0};
    int64_t found_us = 7;
    assert_false(offset_get(&offset, 0, &found_us, NULL));
    assert_int_equal(found_us, 7);
}

static void test_hours_apart(void **state)
{
    (void)state;
    int64_t aheads[] = {0, hour_us, -hour_us, INT64_C(1763676000000000)};
    for (unsigned i = 0; i < 4; i++) {
        struct offset offset = {0};
        assert_true(exchange(&offset, 1000000, aheads[i], 20000, 20000));
        check_within_error(&offset, 1100000, aheads[i]);
        int64_t found_us = 0;
        assert_true(offset_get(&offset, 1100000, &found_us, NULL));
        assert_int_equal(found_us, aheads[i]);
    }
}

/* Both ways unlike: half the round trip is still a bound. */
static void test_lopsided_path(void **state)
{
    (void)state;
    struct offset offset = {0};
    assert_true(exchange(&offset, 1000000, hour_us, 0, 90001));
    check_within_error(&offset, 1090051, hour_us);
    struct offset other = {0};
    assert_true(exchange(&other, 1000000, hour_us, 90001, 0));
    check_within_error(&other, 1090051, hour_us);
}

static void test_smallest_trip_wins(void **state)
{
    (void)state;
    struct offset offset = {0};
    uint64_t error_us = 0;
    int64_t found_us = 0;
    assert_true(exchange(&offset, 1000000, hour_us, 300000, 0));
    assert_true(exchange(&offset, 2000000, hour_us, 1000, 1000));
    assert_true(exchange(&offset, 3000000, hour_us, 0, 300000));
    assert_true(offset_get(&offset, 3300050, &found_us, &error_us));
    assert_int_equal(found_us, hour_us);
    assert_in_range(error_us, 1000, 1200);
}

/* 100 ppm: after 100 s the bound is 10 ms wider, and a fresh exchange of 5 ms wins over an old one of 1 ms. */
static void test_drift(void **state)
{
    (void)state;
    struct offset offset = {0};
    uint64_t error_us = 0;
    int64_t found_us = 0;
    assert_true(exchange(&offset, 0, 0, 500, 500));
    assert_true(offset_get(&offset, 100 * 1000000 + 1050, &found_us, &error_us));
    assert_int_equal(error_us, 500 + 1 + 10000);
    assert_true(exchange(&offset, 100 * 1000000, 5000, 2500, 2500));
    assert_true(offset_get(&offset, 100 * 1000000 + 5050, &found_us, &error_us));
    assert_int_equal(found_us, 5000);
    assert_int_equal(error_us, 2501);
}

static void test_old_ones_leave(void **state)
{
    (void)state;
    struct offset offset = {0};
    int64_t found_us = 0;
    assert_true(exchange(&offset, 0, 0, 1, 1));
    for (int i = 1; i <= OFFSET_SAMPLES; i++)
        assert_true(exchange(&offset, i, hour_us, 5000, 5000));
    assert_true(offset_get(&offset, 20000, &found_us, NULL));
    assert_int_equal(found_us, hour_us);
}

static void test_nonsense(void **state)
{
    (void)state;
    struct offset offset = {0};
    assert_false(offset_add(&offset, 100, 0, -1, 200));  /* answered before it was received */
    assert_false(offset_add(&offset, 200, 0, 0, 100));   /* back before it was sent */
    assert_false(offset_add(&offset, 100, 0, 200, 150)); /* held longer than the whole trip */
    assert_false(offset_add(&offset, 0, INT64_MAX, INT64_MAX, 1));
    assert_false(offset_add(&offset, 0, INT64_MIN, INT64_MIN, 1));
    assert_false(offset_add(&offset, 0, 0, 0, 61 * 1000000)); /* a minute's trip says nothing */
    assert_int_equal(offset.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_at_first),
        cmocka_unit_test(test_hours_apart),
        cmocka_unit_test(test_lopsided_path),
        cmocka_unit_test(test_smallest_trip_wins),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_old_ones_leave),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

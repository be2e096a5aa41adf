#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet_trial.h"

/* What must hold on made-up fleets, in few trials and always the same ones. tests/bench/fleet.sh has the whole of it. */

static void assert_share(unsigned part, unsigned of, unsigned percent, const char *what)
{
    if (part * 100 < of * percent)
        fail_msg("%s: %u of %u, not %u %%", what, part, of, percent);
}

static void try_fault(double cn_loss, enum world_fault fault, unsigned trials, unsigned percent,
                      unsigned median)
{
    static struct score score;
    struct world_options options;
    world_defaults(&options, 10, 7);
    options.endpoints = 2;
    options.cn_loss = cn_loss;
    assert_true(trial_fault(&options, fault, 1, trials, &score));
    assert_int_equal(score.trials, trials);
    assert_share(score.correct, score.trials, percent, "places named");
    assert_true(score_percentile(&score, 50) <= median);
}

static void test_endpoint(void **state)
{
    (void)state;
    try_fault(0.05, WORLD_ENDPOINT, 40, 98, 3);
}

static void test_region(void **state)
{
    (void)state;
    try_fault(0.05, WORLD_REGION, 40, 95, 4);
}

static void test_region_bad_links(void **state)
{
    (void)state;
    try_fault(0.15, WORLD_REGION, 40, 95, 6);
}

static void test_asn(void **state)
{
    (void)state;
    try_fault(0.05, WORLD_ASN, 40, 92, 9);
}

static void test_quiet(void **state)
{
    (void)state;
    struct quiet quiet;
    struct world_options options;
    world_defaults(&options, 10, 3);
    options.endpoints = 4;
    assert_true(trial_quiet(&options, 2, &quiet));
    assert_int_equal(quiet.opens - quiet.path_bursts, 0);
    assert_true(quiet.opens <= 1);
    for (unsigned n = 0; n < NAIVE_COUNT; n++)
        assert_true(quiet.naive_opens[n] > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_region),
        cmocka_unit_test(test_region_bad_links),
        cmocka_unit_test(test_asn),
        cmocka_unit_test(test_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

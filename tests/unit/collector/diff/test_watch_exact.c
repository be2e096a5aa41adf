#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diff/watch_parts.h"

#include <math.h>

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 5e-4)
        fail_msg("%.6f is not %.6f", value, expected);
}

/* All inside fail, all outside pass: 1 in (inside + outside choose inside). */
static void test_fisher_best(void **state)
{
    (void)state;
    static const struct {
        unsigned inside, outside;
        double p;
    } known[] = {{1, 3, .25}, {2, 4, .0667}, {2, 8, .0222}, {3, 3, .05}, {3, 7, .0083}, {5, 5, .0040}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_near(exact_fisher(known[i].inside, known[i].inside, 0, known[i].outside), known[i].p);
}

/* Fisher's tea: three of four cups right. */
static void test_fisher_tea(void **state)
{
    (void)state;
    assert_near(exact_fisher(3, 4, 1, 4), 17.0 / 70);
    assert_near(exact_fisher(4, 4, 0, 4), 1.0 / 70);
    assert_near(exact_fisher(2, 4, 2, 4), 53.0 / 70);
    assert_near(exact_fisher(0, 4, 4, 4), 1);
}

static void test_fisher_empty(void **state)
{
    (void)state;
    assert_near(exact_fisher(0, 0, 3, 5), 1);
    assert_near(exact_fisher(3, 5, 0, 0), 1);
    assert_near(exact_fisher(0, 5, 0, 5), 1);
    assert_near(exact_fisher(5, 5, 5, 5), 1);
}

static void test_sign(void **state)
{
    (void)state;
    assert_near(exact_sign(7, 0), .0078);
    assert_near(exact_sign(10, 0), .00098);
    assert_near(exact_sign(9, 1), 11.0 / 1024);
    assert_near(exact_sign(5, 5), 638.0 / 1024);
    assert_near(exact_sign(0, 0), 1);
}

/* The fifteen p values of Benjamini and Hochberg (1995), section 3.2: four discoveries at .05, where Bonferroni has three. */
static void test_discoveries(void **state)
{
    (void)state;
    static const double p[15] = {.0201, .0001, .0278, .0004, .0298, .0019, .0344, .0095,
                                 .0459, .3240, .4262, .5719, .6528, .7590, 1};
    bool found[15];
    unsigned count = 0;
    assert_true(exact_discoveries(p, 15, 0.05, found));
    for (size_t i = 0; i < 15; i++)
        count += found[i];
    assert_int_equal(count, 4);
    assert_true(found[1] && found[3] && found[5] && found[7]);
    assert_true(exact_discoveries(NULL, 0, 0.05, found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fisher_best),  cmocka_unit_test(test_fisher_tea),
        cmocka_unit_test(test_fisher_empty), cmocka_unit_test(test_sign),
        cmocka_unit_test(test_discoveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "diff/watch_parts.h"

#include <math.h>
#include <stdlib.h>

/*
 * Exact tests, from their published forms.
 *
 * Fisher (1922): with the margins of a 2 x 2 table fixed, the number of failing ones inside is hypergeometric.
 * Sign test (Arbuthnott 1710; Conover, Practical Nonparametric Statistics, 3.4): of the discordant pairs each is for it or
 * against it by the toss of a coin.
 * Benjamini and Hochberg (1995): of m ordered p values the k smallest are discoveries, k the largest with p(k) <= q k / m.
 */

static double log_choose(unsigned n, unsigned k)
{
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

double exact_fisher(unsigned inside_failed, unsigned inside, unsigned outside_failed, unsigned outside)
{
    unsigned failed = inside_failed + outside_failed, all = inside + outside;
    if (inside == 0 || outside == 0 || failed == 0 || failed == all)
        return 1;
    unsigned most = failed < inside ? failed : inside;
    double p = 0, whole = log_choose(all, failed);
    for (unsigned k = inside_failed; k <= most; k++) {
        if (failed - k <= outside)
            p += exp(log_choose(inside, k) + log_choose(outside, failed - k) - whole);
    }
    return p < 1 ? p : 1;
}

double exact_sign(unsigned for_it, unsigned against_it)
{
    unsigned n = for_it + against_it;
    double p = 0;
    if (n == 0)
        return 1;
    for (unsigned k = for_it; k <= n; k++)
        p += exp(log_choose(n, k) - n * log(2));
    return p < 1 ? p : 1;
}

static int order_p(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

bool exact_discoveries(const double *p, size_t count, double q, bool *ret_found)
{
    double *ordered = malloc((count + 1) * sizeof *ordered), limit = -1;
    if (ordered == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        ordered[i] = p[i];
    if (count > 1)
        qsort(ordered, count, sizeof *ordered, order_p);
    for (size_t k = 1; k <= count; k++) {
        if (ordered[k - 1] <= q * (double)k / (double)count)
            limit = ordered[k - 1];
    }
    for (size_t i = 0; i < count; i++)
        ret_found[i] = p[i] <= limit;
    free(ordered);
    return true;
}

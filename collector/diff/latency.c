#include "diff/latency.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double latency_median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, ascending);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

unsigned latency_rank(unsigned n)
{
    double term = exp2(-(double)n), below = term; /* P(X = 0), P(X < 1) */
    unsigned k = 0;
    while (k < n && below <= 0.025) {
        k++;
        term *= (double)(n - k + 1) / k;
        below += term;
    }
    return k;
}

bool latency_compare(const struct latency_series *here, const struct latency_series *there,
                     struct latency_effect *ret_effect)
{
    double ratios[LATENCY_MAX_PERIODS];
    unsigned count = 0;
    for (size_t h = 0, t = 0; h < here->count && t < there->count && count < LATENCY_MAX_PERIODS;) {
        const struct latency_point *a = &here->points[h], *b = &there->points[t];
        if (a->period == b->period && a->us > 0 && b->us > 0)
            ratios[count++] = a->us / b->us;
        h += a->period <= b->period;
        t += b->period <= a->period;
    }
    unsigned rank = latency_rank(count);
    if (rank == 0)
        return false;
    double times = latency_median(ratios, count);
    *ret_effect = (struct latency_effect){
        .periods = count, .times = times, .low = ratios[rank - 1], .high = ratios[count - rank]};
    return true;
}

/* The smallest period that any place is at. @return false when all are at their end. */
static bool next_period(const struct latency_series *places, const size_t *at, size_t count,
                        int64_t *ret_period)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < places[i].count && (!found || places[i].points[at[i]].period < *ret_period)) {
            *ret_period = places[i].points[at[i]].period;
            found = true;
        }
    }
    return found;
}

size_t latency_pool(const struct latency_series *places, size_t count, struct latency_point *ret_points)
{
    size_t made = 0;
    size_t *at = calloc(count + 1, sizeof *at);
    double *values = calloc(count + 1, sizeof *values);
    int64_t period = 0;
    while (at != NULL && values != NULL && made < LATENCY_MAX_PERIODS &&
           next_period(places, at, count, &period)) {
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            if (at[i] < places[i].count && places[i].points[at[i]].period == period)
                values[used++] = places[i].points[at[i]++].us;
        }
        ret_points[made++] = (struct latency_point){.period = period, .us = latency_median(values, used)};
    }
    free(at);
    free(values);
    return made;
}

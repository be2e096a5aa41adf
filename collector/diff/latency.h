#ifndef PARALLAX_COLLECTOR_DIFF_LATENCY_H
#define PARALLAX_COLLECTOR_DIFF_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much longer a stage takes in one place than in another, said robustly.
 *
 * Each place has one median for each period (a round, or a few): a single slow attempt does not count, and both places
 * had the same weather. The effect is the median over periods of the ratio of the two; its interval is that of the sign test
 * (order statistics x(k) and x(n + 1 - k) with the largest k for which P(Binomial(n, 1/2) < k) <= 0.025), which holds for any
 * distribution. Below 6 periods there is none at 95 %, and nothing is said.
 */

enum { LATENCY_MIN_PERIODS = 6, LATENCY_MAX_PERIODS = 512 };

struct latency_point {
    int64_t period;
    double us; /* median of the place in it; above 0 */
};

/* The points of one place, ascending by period. */
struct latency_series {
    size_t count;
    const struct latency_point *points;
};

struct latency_effect {
    unsigned periods; /* that both have */
    double times;     /* how many times as long; 1: alike */
    double low, high; /* at least 95 % */
};

/** Compares one place with another. @return false when they share too few periods. */
bool latency_compare(const struct latency_series *here, const struct latency_series *there,
                     struct latency_effect *ret_effect);

/**
 * The median over several places, period by period: what "the others" are.
 * @param ret_points  room for LATENCY_MAX_PERIODS. @return how many there are.
 */
size_t latency_pool(const struct latency_series *places, size_t count, struct latency_point *ret_points);

/** The 95 % rank: the largest k with P(Binomial(n, 1/2) < k) <= 0.025; 0 below LATENCY_MIN_PERIODS. */
unsigned latency_rank(unsigned n);

double latency_median(double *values, size_t count); /* sorts them */

#endif

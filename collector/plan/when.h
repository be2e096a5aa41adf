#ifndef PARALLAX_COLLECTOR_PLAN_WHEN_H
#define PARALLAX_COLLECTOR_PLAN_WHEN_H

#include "words/plan.h"

#include <stddef.h>
#include <stdint.h>

/* The arithmetic of rounds, in collector time. Pure. */

#define PLAN_AHEAD_US    INT64_C(5000000) /* a plan is made this long before its start */
#define PLAN_LEAST_US    INT64_C(1000000) /* and never later than this */
#define PLAN_NOW_LEAD_US INT64_C(300000)  /* of a round that a person waits for */

/**
 * The next start of rounds that share an interval: a multiple of it, after the last planned one, and far enough
 * ahead for the plan to arrive. Rounds whose moment passed (a stalled collector) are skipped, not caught up.
 * @param last_us  start of the last planned round, 0 for none; one that no plan can have made any more (the clock was
 *                 set back) counts as none.
 */
int64_t plan_next_start(int64_t now_us, int64_t last_us, int32_t interval_s);

/**
 * Sets spread and deadline of a plan from its start.
 * spread = min(interval / 2, endpoints * 250 ms); for a round without an interval (interval_s 0) endpoints * 50 ms, 30 s at most.
 * deadline = start + spread + two attempts (the second is the retry) + grace.
 */
void plan_shape(struct round_plan *plan, int32_t interval_s, size_t endpoints, uint64_t timeout_us);

#endif

#include "plan/when.h"

#include "words/units.h"

#define PLAN_SLOT_US       INT64_C(250000) /* so that endpoints behind one address do not all come at once */
#define PLAN_NOW_SLOT_US   INT64_C(50000)  /* a person waits */
#define PLAN_NOW_SPREAD_US (30 * US_PER_S)
#define PLAN_GRACE_US      (2 * US_PER_S)

int64_t plan_next_start(int64_t now_us, int64_t last_us, int32_t interval_s)
{
    int64_t interval_us = interval_s * US_PER_S;
    int64_t earliest_us = now_us + PLAN_LEAST_US;
    bool stepped_back = last_us > earliest_us + PLAN_AHEAD_US + interval_us;
    if (last_us >= earliest_us && !stepped_back)
        earliest_us = last_us + 1;
    return (earliest_us + interval_us - 1) / interval_us * interval_us;
}

void plan_shape(struct round_plan *plan, int32_t interval_s, size_t endpoints, uint64_t timeout_us)
{
    int64_t most_us = interval_s == 0 ? PLAN_NOW_SPREAD_US : interval_s * US_PER_S / 2;
    int64_t spread_us = (int64_t)endpoints * (interval_s == 0 ? PLAN_NOW_SLOT_US : PLAN_SLOT_US);
    plan->spread_us = (uint64_t)(spread_us < most_us ? spread_us : most_us);
    plan->timeout_us = timeout_us;
    plan->deadline_us = plan->start_us + (int64_t)plan->spread_us + 2 * (int64_t)timeout_us + PLAN_GRACE_US;
}

#include "ingest/group.h"
#include "store/array.h"

/* What vantages had no room for, as their reports tell it. */

enum { DROPPED_PARAMS = 4 };

static void add_dropped(struct buf arrays[DROPPED_PARAMS], const struct batch *batch,
                        const struct round_report *report, uint64_t endpoint_id, int64_t count)
{
    (void)array_number(&arrays[0], endpoint_id > INT64_MAX ? 0 : (int64_t)endpoint_id);
    (void)array_number(&arrays[1], report->round_id > INT64_MAX ? 0 : (int64_t)report->round_id);
    (void)array_number(&arrays[2], batch->source->vantage_id);
    (void)array_number(&arrays[3], count);
}

/* @return how many rows. What the sum has and the endpoints have not is of endpoints that are not told apart. */
static long add_report(struct buf arrays[DROPPED_PARAMS], const struct batch *batch,
                       const struct round_report *report)
{
    int64_t rest = report->dropped;
    long rows = 0;
    for (size_t i = 0; i < report->dropped_at_count; i++) {
        const struct dropped_at *at = &report->dropped_at[i];
        if (at->count == 0)
            continue;
        add_dropped(arrays, batch, report, at->endpoint_id, at->count);
        rest -= at->count;
        rows++;
    }
    if (rest <= 0)
        return rows;
    add_dropped(arrays, batch, report, 0, rest);
    return rows + 1;
}

long group_dropped(const struct group *group, char *ret_params[4])
{
    struct buf arrays[DROPPED_PARAMS];
    long rows = 0;
    for (size_t i = 0; i < DROPPED_PARAMS; i++)
        array_begin(&arrays[i]);
    GROUP_EACH(group, batch, record)
    {
        if (record->kind == RECORD_ROUND_REPORT && batch_came(batch, record))
            rows += add_report(arrays, batch, &record->report);
    }
    bool whole = true;
    for (size_t i = 0; i < DROPPED_PARAMS; i++) {
        ret_params[i] = array_take(&arrays[i]);
        whole = whole && ret_params[i] != NULL;
    }
    return whole ? rows : -1;
}

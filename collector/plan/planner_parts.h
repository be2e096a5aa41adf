#ifndef PARALLAX_COLLECTOR_PLAN_PLANNER_PARTS_H
#define PARALLAX_COLLECTOR_PLAN_PLANNER_PARTS_H

#include "link/handles.h"
#include "plan/lists.h"
#include "plan/planner.h"

/* Shared by planner.c and joining.c; nobody else includes this. */

enum {
    PLANNER_MAX_INTERVALS = 256,
    PLANNER_MAX_OPEN = 512, /* rounds planned and not past their deadline */
};

struct planner_interval {
    int32_t interval_s;
    int64_t last_us; /* start of the last planned round */
};

struct planner {
    uv_loop_t *loop;
    struct pg *pg;
    uint64_t timeout_us;
    struct planner_hooks hooks;
    uv_timer_t timer;
    struct handles handles;
    struct lists lists;
    bool connected;
    bool leader;
    bool busy;
    bool asked;         /* a request may be waiting */
    bool close_rounds;  /* a deadline has passed */
    int64_t lead_at_us; /* when to try to lead again */
    int64_t sites_at_us;
    int64_t partitions_day;
    struct planner_interval intervals[PLANNER_MAX_INTERVALS];
    size_t interval_count;
    struct round_plan open[PLANNER_MAX_OPEN];
    size_t open_count;
    /* the round being made */
    struct round_plan plan;
    int32_t making_s; /* its interval; 0: asked for */
    int64_t request_id;
    const struct endpoint_list *list;
    bool made;
};

#endif

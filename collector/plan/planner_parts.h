#ifndef PARALLAX_COLLECTOR_PLAN_PLANNER_PARTS_H
#define PARALLAX_COLLECTOR_PLAN_PLANNER_PARTS_H

#include "link/handles.h"
#include "plan/lists.h"
#include "plan/planner.h"

/* Shared by planner.c, following.c and joining.c; nobody else includes this. */

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
    bool news;           /* another collector may have planned */
    uint64_t seen_round; /* the last that was made here or read */
    bool asked;          /* a request may be waiting */
    bool close_rounds;   /* a deadline has passed */
    int64_t lead_at_us;  /* when to try to lead again */
    int64_t sites_at_us;
    int64_t partitions_day;
    int64_t partitions_at_us; /* not tried again before */
    struct planner_interval intervals[PLANNER_MAX_INTERVALS];
    size_t interval_count;
    struct round_plan open[PLANNER_MAX_OPEN];
    size_t open_count;
    /* the round being made */
    struct round_plan plan;
    int32_t making_s; /* its interval; 0: asked for */
    int64_t request_id;
    int64_t connected_vantages; /* when it was asked for */
    const struct endpoint_list *list;
    bool made;
};

/** Goes on with whatever is due, unless a turn is under way. */
void planner_work(struct planner *planner);

/** One turn at a time: begun, and over. @param what  of it failed, for the log. */
void planner_submit(struct planner *planner, void (*start)(struct pg *, void *),
                    void (*end)(bool, const char *, void *));
void planner_turn_over(struct planner *planner, const char *what, bool committed, const char *why);

/* following.c */

/** Reads the next round that another collector has planned, and sends it. */
void planner_follow(struct planner *planner);

/** The round in `plan` is in the database: sends it to all, and keeps it for who comes later. */
void planner_announce(struct planner *planner);

/* joining.c */

/** Counts all vantages of this collector among those of a round. */
void planner_join_all(struct planner *planner, uint64_t round_id);

#endif

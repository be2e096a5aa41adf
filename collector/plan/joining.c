#include "plan/planner_parts.h"

#include "link/clock.h"
#include "log.h"
#include "store/array.h"

#include <stdlib.h>

/* A session that opens between a plan and its last slot gets the plan too, and is counted among the round's vantages. */

struct joining {
    char *rounds;   /* bigint[] */
    char *vantages; /* integer[] */
};

static void join_start(struct pg *pg, void *arg)
{
    struct joining *joining = arg;
    const char *values[] = {joining->rounds, joining->vantages};
    pg_exec(pg, STATEMENT_plan_join, values, 2, NULL);
}

static void joining_free(struct joining *joining)
{
    free(joining->rounds);
    free(joining->vantages);
    free(joining);
}

static void join_end(bool committed, const char *why, void *arg)
{
    if (!committed && why[0] != '\0')
        log_line("planning: a vantage that came late: %s", why);
    joining_free(arg);
}

/* Takes both texts, which are NULL without memory. */
static void planner_note_joined(struct planner *planner, char *rounds, char *vantages)
{
    struct joining *joining = calloc(1, sizeof *joining);
    struct pg_turn turn = {.start = join_start, .end = join_end, .arg = joining};
    if (joining == NULL) {
        free(rounds);
        free(vantages);
        return;
    }
    *joining = (struct joining){.rounds = rounds, .vantages = vantages};
    if (rounds == NULL || vantages == NULL || !pg_submit(planner->pg, &turn))
        joining_free(joining);
}

static char *array_of_one(int64_t number)
{
    struct buf array;
    array_begin(&array);
    (void)array_number(&array, number);
    return array_take(&array);
}

void planner_join_all(struct planner *planner, uint64_t round_id)
{
    size_t count = 0;
    char *vantages = planner->hooks.vantages(&count, planner->hooks.arg);
    if (count > 0)
        planner_note_joined(planner, array_of_one((int64_t)round_id), vantages);
    else
        free(vantages);
}

void planner_joined(struct planner *planner, int32_t vantage_id,
                    void (*send)(const struct message *message, void *arg), void *arg)
{
    int64_t now_us = clock_wall_us();
    size_t sent = 0;
    struct buf rounds;
    array_begin(&rounds);
    for (size_t i = 0; i < planner->open_count; i++) {
        const struct round_plan *plan = &planner->open[i];
        struct message round = {.kind = MESSAGE_ROUND, .round = *plan};
        if (now_us > plan->start_us + (int64_t)plan->spread_us)
            continue;
        send(&round, arg);
        (void)array_number(&rounds, (int64_t)plan->round_id);
        sent++;
    }
    if (sent > 0)
        planner_note_joined(planner, array_take(&rounds), array_of_one(vantage_id));
    else
        buf_done(&rounds);
}

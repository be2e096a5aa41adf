#include "plan/planner_parts.h"

#include "link/clock.h"
#include "log.h"
#include "store/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A session that opens between a plan and its last slot gets the plan too, and is counted among the round's vantages. */

struct joining {
    char *rounds; /* bigint[] */
    int32_t vantage_id;
};

static void join_start(struct pg *pg, void *arg)
{
    struct joining *joining = arg;
    char id[16];
    (void)snprintf(id, sizeof id, "%" PRId32, joining->vantage_id);
    const char *values[] = {joining->rounds, id};
    pg_exec(pg, STATEMENT_plan_join, values, 2, NULL);
}

static void join_end(bool committed, const char *why, void *arg)
{
    struct joining *joining = arg;
    if (!committed && why[0] != '\0')
        log_line("planning: a vantage that came late: %s", why);
    free(joining->rounds);
    free(joining);
}

static void planner_note_joined(struct planner *planner, int32_t vantage_id, char *rounds)
{
    struct joining *joining = calloc(1, sizeof *joining);
    struct pg_turn turn = {.start = join_start, .end = join_end, .arg = joining};
    if (joining != NULL)
        *joining = (struct joining){.rounds = rounds, .vantage_id = vantage_id};
    if (joining == NULL || rounds == NULL || !pg_submit(planner->pg, &turn)) {
        free(rounds);
        free(joining);
    }
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
        planner_note_joined(planner, vantage_id, array_take(&rounds));
    else
        buf_done(&rounds);
}

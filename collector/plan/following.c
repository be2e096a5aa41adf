#include "plan/planner_parts.h"

#include "link/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rounds that another collector has planned. It notifies `parallax_plan` in the transaction that makes a round; whoever hears of a round
 * that it has not seen reads it with its endpoints, sends it to the sessions it has, and keeps it for those that open later. The list
 * that the endpoints make has the same hash as there, since it is made of the same rows. Because a notification is lost while the
 * connection is away, what is not over yet is looked for whenever it comes (planner_ready).
 *
 * Rounds are seen in the order of their ids: one collector plans at a time, one round at a time.
 */

static int64_t number_of(const PGresult *result, const char *column)
{
    return strtoll(PQgetvalue(result, 0, PQfnumber(result, column)), NULL, 10);
}

static void follow_endpoints_read(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    planner->list = lists_add(&planner->lists, result);
    if (planner->list == NULL) {
        pg_abandon(pg, "out of memory");
        return;
    }
    memcpy(planner->plan.list_sha256, planner->list->sha256, PLAN_SHA256_BYTES);
    planner->made = true;
}

static void follow_round_read(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    if (PQntuples(result) == 0)
        return;
    planner->making_s = (int32_t)number_of(result, "interval_s");
    planner->plan = (struct round_plan){.round_id = (uint64_t)number_of(result, "id"),
                                        .start_us = number_of(result, "start_us"),
                                        .spread_us = (uint64_t)number_of(result, "spread_us"),
                                        .timeout_us = (uint64_t)number_of(result, "timeout_us"),
                                        .deadline_us = number_of(result, "deadline_us"),
                                        .now = planner->making_s == 0};
    const char *values[] = {PQgetvalue(result, 0, PQfnumber(result, "endpoint_ids")),
                            planner->plan.now ? "f" : "t"};
    pg_exec(pg, STATEMENT_plan_endpoints_asked, values, 2, follow_endpoints_read);
}

static void follow_start(struct pg *pg, void *arg)
{
    struct planner *planner = arg;
    char seen[24];
    (void)snprintf(seen, sizeof seen, "%" PRIu64, planner->seen_round);
    const char *values[] = {seen};
    planner->made = false;
    pg_exec(pg, STATEMENT_plan_unseen, values, 1, follow_round_read);
}

static void follow_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    planner->news = planner->news || !committed || planner->made; /* there may be more */
    if (committed && planner->made)
        planner_announce(planner);
    planner_turn_over(planner, "a round of another collector", committed, why);
}

void planner_follow(struct planner *planner)
{
    planner->news = false;
    planner_submit(planner, follow_start, follow_end);
}

void planner_noticed(struct planner *planner, uint64_t round_id)
{
    if (round_id <= planner->seen_round)
        return; /* our own, most likely */
    planner->news = true;
    planner_work(planner);
}

void planner_announce(struct planner *planner)
{
    const struct round_plan *plan = &planner->plan;
    struct message list = {.kind = MESSAGE_LIST, .list = *planner->list};
    struct message round = {.kind = MESSAGE_ROUND, .round = *plan};
    planner->seen_round = plan->round_id;
    for (size_t i = 0; i < planner->interval_count; i++)
        if (planner->intervals[i].interval_s == planner->making_s)
            planner->intervals[i].last_us = plan->start_us;
    if (planner->open_count < PLANNER_MAX_OPEN)
        planner->open[planner->open_count++] = *plan;
    if (clock_wall_us() > plan->start_us + (int64_t)plan->spread_us)
        return;
    if (plan->now)
        planner->hooks.broadcast(&list, planner->hooks.arg);
    planner->hooks.broadcast(&round, planner->hooks.arg);
    planner_join_all(planner, plan->round_id); /* who came since the plan was made */
}

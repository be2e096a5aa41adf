#include "duty/log.h"
#include "duty/round_parts.h"
#include "link/clock.h"

#include <inttypes.h>
#include <stdlib.h>

/* All rounds at once: plans and lists come in, one timer runs for whatever is due next in any of them (round.c). */

static const int64_t farthest_us =
    INT64_C(24) * 3600 * 1000 * 1000; /* a plan for later than that is nonsense */

static void round_end(struct rounds *rounds, size_t index)
{
    round_free(rounds->rounds[index]);
    rounds->rounds[index] = NULL;
}

/* @return false when the round has waited in vain, or memory is out: it is gone then. */
static bool round_ready(struct rounds *rounds, size_t index, int64_t collector_us)
{
    struct round *round = rounds->rounds[index];
    if (round->slots != NULL)
        return true;
    if (round->list == NULL)
        round->list = lists_hold(&rounds->lists, round->plan.list_sha256);
    if (round->list != NULL && round_prepare(round))
        return true;
    if (round->list != NULL || collector_us > round->plan.deadline_us) {
        duty_log("round %" PRIu64 ": given up, %s", round->plan.round_id,
                 round->list != NULL ? "out of memory" : "its endpoint list did not come in time");
        round_end(rounds, index);
    }
    return false;
}

static int64_t rounds_run(struct rounds *rounds, int64_t now_us, int64_t offset_us)
{
    int64_t next_us = round_never_us;
    for (size_t i = 0; i < ROUNDS_MAX; i++) {
        if (rounds->rounds[i] == NULL)
            continue;
        int64_t due_us = rounds->rounds[i]->plan.deadline_us - offset_us + 1;
        if (round_ready(rounds, i, now_us + offset_us)) {
            due_us = round_turn(rounds->rounds[i], now_us, offset_us);
            if (round_is_over(rounds->rounds[i])) {
                round_report(rounds->rounds[i]);
                rounds->done[rounds->done_next++ % ROUNDS_REMEMBERED] = rounds->rounds[i]->plan.round_id;
                round_end(rounds, i);
                due_us = round_never_us;
            }
        }
        if (rounds->rounds[i] != NULL && due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}

static void on_timer(uv_timer_t *timer)
{
    rounds_turn(timer->data);
}

void rounds_turn(struct rounds *rounds)
{
    int64_t now_us = clock_mono_us(), offset_us = 0;
    if (!offset_get(rounds->deps.offset, now_us, &offset_us, NULL))
        return;
    int64_t next_us = rounds_run(rounds, now_us, offset_us);
    if (next_us == round_never_us) {
        (void)uv_timer_stop(&rounds->timer);
        return;
    }
    int64_t wait_us = next_us - clock_mono_us();
    uv_update_time(rounds->deps.loop);
    (void)uv_timer_start(&rounds->timer, on_timer, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0, 0);
}

static struct round *round_find(const struct rounds *rounds, uint64_t round_id)
{
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        if (rounds->rounds[i] != NULL && rounds->rounds[i]->plan.round_id == round_id)
            return rounds->rounds[i];
    return NULL;
}

/* From the middle of a round's own work, too: what follows is for the loop. */
static void on_let_go(uint64_t round_id, void *arg)
{
    struct rounds *rounds = arg;
    struct round *round = round_find(rounds, round_id);
    if (round == NULL || round->awaited == 0)
        return;
    round->awaited--;
    (void)uv_timer_start(&rounds->timer, on_timer, 0, 0);
}

struct rounds *rounds_new(const struct rounds_deps *deps)
{
    const struct climbs_deps climbs = {.loop = deps->loop,
                                       .prober = deps->prober,
                                       .keeper = deps->keeper,
                                       .pace = deps->pace,
                                       .policy = deps->policy};
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (rounds == NULL)
        return NULL;
    rounds->deps = *deps;
    rounds->climbs = climbs_new(&climbs, on_let_go, rounds);
    if (rounds->climbs == NULL) {
        free(rounds);
        return NULL;
    }
    (void)uv_timer_init(deps->loop, &rounds->timer);
    rounds->timer.data = rounds;
    handles_init(&rounds->handles);
    handles_add(&rounds->handles, &rounds->timer);
    return rounds;
}

bool rounds_list(struct rounds *rounds, const struct endpoint_list *list)
{
    bool added = lists_add(&rounds->lists, list);
    rounds_turn(rounds);
    return added;
}

static bool plan_is_sane(const struct rounds *rounds, const struct round_plan *plan)
{
    int64_t now_us = clock_mono_us(), offset_us = 0;
    if (plan->spread_us > (uint64_t)farthest_us || plan->start_us < 0 ||
        plan->start_us > round_never_us / 4 || plan->deadline_us < plan->start_us ||
        plan->deadline_us > round_never_us / 4)
        return false;
    return !offset_get(rounds->deps.offset, now_us, &offset_us, NULL) ||
           plan->start_us - offset_us - now_us < farthest_us;
}

static bool round_is_known(const struct rounds *rounds, uint64_t round_id)
{
    for (size_t i = 0; i < ROUNDS_REMEMBERED; i++)
        if (rounds->done[i] == round_id)
            return true;
    return round_find(rounds, round_id) != NULL;
}

bool rounds_plan(struct rounds *rounds, const struct round_plan *plan)
{
    struct round **place = NULL;
    if (rounds->stopping || round_is_known(rounds, plan->round_id))
        return true;
    for (size_t i = 0; i < ROUNDS_MAX && place == NULL; i++)
        if (rounds->rounds[i] == NULL)
            place = &rounds->rounds[i];
    if (place == NULL || !plan_is_sane(rounds, plan))
        return false;
    struct round *round = calloc(1, sizeof *round);
    if (round == NULL)
        return false;
    round->rounds = rounds;
    round->plan = *plan;
    round->report.round_id = plan->round_id;
    round->list = lists_hold(&rounds->lists, plan->list_sha256);
    *place = round;
    if (round->list == NULL)
        rounds->deps.on_list_wanted(plan->list_sha256, rounds->deps.arg);
    rounds_turn(rounds);
    return true;
}

void rounds_clock_changed(struct rounds *rounds)
{
    rounds_turn(rounds);
}

void rounds_policy_changed(struct rounds *rounds)
{
    climbs_policy_changed(rounds->climbs);
}

void rounds_ask_again(struct rounds *rounds)
{
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        if (rounds->rounds[i] != NULL && rounds->rounds[i]->list == NULL)
            rounds->deps.on_list_wanted(rounds->rounds[i]->plan.list_sha256, rounds->deps.arg);
}

void rounds_stop(struct rounds *rounds)
{
    rounds->stopping = true;
    climbs_stop(rounds->climbs);
    for (size_t i = 0; i < ROUNDS_MAX; i++) {
        struct round *round = rounds->rounds[i];
        if (round == NULL)
            continue;
        if (round->slots == NULL) {
            round_end(rounds, i);
            continue;
        }
        round_stop(round);
    }
    rounds_turn(rounds);
}

bool rounds_go_on(const struct rounds *rounds)
{
    bool any = false;
    for (size_t i = 0; i < ROUNDS_MAX; i++) {
        const struct round *round = rounds->rounds[i];
        if (round != NULL && round->plan.now)
            return false;
        any = any || (round != NULL && round->slots != NULL);
    }
    return any;
}

unsigned rounds_pending(const struct rounds *rounds)
{
    unsigned pending = climbs_pending(rounds->climbs);
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        pending += rounds->rounds[i] != NULL;
    return pending;
}

static void rounds_free(void *arg)
{
    struct rounds *rounds = arg;
    void (*closed)(void *closed_arg) = rounds->closed;
    void *closed_arg = rounds->closed_arg;
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        if (rounds->rounds[i] != NULL)
            round_free(rounds->rounds[i]);
    lists_done(&rounds->lists);
    climbs_free(rounds->climbs);
    free(rounds);
    closed(closed_arg);
}

void rounds_close(struct rounds *rounds, void (*closed)(void *arg), void *arg)
{
    rounds->closed = closed;
    rounds->closed_arg = arg;
    handles_close_all(&rounds->handles, rounds->deps.loop, rounds_free, rounds);
}

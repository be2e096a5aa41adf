#include "duty/round.h"

#include "duty/lists.h"
#include "duty/log.h"
#include "link/clock.h"
#include "link/handles.h"
#include "words/classify.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/*
 * The life of a round at this vantage:
 *
 *     plan --> WAITS for its list (asked for by hash) and for the collector's clock (the first pong)
 *       |        |
 *       |        | both are there: slots are computed and sorted
 *       |        v
 *       |      RUNS: one timer for whatever is due next in any round. At a slot: a job for the prober, or LOCAL_POLICY
 *       |        |   evidence when the owner does not allow it. A slot more than a second past is late, and not tried:
 *       |        |   an attempt at another moment than its peers' would say nothing about where a fault is.
 *       |        |   A first attempt that fails gets one confirm attempt, from a new source port, at the same address,
 *       |        |   as soon as pace allows and not after the deadline.
 *       |        v
 *       +----> nothing due, nothing under way: a report into the spool, and the round is forgotten.
 *
 * Slots are in collector time and become monotonic ones each time the timer is set, so a better clock estimate moves
 * what is still to come.
 */

enum {
    DUE_US = 500,                          /* the timer counts milliseconds: this near is now */
    CONFIRM_PATIENCE_US = 3 * 1000 * 1000, /* a confirm attempt much later than its first confirms little */
    ROUNDS_REMEMBERED = 64, /* so that a plan that is sent again after a lost session is not done again */
};

static const int64_t farthest_us =
    INT64_C(24) * 3600 * 1000 * 1000; /* a plan for later than that is nonsense */
static const int64_t never_us = INT64_MAX;

struct slot {
    int64_t at_us; /* collector time */
    uint32_t endpoint;
};

struct confirm {
    int64_t due_us; /* monotonic */
    uint32_t endpoint;
    struct address address;
};

struct round {
    struct rounds *rounds;
    struct round_plan plan;
    struct held_list *list; /* NULL: waits */
    struct slot *slots;     /* NULL: waits */
    size_t next_slot;
    struct confirm *confirms; /* as many as may become necessary are made room for one by one */
    size_t confirm_count;
    size_t running; /* jobs with the prober */
    struct round_report report;
};

struct rounds {
    struct rounds_deps deps;
    struct lists lists;
    struct round *rounds[ROUNDS_MAX];
    uv_timer_t timer;
    struct handles handles;
    uint64_t done[ROUNDS_REMEMBERED]; /* ids of rounds that were reported, as a ring */
    unsigned done_next;
    bool stopping;
    void (*closed)(void *arg);
    void *closed_arg;
};

struct job {
    struct round *round;
    uint32_t endpoint;
    enum attempt_role role;
};

static void rounds_turn(struct rounds *rounds);

/* --- one round -------------------------------------------------------------------------------------------------- */

static void round_free(struct round *round)
{
    lists_release(round->list);
    free(round->slots);
    free(round->confirms);
    free(round);
}

static size_t slots_left(const struct round *round)
{
    return round->slots == NULL ? 0 : round->list->list.count - round->next_slot;
}

static int slot_order(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
}

/* Both conditions of WAITS are met. */
static bool round_prepare(struct round *round)
{
    const struct endpoint_list *list = &round->list->list;
    round->slots = calloc(list->count + 1, sizeof *round->slots);
    if (round->slots == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++)
        round->slots[i] = (struct slot){round_slot_us(&round->plan, list->endpoints[i].id), (uint32_t)i};
    qsort(round->slots, list->count, sizeof *round->slots, slot_order);
    return true;
}

static bool round_add_confirm(struct round *round, const struct confirm *confirm)
{
    struct confirm *grown = realloc(round->confirms, (round->confirm_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    round->confirms = grown;
    grown[round->confirm_count++] = *confirm;
    return true;
}

/* A first attempt failed: look again, unless that would come too late to be of use. */
static void round_confirm(struct round *round, uint32_t endpoint, const struct attempt *attempt)
{
    int64_t now_us = clock_mono_us(), offset_us = 0;
    struct confirm confirm = {.due_us = now_us, .endpoint = endpoint, .address = attempt->flow.destination};
    if (round->rounds->stopping || !offset_get(round->rounds->deps.offset, now_us, &offset_us, NULL))
        return;
    int64_t patience_us = round->plan.deadline_us - offset_us - now_us;
    if (patience_us > CONFIRM_PATIENCE_US)
        patience_us = CONFIRM_PATIENCE_US;
    int64_t wait_us = confirm.address.length == 0
                          ? 0
                          : pace_reserve(round->rounds->deps.pace, &confirm.address, now_us, patience_us);
    confirm.due_us += wait_us;
    if (wait_us >= 0)
        (void)round_add_confirm(round, &confirm); /* without memory the first attempt stands alone */
}

static void round_keep(struct round *round, struct attempt *attempt)
{
    round->report.attempts++;
    round->report.refused += attempt->local == LOCAL_POLICY;
    if (!keeper_attempt(round->rounds->deps.keeper, attempt))
        round->report.attempts--;
}

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct job *job = arg;
    struct round *round = job->round;
    struct rounds *rounds = round->rounds;
    if (attempt != NULL) {
        if (job->role == ATTEMPT_FIRST && outcome_is_failure(classify(attempt)))
            round_confirm(round, job->endpoint, attempt);
        round_keep(round, attempt);
    }
    if (!last)
        return;
    free(job);
    round->running--;
    rounds_turn(rounds);
}

static void round_probe(struct round *round, uint32_t endpoint, enum attempt_role role,
                        const struct address *address)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return;
    *job = (struct job){.round = round, .endpoint = endpoint, .role = role};
    struct probe_job probe = {
        .endpoint = round->list->list.endpoints[endpoint],
        .variant = role == ATTEMPT_FIRST ? VARIANT_NORMAL : VARIANT_RETRY,
        .role = role,
        .timeout_us = round->plan.timeout_us,
        .round_id = round->plan.round_id,
        .slot_us =
            role == ATTEMPT_FIRST ? round_slot_us(&round->plan, round->list->list.endpoints[endpoint].id) : 0,
    };
    if (address->length > 0)
        probe.endpoint.address = *address;
    if (prober_probe(round->rounds->deps.prober, &probe, on_attempt, job))
        round->running++;
    else
        free(job);
}

/* Not done, and said so. */
static void round_refuse(struct round *round, const struct slot *slot, const char *why)
{
    const struct endpoint *endpoint = &round->list->list.endpoints[slot->endpoint];
    struct attempt *attempt = attempt_new();
    int64_t now_us = clock_mono_us(), offset_us = 0;
    if (attempt == NULL)
        return;
    (void)offset_get(round->rounds->deps.offset, now_us, &offset_us, &attempt->clock.start_error_us);
    attempt->clock.start_us = now_us + offset_us;
    attempt->clock.slot_us = slot->at_us;
    attempt->round_id = round->plan.round_id;
    attempt->endpoint_id = endpoint->id;
    attempt->agent_version = PARALLAX_VERSION;
    attempt->tls_library = OpenSSL_version(OPENSSL_VERSION);
    attempt->flow.destination = endpoint->address;
    attempt->flow.destination_port = endpoint->port;
    attempt->local = LOCAL_POLICY;
    attempt->local_detail = why;
    round_keep(round, attempt);
}

static void round_meet(struct round *round, const struct slot *slot, int64_t collector_us)
{
    const char *why = "";
    const struct address none = {0};
    if (collector_us - slot->at_us > ROUND_LATE_US)
        round->report.late++;
    else if (policy_allows(round->rounds->deps.policy, &round->list->list.endpoints[slot->endpoint], &why))
        round_probe(round, slot->endpoint, ATTEMPT_FIRST, &none);
    else
        round_refuse(round, slot, why);
}

/* Starts what is due. @return when the next thing of this round is, monotonic. */
static int64_t round_turn(struct round *round, int64_t now_us, int64_t offset_us)
{
    int64_t next_us = never_us;
    while (slots_left(round) > 0 && round->slots[round->next_slot].at_us - offset_us <= now_us + DUE_US)
        round_meet(round, &round->slots[round->next_slot++], now_us + offset_us);
    for (size_t i = 0; i < round->confirm_count;) {
        struct confirm confirm = round->confirms[i];
        if (confirm.due_us > now_us + DUE_US) {
            next_us = confirm.due_us < next_us ? confirm.due_us : next_us;
            i++;
            continue;
        }
        round->confirms[i] = round->confirms[--round->confirm_count];
        round_probe(round, confirm.endpoint, ATTEMPT_CONFIRM, &confirm.address);
    }
    if (slots_left(round) > 0 && round->slots[round->next_slot].at_us - offset_us < next_us)
        next_us = round->slots[round->next_slot].at_us - offset_us;
    return next_us;
}

static bool round_is_over(const struct round *round)
{
    return round->slots != NULL && slots_left(round) == 0 && round->confirm_count == 0 && round->running == 0;
}

static void round_report(struct round *round)
{
    const struct round_report *report = &round->report;
    duty_log("round %" PRIu64 ": %" PRIu32 " attempts, %" PRIu32 " late, %" PRIu32 " refused",
             report->round_id, report->attempts, report->late, report->refused);
    /* without memory for the report, the collector closes the round at its deadline */
    (void)keeper_report(round->rounds->deps.keeper, *report);
    round->rounds->done[round->rounds->done_next++ % ROUNDS_REMEMBERED] = report->round_id;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

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
    int64_t next_us = never_us;
    for (size_t i = 0; i < ROUNDS_MAX; i++) {
        if (rounds->rounds[i] == NULL)
            continue;
        int64_t due_us = rounds->rounds[i]->plan.deadline_us - offset_us + 1;
        if (round_ready(rounds, i, now_us + offset_us)) {
            due_us = round_turn(rounds->rounds[i], now_us, offset_us);
            if (round_is_over(rounds->rounds[i])) {
                round_report(rounds->rounds[i]);
                round_end(rounds, i);
                due_us = never_us;
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

/* Does what is due in every round, forgets those that are over, and sets the timer for what comes next. */
static void rounds_turn(struct rounds *rounds)
{
    int64_t now_us = clock_mono_us(), offset_us = 0;
    if (!offset_get(rounds->deps.offset, now_us, &offset_us, NULL))
        return;
    int64_t next_us = rounds_run(rounds, now_us, offset_us);
    if (next_us == never_us) {
        (void)uv_timer_stop(&rounds->timer);
        return;
    }
    int64_t wait_us = next_us - clock_mono_us();
    uv_update_time(rounds->deps.loop);
    (void)uv_timer_start(&rounds->timer, on_timer, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0, 0);
}

struct rounds *rounds_new(const struct rounds_deps *deps)
{
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (rounds == NULL)
        return NULL;
    rounds->deps = *deps;
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
    if (plan->spread_us > (uint64_t)farthest_us || plan->start_us < 0 || plan->start_us > never_us / 4 ||
        plan->deadline_us < plan->start_us || plan->deadline_us > never_us / 4)
        return false;
    return !offset_get(rounds->deps.offset, now_us, &offset_us, NULL) ||
           plan->start_us - offset_us - now_us < farthest_us;
}

static bool round_is_known(const struct rounds *rounds, uint64_t round_id)
{
    for (size_t i = 0; i < ROUNDS_REMEMBERED; i++)
        if (rounds->done[i] == round_id)
            return true;
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        if (rounds->rounds[i] != NULL && rounds->rounds[i]->plan.round_id == round_id)
            return true;
    return false;
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

void rounds_ask_again(struct rounds *rounds)
{
    for (size_t i = 0; i < ROUNDS_MAX; i++)
        if (rounds->rounds[i] != NULL && rounds->rounds[i]->list == NULL)
            rounds->deps.on_list_wanted(rounds->rounds[i]->plan.list_sha256, rounds->deps.arg);
}

void rounds_stop(struct rounds *rounds)
{
    rounds->stopping = true;
    for (size_t i = 0; i < ROUNDS_MAX; i++) {
        struct round *round = rounds->rounds[i];
        if (round == NULL)
            continue;
        if (round->slots == NULL) {
            round_end(rounds, i);
            continue;
        }
        round->report.late += (uint32_t)slots_left(round);
        round->next_slot += slots_left(round);
        round->confirm_count = 0;
    }
    rounds_turn(rounds);
}

unsigned rounds_pending(const struct rounds *rounds)
{
    unsigned pending = 0;
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
    free(rounds);
    closed(closed_arg);
}

void rounds_close(struct rounds *rounds, void (*closed)(void *arg), void *arg)
{
    rounds->closed = closed;
    rounds->closed_arg = arg;
    handles_close_all(&rounds->handles, rounds->deps.loop, rounds_free, rounds);
}

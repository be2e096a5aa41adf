#include "duty/log.h"
#include "duty/round_parts.h"
#include "link/clock.h"
#include "words/classify.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>

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
 *       |        |   as soon as pace allows and not after the deadline. What is seen of a failure by then sets out on the
 *       |        |   ladder (duty/climbs.h), which is no part of the round any more; but a person who asked for the round
 *       |        |   waits for the ladder's controls.
 *       |        v
 *       +----> nothing due, nothing under way: a report into the spool, and the round is forgotten.
 *
 * What a collector can make of this is bounded: slots that come faster than they can be met are late after a second, and cost
 * nothing then; jobs that wait with the prober are counted, and the lists of all rounds have one bound in bytes (duty/lists.h).
 *
 * Slots are in collector time and become monotonic ones each time the timer is set, so a better clock estimate moves
 * what is still to come.
 */

enum {
    CONFIRM_PATIENCE_US = 3 * 1000 * 1000, /* a confirm attempt much later than its first confirms little */
    LET_GO_US =
        1000 * 1000, /* before the deadline, so that the report comes in time whatever was waited for */
};

struct job {
    struct round *round;
    uint32_t endpoint;
    enum attempt_role role;
    struct climb *climb; /* that gets a confirm attempt; NULL: none */
};

void round_free(struct round *round)
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

bool round_prepare(struct round *round)
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

/* Look again, unless that would come too late to be of use. @return false then, or without memory. */
static bool round_confirm(struct round *round, uint32_t endpoint, const struct address *address,
                          struct climb *climb)
{
    int64_t now_us = clock_mono_us(), offset_us = 0;
    struct confirm confirm = {.due_us = now_us, .endpoint = endpoint, .address = *address, .climb = climb};
    if (round->rounds->stopping || !offset_get(round->rounds->deps.offset, now_us, &offset_us, NULL))
        return false;
    int64_t patience_us = round->plan.deadline_us - offset_us - now_us;
    if (patience_us > CONFIRM_PATIENCE_US)
        patience_us = CONFIRM_PATIENCE_US;
    int64_t wait_us =
        address->length == 0 ? 0 : pace_reserve(round->rounds->deps.pace, address, now_us, patience_us);
    confirm.due_us += wait_us;
    return wait_us >= 0 && round_add_confirm(round, &confirm);
}

static void round_keep(struct round *round, struct attempt *attempt)
{
    round->report.attempts++;
    round->report.refused += attempt->local == LOCAL_POLICY;
    if (!keeper_attempt(round->rounds->deps.keeper, attempt))
        round->report.attempts--;
}

/* A first attempt failed: it is made again, and looked into with what that gives. @param attempt  taken. */
static void round_fails(struct round *round, uint32_t endpoint, struct attempt *attempt)
{
    struct address address = attempt->flow.destination;
    struct climb *climb = NULL;
    if (!round->rounds->stopping)
        climb = climbs_begin(round->rounds->climbs, &round->plan, &round->list->list.endpoints[endpoint],
                             attempt);
    round->awaited += climb != NULL && round->plan.now;
    if (climb == NULL)
        attempt_free(attempt);
    if (!round_confirm(round, endpoint, &address, climb) && climb != NULL)
        climb_go(climb);
}

/* A first attempt came through: the CA may have something to say of its certificate. @param attempt  taken. */
static void round_passes(struct round *round, uint32_t endpoint, struct attempt *attempt)
{
    struct climb *climb = NULL;
    if (!round->rounds->stopping)
        climb =
            climbs_ask(round->rounds->climbs, &round->plan, &round->list->list.endpoints[endpoint], attempt);
    round->awaited += climb != NULL && round->plan.now;
    if (climb == NULL)
        attempt_free(attempt);
    else
        climb_go(climb);
}

static void round_got(const struct job *job, struct attempt *attempt)
{
    round_keep(job->round, attempt);
    if (job->role == ATTEMPT_FIRST && outcome_is_failure(classify(attempt)))
        round_fails(job->round, job->endpoint, attempt);
    else if (job->role == ATTEMPT_FIRST && outcome_is_ok(classify(attempt)))
        round_passes(job->round, job->endpoint, attempt);
    else if (job->climb != NULL)
        climb_add(job->climb, attempt);
    else
        attempt_free(attempt);
}

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct job *job = arg;
    struct round *round = job->round;
    struct rounds *rounds = round->rounds;
    if (attempt != NULL)
        round_got(job, attempt);
    if (!last)
        return;
    if (job->climb != NULL)
        climb_go(job->climb);
    free(job);
    round->running--;
    rounds_turn(rounds);
}

static struct probe_job job_of(const struct round *round, const struct job *job,
                               const struct address *address)
{
    const struct endpoint *endpoint = &round->list->list.endpoints[job->endpoint];
    bool first = job->role == ATTEMPT_FIRST;
    struct probe_job probe = {
        .endpoint = *endpoint,
        .variant = first ? VARIANT_NORMAL : VARIANT_RETRY,
        .role = job->role,
        .timeout_us = round->plan.timeout_us,
        .round_id = round->plan.round_id,
        .slot_us = first ? round_slot_us(&round->plan, endpoint->id) : 0,
    };
    if (address->length > 0 && endpoint->address.length == 0)
        probe.flags |= PROBE_BY_NAME;
    if (address->length > 0)
        probe.endpoint.address = *address;
    return probe;
}

/* @return false without memory. */
static bool round_probe(struct round *round, const struct job *what, const struct address *address)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return false;
    *job = *what;
    struct probe_job probe = job_of(round, job, address);
    if (!prober_probe(round->rounds->deps.prober, &probe, on_attempt, job)) {
        free(job);
        return false;
    }
    round->running++;
    return true;
}

static void round_again(struct round *round, const struct confirm *confirm)
{
    const struct job job = {
        .round = round, .endpoint = confirm->endpoint, .role = ATTEMPT_CONFIRM, .climb = confirm->climb};
    if (!round_probe(round, &job, &confirm->address) && confirm->climb != NULL)
        climb_go(confirm->climb);
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
    attempt->depth = endpoint->depth;
    attempt->agent_version = PARALLAX_VERSION;
    attempt->tls_library = OpenSSL_version(OPENSSL_VERSION);
    attempt->flow.destination = endpoint->address;
    attempt->flow.destination_port = endpoint->port;
    attempt->local = LOCAL_POLICY;
    attempt->local_detail = arena_string(&attempt->arena, why);
    if (attempt->local_detail == NULL)
        attempt->local_detail = "";
    round_keep(round, attempt);
    attempt_free(attempt);
}

static void round_meet(struct round *round, const struct slot *slot, int64_t collector_us)
{
    char why[POLICY_WHY_BYTES];
    const struct address none = {0};
    const struct job job = {.round = round, .endpoint = slot->endpoint, .role = ATTEMPT_FIRST};
    if (collector_us - slot->at_us > ROUND_LATE_US ||
        prober_pending(round->rounds->deps.prober) >= ROUND_MAX_JOBS)
        round->report.late++;
    else if (policy_allows(round->rounds->deps.policy, &round->list->list.endpoints[slot->endpoint], why))
        (void)round_probe(round, &job, &none);
    else
        round_refuse(round, slot, why);
}

int64_t round_turn(struct round *round, int64_t now_us, int64_t offset_us)
{
    int64_t next_us = round_never_us;
    for (unsigned met = 0; met < ROUND_MAX_TURN && slots_left(round) > 0 &&
                           round->slots[round->next_slot].at_us - offset_us <= now_us + ROUND_DUE_US;
         met++)
        round_meet(round, &round->slots[round->next_slot++], now_us + offset_us);
    for (size_t i = 0; i < round->confirm_count;) {
        struct confirm confirm = round->confirms[i];
        if (confirm.due_us > now_us + ROUND_DUE_US) {
            next_us = confirm.due_us < next_us ? confirm.due_us : next_us;
            i++;
            continue;
        }
        round->confirms[i] = round->confirms[--round->confirm_count];
        round_again(round, &confirm);
    }
    if (slots_left(round) > 0 && round->slots[round->next_slot].at_us - offset_us < next_us)
        next_us = round->slots[round->next_slot].at_us - offset_us;
    if (round->awaited > 0 && round->plan.deadline_us - LET_GO_US - offset_us <= now_us + ROUND_DUE_US)
        round->awaited = 0;
    if (round->awaited > 0 && round->plan.deadline_us - LET_GO_US - offset_us < next_us)
        next_us = round->plan.deadline_us - LET_GO_US - offset_us;
    return next_us;
}

bool round_is_over(const struct round *round)
{
    return round->slots != NULL && slots_left(round) == 0 && round->confirm_count == 0 &&
           round->running == 0 && round->awaited == 0;
}

void round_report(const struct round *round)
{
    const struct round_report *report = &round->report;
    duty_log("round %" PRIu64 ": %" PRIu32 " attempts, %" PRIu32 " late, %" PRIu32 " refused",
             report->round_id, report->attempts, report->late, report->refused);
    /* without memory for the report, the collector closes the round at its deadline */
    (void)keeper_report(round->rounds->deps.keeper, report);
}

void round_stop(struct round *round)
{
    round->report.late += (uint32_t)slots_left(round);
    round->next_slot += slots_left(round);
    for (size_t i = 0; i < round->confirm_count; i++)
        if (round->confirms[i].climb != NULL)
            climb_go(round->confirms[i].climb);
    round->confirm_count = 0;
}

#include "diff/watch_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The life of a fault:
 *
 *     candidate --open--> OPEN --5 clean rounds and 10 minutes--> CLOSED --penalty forgotten--> gone
 *                          ^  |                                     |
 *                          |  +-- penalty reaches 3000: FLAPPING,   |
 *                          |      neither opened nor closed again   |
 *                          |      until it has fallen to 750        |
 *                          +----------------- back -----------------+
 *
 * Every opening and every close adds to the penalty; it halves in 15 minutes (RFC 2439 has the idea).
 */

static const int64_t silent_us = INT64_C(3600) * 1000000; /* no word from inside for so long: over */
static const double forgotten_penalty = 50;

struct fault *fault_new(struct watch *watch, enum incident_kind kind, const struct place *place)
{
    struct fault *fault = calloc(1, sizeof *fault);
    if (fault == NULL)
        return NULL;
    fault->seen.kind = kind;
    fault->seen.place = *place;
    fault->seen.fisher_p = fault->seen.sign_p = 1;
    fault->seen.confidence = 1;
    fault->last_seen_us = fault->decayed_us = watch->now_us;
    return fault;
}

void fault_free(struct fault *fault)
{
    if (fault == NULL)
        return;
    free(fault->members);
    free(fault->followers);
    free(fault->endpoint_ids);
    free(fault->vantage_ids);
    free(fault);
}

static bool is_key_taken(const struct watch *watch, const char *key)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        if (strcmp(watch->faults[f]->seen.key, key) == 0)
            return true;
    }
    return false;
}

/* Takes the fault over, under a key that is its own; frees it without memory. */
bool fault_keep(struct watch *watch, struct fault *fault)
{
    size_t length = strlen(fault->seen.key);
    for (unsigned n = 2; is_key_taken(watch, fault->seen.key) && n < 1000; n++) {
        if (length > sizeof fault->seen.key - 5)
            length = sizeof fault->seen.key - 5;
        snprintf(fault->seen.key + length, sizeof fault->seen.key - length, "#%u", n);
    }
    if (!watch_grow(&watch->faults, &watch->fault_room, watch->fault_count + 1, sizeof *watch->faults)) {
        fault_free(fault);
        return false;
    }
    watch->faults[watch->fault_count++] = fault;
    return true;
}

bool fault_has_member(const struct fault *fault, unsigned endpoint)
{
    for (size_t m = 0; m < fault->member_count; m++) {
        if (fault->members[m].endpoint == endpoint)
            return true;
    }
    return false;
}

bool fault_add_member(struct fault *fault, unsigned endpoint)
{
    if (!watch_grow(&fault->members, &fault->member_room, fault->member_count + 1, sizeof *fault->members))
        return false;
    fault->members[fault->member_count++] = (struct member){endpoint, 0};
    fault->changed = true;
    return true;
}

void fault_drop_member(struct fault *fault, unsigned endpoint)
{
    size_t kept = 0;
    for (size_t m = 0; m < fault->member_count; m++) {
        if (fault->members[m].endpoint != endpoint)
            fault->members[kept++] = fault->members[m];
    }
    fault->member_count = kept;
}

bool fault_list_endpoints(const struct watch *watch, struct fault *fault)
{
    size_t count = fault->member_count + fault->follower_count;
    if (!watch_grow(&fault->endpoint_ids, &fault->endpoint_room, count, sizeof *fault->endpoint_ids))
        return false;
    for (size_t m = 0; m < fault->member_count; m++)
        fault->endpoint_ids[m] = watch->endpoints[fault->members[m].endpoint]->id;
    for (size_t i = 0; i < fault->follower_count; i++)
        fault->endpoint_ids[fault->member_count + i] = fault->followers[i].endpoint_id;
    fault->seen.endpoint_count = count;
    fault->seen.endpoint_ids = fault->endpoint_ids;
    follow_show(watch, fault);
    return true;
}

static void decay(const struct watch *watch, struct fault *fault)
{
    double age_us = (double)(watch->now_us - fault->decayed_us);
    if (age_us > 0)
        fault->seen.flap_penalty *= exp2(-age_us / (double)watch->options.flap_half_life_us);
    fault->decayed_us = watch->now_us;
}

static void swing(const struct watch *watch, struct fault *fault, bool ill)
{
    decay(watch, fault);
    fault->ill = ill;
    fault->clean = 0;
    fault->seen.transitions++;
    fault->seen.flap_penalty += watch->options.flap_penalty;
}

void fault_open(struct watch *watch, struct fault *fault, const struct watch_round *round)
{
    if (fault->seen.opened_us == 0) {
        fault->seen.opened_us = round->start_us;
        fault->seen.first_round = round->id;
    }
    swing(watch, fault, true);
    fault->state = FAULT_OPEN;
    fault->seen.closed_us = 0;
    fault->last_failed_us = fault->last_seen_us = round->start_us;
    fault->backed = fault->fresh = true;
    fault->over = false;
    fault->seen.flapping = fault->seen.flap_penalty >= watch->options.flap_suppress;
}

void fault_close(struct watch *watch, struct fault *fault, const struct watch_round *round)
{
    if (fault->ill)
        swing(watch, fault, false);
    fault->state = FAULT_CLOSED;
    fault->over = true;
    fault->streak = 0;
    fault->seen.flapping = false;
    fault->seen.closed_us = round->start_us;
    fault->seen.updated_us = round->start_us;
}

/* The gain of one endpoint's last round inside of the place. @return false when nothing was tried there. */
static bool gain_of(const struct watch *watch, const struct fault *fault, unsigned at, double *ret_gain)
{
    const struct watched_endpoint *endpoint = watch->endpoints[at];
    double gain = 0;
    bool tried = false;
    if (!endpoint->in_round)
        return false;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        const struct slot *slot = watch_slot(watch, endpoint, v, 0);
        struct inside inside = place_inside(watch, &fault->seen.place, endpoint, v);
        for (unsigned m = 0; inside.all && m < MARKS_PER_ROUND; m++) {
            const struct mark *mark = &slot->marks[m];
            if (mark->state == MARK_NONE || !inside_has(&inside, mark))
                continue;
            bool other =
                mark_fails(mark) && !families_meet((int[2]){family_of(mark->class), 0}, fault->families);
            tried = tried || !other;
            gain += other ? 0 : watch->vantages[v].gains[mark->state];
        }
    }
    *ret_gain = gain;
    return tried;
}

enum round_says { SAYS_NOTHING, SAYS_CLEAN, SAYS_FAILING };

static enum round_says ask_members(const struct watch *watch, struct fault *fault)
{
    double sum = 0;
    bool tried = false;
    for (size_t m = 0; m < fault->member_count; m++) {
        double gain = 0;
        if (!gain_of(watch, fault, fault->members[m].endpoint, &gain))
            continue;
        tried = true;
        sum += gain;
        fault->members[m].clean = gain > 0 ? 0 : fault->members[m].clean + 1;
    }
    return !tried ? SAYS_NOTHING : sum > 0 ? SAYS_FAILING : SAYS_CLEAN;
}

static bool any_member_in_round(const struct watch *watch, const struct fault *fault)
{
    bool any = fault->member_count == 0;
    for (size_t m = 0; m < fault->member_count; m++)
        any = any || watch->endpoints[fault->members[m].endpoint]->in_round;
    return any;
}

static enum round_says ask(const struct watch *watch, struct fault *fault)
{
    unsigned at = 0;
    switch (fault->seen.kind) {
    case INCIDENT_FAILS:
        return ask_members(watch, fault);
    case INCIDENT_VANTAGE_ASIDE:
        if (!index_find(&watch->vantage_index, fault->seen.place.vantage_id, &at) ||
            watch->vantages[at].sights == 0)
            return SAYS_NOTHING;
        return watch->vantages[at].gate.shut ? SAYS_FAILING : SAYS_CLEAN;
    case INCIDENT_DIFFERS:
    case INCIDENT_EXPIRES:
        if (fault->backed)
            return SAYS_FAILING;
        return any_member_in_round(watch, fault) ? SAYS_CLEAN : SAYS_NOTHING;
    }
    return SAYS_NOTHING;
}

/* An endpoint that is well leaves while the others are not; when all are well the incident closes with its list whole. */
static void drop_clean(const struct watch *watch, struct fault *fault)
{
    for (size_t m = fault->member_count; m > 0 && fault->member_count > 1; m--) {
        if (fault->members[m - 1].clean >= watch->options.close_rounds) {
            fault_drop_member(fault, fault->members[m - 1].endpoint);
            fault->changed = true;
        }
    }
}

static void count_round(struct fault *fault, enum round_says says, const struct watch_round *round)
{
    if (says == SAYS_NOTHING)
        return;
    bool failing = says == SAYS_FAILING && fault->state == FAULT_OPEN;
    fault->seen.rounds++;
    fault->seen.rounds_failed += failing;
    fault->seen.failing_share = (double)fault->seen.rounds_failed / fault->seen.rounds;
    fault->last_seen_us = round->start_us;
    fault->clean = failing ? 0 : fault->clean + 1;
    if (failing) {
        fault->last_failed_us = round->start_us;
        fault->seen.last_round = round->id;
    }
    fault->seen.last_failed_us = fault->last_failed_us;
    fault->seen.clean_rounds = fault->clean;
}

/* A certificate that has ended is no longer about to: what fails because of it has taken over. */
static bool has_given_way(const struct watch *watch, const struct fault *fault)
{
    if (fault->seen.kind != INCIDENT_EXPIRES || fault->backed)
        return false;
    for (size_t f = 0; f < watch->fault_count; f++) {
        const struct fault *other = watch->faults[f];
        if (other->state != FAULT_OPEN || other->families[0] != OUTCOME_CERT_EXPIRED)
            continue;
        for (size_t m = 0; m < fault->member_count; m++) {
            if (fault_has_member(other, fault->members[m].endpoint))
                return true;
        }
    }
    return false;
}

static void advance(struct watch *watch, struct fault *fault, const struct watch_round *round)
{
    const struct watch_options *options = &watch->options;
    enum round_says says = ask(watch, fault);
    count_round(fault, says, round);
    follow_round(watch, fault, says == SAYS_FAILING);
    decay(watch, fault);
    if (fault->state != FAULT_OPEN) {
        fault->streak = says == SAYS_CLEAN ? 0 : fault->streak;
        return;
    }
    if (says == SAYS_FAILING)
        drop_clean(watch, fault);
    if (!fault->ill && fault->backed && says == SAYS_FAILING)
        swing(watch, fault, true);
    bool clean =
        fault->clean >= options->close_rounds && round->start_us - fault->last_failed_us >= options->close_us;
    bool silent = round->start_us - fault->last_seen_us >= silent_us;
    if (fault->ill && clean && fault->seen.flapping)
        swing(watch, fault, false);
    bool held = fault->seen.flapping && fault->seen.flap_penalty > options->flap_reuse;
    if (fault->seen.flapping && !held && fault->ill && !silent) {
        fault->seen.flapping = false;
        fault->changed = true;
    }
    if (silent || has_given_way(watch, fault) || (!held && (clean || !fault->ill)))
        fault_close(watch, fault, round);
}

static void tell(struct fault *fault, const struct watch_round *round, incident_fn *on_change, void *arg)
{
    bool held = fault->seen.flapping && !fault->fresh;
    if (fault->over) {
        on_change(&fault->seen, INCIDENT_CLOSED, arg);
    } else if (fault->state == FAULT_OPEN && (fault->fresh || fault->changed) && !held) {
        fault->seen.updated_us = round->start_us;
        enum incident_change change = !fault->fresh          ? INCIDENT_UPDATED
                                      : fault->seen.flapping ? INCIDENT_FLAPPING
                                                             : INCIDENT_OPENED;
        on_change(&fault->seen, change, arg);
    }
}

static bool show(struct watch *watch, struct fault *fault)
{
    if (fault->seen.kind == INCIDENT_FAILS)
        return fault->member_count == 0 || fault_numbers(watch, fault);
    if (!fault_list_endpoints(watch, fault))
        return false;
    if (fault->seen.kind != INCIDENT_VANTAGE_ASIDE)
        return true;
    unsigned at = 0;
    if (!index_find(&watch->vantage_index, fault->seen.place.vantage_id, &at))
        return true;
    const struct gate *gate = &watch->vantages[at].gate;
    if (!watch_grow(&fault->vantage_ids, &fault->vantage_room, 1, sizeof *fault->vantage_ids))
        return false;
    fault->vantage_ids[0] = watch->vantages[at].id;
    fault->seen.vantage_ids = fault->vantage_ids;
    fault->seen.vantage_count = 1;
    if (gate->shut && gate->tried > 0) {
        fault->seen.failed = gate->failed;
        fault->seen.attempts = gate->tried;
        fault->seen.outcome = gate->outcome;
    }
    if (gate->why != NULL) {
        snprintf(fault->remarks[0], REMARK_BYTES, "%s", gate->why);
        fault->seen.caveats[0] = fault->remarks[0];
        fault->seen.caveat_count = 1;
    }
    return true;
}

static bool is_forgotten(const struct fault *fault, int64_t now_us)
{
    if (fault->state == FAULT_CANDIDATE)
        return fault->streak == 0;
    return fault->state == FAULT_CLOSED && fault->seen.flap_penalty < forgotten_penalty &&
           now_us - fault->seen.closed_us >= silent_us;
}

static void forget(struct watch *watch, int64_t now_us)
{
    size_t kept = 0;
    for (size_t f = 0; f < watch->fault_count; f++) {
        if (is_forgotten(watch->faults[f], now_us))
            fault_free(watch->faults[f]);
        else
            watch->faults[kept++] = watch->faults[f];
    }
    watch->fault_count = kept;
}

bool faults_advance(struct watch *watch, const struct watch_round *round, incident_fn *on_change, void *arg)
{
    bool ok = true;
    for (size_t f = 0; f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        if (!fault->over)
            advance(watch, fault, round);
        if (fault->state == FAULT_OPEN || fault->over)
            ok = show(watch, fault) && ok;
        tell(fault, round, on_change, arg);
        fault->fresh = fault->changed = fault->backed = fault->over = false;
    }
    forget(watch, round->start_us); /* only now: while they advance they look at each other */
    return ok;
}

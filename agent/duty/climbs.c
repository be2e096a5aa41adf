#include "duty/climbs.h"

#include "duty/asked.h"
#include "duty/climbed.h"
#include "duty/log.h"
#include "link/clock.h"
#include "words/classify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIMBS_BUDGET_US = 10 * 60 * 1000 * 1000, /* less than CLIMBED_WINDOW_US, rest and pace included */
    CLIMBS_PACE_AGAIN_US = 250 * 1000,
    ASCENT_ARENA_BYTES = 4 * 1024,
};

struct ascent {
    struct climbs *climbs;
    struct ascent *next;
    struct arena arena; /* the endpoint's texts */
    struct endpoint endpoint;
    struct address address;
    enum outcome_class class;
    uint64_t round_id;
    bool awaited; /* by its round */
    unsigned made;
    unsigned fetch; /* enum fetch_flags: what is wanted, let and due */
    uint8_t leaf_sha256[ASKED_SHA256_BYTES];
    struct climb *climb;
};

struct climbs {
    struct climbs_deps deps;
    climbs_let_go let_go;
    void *arg;
    struct climbed *climbed;
    struct asked *asked;
    struct ascent *ascents;
    unsigned count;
};

struct climbs *climbs_new(const struct climbs_deps *deps, climbs_let_go let_go, void *arg)
{
    struct climbs *climbs = calloc(1, sizeof *climbs);
    struct climbed *climbed = climbed_new();
    struct asked *asked = asked_new();
    if (climbs == NULL || climbed == NULL || asked == NULL) {
        free(climbs);
        climbed_free(climbed);
        asked_free(asked);
        return NULL;
    }
    *climbs =
        (struct climbs){.deps = *deps, .let_go = let_go, .arg = arg, .climbed = climbed, .asked = asked};
    return climbs;
}

void climbs_free(struct climbs *climbs)
{
    if (climbs == NULL)
        return;
    climbed_free(climbs->climbed);
    asked_free(climbs->asked);
    free(climbs);
}

/* --- what a climb asks and tells ------------------------------------------------------------------------------------ */

static bool may_connect(const struct address *address, void *arg)
{
    const struct climbs *climbs = arg;
    char why[POLICY_WHY_BYTES];
    return policy_allows_address(climbs->deps.policy, address, why);
}

static void stop_waiting(struct ascent *ascent)
{
    if (!ascent->awaited)
        return;
    ascent->awaited = false;
    ascent->climbs->let_go(ascent->round_id, ascent->climbs->arg);
}

/* A failure that a retry mends was not looked into: the next one of its sort may be a lasting one. */
static void on_chosen(const struct ladder_step *step, void *arg)
{
    struct ascent *ascent = arg;
    if (step->variant == VARIANT_OCSP)
        asked_note(ascent->climbs->asked, ascent->leaf_sha256, clock_mono_us());
    else if (step->variant != VARIANT_RETRY)
        climbed_note(ascent->climbs->climbed, ascent->endpoint.id, &ascent->address, ascent->class,
                     clock_mono_us());
    if (step->rests)
        stop_waiting(ascent);
}

static int64_t on_delay(const struct address *address, void *arg)
{
    const struct ascent *ascent = arg;
    if (address->length == 0)
        return 0;
    return pace_reserve(ascent->climbs->deps.pace, address, clock_mono_us(), 0) < 0 ? CLIMBS_PACE_AGAIN_US
                                                                                    : 0;
}

static void on_made(struct attempt *attempt, void *arg)
{
    struct ascent *ascent = arg;
    ascent->made++;
    (void)keeper_attempt(ascent->climbs->deps.keeper, attempt); /* a loss is counted there */
}

static void on_over(const struct case_file *file, bool failed, void *arg)
{
    struct ascent *ascent = arg;
    (void)file;
    if (ascent->made > 0)
        duty_log("round %" PRIu64 ": endpoint %" PRIu64 " looked into, %u more attempts%s", ascent->round_id,
                 ascent->endpoint.id, ascent->made, failed ? ", out of memory" : "");
    stop_waiting(ascent);
}

static void on_closed(void *arg)
{
    struct ascent *ascent = arg;
    struct climbs *climbs = ascent->climbs;
    struct ascent **link = &climbs->ascents;
    while (*link != ascent)
        link = &(*link)->next;
    *link = ascent->next;
    climbs->count--;
    arena_done(&ascent->arena);
    free(ascent);
}

/* --- the beginning -------------------------------------------------------------------------------------------------- */

static bool is_under_way(const struct climbs *climbs, uint64_t endpoint_id, const struct address *address)
{
    const struct ascent *ascent = climbs->ascents;
    while (ascent != NULL &&
           !(ascent->endpoint.id == endpoint_id && address_equal(&ascent->address, address)))
        ascent = ascent->next;
    return ascent != NULL;
}

/* Somebody who asks for a round looks for the cause now, whatever was seen before. */
static bool is_wanted(const struct climbs *climbs, const struct round_plan *plan,
                      const struct endpoint *endpoint, const struct attempt *first, enum outcome_class class)
{
    const struct address *address = &first->flow.destination;
    return climbs->count < CLIMBS_MAX && !is_under_way(climbs, endpoint->id, address) &&
           (plan->now || climbed_is_due(climbs->climbed, endpoint->id, address, class, clock_mono_us()));
}

/* Of what the plan wants fetched for an endpoint: what the owner lets be, and what is not too soon. */
static unsigned fetch_now(const struct climbs *climbs, const struct endpoint *endpoint,
                          const struct attempt *first)
{
    unsigned fetch = climbs->deps.policy->forbids_fetching ? 0 : endpoint->fetch;
    const struct evidence_tls *tls = &first->tls;
    if (tls->chain_count == 0 || tls->leaf.ocsp_url[0] == '\0' ||
        !asked_is_due(climbs->asked, tls->chain[0].sha256, clock_mono_us()))
        fetch &= ~(unsigned)FETCH_OCSP;
    return fetch;
}

static struct climb_plan plan_of(struct ascent *ascent, const struct round_plan *plan)
{
    const struct climbs_deps *deps = &ascent->climbs->deps;
    return (struct climb_plan){
        .loop = deps->loop,
        .prober = deps->prober,
        .job = {.endpoint = ascent->endpoint, .timeout_us = plan->timeout_us, .round_id = plan->round_id},
        .limits = {.max_attempts = LADDER_MAX_ATTEMPTS,
                   .may_fetch_issuer = (ascent->fetch & FETCH_ISSUER) != 0,
                   .may_ask_ocsp = (ascent->fetch & FETCH_OCSP) != 0,
                   .may_connect = may_connect,
                   .may_connect_arg = ascent->climbs,
                   .rest_us = LADDER_REST_US,
                   .pause_us = CLIMB_PAUSE_US,
                   .budget_us = CLIMBS_BUDGET_US},
        .chosen = on_chosen,
        .delay = on_delay,
        .made = on_made,
        .over = on_over,
        .closed = on_closed,
        .arg = ascent,
    };
}

static struct ascent *ascent_new(struct climbs *climbs, const struct round_plan *plan,
                                 const struct endpoint *endpoint, struct attempt *first)
{
    struct ascent *ascent = calloc(1, sizeof *ascent);
    if (ascent == NULL)
        return NULL;
    *ascent = (struct ascent){.climbs = climbs,
                              .address = first->flow.destination,
                              .class = classify(first).class,
                              .round_id = plan->round_id,
                              .awaited = plan->now,
                              .fetch = fetch_now(climbs, endpoint, first)};
    if (first->tls.chain_count > 0)
        memcpy(ascent->leaf_sha256, first->tls.chain[0].sha256, sizeof ascent->leaf_sha256);
    arena_init(&ascent->arena, ASCENT_ARENA_BYTES);
    if (endpoint_copy(endpoint, &ascent->arena, &ascent->endpoint)) {
        struct climb_plan climb = plan_of(ascent, plan);
        ascent->climb = climb_new(&climb, first);
    }
    if (ascent->climb != NULL)
        return ascent;
    arena_done(&ascent->arena);
    free(ascent);
    return NULL;
}

static struct climb *set_out(struct climbs *climbs, const struct round_plan *plan,
                             const struct endpoint *endpoint, struct attempt *first)
{
    struct ascent *ascent = ascent_new(climbs, plan, endpoint, first);
    if (ascent == NULL)
        return NULL;
    ascent->next = climbs->ascents;
    climbs->ascents = ascent;
    climbs->count++;
    return ascent->climb;
}

struct climb *climbs_begin(struct climbs *climbs, const struct round_plan *plan,
                           const struct endpoint *endpoint, struct attempt *first)
{
    return is_wanted(climbs, plan, endpoint, first, classify(first).class)
               ? set_out(climbs, plan, endpoint, first)
               : NULL;
}

static unsigned asking(const struct climbs *climbs)
{
    unsigned count = 0;
    for (const struct ascent *ascent = climbs->ascents; ascent != NULL; ascent = ascent->next)
        count += ascent->class == OUTCOME_OK;
    return count;
}

struct climb *climbs_ask(struct climbs *climbs, const struct round_plan *plan,
                         const struct endpoint *endpoint, struct attempt *first)
{
    bool asks = (fetch_now(climbs, endpoint, first) & FETCH_OCSP) != 0 && climbs->count < CLIMBS_MAX &&
                asking(climbs) < CLIMBS_MAX_ASKING &&
                !is_under_way(climbs, endpoint->id, &first->flow.destination);
    return asks ? set_out(climbs, plan, endpoint, first) : NULL;
}

void climbs_policy_changed(struct climbs *climbs)
{
    const struct policy *policy = climbs->deps.policy;
    char why[POLICY_WHY_BYTES];
    for (struct ascent *ascent = climbs->ascents; ascent != NULL; ascent = ascent->next)
        if (!policy_allows(policy, &ascent->endpoint, why) ||
            (ascent->address.length > 0 && !policy_allows_address(policy, &ascent->address, why)))
            climb_cancel(ascent->climb);
}

void climbs_stop(struct climbs *climbs)
{
    for (struct ascent *ascent = climbs->ascents; ascent != NULL; ascent = ascent->next)
        climb_cancel(ascent->climb);
}

unsigned climbs_pending(const struct climbs *climbs)
{
    return climbs->count;
}

#include "diff/watch_parts.h"

#include "cli/i18n.h"

#include <stdlib.h>
#include <string.h>

/*
 * A sick vantage blames nobody. In a round its sights count only when it is well itself:
 *
 *   1. its clock is known, its loop kept up, and it did not run out of something of its own;
 *   2. most of its sentinels pass;
 *   3. it does not fail most endpoints that its peers pass.
 *
 * Peers are asked from near to far: those of its ASN, of its region, and all. When the near ones fail as it does, it is no
 * sick vantage but a carrier or a region, and that is a finding. Once shut out, a vantage must be well for some rounds.
 */

enum {
    GATE_MIN_ENDPOINTS = 3,
    GATE_MIN_PEERS = 2,
    GATE_GOOD_ROUNDS = 3,  /* until it is let in again */
    GATE_ASIDE_ROUNDS = 3, /* until it is named */
    GATE_MAX_START_ERROR_US = 2000000,
    GATE_MAX_LOOP_LAG_US = 1000000,
    GATE_STALE_ROUNDS = 3 /* what an endpoint of another interval showed this long ago is no news */
};

static const char why_clock[] = N_("its clock is not known well enough");
static const char why_lag[] = N_("its event loop lags");
static const char why_local[] = N_("it ends most attempts itself");
static const char why_sentinels[] = N_("most sentinels fail there");
static const char why_targets[] = N_("most endpoints that pass elsewhere fail there");

/* What the last round of an endpoint showed, for one vantage, its ASN, its region and everybody. */
struct tallies {
    unsigned failed, seen;
};

static struct tallies *tallies_of(const struct watch *watch, unsigned at)
{
    return (struct tallies *)(void *)&watch->counts[(size_t)at * 2];
}

static bool cell_now(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned v,
                     bool *ret_failed)
{
    unsigned failed = 0, seen = 0;
    if (v >= endpoint->vantage_room || endpoint->rounds == 0)
        return false;
    const struct slot *slot = watch_slot(watch, endpoint, v, 0);
    for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
        seen += slot->marks[m].state != MARK_NONE;
        failed += mark_fails(&slot->marks[m]);
    }
    *ret_failed = failed * 2 > seen;
    return seen > 0;
}

static void tally(struct tallies *tallies, bool failed, int sign)
{
    tallies->seen += (unsigned)sign;
    tallies->failed += failed ? (unsigned)sign : 0;
}

/* Everybody, each region, each ASN: counted over the vantages that the endpoint's last round saw. */
static void tally_endpoint(struct watch *watch, const struct watched_endpoint *endpoint)
{
    unsigned regions = (unsigned)watch->region_count;
    memset(watch->counts, 0, (1 + watch->region_count + watch->asn_count) * sizeof(struct tallies));
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        const struct watched_vantage *vantage = &watch->vantages[v];
        bool failed = false;
        if (!cell_now(watch, endpoint, v, &failed))
            continue;
        tally(tallies_of(watch, 0), failed, 1);
        tally(tallies_of(watch, 1 + vantage->region_at), failed, 1);
        tally(tallies_of(watch, 1 + regions + vantage->asn_at), failed, 1);
    }
}

static bool others_pass(struct tallies group, bool failed, unsigned least)
{
    tally(&group, failed, -1);
    return group.seen < least ? least == 1 : group.failed * 2 < group.seen;
}

/* Is the endpoint well for those who are near, so that a failure would be the vantage's own? */
static bool is_well_nearby(const struct watch *watch, const struct watched_vantage *vantage, bool failed)
{
    unsigned regions = (unsigned)watch->region_count;
    return others_pass(*tallies_of(watch, 1 + vantage->region_at), failed, 1) &&
           (vantage->asn_at == 0 ||
            others_pass(*tallies_of(watch, 1 + regions + vantage->asn_at), failed, 1));
}

struct account {
    struct tallies targets, sentinels;
    struct outcome outcome;
};

static void examine(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned v,
                    struct account *account)
{
    bool failed = false;
    if (!cell_now(watch, endpoint, v, &failed) || !others_pass(*tallies_of(watch, 0), failed, GATE_MIN_PEERS))
        return;
    /*
     * What fails for its neighbours as well speaks against sickness. Left out, the few where a neighbour passes by luck
     * would be all that counts, and of those a vantage inside of a fault fails most.
     */
    failed = failed && is_well_nearby(watch, &watch->vantages[v], failed);
    tally(endpoint->sentinel ? &account->sentinels : &account->targets, failed, 1);
    if (failed)
        account->outcome = endpoint->cells[v].failure;
}

static const char *why_shut(const struct watched_vantage *vantage, const struct account *account)
{
    unsigned all = account->targets.seen + account->sentinels.seen;
    unsigned failed = account->targets.failed + account->sentinels.failed;
    if (vantage->strayed * 2 > vantage->sights)
        return why_clock;
    if (vantage->lagging * 2 > vantage->sights)
        return why_lag;
    if (vantage->spoilt * 2 > vantage->sights)
        return why_local;
    if (account->sentinels.failed * 2 > account->sentinels.seen)
        return why_sentinels;
    if (all >= GATE_MIN_ENDPOINTS && failed * 2 > all)
        return why_targets;
    return NULL;
}

static void swing(struct gate *gate, const char *why, const struct account *account, int64_t now_us)
{
    if (why != NULL) {
        gate->since_us = gate->bad == 0 && !gate->shut ? now_us : gate->since_us;
        gate->bad++;
        gate->good = 0;
        gate->why = why;
        gate->failed = account->targets.failed + account->sentinels.failed;
        gate->tried = account->targets.seen + account->sentinels.seen;
        gate->outcome = account->outcome;
    } else {
        gate->good++;
        gate->bad = gate->good >= GATE_GOOD_ROUNDS ? 0 : gate->bad;
    }
    gate->shut = why != NULL || (gate->bad > 1 && gate->good < GATE_GOOD_ROUNDS);
    gate->aside = gate->shut && gate->bad >= GATE_ASIDE_ROUNDS;
}

static bool is_news(const struct watched_endpoint *endpoint, int64_t now_us)
{
    int64_t age_us = now_us - endpoint->starts_us[endpoint->head];
    return endpoint->rounds > 0 && age_us <= (int64_t)endpoint->interval_s * GATE_STALE_ROUNDS * 1000000;
}

static void shut_out(struct watch *watch, unsigned v)
{
    for (size_t e = 0; e < watch->endpoint_count; e++) {
        struct watched_endpoint *endpoint = watch->endpoints[e];
        if (endpoint->in_round)
            memset(watch_slot(watch, endpoint, v, 0), 0, sizeof(struct slot));
    }
}

static void count_sights(struct watch *watch, const struct watch_round *round)
{
    for (size_t v = 0; v < watch->vantage_count; v++) {
        struct watched_vantage *vantage = &watch->vantages[v];
        vantage->sights = vantage->lagging = vantage->strayed = vantage->spoilt = 0;
    }
    for (size_t i = 0; i < round->sight_count; i++) {
        const struct sight *sight = &round->sights[i];
        unsigned at = 0;
        if (!index_find(&watch->vantage_index, sight->vantage_id, &at))
            continue;
        struct watched_vantage *vantage = &watch->vantages[at];
        int class = (int)sight->outcome.class;
        vantage->sights++;
        vantage->strayed += sight->start_error_us > GATE_MAX_START_ERROR_US;
        vantage->lagging += sight->loop_lag_us > GATE_MAX_LOOP_LAG_US;
        vantage->spoilt += class == OUTCOME_LOCAL_RESOURCE || class == OUTCOME_LOCAL_OTHER ||
                           (class == OUTCOME_LOCAL_NO_ROUTE && sight->address.length != 16);
    }
}

bool watch_gate(struct watch *watch, const struct watch_round *round)
{
    struct account *accounts = NULL;
    size_t room = 0, counts = 2 * (1 + watch->region_count + watch->asn_count);
    if (!watch_grow(&watch->counts, &watch->counts_room, counts, sizeof *watch->counts) ||
        !watch_grow(&accounts, &room, watch->vantage_count, sizeof *accounts))
        return false;
    count_sights(watch, round);
    for (size_t e = 0; e < watch->endpoint_count; e++) {
        if (!is_news(watch->endpoints[e], round->start_us))
            continue;
        tally_endpoint(watch, watch->endpoints[e]);
        for (unsigned v = 0; v < watch->vantage_count; v++)
            examine(watch, watch->endpoints[e], v, &accounts[v]);
    }
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        struct watched_vantage *vantage = &watch->vantages[v];
        if (vantage->sights == 0)
            continue;
        swing(&vantage->gate, why_shut(vantage, &accounts[v]), &accounts[v], round->start_us);
        if (vantage->gate.shut)
            shut_out(watch, v);
    }
    free(accounts);
    return true;
}

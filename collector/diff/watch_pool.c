#include "diff/watch_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One incident for one fault. A claim that stands joins the incident of the same place and family, whichever endpoint it
 * comes from. When the evidence moves the place of an endpoint's fault (a vantage turns out to be the first of its region),
 * the incident moves with it and keeps its history. Endpoints that fail everywhere have no place in common; they are one
 * fault when they share an address or an edge that nobody is well at, or a site.
 */

static bool is_standing(const struct watch *watch, const struct watched_endpoint *endpoint,
                        const struct claim *claim)
{
    bool some = claim->place.kind == PLACE_SOME;
    unsigned windows = some ? watch->options.unresolved_windows : watch->options.open_windows;
    return claim->fails_now && claim->streak >= windows && endpoint->rounds >= watch->options.min_rounds;
}

/* --- endpoints that fail everywhere ---------------------------------------------------------------------------------- */

static bool has_address(const struct watched_endpoint *endpoint, const struct address *address)
{
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        if (address_equal(&endpoint->addresses[a].address, address))
            return true;
    }
    return false;
}

static bool has_edge(const struct watched_endpoint *endpoint, uint16_t edge)
{
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        if (endpoint->addresses[a].edge == edge)
            return true;
    }
    return false;
}

static bool is_down(const struct watch *watch, const struct watched_endpoint *endpoint)
{
    for (size_t c = 0; c < endpoint->claim_count; c++) {
        if (endpoint->claims[c].place.kind == PLACE_ENDPOINT &&
            endpoint->claims[c].posterior >= watch->options.open_posterior)
            return true;
    }
    return false;
}

/* Is any endpoint well that goes to this address (length 0: that is behind this edge)? */
static bool somebody_is_well(const struct watch *watch, const struct address *address, uint16_t edge)
{
    for (size_t e = 0; e < watch->endpoint_count; e++) {
        const struct watched_endpoint *other = watch->endpoints[e];
        bool there = address->length > 0 ? has_address(other, address) : has_edge(other, edge);
        if (there && other->rounds > 0 && !is_down(watch, other))
            return true;
    }
    return false;
}

/* The address (or, with length 0, the edge) that two endpoints share and nobody is well at. */
static bool find_shared(const struct watch *watch, const struct watched_endpoint *a,
                        const struct watched_endpoint *b, struct place *ret_place)
{
    static const struct address none;
    struct place place = {.kind = PLACE_EDGE, .region = "", .edge = "", .pop = ""};
    for (unsigned i = 1; i < a->address_count; i++) {
        const struct watched_address *own = &a->addresses[i];
        place.edge = watch->texts[own->edge];
        place.address = own->address;
        if (has_address(b, &own->address) && !somebody_is_well(watch, &own->address, 0)) {
            *ret_place = place;
            return true;
        }
        place.address = none;
        if (own->edge != 0 && has_edge(b, own->edge) && !somebody_is_well(watch, &none, own->edge)) {
            *ret_place = place;
            return true;
        }
    }
    place = (struct place){.kind = PLACE_ENDPOINT, .region = "", .edge = "", .pop = ""};
    *ret_place = place;
    return a->site[0] != '\0' && strcmp(a->site, b->site) == 0;
}

static bool is_in(const struct watch *watch, const struct watched_endpoint *endpoint,
                  const struct place *place)
{
    uint16_t edge = 0;
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        edge = endpoint->addresses[a].edge;
        if (place->address.length > 0 ? address_equal(&endpoint->addresses[a].address, &place->address)
                                      : strcmp(watch->texts[edge], place->edge) == 0)
            return true;
    }
    return false;
}

/* May the endpoint be part of this incident of endpoints? *ret_place: what they all share. */
static bool shares(const struct watch *watch, const struct fault *fault,
                   const struct watched_endpoint *endpoint, struct place *ret_place)
{
    const struct place *now = &fault->seen.place;
    if (fault->member_count == 0 || (now->kind != PLACE_ENDPOINT && !fault->pooled))
        return false;
    const struct watched_endpoint *first = watch->endpoints[fault->members[0].endpoint];
    if (fault->pooled && now->kind == PLACE_EDGE) {
        *ret_place = *now;
        return is_in(watch, endpoint, now);
    }
    if (fault->pooled) {
        *ret_place = *now;
        return endpoint->site[0] != '\0' && strcmp(first->site, endpoint->site) == 0;
    }
    return find_shared(watch, first, endpoint, ret_place);
}

/* --- from claim to incident -------------------------------------------------------------------------------------------- */

static bool is_of(const struct fault *fault, enum fault_state state, const int families[2])
{
    return fault->state == state && fault->seen.kind == INCIDENT_FAILS &&
           families_meet(fault->families, families);
}

static struct fault *find_same(const struct watch *watch, enum fault_state state, const struct claim *claim,
                               unsigned at)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        bool pooled = fault->pooled && claim->place.kind == PLACE_ENDPOINT && fault_has_member(fault, at);
        if (is_of(fault, state, claim->families) &&
            (pooled || place_equal(&fault->seen.place, &claim->place)))
            return fault;
    }
    return NULL;
}

static struct fault *find_own(const struct watch *watch, const struct claim *claim, unsigned at)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        if (is_of(fault, FAULT_OPEN, claim->families) && fault_has_member(fault, at) &&
            place_overlaps(watch, &fault->seen.place, &claim->place, watch->endpoints[at]))
            return fault;
    }
    return NULL;
}

static struct fault *find_sharing(const struct watch *watch, const struct claim *claim, unsigned at,
                                  struct place *ret_place)
{
    for (size_t f = 0; claim->place.kind == PLACE_ENDPOINT && f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        if (is_of(fault, FAULT_OPEN, claim->families) &&
            shares(watch, fault, watch->endpoints[at], ret_place))
            return fault;
    }
    return NULL;
}

/* Do most members of an incident claim this place now? */
static bool is_agreed(const struct watch *watch, const struct fault *fault, const struct claim *claim)
{
    size_t agreed = 0;
    for (size_t m = 0; m < fault->member_count; m++) {
        const struct watched_endpoint *endpoint = watch->endpoints[fault->members[m].endpoint];
        bool found = false;
        for (size_t c = 0; c < endpoint->claim_count; c++)
            found = found || (is_standing(watch, endpoint, &endpoint->claims[c]) &&
                              place_equal(&endpoint->claims[c].place, &claim->place));
        agreed += found;
    }
    return agreed * 2 > fault->member_count;
}

static bool name_fault(struct watch *watch, struct fault *fault, const struct claim *claim)
{
    char place[96];
    place_text(&fault->seen.place, place, sizeof place);
    snprintf(fault->seen.key, sizeof fault->seen.key, "%s/%s/%s", incident_kind_name(fault->seen.kind), place,
             outcome_class_id(fault->seen.outcome.class));
    memcpy(fault->families, claim->families, sizeof fault->families);
    return fault_keep(watch, fault);
}

/* The class of the claim's first family that its last failing cell ended with: what the key is named after. */
static struct outcome outcome_of(const struct watch *watch, const struct watched_endpoint *endpoint,
                                 const struct claim *claim)
{
    unsigned counts[FAMILY_NUMBERS] = {0};
    int most = 0;
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        struct inside inside = place_inside(watch, &claim->place, endpoint, v);
        for (unsigned back = 0; inside.all && back < claim->onset && back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                const struct mark *mark = &slot->marks[m];
                if (mark_fails(mark) && family_of(mark->class) == claim->families[0] &&
                    inside_has(&inside, mark) && ++counts[mark->class] > counts[most])
                    most = mark->class;
            }
        }
    }
    return outcome_make((enum outcome_class)most, RAW_NONE, 0);
}

static bool open_claim(struct watch *watch, const struct watch_round *round, unsigned at,
                       const struct claim *claim)
{
    struct fault *fault = find_same(watch, FAULT_CLOSED, claim, at);
    if (fault == NULL) {
        fault = fault_new(watch, INCIDENT_FAILS, &claim->place);
        if (fault == NULL)
            return false;
        fault->seen.outcome = outcome_of(watch, watch->endpoints[at], claim);
        if (!name_fault(watch, fault, claim))
            return false;
    } else {
        fault->member_count = fault->pooled ? fault->member_count : 0;
        fault->follower_count = 0;
    }
    fault_open(watch, fault, round);
    return fault_add_member(fault, at);
}

static bool join(struct fault *fault, const struct watched_endpoint *endpoint, unsigned at)
{
    fault->backed = true;
    follow_leave(fault, endpoint->id);
    return fault_has_member(fault, at) || fault_add_member(fault, at);
}

static void revise(struct fault *fault, const struct place *place)
{
    fault->seen.place = *place;
    fault->pooled = false;
    fault->changed = true;
    fault->backed = true;
}

static void leave(struct watch *watch, const struct watch_round *round, struct fault *fault, unsigned at)
{
    fault_drop_member(fault, at);
    fault->changed = true;
    if (fault->member_count == 0)
        fault_close(watch, fault, round);
}

/* Would the incident shrink too soon, or an unresolved one become the first of several vantages? */
static bool is_hasty(const struct watch *watch, const struct fault *own,
                     const struct watched_endpoint *endpoint, const struct claim *claim)
{
    if (own->seen.place.kind == PLACE_SOME)
        return claim->place.kind == PLACE_VANTAGE && endpoint->claim_count > 1;
    return claim->streak < watch->options.narrow_windows &&
           place_is_within(watch, &claim->place, &own->seen.place, endpoint);
}

static bool pool_claim(struct watch *watch, const struct watch_round *round, unsigned at,
                       const struct claim *claim)
{
    struct fault *same = find_same(watch, FAULT_OPEN, claim, at), *own = find_own(watch, claim, at);
    struct place shared;
    if (own != NULL && (claim->place.kind == PLACE_SOME ||
                        (same == NULL && is_hasty(watch, own, watch->endpoints[at], claim)))) {
        own->backed = true;
        return true;
    }
    if (same != NULL) {
        if (own != NULL && own != same && !fault_has_member(same, at))
            leave(watch, round, own, at);
        return join(same, watch->endpoints[at], at);
    }
    if (own != NULL && is_agreed(watch, own, claim)) {
        revise(own, &claim->place);
        return true;
    }
    if (own != NULL)
        leave(watch, round, own, at);
    same = find_sharing(watch, claim, at, &shared);
    if (same == NULL)
        return open_claim(watch, round, at, claim);
    revise(same, &shared);
    same->pooled = true;
    return join(same, watch->endpoints[at], at);
}

/* An edge that answers for its origin: that fault is the origin's. */
static bool pool_answer(struct watch *watch, const struct watch_round *round, unsigned at,
                        const struct claim *claim)
{
    const struct watched_endpoint *edge = watch->endpoints[at];
    struct fault *origins = follow_find(watch, edge, claim), *own = find_own(watch, claim, at);
    if (origins == NULL)
        return (own == NULL && follow_awaits(watch, edge)) || pool_claim(watch, round, at, claim);
    if (own != NULL)
        leave(watch, round, own, at);
    if (fault_has_member(origins, at))
        fault_drop_member(origins, at);
    return follow_join(origins, edge->id);
}

static bool pool_endpoint(struct watch *watch, const struct watch_round *round, unsigned at)
{
    const struct watched_endpoint *endpoint = watch->endpoints[at];
    for (size_t c = 0; endpoint->in_round && c < endpoint->claim_count; c++) {
        const struct claim *claim = &endpoint->claims[c];
        if (!is_standing(watch, endpoint, claim))
            continue;
        if (!(follow_is_possible(endpoint, claim) ? pool_answer : pool_claim)(watch, round, at, claim))
            return false;
    }
    return true;
}

/* Edges come last: by then it is known whether their origin fails. */
bool pool_claims(struct watch *watch, const struct watch_round *round)
{
    for (unsigned e = 0; e < watch->endpoint_count; e++) {
        if (watch->endpoints[e]->role != ROLE_EDGE && !pool_endpoint(watch, round, e))
            return false;
    }
    follow_review(watch);
    for (unsigned e = 0; e < watch->endpoint_count; e++) {
        if (watch->endpoints[e]->role == ROLE_EDGE && !pool_endpoint(watch, round, e))
            return false;
    }
    return true;
}

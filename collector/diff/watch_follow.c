#include "diff/watch_parts.h"

#include <string.h>

/*
 * An edge that answers 502, 504 or 52x speaks of its origin. When its origin fails for the vantages as well, that is one fault,
 * and the origin's: the edge follows it.
 *
 *     edge answers 52x, its origin ...
 *         has an open fault everywhere          the edge follows that fault; an incident of its own ends
 *         is about to have one (one window)     the edge waits
 *         is well, or fails alike               the edge is judged as any endpoint
 *
 * A follower is listed with the fault and has no say in it. It leaves when it has recovered, or when the fault is no longer one
 * that its origin has everywhere.
 */

static bool is_gateway(int class)
{
    return class == OUTCOME_HTTP_GATEWAY || class == OUTCOME_HTTP_EDGE_ORIGIN;
}

static bool is_origin_of(const struct watched_endpoint *origin, const struct watched_endpoint *edge)
{
    return origin->role == ROLE_ORIGIN && edge->site[0] != '\0' && strcmp(origin->site, edge->site) == 0 &&
           strcmp(origin->sni, edge->sni) == 0;
}

static bool may_lead(const struct fault *fault)
{
    return fault->state == FAULT_OPEN && fault->seen.kind == INCIDENT_FAILS && fault->member_count > 0 &&
           (fault->seen.place.kind == PLACE_ENDPOINT || fault->pooled);
}

static bool has_origin_of(const struct watch *watch, const struct fault *fault,
                          const struct watched_endpoint *edge)
{
    bool found = false;
    for (size_t m = 0; m < fault->member_count; m++)
        found = found || is_origin_of(watch->endpoints[fault->members[m].endpoint], edge);
    return found;
}

bool follow_is_possible(const struct watched_endpoint *edge, const struct claim *claim)
{
    return edge->role == ROLE_EDGE && claim->place.kind == PLACE_ENDPOINT && is_gateway(claim->families[0]);
}

struct fault *follow_find(const struct watch *watch, const struct watched_endpoint *edge,
                          const struct claim *claim)
{
    struct fault *found = NULL;
    for (size_t f = 0; f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        if (!may_lead(fault) || families_meet(fault->families, claim->families) ||
            !has_origin_of(watch, fault, edge))
            continue;
        if (found == NULL || follow_has(fault, edge->id))
            found = fault;
    }
    return found;
}

bool follow_awaits(const struct watch *watch, const struct watched_endpoint *edge)
{
    for (size_t e = 0; e < watch->endpoint_count; e++) {
        const struct watched_endpoint *origin = watch->endpoints[e];
        for (size_t c = 0; is_origin_of(origin, edge) && c < origin->claim_count; c++) {
            const struct claim *claim = &origin->claims[c];
            if (claim->place.kind == PLACE_ENDPOINT && claim->fails_now && claim->streak > 0 &&
                claim->streak < watch->options.open_windows)
                return true;
        }
    }
    return false;
}

bool follow_has(const struct fault *fault, int64_t endpoint_id)
{
    for (size_t i = 0; i < fault->follower_count; i++) {
        if (fault->followers[i].endpoint_id == endpoint_id)
            return true;
    }
    return false;
}

bool follow_join(struct fault *fault, int64_t endpoint_id)
{
    if (follow_has(fault, endpoint_id))
        return true;
    if (!watch_grow(&fault->followers, &fault->follower_room, fault->follower_count + 1,
                    sizeof *fault->followers))
        return false;
    fault->followers[fault->follower_count++] =
        (struct follower){endpoint_id, outcome_make(OUTCOME_OK, RAW_NONE, 0), 0};
    fault->changed = true;
    return true;
}

void follow_leave(struct fault *fault, int64_t endpoint_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < fault->follower_count; i++) {
        if (fault->followers[i].endpoint_id != endpoint_id)
            fault->followers[kept++] = fault->followers[i];
    }
    fault->changed = fault->changed || kept != fault->follower_count;
    fault->follower_count = kept;
}

void follow_review(struct watch *watch)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        struct fault *fault = watch->faults[f];
        if (fault->state != FAULT_OPEN || fault->follower_count == 0 || may_lead(fault))
            continue;
        fault->follower_count = 0;
        fault->changed = true;
    }
}

/* Does the last round speak for an edge that still answers for its origin? @return false when nothing was tried. */
static bool ask(const struct watch *watch, const struct watched_endpoint *edge, bool *ret_answers)
{
    double gain = 0;
    bool tried = false;
    for (unsigned v = 0; edge->in_round && v < watch->vantage_count && v < edge->vantage_room; v++) {
        const struct slot *slot = watch_slot(watch, edge, v, 0);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            const struct mark *mark = &slot->marks[m];
            bool other = mark_fails(mark) && !is_gateway(mark->class);
            tried = tried || mark->state != MARK_NONE;
            gain += mark->state == MARK_NONE || other ? 0 : watch->vantages[v].gains[mark->state];
        }
    }
    *ret_answers = gain > 0;
    return tried;
}

void follow_round(const struct watch *watch, struct fault *fault, bool may_leave)
{
    for (size_t i = fault->follower_count; i-- > 0;) {
        struct follower *follower = &fault->followers[i];
        unsigned at = 0;
        bool answers = false;
        if (!index_find(&watch->endpoint_index, follower->endpoint_id, &at) ||
            !ask(watch, watch->endpoints[at], &answers))
            continue;
        follower->clean_rounds = answers ? 0 : follower->clean_rounds + 1;
        if (may_leave && follower->clean_rounds >= watch->options.close_rounds)
            follow_leave(fault, follower->endpoint_id);
    }
}

/* The answer that most vantages saw last. */
static struct outcome answer_of(const struct watch *watch, const struct watched_endpoint *edge)
{
    struct outcome answer = outcome_make(OUTCOME_OK, RAW_NONE, 0);
    unsigned most = 0;
    for (unsigned v = 0; v < watch->vantage_count && v < edge->vantage_room; v++) {
        const struct outcome *own = &edge->cells[v].failure;
        unsigned count = 0;
        if (!is_gateway((int)own->class))
            continue;
        for (unsigned o = 0; o < watch->vantage_count && o < edge->vantage_room; o++)
            count += edge->cells[o].failure.class == own->class && edge->cells[o].failure.raw == own->raw;
        if (count > most) {
            most = count;
            answer = *own;
        }
    }
    return answer;
}

void follow_show(const struct watch *watch, struct fault *fault)
{
    for (size_t i = 0; i < fault->follower_count; i++) {
        unsigned at = 0;
        if (!index_find(&watch->endpoint_index, fault->followers[i].endpoint_id, &at))
            continue;
        struct outcome answer = answer_of(watch, watch->endpoints[at]);
        if (outcome_is_failure(answer))
            fault->followers[i].outcome = answer;
    }
    fault->seen.followers = fault->followers;
    fault->seen.follower_count = fault->follower_count;
}

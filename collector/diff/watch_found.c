#include "diff/watch_parts.h"

#include <stdio.h>
#include <string.h>

/* Incidents that are not made of claims: vantages set aside, what others found, and those that the store remembers. */

static struct fault *find_key(const struct watch *watch, const char *key)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        if (strcmp(watch->faults[f]->seen.key, key) == 0)
            return watch->faults[f];
    }
    return NULL;
}

bool pool_asides(struct watch *watch, const struct watch_round *round)
{
    for (size_t v = 0; v < watch->vantage_count; v++) {
        const struct watched_vantage *vantage = &watch->vantages[v];
        struct place place = {
            .kind = PLACE_VANTAGE, .vantage_id = vantage->id, .region = "", .edge = "", .pop = ""};
        char text[96], key[INCIDENT_KEY_BYTES];
        if (!vantage->gate.aside)
            continue;
        place_text(&place, text, sizeof text);
        snprintf(key, sizeof key, "%s/%s", incident_kind_name(INCIDENT_VANTAGE_ASIDE), text);
        struct fault *fault = find_key(watch, key);
        if (fault == NULL) {
            fault = fault_new(watch, INCIDENT_VANTAGE_ASIDE, &place);
            if (fault == NULL)
                return false;
            snprintf(fault->seen.key, sizeof fault->seen.key, "%s", key);
            if (!fault_keep(watch, fault))
                return false;
        }
        if (fault->state != FAULT_OPEN)
            fault_open(watch, fault, round);
        fault->backed = true;
    }
    return true;
}

static bool copy_place(struct watch *watch, const struct place *from, struct place *ret_place)
{
    uint16_t region = 0, edge = 0, pop = 0;
    if (!watch_text(watch, from->region, &region) || !watch_text(watch, from->edge, &edge) ||
        !watch_text(watch, from->pop, &pop))
        return false;
    *ret_place = *from;
    ret_place->region = watch->texts[region];
    ret_place->edge = watch->texts[edge];
    ret_place->pop = watch->texts[pop];
    return true;
}

static bool add_members(struct watch *watch, struct fault *fault, const struct incident *incident)
{
    for (size_t i = 0; i < incident->endpoint_count; i++) {
        unsigned at = 0;
        if (index_find(&watch->endpoint_index, incident->endpoint_ids[i], &at) &&
            !fault_has_member(fault, at) && !follow_has(fault, incident->endpoint_ids[i]) &&
            !fault_add_member(fault, at))
            return false;
    }
    return true;
}

/* What the condition says now; its life is the fault's own. */
static bool take_condition(struct watch *watch, struct fault *fault, const struct incident *from)
{
    struct incident *to = &fault->seen;
    if (!copy_place(watch, &from->place, &to->place) ||
        !watch_grow(&fault->vantage_ids, &fault->vantage_room, from->vantage_count,
                    sizeof *fault->vantage_ids))
        return false;
    fault->changed = fault->changed || to->cause != from->cause || to->certainty != from->certainty ||
                     to->vantage_count != from->vantage_count || to->outcome.class != from->outcome.class;
    to->outcome = from->outcome;
    to->cause = from->cause;
    to->certainty = from->certainty;
    to->confidence = from->confidence;
    to->vantage_count = from->vantage_count;
    if (from->vantage_count > 0)
        memcpy(fault->vantage_ids, from->vantage_ids, from->vantage_count * sizeof *fault->vantage_ids);
    to->vantage_ids = fault->vantage_ids;
    to->caveat_count = to->hint_count = 0;
    for (size_t i = 0; i < from->caveat_count && i < INCIDENT_MAX_CAVEATS; i++) {
        snprintf(fault->remarks[i], REMARK_BYTES, "%s", from->caveats[i]);
        to->caveats[to->caveat_count++] = fault->remarks[i];
    }
    for (size_t i = 0; i < from->hint_count && i < INCIDENT_MAX_HINTS; i++) {
        snprintf(fault->remarks[INCIDENT_MAX_CAVEATS + i], REMARK_BYTES, "%s", from->hints[i]);
        to->hints[to->hint_count++] = fault->remarks[INCIDENT_MAX_CAVEATS + i];
    }
    return add_members(watch, fault, from);
}

bool pool_conditions(struct watch *watch, const struct watch_round *round)
{
    for (size_t i = 0; i < round->condition_count; i++) {
        const struct incident *condition = &round->conditions[i];
        struct fault *fault = find_key(watch, condition->key);
        if (fault == NULL) {
            struct place place;
            if (!copy_place(watch, &condition->place, &place))
                return false;
            fault = fault_new(watch, condition->kind, &place);
            if (fault == NULL)
                return false;
            snprintf(fault->seen.key, sizeof fault->seen.key, "%s", condition->key);
            if (!fault_keep(watch, fault))
                return false;
        }
        if (!take_condition(watch, fault, condition))
            return false;
        fault->backed = true;
        fault->streak++;
        bool at_once = condition->kind == INCIDENT_EXPIRES;
        if (fault->state != FAULT_OPEN && (at_once || fault->streak >= watch->options.open_windows))
            fault_open(watch, fault, round);
    }
    return true;
}

static bool resume_followers(const struct watch *watch, struct fault *fault, const struct incident *incident)
{
    for (size_t i = 0; i < incident->follower_count; i++) {
        const struct follower *follower = &incident->followers[i];
        unsigned at = 0;
        if (!index_find(&watch->endpoint_index, follower->endpoint_id, &at))
            continue;
        if (!follow_join(fault, follower->endpoint_id))
            return false;
        fault->followers[fault->follower_count - 1] = *follower;
    }
    return true;
}

bool watch_resume(struct watch *watch, const struct incident *incident)
{
    struct place place;
    if (!copy_place(watch, &incident->place, &place))
        return false;
    struct fault *fault = fault_new(watch, incident->kind, &place);
    if (fault == NULL)
        return false;
    fault->seen = *incident;
    fault->seen.place = place;
    fault->seen.endpoint_count = fault->seen.follower_count = fault->seen.vantage_count = 0;
    fault->seen.alternative_count = fault->seen.caveat_count = fault->seen.hint_count = 0;
    fault->state = incident->closed_us == 0 ? FAULT_OPEN : FAULT_CLOSED;
    fault->ill = fault->state == FAULT_OPEN;
    fault->families[0] = family_of((int)incident->outcome.class);
    fault->last_seen_us = fault->decayed_us = incident->updated_us;
    fault->last_failed_us = incident->last_failed_us;
    fault->clean = incident->clean_rounds;
    bool everywhere = place.kind == PLACE_ENDPOINT || place.kind == PLACE_EDGE;
    fault->pooled =
        everywhere && place.endpoint_id == 0 && incident->endpoint_count - incident->follower_count > 1;
    bool kept = fault_keep(watch, fault) && resume_followers(watch, fault, incident) &&
                add_members(watch, fault, incident);
    if (kept)
        fault->changed = false; /* known already */
    return kept;
}

#include "diff/watch_parts.h"

#include "cli/i18n.h"

#include <stdlib.h>
#include <string.h>

/* The watch itself: what is known to it, and the way of a round through its parts. */

#define WATCH_NAME(symbol, number, name) {number, name},

struct named {
    int number;
    const char *name;
};
static const struct named places[] = {PLACE_KINDS(WATCH_NAME)};
static const struct named kinds[] = {INCIDENT_KINDS(WATCH_NAME)};
static const struct named changes[] = {INCIDENT_CHANGES(WATCH_NAME)};

static const char *name_of(const struct named *list, size_t count, int number)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].number == number)
            return list[i].name;
    }
    return "?";
}

static bool number_of(const struct named *list, size_t count, const char *name, int *ret_number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            *ret_number = list[i].number;
            return true;
        }
    }
    return false;
}

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const char *place_kind_name(int kind)
{
    return name_of(places, COUNT(places), kind);
}

const char *incident_kind_name(int kind)
{
    return name_of(kinds, COUNT(kinds), kind);
}

const char *incident_change_name(int change)
{
    return name_of(changes, COUNT(changes), change);
}

bool place_kind_from_name(const char *name, enum place_kind *ret_kind)
{
    int number = 0;
    bool found = number_of(places, COUNT(places), name, &number);
    if (found)
        *ret_kind = (enum place_kind)number;
    return found;
}

bool incident_kind_from_name(const char *name, enum incident_kind *ret_kind)
{
    int number = 0;
    bool found = number_of(kinds, COUNT(kinds), name, &number);
    if (found)
        *ret_kind = (enum incident_kind)number;
    return found;
}

void watch_defaults(struct watch_options *options)
{
    *options = (struct watch_options){
        .window_rounds = 20,
        .min_rounds = 3,
        .open_windows = 2,
        .open_posterior = 0.95,
        .path_posterior = 0.998,
        .path_well = 3e-6,
        .unresolved_windows = 10,
        .narrow_windows = 8,
        .in_scope_rate = 0.7,
        .temper = 0.6,
        .baseline_min = 0.01,
        .baseline_max = 0.25,
        .close_rounds = 5,
        .close_us = INT64_C(600) * 1000000,
        .flap_penalty = 1000,
        .flap_suppress = 3000,
        .flap_reuse = 750,
        .flap_half_life_us = INT64_C(900) * 1000000,
    };
}

struct watch *watch_new(const struct watch_options *options)
{
    struct watch *watch = calloc(1, sizeof *watch);
    uint16_t none = 0;
    if (watch == NULL)
        return NULL;
    watch->options = *options;
    if (watch->options.window_rounds > WATCH_MAX_WINDOW)
        watch->options.window_rounds = WATCH_MAX_WINDOW;
    if (watch->options.window_rounds == 0)
        watch->options.window_rounds = 1;
    if (!watch_text(watch, "", &none) ||
        !watch_grow(&watch->asns, &watch->asn_room, 1, sizeof *watch->asns)) {
        watch_free(watch);
        return NULL;
    }
    watch->asn_count = 1;
    return watch;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    for (size_t v = 0; v < watch->vantage_count; v++)
        free(watch->vantages[v].name);
    for (size_t e = 0; e < watch->endpoint_count; e++)
        watch_endpoint_free(watch->endpoints[e]);
    for (size_t t = 0; t < watch->text_count; t++)
        free(watch->texts[t]);
    for (size_t f = 0; f < watch->fault_count; f++)
        fault_free(watch->faults[f]);
    free(watch->vantages);
    free(watch->endpoints);
    free(watch->texts);
    free(watch->faults);
    free(watch->regions);
    free(watch->asns);
    free(watch->hypotheses);
    free(watch->counts);
    free(watch->peeled);
    free(watch->vantage_index.rows);
    free(watch->endpoint_index.rows);
    free(watch);
}

static bool replace_text(char **text, const char *with)
{
    char *copy = strdup(with == NULL ? "" : with);
    if (copy == NULL)
        return false;
    free(*text);
    *text = copy;
    return true;
}

static bool find_region(struct watch *watch, uint16_t text, unsigned *ret_at)
{
    unsigned at = 0;
    while (at < watch->region_count && watch->regions[at] != text)
        at++;
    if (at == watch->region_count) {
        if (!watch_grow(&watch->regions, &watch->region_room, at + 1, sizeof *watch->regions))
            return false;
        watch->regions[watch->region_count++] = text;
    }
    *ret_at = at;
    return true;
}

static bool find_asn(struct watch *watch, int64_t asn, unsigned *ret_at)
{
    unsigned at = 0;
    while (at < watch->asn_count && watch->asns[at] != asn)
        at++;
    if (at == watch->asn_count) {
        if (!watch_grow(&watch->asns, &watch->asn_room, at + 1, sizeof *watch->asns))
            return false;
        watch->asns[watch->asn_count++] = asn;
    }
    *ret_at = at;
    return true;
}

bool watch_vantage(struct watch *watch, const struct matrix_vantage *vantage)
{
    unsigned at = 0;
    if (!index_find(&watch->vantage_index, vantage->id, &at)) {
        at = (unsigned)watch->vantage_count;
        if (!watch_grow(&watch->vantages, &watch->vantage_room, at + 1, sizeof *watch->vantages) ||
            !index_add(&watch->vantage_index, vantage->id, at))
            return false;
        watch->vantages[watch->vantage_count++].id = vantage->id;
    }
    struct watched_vantage *known = &watch->vantages[at];
    if (!replace_text(&known->name, vantage->name) || !watch_text(watch, vantage->region, &known->region) ||
        !find_region(watch, known->region, &known->region_at) ||
        !find_asn(watch, vantage->asn, &known->asn_at))
        return false;
    known->asn = vantage->asn;
    return true;
}

bool watch_endpoint(struct watch *watch, const struct matrix_endpoint *endpoint, bool sentinel)
{
    unsigned at = 0;
    if (!index_find(&watch->endpoint_index, endpoint->id, &at)) {
        at = (unsigned)watch->endpoint_count;
        struct watched_endpoint *made = calloc(1, sizeof *made);
        if (made == NULL ||
            !watch_grow(&watch->endpoints, &watch->endpoint_room, at + 1, sizeof *watch->endpoints) ||
            !index_add(&watch->endpoint_index, endpoint->id, at)) {
            free(made);
            return false;
        }
        made->id = endpoint->id;
        made->address_count = 1;
        watch->endpoints[watch->endpoint_count++] = made;
    }
    struct watched_endpoint *known = watch->endpoints[at];
    known->sentinel = sentinel;
    known->role = endpoint->role;
    known->pinned = endpoint->address != NULL && endpoint->address[0] != '\0';
    return replace_text(&known->site, endpoint->site) && replace_text(&known->sni, endpoint->sni);
}

bool watch_baseline_set(struct watch *watch, int64_t vantage_id, double rate)
{
    static const double remembered_weight = 500; /* attempts that a stored rate counts for */
    unsigned at = 0;
    if (!index_find(&watch->vantage_index, vantage_id, &at) || !(rate >= 0 && rate <= 1))
        return false;
    watch->vantages[at].baseline = rate;
    watch->vantages[at].learned = remembered_weight;
    return true;
}

bool watch_baseline_get(const struct watch *watch, int64_t vantage_id, double *ret_rate)
{
    unsigned at = 0;
    if (!index_find(&watch->vantage_index, vantage_id, &at) || watch->vantages[at].learned <= 0)
        return false;
    *ret_rate = watch->vantages[at].baseline;
    return true;
}

/* Rounds so far apart that what was before says nothing about now. */
static void forget_if_old(const struct watch *watch, struct watched_endpoint *endpoint,
                          const struct watch_round *round)
{
    int64_t gap_us = round->start_us - endpoint->starts_us[endpoint->head];
    int64_t interval_s = endpoint->interval_s > round->interval_s ? endpoint->interval_s : round->interval_s;
    if (endpoint->rounds == 0 || interval_s == 0 ||
        gap_us <= interval_s * (int64_t)watch->options.window_rounds * 1000000)
        return;
    endpoint->rounds = 0;
    endpoint->claim_count = 0;
}

static bool read_sights(struct watch *watch, const struct watch_round *round)
{
    for (size_t i = 0; i < round->sight_count; i++) {
        const struct sight *sight = &round->sights[i];
        unsigned e = 0, v = 0;
        if (!index_find(&watch->endpoint_index, sight->endpoint_id, &e) ||
            !index_find(&watch->vantage_index, sight->vantage_id, &v))
            continue;
        struct watched_endpoint *endpoint = watch->endpoints[e];
        if (!endpoint->in_round) {
            forget_if_old(watch, endpoint, round);
            if (!watch_turn(watch, endpoint, round))
                return false;
            endpoint->in_round = true;
        }
        if (!watch_mark(watch, endpoint, v, sight))
            return false;
    }
    return true;
}

static bool judge(struct watch *watch)
{
    for (size_t v = 0; v < watch->vantage_count; v++)
        baseline_prepare(watch, &watch->vantages[v]);
    for (size_t e = 0; e < watch->endpoint_count; e++) {
        if (watch->endpoints[e]->in_round && !claim_endpoint(watch, watch->endpoints[e]))
            return false;
    }
    for (unsigned e = 0; e < watch->endpoint_count; e++) {
        if (watch->endpoints[e]->in_round)
            baseline_learn(watch, e);
    }
    return claim_significance(watch);
}

bool watch_round(struct watch *watch, const struct watch_round *round, incident_fn *on_change, void *arg)
{
    watch->now_us = round->start_us;
    for (size_t e = 0; e < watch->endpoint_count; e++)
        watch->endpoints[e]->in_round = false;
    if (!read_sights(watch, round) || !watch_gate(watch, round) || !judge(watch))
        return false;
    if (on_change == NULL)
        return true;
    return pool_claims(watch, round) && pool_asides(watch, round) && pool_conditions(watch, round) &&
           faults_advance(watch, round, on_change, arg);
}

void watch_named(struct watch *watch, const char *key, int64_t id)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        if (strcmp(watch->faults[f]->seen.key, key) == 0)
            watch->faults[f]->seen.id = id;
    }
}

void watch_each(const struct watch *watch, incident_fn *each, void *arg)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        if (watch->faults[f]->state == FAULT_OPEN)
            each(&watch->faults[f]->seen,
                 watch->faults[f]->seen.flapping ? INCIDENT_FLAPPING : INCIDENT_UPDATED, arg);
    }
}

size_t watch_asides(const struct watch *watch, struct watch_aside *ret_asides, size_t room)
{
    size_t count = 0;
    for (size_t v = 0; v < watch->vantage_count && count < room; v++) {
        const struct gate *gate = &watch->vantages[v].gate;
        if (gate->shut)
            ret_asides[count++] = (struct watch_aside){watch->vantages[v].id, gate->since_us, gate->why,
                                                       gate->failed,          gate->tried,    gate->outcome};
    }
    return count;
}

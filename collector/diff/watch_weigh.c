#include "diff/watch_parts.h"

#include <math.h>

/* How places compete: steps 2, 3 and 4 of watch_scope.c. */

enum { PAIR_MAX_PLACES = 14 };

static const double prior_well = 0.98, prior_endpoint = 0.004, prior_region = 0.006, prior_asn = 0.004,
                    prior_vantage = 0.006, prior_address = 0.004;
static const double pair_together = 10; /* faults of two wide places are less than independent */
static const double known_again = 20;   /* a place that has an open incident of the kind */
static const double pair_min_score = 2; /* weaker places need not be tried in pairs */
static const double end_hazard = 0.05;  /* a fault ends in one round of twenty */
static const double well_apart = 5;     /* rounds that speak so strongly part one fault from an earlier one */
static const double score_of_note = 1.5; /* below it a place is no better than none, whatever its prior */

static double score_series(const struct hypothesis *a, const struct hypothesis *b, unsigned rounds,
                           double temper, unsigned *ret_onset)
{
    double sums[WATCH_MAX_WINDOW], sum = 0, most = 0, total = 0;
    bool broken = false;
    *ret_onset = rounds;
    for (unsigned r = 0; r < rounds; r++) {
        sum += temper * (a->series[r] + (b == NULL ? 0 : b->series[r]));
        sums[r] = sum;
        broken = broken || (most > 0 && sum < most - well_apart);
        if (sum > most && !broken)
            *ret_onset = r + 1;
        most = fmax(most, sum);
    }
    if (most < score_of_note)
        return 0;
    for (unsigned r = 0; r < rounds; r++)
        total += exp(sums[r] - most);
    return most + log(total / rounds);
}

static bool is_known(const struct watch *watch, const struct place *place)
{
    for (size_t f = 0; f < watch->fault_count; f++) {
        const struct fault *fault = watch->faults[f];
        if (fault->state == FAULT_OPEN && fault->seen.kind == INCIDENT_FAILS &&
            place_equal(&fault->seen.place, place))
            return true;
    }
    return false;
}

/* A place that holds what a wider one holds is the wider one: so is an address that everybody is led to. */
static bool is_twin(const struct watch *watch, const struct layout *layout, unsigned at)
{
    const struct hypothesis *all = watch->hypotheses;
    for (unsigned h = 0; h < layout->end; h++) {
        bool wider = h == 0 || (h >= layout->regions && h < at);
        if (wider && all[h].live && h != at && all[h].set == all[at].set)
            return true;
    }
    return false;
}

static void choose_live(const struct watch *watch, const struct watched_endpoint *endpoint,
                        const struct layout *layout)
{
    struct hypothesis *all = watch->hypotheses;
    all[0].live = all[0].members >= 2;
    for (unsigned h = layout->regions; h < layout->end; h++) {
        bool address = h >= layout->addresses && h < layout->pops;
        bool place = all[h].members >= 2 && !(address && endpoint->pinned);
        all[h].live = place && !is_twin(watch, layout, h);
    }
    for (unsigned h = layout->vantages; h < layout->regions; h++)
        all[h].live = all[h].members == 1;
}

static double prior_of(enum place_kind kind)
{
    return kind == PLACE_ENDPOINT  ? prior_endpoint
           : kind == PLACE_REGION  ? prior_region
           : kind == PLACE_ASN     ? prior_asn
           : kind == PLACE_VANTAGE ? prior_vantage
                                   : prior_address;
}

/* The prior of a kind is shared by its places. */
static void set_priors(const struct watch *watch, const struct layout *layout)
{
    struct hypothesis *all = watch->hypotheses;
    unsigned counts[PLACE_SOME + 1] = {0};
    for (unsigned h = 0; h < layout->end; h++)
        counts[all[h].place.kind] += all[h].live;
    for (unsigned h = 0; h < layout->end; h++) {
        if (!all[h].live)
            continue;
        all[h].prior = prior_of(all[h].place.kind) / counts[all[h].place.kind];
        if (is_known(watch, &all[h].place))
            all[h].prior *= known_again;
    }
}

static bool is_disjoint(const struct watch *watch, const struct layout *layout, unsigned a, unsigned b)
{
    const struct hypothesis *all = watch->hypotheses;
    enum place_kind one = all[a].place.kind, other = all[b].place.kind;
    if (a == 0 || b == 0 || a >= layout->addresses || b >= layout->addresses)
        return false;
    if (one == other)
        return true;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        unsigned region = layout->regions + watch->vantages[v].region_at;
        unsigned asn = layout->asns + watch->vantages[v].asn_at, own = layout->vantages + v;
        bool in_a = a == region || a == asn || a == own, in_b = b == region || b == asn || b == own;
        if (in_a && in_b)
            return false;
    }
    return true;
}

/* The heaviest places that may be one of two, in *ret_places. */
static unsigned pick_pairable(const struct watch *watch, const struct layout *layout,
                              unsigned ret_places[PAIR_MAX_PLACES])
{
    const struct hypothesis *all = watch->hypotheses;
    unsigned count = 0;
    for (unsigned h = 1; h < layout->addresses; h++) {
        if (!all[h].live || all[h].score < pair_min_score)
            continue;
        unsigned at = count < PAIR_MAX_PLACES ? count++ : PAIR_MAX_PLACES;
        while (at > 0 && all[ret_places[at - 1]].score < all[h].score) {
            if (at < PAIR_MAX_PLACES)
                ret_places[at] = ret_places[at - 1];
            at--;
        }
        if (at < PAIR_MAX_PLACES)
            ret_places[at] = h;
    }
    return count;
}

/* Two places that hold together what one place holds are that one: a region's ASNs that all fail are the region. */
static bool is_one(const struct watch *watch, const struct layout *layout, unsigned a, unsigned b)
{
    const struct hypothesis *all = watch->hypotheses;
    for (unsigned h = 0; h < layout->addresses; h++) {
        if (all[h].live && all[h].set == all[a].set + all[b].set)
            return true;
    }
    return false;
}

struct pair {
    unsigned a, b;
    double weight;
};

/* Weighs all pairs in logarithms, with *most the heaviest of everything so far. */
static unsigned weigh_pairs(const struct watch *watch, const struct layout *layout, unsigned rounds,
                            struct pair *ret_pairs, double *most)
{
    struct hypothesis *all = watch->hypotheses;
    unsigned places[PAIR_MAX_PLACES], count = pick_pairable(watch, layout, places), pairs = 0, onset = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = i + 1; k < count; k++) {
            const struct hypothesis *a = &all[places[i]], *b = &all[places[k]];
            if (!is_disjoint(watch, layout, places[i], places[k]) ||
                is_one(watch, layout, places[i], places[k]))
                continue;
            bool wide = a->place.kind != PLACE_VANTAGE && b->place.kind != PLACE_VANTAGE;
            double score = score_series(a, b, rounds, watch->options.temper, &onset);
            double weight = log(a->prior * b->prior * (wide ? pair_together : 1)) + score;
            ret_pairs[pairs++] = (struct pair){places[i], places[k], weight};
            *most = fmax(*most, weight);
        }
    }
    return pairs;
}

/* Fills in every posterior; those of pairs count for both places. @return the posterior of "well". */
static double weigh(const struct watch *watch, const struct watched_endpoint *endpoint,
                    const struct layout *layout)
{
    struct hypothesis *all = watch->hypotheses;
    struct pair pairs[PAIR_MAX_PLACES * PAIR_MAX_PLACES / 2];
    double well = log(prior_well), most = well, total = 0;
    for (unsigned h = 0; h < layout->end; h++) {
        if (!all[h].live)
            continue;
        all[h].score = score_series(&all[h], NULL, endpoint->rounds, watch->options.temper, &all[h].onset);
        most = fmax(most, log(all[h].prior) + all[h].score);
    }
    unsigned count = weigh_pairs(watch, layout, endpoint->rounds, pairs, &most);
    total = exp(well - most);
    for (unsigned h = 0; h < layout->end; h++) {
        all[h].posterior = all[h].live ? all[h].prior * exp(all[h].score - most) : 0;
        total += all[h].posterior;
    }
    for (unsigned p = 0; p < count; p++) {
        pairs[p].weight = exp(pairs[p].weight - most);
        total += pairs[p].weight;
        all[pairs[p].a].posterior += pairs[p].weight;
        all[pairs[p].b].posterior += pairs[p].weight;
    }
    for (unsigned h = 0; h < layout->end; h++)
        all[h].posterior /= total;
    return exp(well - most) / total;
}

double scope_ongoing(const struct watch *watch, const struct hypothesis *hypothesis)
{
    double sum = 0, over = 0;
    for (unsigned r = 0; r < hypothesis->onset && sum < well_apart; r++) {
        sum += watch->options.temper * hypothesis->series[r];
        over += end_hazard * exp(-sum);
    }
    return 1 / (1 + over);
}

double scope_weigh(const struct watch *watch, const struct watched_endpoint *endpoint,
                   const struct layout *layout)
{
    choose_live(watch, endpoint, layout);
    set_priors(watch, layout);
    return weigh(watch, endpoint, layout);
}

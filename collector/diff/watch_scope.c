#include "diff/watch_parts.h"

#include <math.h>
#include <string.h>

/*
 * Where is it? The last rounds of one endpoint are explained by places that compete: the endpoint itself, a region, an ASN,
 * a vantage (or its path), an address or point of presence that only some are led to, and that all is well.
 *
 * 1. Each attempt has a gain: the log of how much more probable it is inside a fault than outside of one (watch_baseline.c).
 * 2. A place's gain of a round is the sum over its attempts. A fault began some rounds ago, nobody knows how many:
 *        score = log( 1/n * sum over k = 1..n of exp( T * gain of the last k rounds ) )
 *    so that rounds before the fault do not speak against it. T tempers what rounds and vantages have in common.
 * 3. posterior = prior * exp(score), over all places and "well" (score 0), normalised. Two places with the same vantages are
 *    one: the wider keeps the name. Two places together compete too, with the product of their priors: else two regions that
 *    fail would make an endpoint of it.
 * 4. What the winner holds is set aside, and the rest is explained again: another fault may be there at the same time.
 */

enum { PAIR_MAX_PLACES = 14 };

static const double prior_well = 0.98, prior_endpoint = 0.004, prior_region = 0.006, prior_asn = 0.004,
                    prior_vantage = 0.006, prior_address = 0.004;
static const double pair_together = 10;  /* faults of two wide places are less than independent */
static const double known_again = 20;    /* a place that has an open incident of the kind */
static const double pair_min_score = 2;  /* weaker places need not be tried in pairs */
static const double explain_share = 0.5; /* posterior from which a place is set aside for the next step */

static double score_series(const struct hypothesis *a, const struct hypothesis *b, unsigned rounds,
                           double temper, unsigned *ret_onset)
{
    double sums[WATCH_MAX_WINDOW], sum = 0, most = 0, total = 0;
    *ret_onset = rounds;
    for (unsigned r = 0; r < rounds; r++) {
        sum += temper * (a->series[r] + (b == NULL ? 0 : b->series[r]));
        sums[r] = sum;
        if (sum > most || r == 0) {
            most = sum;
            *ret_onset = r + 1;
        }
    }
    if (most <= 0)
        return -1;
    for (unsigned r = 0; r < rounds; r++)
        total += exp(sums[r] - most);
    return most + log(total / rounds);
}

static uint64_t vantage_bit(unsigned vantage)
{
    uint64_t x = (vantage + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void add_gain(struct hypothesis *hypothesis, unsigned vantage, unsigned back, double gain)
{
    hypothesis->series[back] += gain;
    if (hypothesis->last == (int)vantage)
        return;
    hypothesis->last = (int)vantage;
    hypothesis->members++;
    hypothesis->set += vantage_bit(vantage);
}

/* Where each kind of place begins among the hypotheses. */
struct layout {
    unsigned vantages, regions, asns, addresses, pops, end;
    uint16_t pop_texts[WATCH_MAX_POPS];
    unsigned pop_count;
};

static struct layout lay_out(const struct watch *watch)
{
    struct layout layout = {.vantages = 1};
    layout.regions = layout.vantages + (unsigned)watch->vantage_count;
    layout.asns = layout.regions + (unsigned)watch->region_count;
    layout.addresses = layout.asns + (unsigned)watch->asn_count;
    layout.pops = layout.addresses + WATCH_MAX_ADDRESSES;
    layout.end = layout.pops + WATCH_MAX_POPS;
    return layout;
}

static unsigned pop_at(struct layout *layout, uint16_t text)
{
    unsigned at = 0;
    while (at < layout->pop_count && layout->pop_texts[at] != text)
        at++;
    if (at == layout->pop_count && at < WATCH_MAX_POPS)
        layout->pop_texts[layout->pop_count++] = text;
    return at;
}

static void name_places(const struct watch *watch, const struct watched_endpoint *endpoint,
                        const struct layout *layout)
{
    struct hypothesis *all = watch->hypotheses;
    for (unsigned h = 0; h < layout->end; h++) {
        all[h].last = -1;
        all[h].place = (struct place){.region = "", .edge = "", .pop = ""};
    }
    all[0].place.kind = PLACE_ENDPOINT;
    all[0].place.endpoint_id = endpoint->id;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        all[layout->vantages + v].place.kind = PLACE_VANTAGE;
        all[layout->vantages + v].place.vantage_id = watch->vantages[v].id;
    }
    for (unsigned r = 0; r < watch->region_count; r++) {
        all[layout->regions + r].place.kind = PLACE_REGION;
        all[layout->regions + r].place.region = watch->texts[watch->regions[r]];
    }
    for (unsigned a = 1; a < watch->asn_count; a++) {
        all[layout->asns + a].place.kind = PLACE_ASN;
        all[layout->asns + a].place.asn = watch->asns[a];
    }
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        struct place *place = &all[layout->addresses + a].place;
        bool edge = endpoint->addresses[a].edge != 0 || endpoint->role == ROLE_EDGE;
        place->kind = edge ? PLACE_EDGE : PLACE_DNS;
        place->edge = watch->texts[endpoint->addresses[a].edge];
        place->address = endpoint->addresses[a].address;
    }
}

static void gather_mark(struct watch *watch, const struct watched_endpoint *endpoint, struct layout *layout,
                        const struct view *view, unsigned v, unsigned back, const struct mark *mark)
{
    const struct watched_vantage *vantage = &watch->vantages[v];
    struct hypothesis *all = watch->hypotheses;
    enum view_mark read = view_read(view, mark);
    uint16_t pop = endpoint->cells[v].pop;
    if (read == VIEW_MISSING)
        return;
    double gain = vantage->gains[read == VIEW_PASS ? MARK_PASS : mark->state];
    add_gain(&all[0], v, back, gain);
    add_gain(&all[layout->vantages + v], v, back, gain);
    add_gain(&all[layout->regions + vantage->region_at], v, back, gain);
    if (vantage->asn_at != 0)
        add_gain(&all[layout->asns + vantage->asn_at], v, back, gain);
    if (mark->address != 0) {
        add_gain(&all[layout->addresses + mark->address], v, back, gain);
    }
    unsigned at = pop == 0 ? WATCH_MAX_POPS : pop_at(layout, pop);
    if (at < WATCH_MAX_POPS)
        add_gain(&all[layout->pops + at], v, back, gain);
}

/* Vantages that are led to several addresses make the address a place of its own, whoever else is led there. */
static void note_mixed(const struct watch *watch, const struct watched_endpoint *endpoint,
                       const struct layout *layout, unsigned v)
{
    int first = -1;
    for (unsigned back = 0; back < endpoint->rounds; back++) {
        const struct slot *slot = watch_slot(watch, endpoint, v, back);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            int address = slot->marks[m].state == MARK_NONE ? 0 : slot->marks[m].address;
            if (address == 0 || address == first)
                continue;
            if (first > 0) {
                watch->hypotheses[layout->addresses + (unsigned)first].set ^= vantage_bit(v) >> 1;
                watch->hypotheses[layout->addresses + (unsigned)address].set ^= vantage_bit(v) >> 2;
            }
            first = address;
        }
    }
}

static void gather(struct watch *watch, const struct watched_endpoint *endpoint, struct layout *layout,
                   const struct view *view)
{
    memset(watch->hypotheses, 0, layout->end * sizeof *watch->hypotheses);
    name_places(watch, endpoint, layout);
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        if (watch->peeled[v])
            continue;
        for (unsigned back = 0; back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++)
                gather_mark(watch, endpoint, layout, view, v, back, &slot->marks[m]);
        }
        note_mixed(watch, endpoint, layout, v);
    }
    for (unsigned p = 0; p < layout->pop_count; p++) {
        struct place *place = &watch->hypotheses[layout->pops + p].place;
        place->kind = PLACE_EDGE;
        place->pop = watch->texts[layout->pop_texts[p]];
    }
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

/* A place that holds what a wider one holds is the wider one. Wider ones come first in `order`. */
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
    unsigned addresses = 0;
    for (unsigned h = layout->addresses; h < layout->pops; h++)
        addresses += all[h].members > 0;
    all[0].live = all[0].members >= 2;
    for (unsigned h = layout->regions; h < layout->end; h++) {
        bool address = h >= layout->addresses && h < layout->pops;
        bool place = all[h].members >= 2 && (!address || (addresses >= 2 && !endpoint->pinned));
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
            if (!is_disjoint(watch, layout, places[i], places[k]))
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

static void fill_claim(const struct watch *watch, const struct layout *layout, unsigned best, double well,
                       struct claim *ret_claim)
{
    const struct hypothesis *all = watch->hypotheses;
    struct claim claim = {.place = all[best].place, .posterior = all[best].posterior, .p = 1};
    claim.onset = all[best].onset;
    if (claim.posterior < watch->options.open_posterior && 1 - well >= watch->options.open_posterior) {
        claim.place = (struct place){.kind = PLACE_SOME, .region = "", .edge = "", .pop = ""};
        claim.place.endpoint_id = all[0].place.endpoint_id;
        claim.posterior = 1 - well;
        best = layout->end;
    }
    for (unsigned h = 0; h < layout->end; h++) {
        struct alternative other = {all[h].place, all[h].posterior};
        if (h == best || !all[h].live || other.probability < 1e-4)
            continue;
        unsigned at = (unsigned)claim.alternative_count;
        while (at > 0 && claim.alternatives[at - 1].probability < other.probability) {
            if (at < INCIDENT_MAX_ALTERNATIVES)
                claim.alternatives[at] = claim.alternatives[at - 1];
            at--;
        }
        if (at < INCIDENT_MAX_ALTERNATIVES)
            claim.alternatives[at] = other;
        claim.alternative_count += claim.alternative_count < INCIDENT_MAX_ALTERNATIVES;
    }
    *ret_claim = claim;
}

static unsigned best_of(const struct hypothesis *all, unsigned count)
{
    unsigned best = 0;
    for (unsigned h = 1; h < count; h++) {
        if (all[h].posterior > all[best].posterior)
            best = h;
    }
    return best;
}

static void peel(struct watch *watch, const struct watched_endpoint *endpoint, const struct place *place)
{
    for (unsigned v = 0; v < watch->vantage_count; v++)
        watch->peeled[v] = watch->peeled[v] || place_has_vantage(watch, place, endpoint, v);
}

bool scope_explain(struct watch *watch, const struct watched_endpoint *endpoint, const struct view *view,
                   struct claim *ret_claims, size_t *ret_count)
{
    struct layout layout = lay_out(watch);
    size_t count = 0;
    if (!watch_grow(&watch->hypotheses, &watch->hypothesis_room, layout.end, sizeof *watch->hypotheses) ||
        !watch_grow(&watch->peeled, &watch->peeled_room, watch->vantage_count, sizeof *watch->peeled))
        return false;
    memset(watch->peeled, 0, watch->vantage_count * sizeof *watch->peeled);
    while (count < WATCH_MAX_CLAIMS) {
        layout.pop_count = 0;
        gather(watch, endpoint, &layout, view);
        choose_live(watch, endpoint, &layout);
        set_priors(watch, &layout);
        double well = weigh(watch, endpoint, &layout);
        unsigned best = best_of(watch->hypotheses, layout.end);
        if (well >= 1 - explain_share)
            break;
        fill_claim(watch, &layout, best, well, &ret_claims[count++]);
        if (ret_claims[count - 1].place.kind == PLACE_SOME)
            break;
        peel(watch, endpoint, &ret_claims[count - 1].place);
    }
    *ret_count = count;
    return true;
}

#include "diff/watch_parts.h"

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
 * 4. A fault that was there may be over: against k clean rounds at the end stands that it ended before them, with a hazard of h
 *    a round: ongoing = 1 / (1 + h * sum over k up to its beginning of exp( -T * gain of the last k rounds )).
 * 5. What the winner holds is set aside, and the rest is explained again: another fault may be there at the same time.
 */

static const double explain_share = 0.5; /* posterior of "well" below which a place is looked for */

static uint64_t vantage_bit(unsigned vantage)
{
    uint64_t x = (vantage + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The gains of one vantage by round, the last first. */
static void add_gains(struct hypothesis *hypothesis, unsigned vantage, const double *gains, unsigned rounds)
{
    for (unsigned back = 0; back < rounds; back++)
        hypothesis->series[back] += gains[back];
    hypothesis->members++;
    hypothesis->set += vantage_bit(vantage);
}

/* One attempt that went to an address. */
static void add_gain(struct hypothesis *hypothesis, unsigned vantage, unsigned back, double gain)
{
    hypothesis->series[back] += gain;
    if (hypothesis->last == (int)vantage)
        return;
    hypothesis->last = (int)vantage;
    hypothesis->members++;
    hypothesis->set += vantage_bit(vantage);
}

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

static void gather_vantage(struct watch *watch, const struct watched_endpoint *endpoint,
                           struct layout *layout, const struct view *view, unsigned v)
{
    const struct watched_vantage *vantage = &watch->vantages[v];
    struct hypothesis *all = watch->hypotheses;
    double gains[WATCH_MAX_WINDOW] = {0};
    bool any = false;
    for (unsigned back = 0; back < endpoint->rounds; back++) {
        const struct slot *slot = watch_slot(watch, endpoint, v, back);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            const struct mark *mark = &slot->marks[m];
            enum view_mark read = mark->state == MARK_NONE ? VIEW_MISSING : view_read(view, mark);
            if (read == VIEW_MISSING)
                continue;
            double gain = vantage->gains[read == VIEW_PASS ? MARK_PASS : mark->state];
            gains[back] += gain;
            any = true;
            if (mark->address != 0 && endpoint->address_count > 2)
                add_gain(&all[layout->addresses + mark->address], v, back, gain);
        }
    }
    if (!any)
        return;
    uint16_t pop = endpoint->cells[v].pop;
    unsigned at = pop == 0 ? WATCH_MAX_POPS : pop_at(layout, pop);
    add_gains(&all[0], v, gains, endpoint->rounds);
    add_gains(&all[layout->vantages + v], v, gains, endpoint->rounds);
    add_gains(&all[layout->regions + vantage->region_at], v, gains, endpoint->rounds);
    if (vantage->asn_at != 0)
        add_gains(&all[layout->asns + vantage->asn_at], v, gains, endpoint->rounds);
    if (at < WATCH_MAX_POPS)
        add_gains(&all[layout->pops + at], v, gains, endpoint->rounds);
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
        gather_vantage(watch, endpoint, layout, view, v);
        if (endpoint->address_count > 2)
            note_mixed(watch, endpoint, layout, v);
    }
    for (unsigned p = 0; p < layout->pop_count; p++) {
        struct place *place = &watch->hypotheses[layout->pops + p].place;
        place->kind = PLACE_EDGE;
        place->pop = watch->texts[layout->pop_texts[p]];
    }
}

static void fill_claim(const struct watch *watch, const struct layout *layout, unsigned best, double well,
                       struct claim *ret_claim)
{
    const struct hypothesis *all = watch->hypotheses;
    struct claim claim = {.place = all[best].place, .posterior = all[best].posterior, .p = 1};
    claim.well = well;
    claim.onset = all[best].onset;
    claim.ongoing = scope_ongoing(watch, &all[best]);
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
        double well = scope_weigh(watch, endpoint, &layout);
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

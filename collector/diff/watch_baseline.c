#include "diff/watch_parts.h"

#include <math.h>

/*
 * How often attempts fail at a vantage while all is well: its link, its carrier, the hour. Learned only where no fault is
 * claimed or known, so that an outage does not become normal; clamped, so that neither a perfect hour makes the first lost
 * packet an alarm nor a bad one makes the vantage deaf. Each vantage learns for itself: nothing is learned for a region. What is learned lies half a window back, because a fault is
 * not known as one in its first rounds.
 */

static const double start_rate = 0.02;
static const double start_weight = 40;  /* attempts that the start counts for */
static const double most_weight = 2000; /* attempts it remembers */
static const double vanish_inside =
    0.25; /* of the failures of a fault, the share that a retry from a new port does not see */
static const double confirm_outside =
    0.4; /* of the failures that are no fault, the share that a retry sees again: losses come in bursts */

void baseline_prepare(const struct watch *watch, struct watched_vantage *vantage)
{
    double p = watch->options.in_scope_rate, b = vantage->baseline;
    b = fmin(fmax(b, watch->options.baseline_min), watch->options.baseline_max);
    vantage->gains[MARK_NONE] = 0;
    vantage->gains[MARK_PASS] = log((1 - p) / (1 - b));
    vantage->gains[MARK_FAIL] = log(p / b);
    vantage->gains[MARK_FAIL_CONFIRMED] = log(p * (1 - vanish_inside) / (b * confirm_outside));
    vantage->gains[MARK_FAIL_VANISHED] = log(p * vanish_inside / (b * (1 - confirm_outside)));
}

static void learn(const struct watch *watch, struct watched_vantage *vantage, bool failed)
{
    if (vantage->learned <= 0) {
        vantage->learned = start_weight;
        vantage->baseline = vantage->baseline > 0 ? vantage->baseline : start_rate;
    }
    vantage->learned = fmin(vantage->learned + 1, most_weight);
    vantage->baseline += ((failed ? 1.0 : 0.0) - vantage->baseline) / vantage->learned;
    vantage->baseline =
        fmin(fmax(vantage->baseline, watch->options.baseline_min), watch->options.baseline_max);
}

enum { EXPLAIN_MAX = 16 };

/* The places of the endpoint's faults, known or likely: what fails inside of them teaches nothing. */
static unsigned list_places(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned at,
                            const struct place *ret_places[EXPLAIN_MAX])
{
    unsigned count = 0;
    for (size_t c = 0; c < endpoint->claim_count; c++) {
        if (endpoint->claims[c].posterior >= 0.5)
            ret_places[count++] = &endpoint->claims[c].place;
    }
    for (size_t f = 0; f < watch->fault_count && count < EXPLAIN_MAX; f++) {
        const struct fault *fault = watch->faults[f];
        bool known = fault_has_member(fault, at) || follow_has(fault, endpoint->id);
        if (fault->state == FAULT_OPEN && fault->seen.kind == INCIDENT_FAILS && known)
            ret_places[count++] = &fault->seen.place;
    }
    return count;
}

void baseline_learn(struct watch *watch, unsigned at)
{
    const struct watched_endpoint *endpoint = watch->endpoints[at];
    const struct place *places[EXPLAIN_MAX];
    unsigned count = list_places(watch, endpoint, at, places), back = watch->options.window_rounds / 2;
    if (endpoint->rounds <= back)
        return;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        const struct slot *slot = watch_slot(watch, endpoint, v, back);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            bool explained = slot->marks[m].state == MARK_NONE;
            for (unsigned p = 0; p < count && !explained; p++) {
                struct inside inside = place_inside(watch, places[p], endpoint, v);
                explained = inside_has(&inside, &slot->marks[m]);
            }
            if (!explained)
                learn(watch, &watch->vantages[v], mark_fails(&slot->marks[m]));
        }
    }
}

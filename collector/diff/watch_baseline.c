#include "diff/watch_parts.h"

#include <math.h>

/*
 * How often attempts fail at a vantage while all is well: its link, its carrier, the hour. Learned only where no fault is
 * claimed or known, so that an outage does not become normal; clamped, so that neither a perfect hour makes the first lost
 * packet an alarm nor a bad one makes the vantage deaf. Each vantage learns for itself: nothing is learned for a region.
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

/* Is the cell inside of a fault that is known, or that may become one? */
static bool is_explained(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned vantage,
                         const struct mark *mark)
{
    for (size_t c = 0; c < endpoint->claim_count; c++) {
        const struct claim *claim = &endpoint->claims[c];
        if (claim->posterior >= 0.5 && place_holds(watch, &claim->place, endpoint, vantage, mark))
            return true;
    }
    for (size_t f = 0; f < watch->fault_count; f++) {
        const struct fault *fault = watch->faults[f];
        if (fault->state != FAULT_OPEN || fault->seen.kind != INCIDENT_FAILS)
            continue;
        for (size_t m = 0; m < fault->member_count; m++) {
            if (watch->endpoints[fault->members[m].endpoint] == endpoint &&
                place_holds(watch, &fault->seen.place, endpoint, vantage, mark))
                return true;
        }
    }
    return false;
}

void baseline_learn(struct watch *watch, const struct watched_endpoint *endpoint)
{
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        const struct slot *slot = watch_slot(watch, endpoint, v, 0);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            if (slot->marks[m].state != MARK_NONE && !is_explained(watch, endpoint, v, &slot->marks[m]))
                learn(watch, &watch->vantages[v], mark_fails(&slot->marks[m]));
        }
    }
}

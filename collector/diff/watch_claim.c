#include "diff/watch_parts.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the last rounds of one endpoint claim: its faults, each with a place and a family. All failures are explained
 * together first. When several families are there, each is also explained alone; if that shows one of the places found before
 * and another beside it, there are different faults at the same time.
 */

enum { FAMILY_MIN_COUNT = 3, FAMILIES_MAX = 6, FAMILY_MIN_SHARE = 10 /* one in ten failures */ };

struct families {
    unsigned counts[FAMILY_NUMBERS];
    int stages[FAMILY_NUMBERS];
    unsigned total;
    int present[FAMILIES_MAX];
    unsigned present_count;
};

static void count_mark(struct families *families, const struct mark *mark)
{
    int family = family_of(mark->class);
    int stage = (int)outcome_make((enum outcome_class)mark->class, RAW_NONE, 0).stage;
    if (families->counts[family]++ == 0 || stage < families->stages[family])
        families->stages[family] = stage;
    families->total++;
}

static void find_families(const struct watch *watch, const struct watched_endpoint *endpoint,
                          struct families *families)
{
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        for (unsigned back = 0; back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                if (mark_fails(&slot->marks[m]))
                    count_mark(families, &slot->marks[m]);
            }
        }
    }
    for (int f = 1; f < FAMILY_NUMBERS && families->present_count < FAMILIES_MAX; f++) {
        unsigned count = families->counts[f];
        if (count >= FAMILY_MIN_COUNT && count * FAMILY_MIN_SHARE >= families->total)
            families->present[families->present_count++] = f;
    }
}

/* The two commonest families inside of the claim's place since it began; the second only when it is no exception. */
static void name_families(const struct watch *watch, const struct watched_endpoint *endpoint,
                          struct claim *claim)
{
    unsigned counts[FAMILY_NUMBERS] = {0};
    int first = 0, second = 0;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        struct inside inside = place_inside(watch, &claim->place, endpoint, v);
        for (unsigned back = 0; inside.all && back < claim->onset && back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                if (mark_fails(&slot->marks[m]) && inside_has(&inside, &slot->marks[m]))
                    counts[family_of(slot->marks[m].class)]++;
            }
        }
    }
    for (int f = 1; f < FAMILY_NUMBERS; f++) {
        if (counts[f] > counts[first]) {
            second = first;
            first = f;
        } else if (counts[f] > counts[second]) {
            second = f;
        }
    }
    claim->families[0] = first;
    claim->families[1] = counts[second] * 4 >= counts[first] ? second : 0;
}

static bool is_among(const struct claim *claim, const struct claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (place_equal(&claim->place, &claims[i].place))
            return true;
    }
    return false;
}

static bool explain_apart(struct watch *watch, const struct watched_endpoint *endpoint,
                          const struct families *families, struct claim *ret_claims, size_t *ret_count)
{
    struct claim found[WATCH_MAX_CLAIMS];
    size_t count = 0, kept = 0;
    for (unsigned i = 0; i < families->present_count; i++) {
        int family = families->present[i];
        struct view view = {family, families->stages[family], families->counts[family], families->counts};
        if (!scope_explain(watch, endpoint, &view, found, &count))
            return false;
        for (size_t c = 0; c < count && kept < WATCH_MAX_CLAIMS; c++) {
            if (found[c].posterior < watch->options.open_posterior || found[c].place.kind == PLACE_SOME)
                continue;
            ret_claims[kept] = found[c];
            ret_claims[kept].families[0] = family;
            ret_claims[kept++].families[1] = 0;
        }
    }
    *ret_count = kept;
    return true;
}

/* Do the families, each looked at alone, show one of the places found together and another one beside it? */
static bool tells_more(const struct claim *apart, size_t apart_count, const struct claim *all,
                       size_t all_count)
{
    size_t same = 0;
    bool kinds = false;
    for (size_t i = 0; i < apart_count; i++) {
        same += is_among(&apart[i], all, all_count);
        kinds = kinds || apart[i].families[0] != apart[0].families[0];
    }
    return kinds && same > 0 && same < apart_count;
}

static bool is_convincing(const struct watch_options *options, const struct claim *claim)
{
    bool path = claim->place.kind == PLACE_VANTAGE;
    if (claim->ongoing < 0.5 || (path && claim->well > options->path_well))
        return false;
    return claim->posterior >= (path ? options->path_posterior : options->open_posterior);
}

static void count_streaks(const struct watch *watch, const struct watched_endpoint *endpoint,
                          struct claim *claims, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        if (!is_convincing(&watch->options, &claims[c]))
            continue;
        claims[c].streak = 1;
        for (size_t o = 0; o < endpoint->claim_count; o++) {
            const struct claim *old = &endpoint->claims[o];
            if (place_equal(&old->place, &claims[c].place) &&
                families_meet(old->families, claims[c].families))
                claims[c].streak = old->streak + 1;
        }
    }
}

static void test_claim(const struct watch *watch, const struct watched_endpoint *endpoint,
                       struct claim *claim)
{
    struct place_tests tests = {0};
    place_test(watch, &claim->place, endpoint, claim->onset, &tests);
    claim->p = tests.outside > 0
                   ? exact_fisher(tests.bad_inside, tests.inside, tests.bad_outside, tests.outside)
                   : exact_sign(tests.rounds_for, tests.rounds_against);
}

bool claim_endpoint(struct watch *watch, struct watched_endpoint *endpoint)
{
    struct families families = {.total = 0};
    struct claim all[WATCH_MAX_CLAIMS], apart[WATCH_MAX_CLAIMS];
    size_t all_count = 0, apart_count = 0;
    find_families(watch, endpoint, &families);
    struct view view = {0, 0, families.total, families.counts};
    if (families.total > 0 && !scope_explain(watch, endpoint, &view, all, &all_count))
        return false;
    for (size_t c = 0; c < all_count; c++)
        name_families(watch, endpoint, &all[c]);
    if (all_count > 0 && families.present_count > 1 &&
        !explain_apart(watch, endpoint, &families, apart, &apart_count))
        return false;
    bool more = tells_more(apart, apart_count, all, all_count);
    struct claim *chosen = more ? apart : all;
    size_t count = more ? apart_count : all_count;
    count_streaks(watch, endpoint, chosen, count);
    for (size_t c = 0; c < count; c++)
        test_claim(watch, endpoint, &chosen[c]);
    if (count > 0)
        memcpy(endpoint->claims, chosen, count * sizeof *chosen);
    endpoint->claim_count = count;
    return true;
}

bool claim_significance(struct watch *watch)
{
    static const double false_discovery_rate = 0.05;
    double *p = malloc((watch->endpoint_count + 1) * sizeof *p);
    bool *found = malloc((watch->endpoint_count + 1) * sizeof *found), ok = p != NULL && found != NULL;
    size_t count = 0;
    for (size_t e = 0; ok && e < watch->endpoint_count; e++) {
        const struct watched_endpoint *endpoint = watch->endpoints[e];
        if (endpoint->in_round)
            p[count++] = endpoint->claim_count > 0 ? endpoint->claims[0].p : 1;
    }
    ok = ok && exact_discoveries(p, count, false_discovery_rate, found);
    count = 0;
    for (size_t e = 0; ok && e < watch->endpoint_count; e++) {
        struct watched_endpoint *endpoint = watch->endpoints[e];
        if (endpoint->in_round)
            endpoint->claims[0].significant = found[count++];
    }
    free(found);
    free(p);
    return ok;
}

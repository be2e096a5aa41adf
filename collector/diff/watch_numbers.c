#include "diff/watch_parts.h"

#include <stdlib.h>
#include <string.h>

/* What an incident is shown with: counts inside and outside, exact tests, the commonest outcome and cause, alternatives. */

static const double path_confidence = 0.6, path_confidence_controlled = 0.9;

struct share {
    unsigned failed, seen;
};

static void add_round(const struct share *inside, const struct share *outside, bool has_outside,
                      struct place_tests *tests)
{
    if (inside->seen == 0 || (has_outside && outside->seen == 0))
        return;
    int in = (inside->failed * 2 > inside->seen) - (inside->failed * 2 < inside->seen);
    int out =
        has_outside ? (outside->failed * 2 > outside->seen) - (outside->failed * 2 < outside->seen) : -in;
    tests->rounds_for += in > out;
    tests->rounds_against += in < out;
}

static void add_mark(const struct mark *mark, bool is_inside, struct share *inside, struct share *outside,
                     struct place_tests *tests)
{
    bool failed = mark_fails(mark);
    struct share *share = is_inside ? inside : outside;
    share->seen++;
    share->failed += failed;
    *(is_inside ? &tests->attempts : &tests->outside_attempts) += 1;
    *(is_inside ? &tests->failed : &tests->outside_failed) += failed;
    tests->confirm_attempts +=
        is_inside && (mark->state == MARK_FAIL_CONFIRMED || mark->state == MARK_FAIL_VANISHED);
    tests->confirm_failed += is_inside && mark->state == MARK_FAIL_CONFIRMED;
}

void place_test(const struct watch *watch, const struct place *place, const struct watched_endpoint *endpoint,
                unsigned rounds, struct place_tests *tests)
{
    struct share inside[WATCH_MAX_WINDOW] = {{0}}, outside[WATCH_MAX_WINDOW] = {{0}};
    rounds = rounds < endpoint->rounds ? rounds : endpoint->rounds;
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        struct share in = {0, 0}, out = {0, 0};
        struct inside inside_of = place_inside(watch, place, endpoint, v);
        for (unsigned back = 0; back < rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                const struct mark *mark = &slot->marks[m];
                if (mark->state == MARK_NONE)
                    continue;
                bool is_inside = inside_has(&inside_of, mark);
                add_mark(mark, is_inside, &inside[back], &outside[back], tests);
                struct share *own = is_inside ? &in : &out;
                own->seen++;
                own->failed += mark_fails(mark);
            }
        }
        tests->inside += in.seen > 0;
        tests->bad_inside += in.seen > 0 && in.failed * 2 >= in.seen;
        tests->outside += out.seen > 0;
        tests->bad_outside += out.seen > 0 && out.failed * 2 >= out.seen;
    }
    for (unsigned back = 0; back < rounds; back++)
        add_round(&inside[back], &outside[back], tests->outside_attempts > 0, tests);
}

static void add_tests(struct place_tests *sum, const struct place_tests *own)
{
    sum->failed += own->failed;
    sum->attempts += own->attempts;
    sum->outside_failed += own->outside_failed;
    sum->outside_attempts += own->outside_attempts;
    sum->confirm_failed += own->confirm_failed;
    sum->confirm_attempts += own->confirm_attempts;
    sum->inside += own->inside;
    sum->outside += own->outside;
}

static const struct claim *claim_of(const struct fault *fault, const struct watched_endpoint *endpoint)
{
    const struct claim *found = NULL;
    for (size_t c = 0; c < endpoint->claim_count; c++) {
        const struct claim *claim = &endpoint->claims[c];
        bool same = place_equal(&claim->place, &fault->seen.place) ||
                    (fault->pooled && claim->place.kind == PLACE_ENDPOINT);
        if (same && families_meet(claim->families, fault->families))
            found = claim;
    }
    return found;
}

struct tally_of {
    unsigned classes[FAMILY_NUMBERS];
    unsigned cells, confirmed;
    enum cause causes[64];
    unsigned cause_counts[64];
    size_t cause_count;
};

static void count_cause(struct tally_of *tally, const struct cell_memory *cell)
{
    size_t at = 0;
    tally->cells++;
    tally->confirmed += cell->certainty == CERTAINTY_CONFIRMED && cell->cause != CAUSE_NONE;
    while (at < tally->cause_count && tally->causes[at] != cell->cause)
        at++;
    if (at == sizeof tally->causes / sizeof tally->causes[0])
        return;
    tally->cause_count += at == tally->cause_count;
    tally->causes[at] = cell->cause;
    tally->cause_counts[at]++;
}

/* Adds what fails inside at one endpoint, and who sees it. */
static void look_inside(const struct watch *watch, const struct fault *fault,
                        const struct watched_endpoint *endpoint, unsigned rounds, struct tally_of *tally,
                        bool *sees)
{
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        unsigned failed = 0, seen = 0;
        struct inside inside = place_inside(watch, &fault->seen.place, endpoint, v);
        for (unsigned back = 0; inside.all && back < rounds && back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                const struct mark *mark = &slot->marks[m];
                if (mark->state == MARK_NONE || !inside_has(&inside, mark))
                    continue;
                seen++;
                if (mark_fails(mark)) {
                    failed++;
                    tally->classes[mark->class]++;
                }
            }
        }
        if (failed == 0)
            continue;
        sees[v] = sees[v] || failed * 3 >= seen;
        count_cause(tally, &endpoint->cells[v]);
    }
}

/* The raw numbers of the commonest class, from a cell that ended with it. */
static void choose_outcome(const struct watch *watch, struct fault *fault, const struct tally_of *tally)
{
    int most = 0;
    for (int c = 1; c < FAMILY_NUMBERS; c++) {
        if (tally->classes[c] > tally->classes[most])
            most = c;
    }
    if (most == 0)
        return;
    struct outcome outcome = outcome_make((enum outcome_class)most, RAW_NONE, 0);
    for (size_t m = 0; m < fault->member_count; m++) {
        const struct watched_endpoint *endpoint = watch->endpoints[fault->members[m].endpoint];
        for (unsigned v = 0; v < endpoint->vantage_room && v < watch->vantage_count; v++) {
            if ((int)endpoint->cells[v].failure.class == most)
                outcome = endpoint->cells[v].failure;
        }
    }
    fault->changed = fault->changed || fault->seen.outcome.class != outcome.class;
    fault->seen.outcome = outcome;
}

static void choose_cause(struct fault *fault, const struct tally_of *tally)
{
    size_t best = 0;
    if (tally->cause_count == 0)
        return;
    for (size_t i = 1; i < tally->cause_count; i++) {
        bool named = tally->causes[i] != CAUSE_NONE;
        if ((named && tally->causes[best] == CAUSE_NONE) ||
            (named && tally->cause_counts[i] > tally->cause_counts[best]))
            best = i;
    }
    enum certainty certainty =
        tally->confirmed * 2 > tally->cells ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT;
    fault->changed =
        fault->changed || fault->seen.cause != tally->causes[best] || fault->seen.certainty != certainty;
    fault->seen.cause = tally->causes[best];
    fault->seen.certainty = certainty;
}

static void copy_tests(struct incident *incident, const struct place_tests *tests, double fisher, double sign)
{
    incident->failed = tests->failed;
    incident->attempts = tests->attempts;
    incident->outside_failed = tests->outside_failed;
    incident->outside_attempts = tests->outside_attempts;
    incident->confirm_failed = tests->confirm_failed;
    incident->confirm_attempts = tests->confirm_attempts;
    incident->fisher_p = fisher;
    incident->sign_p = sign;
}

/* The strongest of the members' claims gives confidence and alternatives; one vantage is never sure of itself. */
static void take_claim(struct fault *fault, const struct claim *claim)
{
    struct incident *incident = &fault->seen;
    double most = incident->certainty == CERTAINTY_CONFIRMED ? path_confidence_controlled : path_confidence;
    if (claim == NULL || claim->ongoing < 0.5)
        return;
    incident->confidence = claim->posterior;
    if (incident->place.kind == PLACE_VANTAGE && incident->confidence > most)
        incident->confidence = most;
    incident->alternative_count = claim->alternative_count;
    memcpy(incident->alternatives, claim->alternatives, sizeof incident->alternatives);
}

static bool list_members(struct watch *watch, struct fault *fault, const bool *sees)
{
    size_t room = fault->vantage_room;
    if (!watch_grow(&fault->vantage_ids, &room, watch->vantage_count, sizeof *fault->vantage_ids))
        return false;
    fault->vantage_room = room;
    fault->seen.vantage_count = 0;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        if (sees[v])
            fault->vantage_ids[fault->seen.vantage_count++] = watch->vantages[v].id;
    }
    fault->seen.vantage_ids = fault->vantage_ids;
    if (!fault_list_endpoints(watch, fault))
        return false;
    if (fault->seen.place.kind == PLACE_EDGE || fault->seen.place.kind == PLACE_DNS)
        fault->seen.place.endpoint_id = fault->member_count == 1 ? fault->endpoint_ids[0] : 0;
    return true;
}

bool fault_numbers(struct watch *watch, struct fault *fault)
{
    struct place_tests all = {0};
    struct tally_of tally = {.cells = 0};
    const struct claim *strongest = NULL;
    double fisher = 1, sign = 1;
    bool *sees = calloc(watch->vantage_count + 1, sizeof *sees);
    if (sees == NULL)
        return false;
    fault->seen.significant = false;
    for (size_t m = 0; m < fault->member_count; m++) {
        const struct watched_endpoint *endpoint = watch->endpoints[fault->members[m].endpoint];
        const struct claim *claim = claim_of(fault, endpoint);
        unsigned rounds = claim != NULL ? claim->onset : endpoint->rounds;
        struct place_tests own = {0};
        place_test(watch, &fault->seen.place, endpoint, rounds, &own);
        add_tests(&all, &own);
        double p = exact_fisher(own.bad_inside, own.inside, own.bad_outside, own.outside);
        double s = exact_sign(own.rounds_for, own.rounds_against);
        fisher = p < fisher ? p : fisher;
        sign = s < sign ? s : sign;
        fault->seen.significant = fault->seen.significant || (claim != NULL && claim->significant);
        if (claim != NULL && (strongest == NULL || claim->posterior > strongest->posterior))
            strongest = claim;
        look_inside(watch, fault, endpoint, rounds, &tally, sees);
    }
    choose_outcome(watch, fault, &tally);
    choose_cause(fault, &tally);
    copy_tests(&fault->seen, &all, fisher, sign);
    take_claim(fault, strongest);
    bool ok = list_members(watch, fault, sees);
    free(sees);
    fault_remarks(watch, fault, &all);
    return ok;
}

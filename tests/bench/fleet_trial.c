#include "fleet_trial.h"

#include <stdlib.h>
#include <string.h>

enum { WARM_ROUNDS = 60, REARM_ROUNDS = 5, MAX_INCIDENTS = 32 };

#define NAIVE_NAME(symbol, name) name,
const char *naive_name(enum naive rule)
{
    static const char *const names[] = {NAIVE_RULES(NAIVE_NAME)};
    return names[rule];
}

/* --- the rules that people use -------------------------------------------------------------------------------------------- */

struct naive_state {
    size_t endpoints, vantages;
    unsigned char *in_a_row;  /* by endpoint and vantage */
    unsigned *failed, *twice; /* by endpoint, in this round */
    unsigned *clean[NAIVE_COUNT];
    bool *open[NAIVE_COUNT];
};

static void naive_done(struct naive_state *state)
{
    free(state->in_a_row);
    free(state->failed);
    free(state->twice);
    for (unsigned r = 0; r < NAIVE_COUNT; r++) {
        free(state->clean[r]);
        free(state->open[r]);
    }
}

static bool naive_init(struct naive_state *state, size_t endpoints, size_t vantages)
{
    bool ok = true;
    memset(state, 0, sizeof *state);
    state->endpoints = endpoints;
    state->vantages = vantages;
    state->in_a_row = calloc(endpoints * vantages, 1);
    state->failed = calloc(endpoints, sizeof *state->failed);
    state->twice = calloc(endpoints, sizeof *state->twice);
    for (unsigned r = 0; r < NAIVE_COUNT; r++) {
        state->clean[r] = calloc(endpoints, sizeof *state->clean[r]);
        state->open[r] = calloc(endpoints, sizeof *state->open[r]);
        ok = ok && state->clean[r] != NULL && state->open[r] != NULL;
    }
    ok = ok && state->in_a_row != NULL && state->failed != NULL && state->twice != NULL;
    if (!ok)
        naive_done(state);
    return ok;
}

static bool naive_says(const struct naive_state *state, enum naive rule, size_t e)
{
    switch (rule) {
    case NAIVE_THREE_IN_A_ROW:
        for (size_t v = 0; v < state->vantages; v++) {
            if (state->in_a_row[e * state->vantages + v] >= 3)
                return true;
        }
        return false;
    case NAIVE_TWO_AT_ONCE:
        return state->twice[e] >= 2;
    case NAIVE_SHARE:
        return state->failed[e] * 5 > state->vantages;
    case NAIVE_COUNT:
        break;
    }
    return false;
}

/* ret_opened[rule]: how many endpoints below `endpoints` it opened in this round. */
static void naive_round(struct naive_state *state, const struct watch_round *round, size_t endpoints,
                        unsigned ret_opened[NAIVE_COUNT])
{
    memset(state->failed, 0, state->endpoints * sizeof *state->failed);
    memset(state->twice, 0, state->endpoints * sizeof *state->twice);
    memset(ret_opened, 0, NAIVE_COUNT * sizeof *ret_opened);
    for (size_t i = 0; i < round->sight_count; i++) {
        const struct sight *sight = &round->sights[i];
        size_t e = (size_t)sight->endpoint_id - 1, v = (size_t)sight->vantage_id - 1;
        unsigned char *row = &state->in_a_row[e * state->vantages + v];
        bool failed = outcome_is_failure(sight->outcome);
        *row = (unsigned char)(failed ? *row + (*row < 200) : 0);
        state->failed[e] += failed;
        state->twice[e] += failed && sight->confirm == CONFIRM_FAILED;
    }
    for (unsigned r = 0; r < NAIVE_COUNT; r++) {
        for (size_t e = 0; e < endpoints; e++) {
            bool says = naive_says(state, (enum naive)r, e);
            ret_opened[r] += says && !state->open[r][e];
            state->clean[r][e] = says ? 0 : state->clean[r][e] + 1;
            state->open[r][e] = says || (state->open[r][e] && state->clean[r][e] < REARM_ROUNDS);
        }
    }
}

/* --- quiet days --------------------------------------------------------------------------------------------------------------- */

struct listener {
    const struct world *world;
    struct quiet *quiet;
    struct score *score;
    int64_t broken_endpoints;
    bool has_opened, was_correct, is_correct;
    unsigned incidents;
    enum place_kind said;
};

static void hear_quiet(const struct incident *incident, enum incident_change change, void *arg)
{
    struct listener *listener = arg;
    struct quiet *quiet = listener->quiet;
    if (change != INCIDENT_OPENED)
        return;
    if (incident->kind != INCIDENT_FAILS) {
        quiet->asides++;
        return;
    }
    quiet->opens++;
    quiet->opens_by[incident->place.kind]++;
    bool burst = incident->place.kind == PLACE_VANTAGE;
    for (size_t i = 0; i < incident->endpoint_count; i++)
        burst =
            burst && world_path_burst(listener->world, incident->endpoint_ids[i], incident->place.vantage_id);
    quiet->path_bursts += burst;
}

static struct watch *make_watch(const struct world *world)
{
    struct watch_options options;
    watch_defaults(&options);
    struct watch *watch = watch_new(&options);
    if (watch != NULL && !world_introduce(world, watch)) {
        watch_free(watch);
        return NULL;
    }
    return watch;
}

bool trial_quiet(const struct world_options *options, unsigned days, struct quiet *ret_quiet)
{
    struct quiet quiet = {.endpoint_days = (double)days * options->endpoints};
    struct world *world = world_new(options);
    struct watch *watch = world == NULL ? NULL : make_watch(world);
    struct naive_state naive = {0};
    bool ok = watch != NULL &&
              naive_init(&naive, options->endpoints + options->sentinels, world_vantage_count(world));
    struct listener listener = {.world = world, .quiet = &quiet};
    for (unsigned r = 0; ok && r < days * 1440; r++) {
        unsigned opened[NAIVE_COUNT];
        struct watch_round round = world_round(world);
        ok = watch_round(watch, &round, hear_quiet, &listener);
        naive_round(&naive, &round, options->endpoints, opened);
        for (unsigned n = 0; n < NAIVE_COUNT; n++)
            quiet.naive_opens[n] += opened[n];
    }
    naive_done(&naive);
    watch_free(watch);
    world_free(world);
    *ret_quiet = quiet;
    return ok;
}

/* --- faults ------------------------------------------------------------------------------------------------------------------- */

static bool is_about(const struct incident *incident, int64_t endpoints)
{
    for (size_t i = 0; i < incident->endpoint_count; i++) {
        if (incident->endpoint_ids[i] <= endpoints)
            return true;
    }
    return false;
}

static void hear_fault(const struct incident *incident, enum incident_change change, void *arg)
{
    struct listener *listener = arg;
    if (!is_about(incident, listener->broken_endpoints) || incident->kind != INCIDENT_FAILS ||
        change == INCIDENT_CLOSED)
        return;
    bool correct = world_is_place(listener->world, &incident->place, incident->endpoint_ids[0]);
    listener->incidents += change == INCIDENT_OPENED;
    if (!listener->has_opened && change == INCIDENT_OPENED) {
        listener->has_opened = true;
        listener->was_correct = correct;
        listener->said = incident->place.kind;
    }
    listener->is_correct = correct;
}

static void hear_aside(const struct incident *incident, enum incident_change change, void *arg)
{
    struct listener *listener = arg;
    if (change != INCIDENT_OPENED)
        return;
    listener->incidents++;
    if (listener->has_opened)
        return;
    listener->has_opened = true;
    listener->said = incident->place.kind;
    listener->was_correct =
        incident->kind == INCIDENT_VANTAGE_ASIDE && world_is_place(listener->world, &incident->place, 0);
    listener->is_correct = listener->was_correct;
}

static void hear_nothing(const struct incident *incident, enum incident_change change, void *arg)
{
    (void)incident;
    (void)change;
    (void)arg;
}

static void count_trial(struct score *score, const struct listener *listener, unsigned round)
{
    score->settled += listener->is_correct;
    score->more += listener->incidents > 1 ? listener->incidents - 1 : 0;
    if (!listener->has_opened)
        return;
    score->rounds[score->opened++] = (unsigned char)round;
    score->correct += listener->was_correct;
    score->wrong_by[listener->said] += !listener->was_correct;
}

static bool run_trial(struct world *world, struct watch *watch, struct naive_state *naive,
                      enum world_fault fault, unsigned endpoints, struct score *score)
{
    struct listener listener = {.world = world, .score = score, .broken_endpoints = endpoints};
    unsigned opened_after = 0, opened[NAIVE_COUNT], naive_opened[NAIVE_COUNT] = {0};
    unsigned warm = WARM_ROUNDS + (unsigned)world_random(world, 60);
    for (unsigned r = 0; r < warm; r++) {
        struct watch_round round = world_round(world);
        if (!watch_round(watch, &round, hear_nothing, NULL))
            return false;
        naive_round(naive, &round, endpoints, opened);
    }
    if (!world_break(world, fault, endpoints)) {
        score->impossible++;
        return true;
    }
    score->trials++;
    for (unsigned r = 1; r <= TRIAL_MAX_ROUNDS; r++) {
        struct watch_round round = world_round(world);
        if (!watch_round(watch, &round, fault == WORLD_SICK ? hear_aside : hear_fault, &listener))
            return false;
        opened_after = opened_after == 0 && listener.has_opened ? r : opened_after;
        naive_round(naive, &round, endpoints, opened);
        for (unsigned n = 0; n < NAIVE_COUNT; n++)
            naive_opened[n] += opened[n];
    }
    for (unsigned n = 0; n < NAIVE_COUNT; n++)
        score->naive_opened[n] += naive_opened[n] > 0;
    count_trial(score, &listener, opened_after);
    return true;
}

static int order_rounds(const void *a, const void *b)
{
    return (int)*(const unsigned char *)a - (int)*(const unsigned char *)b;
}

bool trial_fault(const struct world_options *options, enum world_fault fault, unsigned endpoints,
                 unsigned count, struct score *ret_score)
{
    bool ok = true;
    memset(ret_score, 0, sizeof *ret_score);
    for (unsigned t = 0; ok && t < count && t < TRIAL_MAX; t++) {
        struct world_options own = *options;
        struct naive_state naive = {0};
        own.seed = options->seed * 1000003 + t + 1;
        struct world *world = world_new(&own);
        struct watch *watch = world == NULL ? NULL : make_watch(world);
        ok = watch != NULL && naive_init(&naive, own.endpoints + own.sentinels, world_vantage_count(world)) &&
             run_trial(world, watch, &naive, fault, endpoints, ret_score);
        naive_done(&naive);
        watch_free(watch);
        world_free(world);
    }
    qsort(ret_score->rounds, ret_score->opened, 1, order_rounds);
    return ok;
}

unsigned score_percentile(const struct score *score, unsigned percent)
{
    if (score->opened == 0)
        return 0;
    unsigned at = score->opened * percent / 100;
    return score->rounds[at < score->opened ? at : score->opened - 1];
}

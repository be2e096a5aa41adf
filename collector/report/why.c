#include "report/why.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"
#include "words/conclusion_json.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>

enum { WHYS_ARENA_BYTES = 1 << 26, WHY_NUMBER_BYTES = 24, WHY_PARAMS = 5 };

/* What one vantage says of a finding. */
struct voice {
    unsigned vantage;
    int64_t round_id;
    enum cause cause; /* CAUSE_NONE: nothing */
    enum certainty certainty;
};

static const char *number(int64_t value, char out[WHY_NUMBER_BYTES])
{
    (void)snprintf(out, WHY_NUMBER_BYTES, "%" PRId64, value);
    return out;
}

static PGresult *read_rounds(struct db *db, const struct window *asked, int64_t endpoint_id,
                             enum outcome_class class)
{
    const struct window aligned = window_aligned(asked), *window = &aligned;
    char endpoint[WHY_NUMBER_BYTES], outcome[WHY_NUMBER_BYTES], round[WHY_NUMBER_BYTES];
    char since[UNITS_TIME_BYTES], until[UNITS_TIME_BYTES];
    const char *values[WHY_PARAMS] = {
        number(endpoint_id, endpoint),
        number((int64_t) class, outcome),
        window->since_us == 0 ? NULL : time_rfc3339(window->since_us, 6, since),
        window->until_us == 0 ? NULL : time_rfc3339(window->until_us, 6, until),
        window->round_id == 0 ? NULL : number(window->round_id, round),
    };
    return db_query(db, window_is_rolled(asked) ? STATEMENT_rolled_case_rounds : STATEMENT_case_rounds,
                    values, WHY_PARAMS);
}

/* The finding's vantages that failed so in the window, and the round that tells most of it. */
static size_t read_voices(const struct diff *diff, const struct finding *finding, const PGresult *rounds,
                          struct voice voices[WHY_VANTAGES_MAX])
{
    size_t count = 0;
    for (int row = 0; row < PQntuples(rounds); row++) {
        for (unsigned v = 0; v < diff->matrix->vantage_count && count < WHY_VANTAGES_MAX; v++) {
            if (finding->where[v] && diff->matrix->vantages[v].id == db_int(rounds, row, "vantage_id"))
                voices[count++] = (struct voice){.vantage = v, .round_id = db_int(rounds, row, "round_id")};
        }
    }
    return count;
}

static bool read_cases(struct db *db, const struct diff *diff, const struct finding *finding,
                       const struct voice *voice, struct cases *ret_cases)
{
    return cases_read(db, voice->round_id, diff->matrix->endpoints[finding->endpoint].id,
                      diff->matrix->vantages[voice->vantage].id, ret_cases);
}

static bool hear(struct db *db, const struct diff *diff, const struct finding *finding, struct voice *voice)
{
    struct cases cases;
    if (!read_cases(db, diff, finding, voice, &cases))
        return false;
    const struct case_concluded *concluded = cases_find(&cases, finding->outcome.class);
    if (concluded != NULL) {
        voice->cause = concluded->conclusion.cause;
        voice->certainty = concluded->conclusion.certainty;
    }
    cases_done(&cases);
    return true;
}

static unsigned agreeing(const struct voice *voices, size_t count, enum cause cause)
{
    unsigned agree = 0;
    for (size_t i = 0; i < count; i++)
        agree += voices[i].cause == cause;
    return agree;
}

/* Of the cause that most name, one who is sure of it. NULL when nobody names any. */
static const struct voice *choose(const struct voice *voices, size_t count)
{
    const struct voice *best = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned agree = agreeing(voices, count, voices[i].cause),
                 most = best == NULL ? 0 : agreeing(voices, count, best->cause);
        bool surer = best != NULL && voices[i].cause == best->cause && voices[i].certainty > best->certainty;
        if (voices[i].cause != CAUSE_NONE && (agree > most || surer))
            best = &voices[i];
    }
    return best;
}

static bool copy_facts(struct arena *arena, struct conclusion *conclusion)
{
    bool copied = true;
    for (size_t i = 0; copied && i < conclusion->fact_count; i++) {
        conclusion->facts[i].key = arena_string(arena, conclusion->facts[i].key);
        conclusion->facts[i].value = arena_string(arena, conclusion->facts[i].value);
        copied = conclusion->facts[i].key != NULL && conclusion->facts[i].value != NULL;
    }
    return copied;
}

static bool keep(struct db *db, const struct diff *diff, const struct finding *finding,
                 const struct voice *voice, struct arena *arena, struct why *why)
{
    struct cases cases;
    if (!read_cases(db, diff, finding, voice, &cases))
        return false;
    const struct case_concluded *concluded = cases_find(&cases, finding->outcome.class);
    bool kept = true;
    if (concluded != NULL) { /* more may have come since it was heard, but nothing goes */
        why->conclusion = concluded->conclusion;
        why->verdict = conclusion_json(&concluded->file, &concluded->conclusion);
        why->known = kept = copy_facts(arena, &why->conclusion) && why->verdict != NULL;
        if (!kept)
            cli_error(_("out of memory"));
    }
    cases_done(&cases);
    return kept;
}

static bool is_failing(const struct finding *finding)
{
    return finding->kind == FINDING_FAILS || finding->kind == FINDING_AT_TIMES;
}

static bool why_read(struct db *db, const struct window *window, const struct diff *diff,
                     const struct finding *finding, struct arena *arena, struct why *why)
{
    struct voice voices[WHY_VANTAGES_MAX];
    PGresult *rounds =
        read_rounds(db, window, diff->matrix->endpoints[finding->endpoint].id, finding->outcome.class);
    if (rounds == NULL)
        return false;
    size_t count = read_voices(diff, finding, rounds, voices);
    PQclear(rounds);
    for (size_t i = 0; i < count; i++) {
        if (!hear(db, diff, finding, &voices[i]))
            return false;
    }
    const struct voice *chosen = choose(voices, count);
    if (chosen == NULL)
        return true;
    why->vantage = chosen->vantage;
    why->round_id = chosen->round_id;
    why->agreeing = agreeing(voices, count, chosen->cause);
    why->concluded = (unsigned)count - agreeing(voices, count, CAUSE_NONE);
    return keep(db, diff, finding, chosen, arena, why);
}

bool whys_read(struct db *db, const struct window *window, const struct diff *diff, struct whys *ret_whys)
{
    *ret_whys = (struct whys){.count = diff->finding_count};
    arena_init(&ret_whys->arena, WHYS_ARENA_BYTES);
    ret_whys->whys = arena_array(&ret_whys->arena, ret_whys->count, sizeof *ret_whys->whys);
    if (ret_whys->whys == NULL) {
        ret_whys->count = 0;
        cli_error(_("the window is too large to compare; narrow it with --site, --region or --since"));
        return false;
    }
    bool read = true;
    for (size_t i = 0; read && i < ret_whys->count; i++) {
        if (is_failing(&diff->findings[i]))
            read = why_read(db, window, diff, &diff->findings[i], &ret_whys->arena, &ret_whys->whys[i]);
    }
    return read;
}

void whys_done(struct whys *whys)
{
    for (size_t i = 0; i < whys->count; i++)
        json_decref(whys->whys[i].verdict);
    arena_done(&whys->arena);
    *whys = (struct whys){0};
}

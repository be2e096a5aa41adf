#include "report/why.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"
#include "words/conclusion_json.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * In three steps, each one statement for all findings: the rounds that tell why, what each vantage's attempts of them conclude, and the
 * whole conclusion of the vantage that was chosen.
 */

enum { WHYS_ARENA_BYTES = 1 << 26 };

/* What one vantage says of a finding. */
struct voice {
    unsigned vantage;
    int64_t round_id;
    enum cause cause; /* CAUSE_NONE: nothing */
    enum certainty certainty;
};

/* What is heard for one failing finding. */
struct hearing {
    size_t finding; /* index into the diff's */
    size_t count;
    struct voice voices[WHY_VANTAGES_MAX];
};

/* Whom a key that is read is about. */
struct asked {
    size_t hearing;
    size_t voice;
};

struct hall {
    const struct diff *diff;
    struct whys *whys;
    struct arena arena;
    size_t count; /* of hearings, and of their failures */
    struct hearing *hearings;
    struct case_failure *failures;
    size_t asked_count;
    struct asked *asked;
    struct case_key *keys;
};

static bool is_failing(const struct finding *finding)
{
    return finding->kind == FINDING_FAILS || finding->kind == FINDING_AT_TIMES;
}

static const struct finding *finding_of(const struct hall *hall, const struct hearing *hearing)
{
    return &hall->diff->findings[hearing->finding];
}

/* --- who is heard ---------------------------------------------------------------------------------------------------- */

static bool open_hearings(struct hall *hall)
{
    const struct diff *diff = hall->diff;
    size_t count = 0;
    for (size_t i = 0; i < diff->finding_count; i++)
        count += is_failing(&diff->findings[i]);
    arena_init(&hall->arena, WHYS_ARENA_BYTES);
    hall->hearings = arena_array(&hall->arena, count, sizeof *hall->hearings);
    hall->failures = arena_array(&hall->arena, count, sizeof *hall->failures);
    if (hall->hearings == NULL || hall->failures == NULL)
        return false;
    for (size_t i = 0; i < diff->finding_count; i++) {
        const struct finding *finding = &diff->findings[i];
        if (!is_failing(finding))
            continue;
        hall->failures[hall->count] =
            (struct case_failure){diff->matrix->endpoints[finding->endpoint].id, finding->outcome.class};
        hall->hearings[hall->count++].finding = i;
    }
    return true;
}

static PGresult *read_rounds(struct db *db, const struct window *asked, const struct hall *hall)
{
    const struct window window = window_aligned(asked);
    char since[UNITS_TIME_BYTES], until[UNITS_TIME_BYTES], round_id[24];
    (void)snprintf(round_id, sizeof round_id, "%" PRId64, window.round_id);
    const struct case_bounds bounds = {
        .since = window.since_us == 0 ? NULL : time_rfc3339(window.since_us, 6, since),
        .until = window.until_us == 0 ? NULL : time_rfc3339(window.until_us, 6, until),
        .round_id = window.round_id == 0 ? NULL : round_id,
    };
    return case_rounds(db, window_is_rolled(asked) ? STATEMENT_rolled_case_rounds : STATEMENT_case_rounds,
                       hall->failures, hall->count, &bounds);
}

/* The finding's vantages that failed so in the window, and the round that tells most of it. */
static void call_voices(const struct hall *hall, const PGresult *rounds, size_t index)
{
    struct hearing *hearing = &hall->hearings[index];
    const struct matrix *matrix = hall->diff->matrix;
    const bool *where = finding_of(hall, hearing)->where;
    int end, row = case_rounds_of(rounds, &hall->failures[index], &end);
    for (; row < end; row++) {
        int64_t vantage_id = db_int(rounds, row, "vantage_id");
        for (unsigned v = 0; v < matrix->vantage_count && hearing->count < WHY_VANTAGES_MAX; v++) {
            if (where[v] && matrix->vantages[v].id == vantage_id)
                hearing->voices[hearing->count++] =
                    (struct voice){.vantage = v, .round_id = db_int(rounds, row, "round_id")};
        }
    }
}

/* --- what they say --------------------------------------------------------------------------------------------------- */

static void ask(struct hall *hall, size_t hearing, size_t voice)
{
    const struct voice *one = &hall->hearings[hearing].voices[voice];
    hall->asked[hall->asked_count] = (struct asked){hearing, voice};
    hall->keys[hall->asked_count++] = (struct case_key){one->round_id, hall->failures[hearing].endpoint_id,
                                                        hall->diff->matrix->vantages[one->vantage].id};
}

static const struct case_concluded *concluded_of(const struct hall *hall, const struct cases *cases,
                                                 size_t index)
{
    return cases_find(cases, hall->failures[hall->asked[index].hearing].class);
}

static bool hear(size_t index, struct cases *cases, void *arg)
{
    struct hall *hall = arg;
    const struct case_concluded *concluded = concluded_of(hall, cases, index);
    struct voice *voice = &hall->hearings[hall->asked[index].hearing].voices[hall->asked[index].voice];
    if (concluded != NULL) {
        voice->cause = concluded->conclusion.cause;
        voice->certainty = concluded->conclusion.certainty;
    }
    return true;
}

static bool hear_all(struct db *db, struct hall *hall)
{
    size_t count = 0;
    for (size_t i = 0; i < hall->count; i++)
        count += hall->hearings[i].count;
    hall->asked = arena_array(&hall->arena, count, sizeof *hall->asked);
    hall->keys = arena_array(&hall->arena, count, sizeof *hall->keys);
    if (hall->asked == NULL || hall->keys == NULL) {
        cli_error(_("out of memory"));
        return false;
    }
    for (size_t i = 0; i < hall->count; i++) {
        for (size_t v = 0; v < hall->hearings[i].count; v++)
            ask(hall, i, v);
    }
    return cases_read(db, hall->keys, hall->asked_count, hear, hall);
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

/* --- which of them is kept ------------------------------------------------------------------------------------------- */

static bool keep(size_t index, struct cases *cases, void *arg)
{
    struct hall *hall = arg;
    struct why *why = &hall->whys->whys[hall->hearings[hall->asked[index].hearing].finding];
    const struct case_concluded *concluded = concluded_of(hall, cases, index);
    if (concluded == NULL)
        return true; /* more may have come since it was heard, but nothing goes */
    why->conclusion = concluded->conclusion;
    why->verdict = conclusion_json(&concluded->file, &concluded->conclusion);
    why->known = conclusion_keep(&hall->whys->arena, &why->conclusion) && why->verdict != NULL;
    if (!why->known)
        cli_error(_("out of memory"));
    return why->known;
}

static bool keep_all(struct db *db, struct hall *hall)
{
    hall->asked_count = 0;
    for (size_t i = 0; i < hall->count; i++) {
        const struct hearing *hearing = &hall->hearings[i];
        const struct voice *chosen = choose(hearing->voices, hearing->count);
        struct why *why = &hall->whys->whys[hearing->finding];
        if (chosen == NULL)
            continue;
        why->vantage = chosen->vantage;
        why->round_id = chosen->round_id;
        why->agreeing = agreeing(hearing->voices, hearing->count, chosen->cause);
        why->concluded = (unsigned)hearing->count - agreeing(hearing->voices, hearing->count, CAUSE_NONE);
        ask(hall, i, (size_t)(chosen - hearing->voices));
    }
    return cases_read(db, hall->keys, hall->asked_count, keep, hall);
}

static bool read_all(struct db *db, const struct window *window, struct hall *hall)
{
    PGresult *rounds = read_rounds(db, window, hall);
    if (rounds == NULL)
        return false;
    for (size_t i = 0; i < hall->count; i++)
        call_voices(hall, rounds, i);
    PQclear(rounds);
    return hear_all(db, hall) && keep_all(db, hall);
}

bool whys_read(struct db *db, const struct window *window, const struct diff *diff, struct whys *ret_whys)
{
    struct hall hall = {.diff = diff, .whys = ret_whys};
    *ret_whys = (struct whys){.count = diff->finding_count};
    arena_init(&ret_whys->arena, WHYS_ARENA_BYTES);
    ret_whys->whys = arena_array(&ret_whys->arena, ret_whys->count, sizeof *ret_whys->whys);
    bool room = ret_whys->whys != NULL && open_hearings(&hall);
    if (!room)
        cli_error(_("the window is too large to compare; narrow it with --site, --region or --since"));
    if (ret_whys->whys == NULL)
        ret_whys->count = 0;
    bool read = room && (hall.count == 0 || read_all(db, window, &hall));
    arena_done(&hall.arena);
    return read;
}

void whys_done(struct whys *whys)
{
    for (size_t i = 0; i < whys->count; i++)
        json_decref(whys->whys[i].verdict);
    arena_done(&whys->arena);
    *whys = (struct whys){0};
}

#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"

#include <stdlib.h>

/* What a round showed, as the watch wants it. */

enum { FEED_MAX_CASES = 256, FEED_ARENA_BYTES = 1 << 16 };

/* Attempts start at their slots; a clock that is known badly may put one a little outside of its round. */
#define FEED_MARGIN_US (600 * US_PER_S)

PGresult *judge_round_query(struct db *db, enum statement_id id, const struct judge_round *round)
{
    char number[3][JUDGE_NUMBER_BYTES];
    const char *values[] = {judge_number(round->id, number[0]),
                            judge_number(round->start_us - FEED_MARGIN_US, number[1]),
                            judge_number(round->deadline_us + FEED_MARGIN_US, number[2])};
    return db_query(db, id, values, 3);
}

/* Texts are the result's. @return false for an outcome of a newer program. */
static bool read_sight(const PGresult *rows, int row, struct sight *sight)
{
    struct outcome outcome;
    if (!outcome_from_numbers((int)db_int(rows, row, "class"), (int)db_int(rows, row, "raw_kind"),
                              (int32_t)db_int(rows, row, "raw"), &outcome))
        return false;
    *sight = (struct sight){
        .endpoint_id = db_int(rows, row, "endpoint_id"),
        .vantage_id = db_int(rows, row, "vantage_id"),
        .outcome = outcome,
        .confirm = (enum sight_confirm)db_int(rows, row, "confirm"),
        .edge = db_text(rows, row, "edge"),
        .pop = db_text(rows, row, "pop"),
        .start_error_us = db_int(rows, row, "start_error_us"),
        .loop_lag_us = db_int(rows, row, "loop_lag_us"),
        .pinned = db_text(rows, row, "pinned")[0] == 't',
    };
    (void)address_parse(db_text(rows, row, "address"), &sight->address);
    return true;
}

/*
 * Reset with this name, answered with another: one vantage alone takes it for the server's doing when it comes no sooner than the
 * server could answer. A server that answers others with this name is not what resets it.
 */
static bool is_about_the_name(const struct conclusion *conclusion)
{
    for (size_t i = 0; conclusion->cause == CAUSE_HELLO_SERVER_RESET && i < conclusion->ruled_count; i++) {
        if (conclusion->ruled[i].cause == CAUSE_HELLO_ADDRESS_BLOCKED)
            return true;
    }
    return false;
}

static bool endpoint_passes(const struct sight *sights, size_t count, int64_t endpoint_id)
{
    for (size_t i = 0; i < count; i++) {
        if (sights[i].endpoint_id == endpoint_id && outcome_is_ok(sights[i].outcome))
            return true;
    }
    return false;
}

/* The sights of a round whose causes are asked for. */
struct telling {
    const struct sight *sights;
    size_t sight_count;
    size_t count;
    struct sight **asked;
    struct case_failure *failures;
    struct case_key *keys;
};

static bool hear(size_t index, struct cases *cases, void *arg)
{
    const struct telling *telling = arg;
    struct sight *sight = telling->asked[index];
    const struct case_concluded *found = cases_find(cases, sight->outcome.class);
    if (found == NULL)
        return true;
    sight->cause = found->conclusion.cause;
    sight->certainty = found->conclusion.certainty;
    if (is_about_the_name(&found->conclusion) &&
        endpoint_passes(telling->sights, telling->sight_count, sight->endpoint_id)) {
        sight->cause = CAUSE_HELLO_NAME_RESET;
        sight->certainty = CERTAINTY_CONSISTENT;
    }
    return true;
}

/* An agent looks into a lasting failure once in a while: it is asked for the round that tells most of why. */
static bool ask(struct judge *judge, const struct judge_round *round, struct telling *telling)
{
    char number[JUDGE_NUMBER_BYTES];
    const struct case_bounds bounds = {.round_id = judge_number(round->id, number)};
    PGresult *rounds =
        case_rounds(judge->db, STATEMENT_case_rounds, telling->failures, telling->count, &bounds);
    if (rounds == NULL)
        return false;
    for (size_t i = 0; i < telling->count; i++) {
        const struct sight *sight = telling->asked[i];
        telling->keys[i] =
            (struct case_key){case_round_of(rounds, &telling->failures[i], sight->vantage_id, round->id),
                              sight->endpoint_id, sight->vantage_id};
    }
    PQclear(rounds);
    return cases_read(judge->db, telling->keys, telling->count, hear, telling);
}

static bool make_room(struct telling *telling, struct arena *arena, size_t count)
{
    telling->asked = arena_array(arena, count, sizeof *telling->asked);
    telling->failures = arena_array(arena, count, sizeof *telling->failures);
    telling->keys = arena_array(arena, count, sizeof *telling->keys);
    if (telling->asked != NULL && telling->failures != NULL && telling->keys != NULL)
        return true;
    cli_error(_("out of memory"));
    return false;
}

/*
 * When everything fails at once, the causes of some say enough: the cases are spread over the round, so that each endpoint has its
 * share.
 */
bool judge_causes(struct judge *judge, const struct judge_round *round, struct sight *sights, size_t count)
{
    struct telling telling = {.sights = sights, .sight_count = count};
    struct arena arena;
    size_t failing = 0, seen = 0;
    for (size_t i = 0; i < count; i++)
        failing += outcome_is_failure(sights[i].outcome);
    if (failing == 0)
        return true;
    size_t step = failing / FEED_MAX_CASES + 1;
    arena_init(&arena, FEED_ARENA_BYTES);
    bool done = make_room(&telling, &arena, failing / step + 1);
    for (size_t i = 0; done && i < count; i++) {
        if (!outcome_is_failure(sights[i].outcome) || seen++ % step != 0)
            continue;
        telling.failures[telling.count] =
            (struct case_failure){sights[i].endpoint_id, sights[i].outcome.class};
        telling.asked[telling.count++] = &sights[i];
    }
    done = done && ask(judge, round, &telling);
    arena_done(&arena);
    return done;
}

static bool feed_sights(struct judge *judge, const struct judge_round *round, struct sight *sights,
                        size_t count, incident_fn *on_change, void *arg)
{
    struct watch_round fed = {.id = round->id,
                              .start_us = round->start_us,
                              .interval_s = round->interval_s,
                              .sight_count = count,
                              .sights = sights};
    bool done = judge_causes(judge, round, sights, count) && judge_certificates(judge, round);
    if (on_change != NULL) {
        done = done && judge_conditions(judge, round, sights, count); /* may know better why */
        fed.conditions = judge->now.incidents;
        fed.condition_count = judge->now.count;
    }
    if (done && !watch_round(judge->watch, &fed, on_change, arg)) {
        cli_error(_("out of memory"));
        done = false;
    }
    return done;
}

bool judge_feed(struct judge *judge, const struct judge_round *round, incident_fn *on_change, void *arg)
{
    PGresult *rows = judge_round_query(judge->db, STATEMENT_judge_sights, round);
    if (rows == NULL)
        return false;
    struct sight *sights = calloc((size_t)PQntuples(rows) + 1, sizeof *sights);
    size_t count = 0;
    for (int row = 0; sights != NULL && row < PQntuples(rows); row++)
        count += read_sight(rows, row, &sights[count]);
    bool done = sights != NULL && feed_sights(judge, round, sights, count, on_change, arg);
    if (sights == NULL)
        cli_error(_("out of memory"));
    free(sights);
    PQclear(rows);
    return done;
}

#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"

#include <stdlib.h>

/* What a round showed, as the watch wants it. */

enum { FEED_MAX_CASES = 256 };

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

/* For one endpoint and class: which round of each vantage tells most of why. */
struct telling {
    int64_t endpoint_id;
    enum outcome_class class;
    PGresult *rounds;
};

static bool ask_telling(struct judge *judge, const struct judge_round *round, const struct sight *sight,
                        struct telling *telling)
{
    char number[3][JUDGE_NUMBER_BYTES];
    if (telling->rounds != NULL && telling->endpoint_id == sight->endpoint_id &&
        telling->class == sight->outcome.class)
        return true;
    PQclear(telling->rounds);
    const char *values[] = {judge_number(sight->endpoint_id, number[0]),
                            judge_number((int64_t)sight->outcome.class, number[1]), NULL, NULL,
                            judge_number(round->id, number[2])};
    *telling = (struct telling){sight->endpoint_id, sight->outcome.class,
                                db_query(judge->db, STATEMENT_case_rounds, values, 5)};
    return telling->rounds != NULL;
}

/* An agent looks into a lasting failure once in a while, so the round that tells why may be an earlier one. */
static int64_t telling_round(const struct telling *telling, const struct sight *sight, int64_t otherwise)
{
    for (int row = 0; row < PQntuples(telling->rounds); row++) {
        if (db_int(telling->rounds, row, "vantage_id") == sight->vantage_id)
            return db_int(telling->rounds, row, "round_id");
    }
    return otherwise;
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

static bool conclude_sight(struct judge *judge, const struct judge_round *round, struct telling *telling,
                           bool passes_elsewhere, struct sight *sight)
{
    struct cases cases;
    if (!ask_telling(judge, round, sight, telling) ||
        !cases_read(judge->db, telling_round(telling, sight, round->id), sight->endpoint_id,
                    sight->vantage_id, &cases))
        return false;
    const struct case_concluded *found = cases_find(&cases, sight->outcome.class);
    if (found != NULL) {
        sight->cause = found->conclusion.cause;
        sight->certainty = found->conclusion.certainty;
        if (passes_elsewhere && is_about_the_name(&found->conclusion)) {
            sight->cause = CAUSE_HELLO_NAME_RESET;
            sight->certainty = CERTAINTY_CONSISTENT;
        }
    }
    cases_done(&cases);
    return true;
}

/*
 * When everything fails at once, the causes of some say enough: the cases are spread over the round, so that each endpoint has its
 * share.
 */
bool judge_causes(struct judge *judge, const struct judge_round *round, struct sight *sights, size_t count)
{
    size_t failing = 0, seen = 0;
    for (size_t i = 0; i < count; i++)
        failing += outcome_is_failure(sights[i].outcome);
    size_t step = failing / FEED_MAX_CASES + 1;
    struct telling telling = {0};
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        if (outcome_is_failure(sights[i].outcome) && seen++ % step == 0)
            done = conclude_sight(judge, round, &telling,
                                  endpoint_passes(sights, count, sights[i].endpoint_id), &sights[i]);
    }
    PQclear(telling.rounds);
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

#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* "plxjudg" as a number: who holds this lock judges. */
#define JUDGE_LOCK "31644461829547111"

/* How long after its deadline a round waits for a vantage that is connected and has not reported it. */
#define JUDGE_PATIENCE_US (15 * US_PER_S)

const char *judge_number(int64_t number, char out[JUDGE_NUMBER_BYTES])
{
    (void)snprintf(out, JUDGE_NUMBER_BYTES, "%" PRId64, number);
    return out;
}

/* --- one round ------------------------------------------------------------------------------------------------------ */

static bool mark_judged(struct db *db, int64_t round_id)
{
    char id[JUDGE_NUMBER_BYTES];
    const char *values[] = {judge_number(round_id, id)};
    PGresult *result = db_query(db, STATEMENT_judge_done, values, 1);
    bool marked = result != NULL && PQntuples(result) == 1;
    if (result != NULL && !marked)
        cli_error(_("round %s was judged by somebody else meanwhile"), id);
    PQclear(result);
    return marked;
}

static bool judge_one(struct judge *judge, const struct judge_round *round)
{
    struct judge_writing writing = {.judge = judge, .round = round};
    if (!db_begin(judge->db))
        return false;
    bool done = mark_judged(judge->db, round->id) && judge_feed(judge, round, judge_write_change, &writing);
    if (done)
        watch_each(judge->watch, judge_write_state, &writing);
    if (done && !writing.failed && judge_write_baselines(judge))
        return db_commit(judge->db);
    db_rollback(judge->db);
    return false;
}

/* --- all that are ready ------------------------------------------------------------------------------------------------ */

/* @return how many were judged, -1 after cli_error; *ret_more when there may be others. */
static int judge_ready(struct judge *judge, bool *ret_more)
{
    char patience[JUDGE_NUMBER_BYTES];
    const char *values[] = {judge_number(JUDGE_PATIENCE_US, patience)};
    PGresult *rounds = db_query(judge->db, STATEMENT_judge_next, values, 1);
    int row = 0, count = rounds == NULL ? -1 : PQntuples(rounds);
    bool good = count >= 0;
    while (good && row < count && db_text(rounds, row, "ready")[0] == 't' && !judge->stopping) {
        const struct judge_round round = {.id = db_int(rounds, row, "id"),
                                          .start_us = db_int(rounds, row, "start_us"),
                                          .deadline_us = db_int(rounds, row, "deadline_us"),
                                          .interval_s = (unsigned)db_int(rounds, row, "interval_s")};
        good = judge_one(judge, &round);
        row += good;
    }
    PQclear(rounds);
    *ret_more = good && row > 0 && row == count && !judge->stopping;
    return good ? row : -1;
}

static bool judge_lead(struct judge *judge)
{
    const char *values[] = {JUDGE_LOCK};
    if (judge->held)
        return true;
    PGresult *result = db_query(judge->db, STATEMENT_judge_lock, values, 1);
    judge->held = result != NULL && db_text(result, 0, "held")[0] == 't';
    bool asked = result != NULL;
    PQclear(result);
    return asked;
}

static bool judge_prepare(struct judge *judge)
{
    PGresult *asked = db_query(judge->db, STATEMENT_judge_asked, NULL, 0);
    PQclear(asked);
    if (asked == NULL || !judge_refresh(judge))
        return false;
    judge->loaded = judge->loaded || judge_load(judge);
    return judge->loaded;
}

bool judge_rounds(struct judge *judge, size_t *ret_count)
{
    size_t count = 0;
    if (!judge_lead(judge) || (judge->held && !judge_prepare(judge)))
        return false;
    for (bool more = judge->held; more;) {
        int judged = judge_ready(judge, &more);
        if (judged < 0)
            return false;
        count += (size_t)judged;
    }
    *ret_count = count;
    return true;
}

struct judge *judge_new(struct db *db, const struct judge_options *options)
{
    struct judge *judge = calloc(1, sizeof *judge);
    if (judge == NULL)
        return NULL;
    judge->db = db;
    judge->options = *options;
    watch_defaults(&judge->model);
    judge->watch = watch_new(&judge->model);
    if (judge->watch == NULL) {
        judge_free(judge);
        return NULL;
    }
    return judge;
}

void judge_free(struct judge *judge)
{
    if (judge == NULL)
        return;
    judge_conditions_done(judge);
    watch_free(judge->watch);
    free(judge->certificates);
    free(judge);
}

void judge_stop(struct judge *judge)
{
    judge->stopping = true;
}

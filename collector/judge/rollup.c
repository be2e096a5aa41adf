#include "judge/rollup.h"

#include "judge/parts.h"
#include "link/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "plxroll" as a number: who holds this lock counts. */
#define ROLLUP_LOCK "31644461963373676"

/* How often the bucket under way is counted; less often when that takes so long that more than one part in so many of the time goes into it. */
#define ROLLUP_OPEN_EVERY_US (30 * US_PER_S)
#define ROLLUP_OPEN_SHARE    20

/* A statement of its own, so that the next one sees what the program that was waited for has written. */
static bool rollup_lock(struct db *db)
{
    const char *values[] = {ROLLUP_LOCK};
    PGresult *result = db_query(db, STATEMENT_rollup_lock, values, 1);
    PQclear(result);
    return result != NULL;
}

static bool rollup_steps(struct db *db, const char *bucket, const enum statement_id *steps, size_t count)
{
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        PGresult *result = db_query(db, steps[i], &bucket, 1);
        done = result != NULL;
        PQclear(result);
    }
    return done;
}

/* Buckets of one hour, then their hour, as one: nobody sees an hour that is not the sum of its buckets. */
static bool rollup_hour(struct db *db, const PGresult *due)
{
    static const enum statement_id of_bucket[] = {STATEMENT_rollup_clear, STATEMENT_rollup_count,
                                                  STATEMENT_rollup_look, STATEMENT_rollup_latency};
    static const enum statement_id of_hour[] = {STATEMENT_rollup_clear_hour, STATEMENT_rollup_count_hour,
                                                STATEMENT_rollup_look_hour, STATEMENT_rollup_latency_hour};
    if (!db_begin(db))
        return false;
    bool done = rollup_lock(db);
    for (int row = 0; done && row < PQntuples(due); row++)
        done = rollup_steps(db, db_text(due, row, "bucket_at"), of_bucket,
                            sizeof of_bucket / sizeof of_bucket[0]);
    if (done && rollup_steps(db, db_text(due, 0, "bucket_at"), of_hour, sizeof of_hour / sizeof of_hour[0]))
        return db_commit(db);
    db_rollback(db);
    return false;
}

/* @param last  the last bucket that was counted, "" at first. @return how many were counted, -1 after cli_error. */
static int rollup_next(struct db *db, bool under_way, char last[UNITS_TIME_BYTES])
{
    const char *values[] = {under_way ? "t" : "f"};
    PGresult *due = db_query(db, STATEMENT_rollup_due_next, values, 1);
    int count = due == NULL ? -1 : PQntuples(due);
    if (count > 0 && strcmp(db_text(due, 0, "bucket_at"), last) <= 0)
        count = 0; /* touched again meanwhile: for the next time */
    else if (count > 0 && !rollup_hour(db, due))
        count = -1;
    if (count > 0)
        (void)snprintf(last, UNITS_TIME_BYTES, "%s", db_text(due, count - 1, "bucket_at"));
    PQclear(due);
    return count;
}

bool rollup_run(struct db *db, bool under_way, const atomic_bool *stopping, size_t *ret_count)
{
    char last[UNITS_TIME_BYTES] = "";
    size_t count = 0;
    int counted = 1;
    while (counted > 0 && (stopping == NULL || !*stopping)) {
        counted = rollup_next(db, under_way, last);
        count += counted > 0 ? (size_t)counted : 0;
    }
    if (ret_count != NULL)
        *ret_count = count;
    return counted >= 0;
}

bool rollup_repair(struct db *db, const char *since)
{
    PGresult *result = db_query(db, STATEMENT_rollup_repair, &since, 1);
    PQclear(result);
    return result != NULL;
}

bool judge_rollups(struct judge *judge)
{
    int64_t began_us = clock_mono_us();
    if (!judge->held)
        return true;
    bool under_way = began_us >= judge->open_bucket_at_us;
    bool counted = rollup_run(judge->db, under_way, judge->options.stopping, NULL);
    int64_t rest_us = ROLLUP_OPEN_SHARE * (clock_mono_us() - began_us);
    if (under_way)
        judge->open_bucket_at_us =
            began_us + (rest_us > ROLLUP_OPEN_EVERY_US ? rest_us : ROLLUP_OPEN_EVERY_US);
    return counted;
}

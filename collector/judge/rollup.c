#include "judge/rollup.h"

#include "judge/parts.h"
#include "link/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often the bucket under way is counted. */
#define ROLLUP_OPEN_EVERY_US (30 * US_PER_S)

static bool rollup_bucket(struct db *db, const char *bucket)
{
    static const enum statement_id steps[] = {STATEMENT_rollup_clear, STATEMENT_rollup_count,
                                              STATEMENT_rollup_look, STATEMENT_rollup_latency};
    const char *values[] = {bucket};
    bool done = db_begin(db);
    if (!done)
        return false;
    for (size_t i = 0; done && i < sizeof steps / sizeof steps[0]; i++) {
        PGresult *result = db_query(db, steps[i], values, 1);
        done = result != NULL;
        PQclear(result);
    }
    if (done)
        return db_commit(db);
    db_rollback(db);
    return false;
}

/* @return 1 when a bucket was counted, 0 when none is due, -1 after cli_error. */
static int rollup_next(struct db *db, bool under_way, char last[UNITS_TIME_BYTES])
{
    const char *values[] = {under_way ? "t" : "f"};
    PGresult *due = db_query(db, STATEMENT_rollup_due_next, values, 1);
    int answer = due == NULL ? -1 : PQntuples(due);
    if (answer == 1) {
        char bucket[UNITS_TIME_BYTES];
        (void)snprintf(bucket, sizeof bucket, "%s", db_text(due, 0, "bucket_at"));
        if (strcmp(bucket, last) == 0)
            answer = 0; /* touched again meanwhile: for the next time */
        else if (!rollup_bucket(db, bucket))
            answer = -1;
        memcpy(last, bucket, sizeof bucket);
    }
    PQclear(due);
    return answer;
}

bool rollup_run(struct db *db, bool under_way, const atomic_bool *stopping, size_t *ret_count)
{
    char last[UNITS_TIME_BYTES] = "";
    size_t count = 0;
    int more = 1;
    while (more == 1 && (stopping == NULL || !*stopping)) {
        more = rollup_next(db, under_way, last);
        count += more == 1;
    }
    if (ret_count != NULL)
        *ret_count = count;
    return more >= 0;
}

bool rollup_repair(struct db *db, const char *since)
{
    PGresult *result = db_query(db, STATEMENT_rollup_repair, &since, 1);
    PQclear(result);
    return result != NULL;
}

bool judge_rollups(struct judge *judge)
{
    int64_t now_us = clock_mono_us();
    if (!judge->held)
        return true;
    bool under_way = now_us - judge->open_bucket_at_us >= ROLLUP_OPEN_EVERY_US;
    if (under_way)
        judge->open_bucket_at_us = now_us;
    return rollup_run(judge->db, under_way, &judge->stopping, NULL);
}

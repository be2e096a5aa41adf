#include "store/retain.h"

#include "link/clock.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

enum { RETAIN_TRIES = 20, RETAIN_PAUSE_MS = 200 };

#define DAY_US (86400 * US_PER_S)

struct retaining {
    struct db *db;
    const struct retain_run *run;
    char before_text[RETAIN_KINDS][UNITS_TIME_BYTES];
    const char *before[RETAIN_KINDS]; /* RFC 3339; NULL: for good */
    struct retained done;
};

static bool is_stopping(const struct retaining *retaining)
{
    return retaining->run->stopping != NULL && *retaining->run->stopping;
}

/* At the edge of a day, as partitions are. */
static bool settle_before(struct retaining *retaining, const struct retain_policy *policy)
{
    PGresult *result = db_query(retaining->db, STATEMENT_retain_now, NULL, 0);
    if (result == NULL)
        return false;
    int64_t now_us = clock_wall_us(), theirs_us = db_int(result, 0, "now_us");
    PQclear(result);
    now_us = theirs_us < now_us ? theirs_us : now_us;
    for (int i = 0; i < RETAIN_KINDS; i++) {
        if (policy->keep_us[i] == RETAIN_FOR_GOOD)
            continue;
        int64_t before_us = now_us - policy->keep_us[i];
        before_us -= before_us % DAY_US;
        retaining->before[i] = time_rfc3339(before_us, 0, retaining->before_text[i]);
    }
    return true;
}

/* --- attempts, by the day --- */

static bool is_lock_timeout(const struct db *db)
{
    return strcmp(db_sqlstate(db), "55P03") == 0 || strcmp(db_sqlstate(db), "40P01") == 0;
}

/* @return false after cli_error. */
static bool drop_day(const struct retaining *retaining, const char *day, enum retain_fate *ret_fate)
{
    struct db *db = retaining->db;
    *ret_fate = RETAIN_BUSY;
    for (int i = 0; i < RETAIN_TRIES && !is_stopping(retaining); i++) {
        PGresult *result = db_try(db, STATEMENT_retain_drop, &day, 1);
        if (result != NULL) {
            *ret_fate = db_text(result, 0, "dropped")[0] == 't' ? RETAIN_DROPPED : RETAIN_HELD;
            PQclear(result);
            return true;
        }
        if (!is_lock_timeout(db)) {
            PQclear(db_query(db, STATEMENT_retain_drop, &day, 1)); /* once more, to say why */
            return false;
        }
        (void)db_wait_notify(db, RETAIN_PAUSE_MS); /* lets others pass */
    }
    return true;
}

static void note_day(struct retaining *retaining, const PGresult *days, int row, enum retain_fate fate)
{
    const struct retain_day day = {.fate = fate,
                                   .day = db_text(days, row, "day"),
                                   .attempts = db_text(days, row, "attempts"),
                                   .size = db_text(days, row, "size"),
                                   .held = db_text(days, row, "held"),
                                   .incident_id = db_int(days, row, "incident_id")};
    retaining->done.dropped += fate == RETAIN_DROPPED;
    retaining->done.held += fate != RETAIN_DROPPED;
    retaining->done.busy += fate == RETAIN_BUSY;
    retaining->done.dropped_bytes += fate == RETAIN_DROPPED ? db_int(days, row, "bytes") : 0;
    if (retaining->run->each != NULL)
        retaining->run->each(&day, retaining->run->arg);
}

static bool each_day(struct retaining *retaining, const PGresult *days)
{
    bool done = true;
    for (int row = 0; done && row < PQntuples(days) && !is_stopping(retaining); row++) {
        enum retain_fate fate = db_null(days, row, "held") ? RETAIN_DROPPED : RETAIN_HELD;
        if (fate == RETAIN_DROPPED && !retaining->run->dry_run)
            done = drop_day(retaining, db_text(days, row, "day"), &fate);
        if (done)
            note_day(retaining, days, row, fate);
    }
    return done;
}

/* Attempts without a partition of their day get one, so that they can be dropped with it. */
static bool part_strays(struct db *db, const PGresult *days)
{
    bool done = true;
    for (int row = 0; done && row < PQntuples(days); row++) {
        const char *day = db_text(days, row, "day");
        if (db_text(days, row, "partition")[0] == 't')
            continue;
        PGresult *made = db_try(db, STATEMENT_retain_partition, &day, 1);
        done = made != NULL || is_lock_timeout(db); /* the next run makes it */
        PQclear(made);
        if (!done)
            PQclear(db_query(db, STATEMENT_retain_partition, &day, 1)); /* once more, to say why */
    }
    return done;
}

static bool retain_attempts(struct retaining *retaining)
{
    const char *const *before = &retaining->before[RETAIN_ATTEMPTS];
    if (*before == NULL)
        return true;
    PGresult *days = db_query(retaining->db, STATEMENT_retain_days, before, 1);
    if (days != NULL && !retaining->run->dry_run) {
        bool parted = part_strays(retaining->db, days);
        PQclear(days);
        days = parted ? db_query(retaining->db, STATEMENT_retain_days, before, 1) : NULL;
    }
    bool done = days != NULL && each_day(retaining, days);
    PQclear(days);
    return done;
}

/* --- counts and rounds --- */

static bool delete_old(const struct retaining *retaining, enum statement_id id, enum retain_kind kind,
                       long long *count)
{
    const char *before = retaining->before[kind];
    if (before == NULL || is_stopping(retaining))
        return true;
    PGresult *result = db_query(retaining->db, id, &before, 1);
    if (result != NULL)
        *count += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return result != NULL;
}

static bool retain_counts(struct retaining *retaining)
{
    struct retained *gone = &retaining->done;
    PGresult *due = db_query(retaining->db, STATEMENT_retain_due, NULL, 0);
    bool done = due != NULL && delete_old(retaining, STATEMENT_retain_count, RETAIN_COUNTS, &gone->counts) &&
                delete_old(retaining, STATEMENT_retain_look, RETAIN_COUNTS, &gone->counts) &&
                delete_old(retaining, STATEMENT_retain_latency, RETAIN_COUNTS, &gone->counts) &&
                delete_old(retaining, STATEMENT_retain_count_hour, RETAIN_HOURS, &gone->hours) &&
                delete_old(retaining, STATEMENT_retain_look_hour, RETAIN_HOURS, &gone->hours) &&
                delete_old(retaining, STATEMENT_retain_latency_hour, RETAIN_HOURS, &gone->hours) &&
                delete_old(retaining, STATEMENT_retain_rounds, RETAIN_HOURS, &gone->rounds);
    PQclear(due);
    return done;
}

static bool count_counts(struct retaining *retaining)
{
    const char *none = "-infinity";
    const char *const *before = retaining->before;
    const char *values[] = {before[RETAIN_COUNTS] == NULL ? none : before[RETAIN_COUNTS],
                            before[RETAIN_HOURS] == NULL ? none : before[RETAIN_HOURS]};
    PGresult *counts = db_query(retaining->db, STATEMENT_retain_counted, values, 2);
    PGresult *rounds =
        counts == NULL ? NULL : db_query(retaining->db, STATEMENT_retain_rounds_counted, &values[1], 1);
    if (rounds != NULL) {
        retaining->done.counts = db_int(counts, 0, "counts");
        retaining->done.hours = db_int(counts, 0, "hours");
        retaining->done.rounds = db_int(rounds, 0, "rounds");
    }
    PQclear(rounds);
    PQclear(counts);
    return rounds != NULL;
}

bool retain(struct db *db, const struct retain_policy *policy, const struct retain_run *run,
            struct retained *ret_retained)
{
    struct retaining retaining = {.db = db, .run = run};
    bool done = settle_before(&retaining, policy) && retain_attempts(&retaining) &&
                (run->dry_run ? count_counts(&retaining) : retain_counts(&retaining));
    if (done)
        *ret_retained = retaining.done;
    return done;
}

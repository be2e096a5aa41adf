#ifndef PARALLAX_COLLECTOR_JUDGE_JUDGE_H
#define PARALLAX_COLLECTOR_JUDGE_JUDGE_H

#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rounds that are over become incidents. The judge reads what the vantages saw, feeds the watch (diff/watch.h), and writes
 * what comes out.
 *
 *     round closed --> sights, causes of what fails, conditions --> watch --> incident, incident_endpoint, incident_event,
 *                                                                              vantage.baseline, round.judged_at
 *
 * All that one round changes is written in one transaction, and the watch is rebuilt from the tables (open incidents, baselines,
 * the last rounds) by the next judge after a failure: whenever a program is killed, every round counts once. Of several
 * collectors only the one whose connection holds an advisory lock judges.
 */
struct judge;

struct judge_options {
    int expiry_days; /* certificates that end sooner make an incident */
};
enum { JUDGE_EXPIRY_DAYS = 21 };

/** Blocking, for a thread of its own or a verb that ends. @param db  outlives the judge. @return NULL without memory. */
struct judge *judge_new(struct db *db, const struct judge_options *options);
void judge_free(struct judge *judge);

/**
 * Judges every round that is ready, in order of start: all that are over when no vantage is awaited any more.
 * @param ret_count  how many were judged; 0 too while another collector judges.
 * @return false after cli_error; the judge is then of no use, and a new one goes on where it ended.
 */
bool judge_rounds(struct judge *judge, size_t *ret_count);

/** Counts again what ingest has touched (rollup.h); nothing while another collector judges. @return false after cli_error. */
bool judge_rollups(struct judge *judge);

/** Ends judge_rounds and judge_rollups after the round or bucket under way. From any thread. */
void judge_stop(struct judge *judge);

#endif

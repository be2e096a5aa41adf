#ifndef PARALLAX_COLLECTOR_JUDGE_ROLLUP_H
#define PARALLAX_COLLECTOR_JUDGE_ROLLUP_H

#include "store/db.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Attempts counted by ten minutes, which is what reports over long windows read. Ingest makes a bucket due in the transaction that
 * stores rows of it; here it is counted from scratch, one transaction for the due buckets of an hour, so that it may be done again at any
 * time. Hours are summed up from them.
 */

/**
 * Counts the buckets that are due.
 * @param under_way  the bucket that is not over too. @param stopping  NULL, or what ends it after the hour under way.
 * @param ret_count  how many; may be NULL. @return false after cli_error.
 */
bool rollup_run(struct db *db, bool under_way, const atomic_bool *stopping, size_t *ret_count);

/** Makes all buckets due from a time on (RFC 3339; NULL: from the beginning). @return false after cli_error. */
bool rollup_repair(struct db *db, const char *since);

#endif

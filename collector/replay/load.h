#ifndef PARALLAX_COLLECTOR_REPLAY_LOAD_H
#define PARALLAX_COLLECTOR_REPLAY_LOAD_H

#include "ingest/group_judge.h"
#include "ingest/network.h"
#include "replay/recording.h"
#include "store/db.h"

#include <stdatomic.h>

/** Vantages, sites, endpoints and rounds of a settled recording, into an empty database. @return false after cli_error. */
bool load_tables(struct db *db, const struct recording *recording);

/** Certificates, once the attempts that show them are stored. */
bool load_certificates(struct db *db, const struct recording *recording);

/** What was read and what came of it. */
struct feed_counts {
    uint64_t stored;
    uint64_t impossible;     /* attempts that ingest takes for untrue (ingest/group_judge.h) */
    enum refusal why;        /* of the first of them */
    uint64_t other_outcomes; /* attempts that the file takes for something else than their evidence says */
    struct recording_place other_place;
    const char *other_said, *other_judged;
};

/**
 * The attempts, through the ingest of a live collector. @param stop  looked at between batches.
 * @return false after cli_error, or when stop was set.
 */
bool feed_attempts(const char *conninfo, struct recording *recording, const struct networks *networks,
                   const atomic_bool *stop, struct feed_counts *ret_counts);

#endif

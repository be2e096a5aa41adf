#ifndef PARALLAX_COLLECTOR_REPORT_CASE_H
#define PARALLAX_COLLECTOR_REPORT_CASE_H

#include "store/db.h"
#include "words/arena.h"
#include "words/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Why one endpoint fails from one vantage: its attempts of one round, the ladder's with them, as a case, and what they
 * conclude. Worked out from the stored evidence each time, and never stored: better rules give better causes of old rounds.
 */

enum {
    CASES_MAX = 2,           /* a round makes one first attempt for each address family */
    CASES_MAX_ATTEMPTS = 96, /* read of one vantage, endpoint and round: beyond, a vantage floods */
    CASES_EXPIRY_DAYS = 21,  /* certificates that end sooner are worth a word */
};

/** One attempt of the round. */
struct case_attempt {
    const struct attempt *attempt;
    const struct endpoint
        *origin; /* it went to this origin of the endpoint's site; NULL: to the endpoint itself */
};

struct case_concluded {
    struct case_file file;
    struct conclusion conclusion;
};

/**
 * Sorts one vantage's attempts of one round into cases. Pure, nothing is copied.
 *
 * Each first attempt opens a case. What was made at its address belongs to it; an attempt at another address or of another
 * family (the variants of that name) to the case that asked for it; origins' attempts, the first and the one without SNI, to
 * every case.
 *
 * @param attempts   in the order they were made.
 * @param ret_files  room for CASES_MAX. @return how many there are; 0 without a first attempt.
 */
size_t cases_gather(const struct endpoint *endpoint, const struct case_attempt *attempts, size_t count,
                    struct case_file ret_files[CASES_MAX]);

/** What was read of one vantage, endpoint and round. */
struct cases {
    struct arena arena; /* endpoints and facts */
    size_t attempt_count;
    struct attempt *attempts[CASES_MAX_ATTEMPTS];
    size_t count;
    struct case_concluded cases[CASES_MAX];
};

/** One vantage, endpoint and round. */
struct case_key {
    int64_t round_id;
    int64_t endpoint_id;
    int64_t vantage_id;
};

/**
 * One of the keys. Who wants its cases for longer takes them, and leaves zeros. The database is busy: no statement may be run.
 * @return false to end the reading, which then fails.
 */
typedef bool cases_fn(size_t index, struct cases *cases, void *arg);

/**
 * Reads the attempts of each key, gathers and concludes; in order of the keys, those of which nothing is stored left out. Evidence that
 * cannot be read is left out. @return false after cli_error (the database, or memory), or when each did.
 */
bool cases_read(struct db *db, const struct case_key *keys, size_t count, cases_fn *each, void *arg);

/**
 * The cases of the last round that shows an incident, its number as text.
 * @param ret_cases  cases_done it; empty (count 0) when the attempts are gone. @return false after cli_error.
 */
bool cases_of_incident(struct db *db, const char *incident, struct cases *ret_cases);

void cases_done(struct cases *cases);

/** An endpoint that fails in a way. */
struct case_failure {
    int64_t endpoint_id;
    enum outcome_class class;
};

/** Which rounds count; NULL: any. */
struct case_bounds {
    const char *since, *until; /* RFC 3339 */
    const char *round_id;
};

/**
 * For each failure and vantage: which round tells most of why.
 * @param id  case_rounds, or rolled_case_rounds for windows that are read as counts. @return rows for what follows; NULL after cli_error.
 */
PGresult *case_rounds(struct db *db, enum statement_id id, const struct case_failure *failures, size_t count,
                      const struct case_bounds *bounds);

/** The rows of one failure, in order of vantage: from the one that is returned to before ret_end. */
int case_rounds_of(const PGresult *rounds, const struct case_failure *failure, int *ret_end);

/** The round of one failure from one vantage. */
int64_t case_round_of(const PGresult *rounds, const struct case_failure *failure, int64_t vantage_id,
                      int64_t otherwise);

/**
 * Gives a case the cause that the fleet concludes: several vantages know what one cannot (CAUSE_NONE: nothing to add).
 * @return false without memory.
 */
bool cases_revise(struct cases *cases, struct case_concluded *one, enum cause cause);

/** The case whose first attempt has this outcome, else NULL. */
const struct case_concluded *cases_find(const struct cases *cases, enum outcome_class class);

/** Copies the facts of a conclusion, so that it outlives its cases. @return false without memory. */
bool conclusion_keep(struct arena *arena, struct conclusion *conclusion);

#endif

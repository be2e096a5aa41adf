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

/**
 * Reads the attempts, gathers and concludes. Evidence that cannot be read is left out.
 * @param ret_cases  cases_done it; empty (count 0) when there is no first attempt.
 * @return false after cli_error (the database, or memory); ret_cases is empty then.
 */
bool cases_read(struct db *db, int64_t round_id, int64_t endpoint_id, int64_t vantage_id,
                struct cases *ret_cases);

/** The same of the last round that shows an incident, its number as text: empty when the attempts are gone. */
bool cases_of_incident(struct db *db, const char *incident, struct cases *ret_cases);

void cases_done(struct cases *cases);

/** The round of this vantage in rows of case_rounds.sql: which one tells most of why. */
int64_t cases_round(const PGresult *rounds, int64_t vantage_id, int64_t otherwise);

/**
 * Gives a case the cause that the fleet concludes: several vantages know what one cannot (CAUSE_NONE: nothing to add).
 * @return false without memory.
 */
bool cases_revise(struct cases *cases, struct case_concluded *one, enum cause cause);

/** The case whose first attempt has this outcome, else NULL. */
const struct case_concluded *cases_find(const struct cases *cases, enum outcome_class class);

#endif

#ifndef PARALLAX_COLLECTOR_STORE_RETAIN_H
#define PARALLAX_COLLECTOR_STORE_RETAIN_H

#include "store/db.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Drops what is older than its owner wants to keep. Attempts go by the day, a partition at a time, and never before they are counted and
 * their rounds judged; a day that an open incident is explained by stays until the incident is closed. Counts are made of attempts and
 * hours of counts, so each is kept at least as long as what it is made of. Certificates, chains and incidents are kept.
 *
 * Who stores attempts is never held up by more than a moment: a partition cannot go while anybody reads attempts, and as long as its
 * removal waits, all others wait behind it. So it waits for a fifth of a second each time, and lets the others pass before it tries
 * again. (ALTER TABLE ... DETACH PARTITION CONCURRENTLY would wait for no one, but does not work beside a default partition, which takes
 * in attempts of days that nobody expected.)
 */

enum retain_kind {
    RETAIN_ATTEMPTS,
    RETAIN_COUNTS, /* of ten minutes */
    RETAIN_HOURS,  /* counts of hours, and rounds */
    RETAIN_KINDS
};

#define RETAIN_FOR_GOOD INT64_MAX

struct retain_policy {
    int64_t keep_us[RETAIN_KINDS]; /* none shorter than the one before it */
};

enum retain_fate { RETAIN_DROPPED, RETAIN_HELD, RETAIN_BUSY };

/** A day that is old enough; texts are valid during the call. */
struct retain_day {
    enum retain_fate fate;
    const char *day; /* "2031-01-31" */
    const char *attempts;
    const char *size;
    const char *held; /* "uncounted", "unjudged", "incident"; "" when nothing is known to hold it */
    long long incident_id;
};
typedef void retain_day_fn(const struct retain_day *day, void *arg);

struct retained {
    size_t dropped; /* days */
    size_t held;
    size_t busy; /* of those held: in use for too long, to be tried again */
    long long dropped_bytes;
    long long counts; /* of ten minutes */
    long long hours;
    long long rounds;
};

struct retain_run {
    bool dry_run;                /* count what would go */
    const atomic_bool *stopping; /* NULL, or what ends it before the next day */
    retain_day_fn *each;         /* NULL, or who is told of each day */
    void *arg;
};

/**
 * Ages are measured by the earlier of two clocks, ours and the database server's: one that is wrong by years drops nothing.
 * @return false after cli_error.
 */
bool retain(struct db *db, const struct retain_policy *policy, const struct retain_run *run,
            struct retained *ret_retained);

#endif

#ifndef PARALLAX_COLLECTOR_JUDGE_PARTS_H
#define PARALLAX_COLLECTOR_JUDGE_PARTS_H

#include "diff/watch.h"
#include "judge/judge.h"
#include "words/arena.h"
#include "words/units.h"

#include <jansson.h>

/* Shared by the files of this folder; nobody else includes this. */

enum { JUDGE_NUMBER_BYTES = 24 };

struct judge_round {
    int64_t id;
    int64_t start_us;
    int64_t deadline_us;
    unsigned interval_s;
};

/* The leaf certificates that an endpoint showed in the last round in which it showed any. */
struct seen_certificate {
    int64_t endpoint_id;
    int64_t not_after_us;
    char sha256[65];
};

/* What a condition says, for a report to word; the rest is NULL or 0. */
struct condition_said {
    const char *aspect; /* of a difference */
    const char *value;  /* here; a stranger's, as the other one */
    const char *other_value;
    bool is_paired;     /* the other one is the counterpart's, not other vantages' */
    const char *sha256; /* of a certificate that expires, or has */
    int64_t not_after_us;
};

struct conditions {
    struct arena arena;
    size_t count;
    struct incident *incidents;
    struct condition_said *said; /* of each */
};

struct judge {
    struct db *db;
    struct judge_options options;
    struct watch_options model;
    struct watch *watch;
    bool held;                 /* the lock */
    bool fresh;                /* vantages and endpoints were read in this run */
    bool loaded;               /* the watch knows what the tables hold */
    int64_t open_bucket_at_us; /* when the bucket under way is to be counted, by the monotonic clock */
    size_t certificate_count;
    struct seen_certificate *certificates; /* in order of endpoint_id */
    struct conditions now;                 /* of the round under way */
};

/** Has somebody asked for an end? */
bool judge_is_stopping(const struct judge *judge);

/** A number as a parameter of a statement. @return out. */
const char *judge_number(int64_t number, char out[JUDGE_NUMBER_BYTES]);

/** Runs a statement whose parameters are a round's id and the bounds of its attempts' start. @return as db_query. */
PGresult *judge_round_query(struct db *db, enum statement_id id, const struct judge_round *round);

/** Makes vantages and endpoints known to the watch. @return false after cli_error. */
bool judge_refresh(struct judge *judge);

/** Open incidents, baselines and the last rounds, into a fresh watch. @return false after cli_error. */
bool judge_load(struct judge *judge);

/** Reads a round and feeds it. @param on_change  NULL: learn only. @return false after cli_error. */
bool judge_feed(struct judge *judge, const struct judge_round *round, incident_fn *on_change, void *arg);

/** Fills in why the failing sights fail, from the ladder's attempts. @return false after cli_error. */
bool judge_causes(struct judge *judge, const struct judge_round *round, struct sight *sights, size_t count);

/** Remembers what certificates a round showed. @return false after cli_error. */
bool judge_certificates(struct judge *judge, const struct judge_round *round);

/** Works out what holds beside failures: judge->now. @return false after cli_error. */
bool judge_conditions(struct judge *judge, const struct judge_round *round, struct sight *sights,
                      size_t sight_count);
/** What the condition with this key says, NULL when there is none. */
const struct condition_said *judge_condition_said(const struct judge *judge, const char *key);

/**
 * Which certificate an incident is about that fails because one has expired; of several, the one that ended first.
 * @return false when it is not such an incident, or none of its endpoints showed one that had ended by then.
 */
bool judge_ended_certificate(const struct judge *judge, const struct incident *incident, int64_t now_us,
                             struct condition_said *ret_said);

/** Writes what changed in a round. */
struct judge_writing {
    struct judge *judge;
    const struct judge_round *round;
    bool failed; /* after cli_error */
};
incident_fn judge_write_change; /* arg: struct judge_writing */
incident_fn judge_write_state;
/** @return false after cli_error. */
bool judge_write_baselines(struct judge *judge);

/** incident.detail as JSON, and back. @param said  NULL: nothing. @return NULL without memory. */
json_t *detail_json(const struct incident *incident, const struct condition_said *said);
/** Fills in the parts of an incident that are kept in detail; texts and lists live in the arena. @return false without memory. */
bool detail_read(const json_t *detail, struct arena *arena, struct incident *incident);

#endif

#ifndef PARALLAX_COLLECTOR_INGEST_GROUP_H
#define PARALLAX_COLLECTOR_INGEST_GROUP_H

#include "ingest/ingest.h"
#include "outlet/metrics.h"
#include "words/buf.h"

/* The rows of one group commit: what is asked of the database about them, and what they become. No I/O. */

struct batch {
    struct batch *next;
    struct ingest_source *source;
    size_t count;
    uint64_t last; /* sequence of the last record */
    uint64_t
        known; /* records up to this one are skipped, in this try: another batch, or the database, has them */
    bool replaced; /* in this try: its session is not the one in force, so none of it is taken */
    struct record records[];
};

/* A sorted set of 32-byte hashes, with a number beside each. */
struct hash_entry {
    uint8_t hash[32];
    int64_t id;
};

struct hash_set {
    struct hash_entry *entries;
    size_t count;
    size_t room;
};

struct number_set {
    int64_t *numbers;
    size_t count;
    size_t room;
};

struct group_cursor {
    int32_t vantage_id;
    uint64_t committed;
    int64_t session; /* in force */
};

struct group {
    struct batch *batches;
    size_t batch_count;
    size_t row_count;
    struct group_cursor *cursors; /* ascending by vantage */
    size_t cursor_count;
    struct number_set endpoints;  /* that exist */
    struct hash_set chains;       /* digest -> id */
    struct hash_set certificates; /* id 1: its DER is wanted */
    struct number_set rounds;     /* that new rows belong to */
    struct number_set buckets;    /* of ten minutes since the Unix epoch, that new rows start in */
};

void group_done(struct group *group); /* not the batches */

/** Texts of array parameters, freed by the caller; NULL without memory. */
char *group_vantages(const struct group *group);
char *group_endpoint_ids(const struct group *group);

/**
 * Takes the answers in. group_set_cursors must come first: it drops what is in the database already (sequence
 * at or below the cursor) and batches of sessions that are not in force, and group_set_endpoints drops attempts on endpoints that do not exist or from a
 * time that cannot be.
 */
bool group_set_cursors(struct group *group, const PGresult *result);
bool group_set_endpoints(struct group *group, const PGresult *result, int64_t now_us);

/** Collects chains and certificates of the records that are left. @return false without memory. */
bool group_collect(struct group *group);
char *group_chain_hashes(const struct group *group);
char *group_chain_digests(const struct group *group);
char *group_certificates(const struct group *group);
char *group_rounds(const struct group *group);
char *group_buckets(const struct group *group);
void group_set_chains(struct group *group, const PGresult *result);
void group_set_wanted(struct group *group, const PGresult *result);

/** Encodes the attempts. @return how many rows, or -1 without memory. */
long group_encode(const struct group *group, struct buf *out);

/** Counts what the transaction has stored. @param now_us  when it was committed. */
void group_count(const struct group *group, struct metrics *metrics, int64_t now_us);

/** The six array parameters of ingest_reports. @return how many reports, or -1 without memory. */
long group_reports(const struct group *group, char *ret_params[6]);

/** The four array parameters of ingest_dropped. @return how many rows, or -1 without memory. */
long group_dropped(const struct group *group, char *ret_params[4]);

/** Parameters of ingest_move. */
bool group_moves(const struct group *group, char *ret_params[2]);

/** Hashes that one source's records refer to and the database lacks. @return how many, at most max. */
size_t group_wanted_of(const struct group *group, const struct ingest_source *source, uint8_t (*out)[32],
                       size_t max);

#endif

#ifndef PARALLAX_COLLECTOR_INGEST_GROUP_H
#define PARALLAX_COLLECTOR_INGEST_GROUP_H

#include "ingest/batch.h"
#include "ingest/set.h"
#include "outlet/metrics.h"

/* The rows of one group commit: what is asked of the database about them, and what they become. No I/O. */

/* Every record of the group, with its batch. */
#define GROUP_EACH(group, batch, record)                                                                     \
    for (struct batch *batch = (group)->batches; batch != NULL; batch = batch->next)                         \
        for (struct kept_record *record = batch->records; record < batch->records + batch->count; record++)

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
    struct round_book book;       /* the rounds that records speak of */
    struct hash_set chains;       /* digest -> id */
    struct hash_set certificates; /* id 1: its DER is wanted */
    struct number_set rounds;     /* that new rows belong to */
    struct number_set buckets;    /* of ten minutes since the Unix epoch, that new rows start in */
};

void group_done(struct group *group); /* not the batches */

/** Texts of array parameters, freed by the caller; NULL without memory. */
char *group_vantages(const struct group *group);

/**
 * Takes the answers in. group_set_cursors must come first: it drops what is in the database already (sequence
 * at or below the cursor) and batches of sessions that are not in force.
 */
bool group_set_cursors(struct group *group, const PGresult *result);

/** The two parameters of ingest_rounds: the pairs of round and endpoint that new records speak of; NULL without memory. */
void group_pairs(const struct group *group, char *ret_params[2]);

/** Judges the new records by its answer; see group_judge.h. @return false without memory. */
bool group_judge(struct group *group, const PGresult *result, int64_t now_us);

/** What of a batch was refused; count 0: nothing. */
struct refused_note group_refused_of(const struct batch *batch);

/** The three parameters of ingest_refused. @return how many rows, 0 when nothing was refused, or -1 without memory. */
long group_refusals(const struct group *group, char *ret_params[3]);

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

#ifndef PARALLAX_COLLECTOR_INGEST_GROUP_H
#define PARALLAX_COLLECTOR_INGEST_GROUP_H

#include "ingest/batch.h"
#include "ingest/set.h"
#include "outlet/metrics.h"
#include "store/pg.h"

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
    int64_t formed_us;            /* the collector's clock, by which records are judged */
    bool chains_made;             /* those that were not there: asked for again */
    struct group_cursor *cursors; /* ascending by vantage */
    size_t cursor_count;
    struct round_book book;       /* the rounds that records speak of */
    struct hash_set chains;       /* digest -> id; 0: not there */
    struct hash_set certificates; /* id 1: its DER is wanted */
    struct number_set rounds;     /* that new rows belong to */
    struct number_set buckets;    /* of ten minutes since the Unix epoch, that new rows start in */
    size_t attempts;              /* that go in */
    struct batch *copying;        /* where group_copy goes on */
    size_t copied;                /* records of that */
};

void group_done(struct group *group); /* not the batches */

/** Collects the chains and certificates that its batches speak of. @return false without memory. */
bool group_form(struct group *group, int64_t now_us);

/** The five parameters of ingest_look; NULL among them without memory. */
void group_questions(const struct group *group, char *ret_params[5]);

/**
 * Takes the answer in. What is in the database already (sequence at or below the cursor) and batches of sessions that are not in force
 * are left out; the rest is judged (see group_judge.h). Can be done again with a later answer.
 * @return NULL, or why it cannot go on (static).
 */
const char *group_answer(struct group *group, const PGresult *result);

/** Does the database lack a chain that a row has? */
bool group_lacks_chains(const struct group *group);

/** The pairs of round and endpoint that records speak of; NULL without memory. (group_judge.c, as group_judge) */
void group_pairs(const struct group *group, char *ret_params[2]);
bool group_judge(struct group *group, const PGresult *result);

/** What of a batch was refused; count 0: nothing. */
struct refused_note group_refused_of(const struct batch *batch);

/** The three parameters of ingest_refused. @return how many rows, 0 when nothing was refused, or -1 without memory. */
long group_refusals(const struct group *group, char *ret_params[3]);

/** The chains that are lacking, each as its hashes, and their certificates. */
char *group_chain_hashes(const struct group *group);
char *group_certificates(const struct group *group);

/** The attempts that go in, from the beginning, part by part. (a pg_copy_fn) */
void group_copy_begin(struct group *group);
enum pg_copied group_copy(struct group *group, struct buf *out);

/** Counts what the transaction has stored. @param now_us  when it was committed. */
void group_count(const struct group *group, struct metrics *metrics, int64_t now_us);

/** The six array parameters of ingest_reports. @return how many reports, or -1 without memory. */
long group_reports(const struct group *group, char *ret_params[6]);

/** The four array parameters of ingest_dropped. @return how many rows, or -1 without memory. */
long group_dropped(const struct group *group, char *ret_params[4]);

/** The four parameters of ingest_done; NULL among them without memory. */
void group_ends(const struct group *group, char *ret_params[4]);

/** Hashes that one source's records refer to and the database lacks. @return how many, at most max. */
size_t group_wanted_of(const struct group *group, const struct ingest_source *source, uint8_t (*out)[32],
                       size_t max);

#endif

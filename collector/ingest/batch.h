#ifndef PARALLAX_COLLECTOR_INGEST_BATCH_H
#define PARALLAX_COLLECTOR_INGEST_BATCH_H

#include "ingest/group_judge.h"
#include "ingest/ingest.h"
#include "words/buf.h"
#include "words/outcome.h"

/*
 * A batch as it waits for the database: of each attempt the row that it becomes, encoded when it came, and the little that a group
 * commit asks about it. A tenth of the memory of the attempt itself, and nothing is left to do with it while the database waits.
 */

struct kept_record {
    enum record_kind kind;
    uint64_t sequence;
    struct round_report report; /* of a report */
    struct claim claim;         /* of an attempt, as all below */
    enum attempt_role role;
    enum outcome_class class;
    size_t chain; /* of the batch's; SIZE_MAX: it has none */
    size_t row_at;
    size_t row_length;    /* in the batch's rows */
    enum refusal verdict; /* in this try */
};

/** A certificate chain that attempts of the batch were shown. */
struct kept_chain {
    uint8_t digest[32]; /* SHA-256 of its hashes, one after the other */
    size_t at;          /* in the batch's hashes */
    size_t count;       /* of certificates */
    bool stored;        /* in this try: a row that goes in has it */
    int64_t id;         /* in this try: its row; 0: none */
};

struct batch {
    struct batch *next;
    struct ingest_source *source;
    size_t count;
    uint64_t last; /* sequence of the last record */
    uint64_t
        known; /* records up to this one are skipped, in this try: another batch, or the database, has them */
    size_t bytes;  /* of memory */
    bool replaced; /* in this try: its session is not the one in force, so none of it is taken */
    struct buf rows;
    struct buf hashes;
    struct kept_chain *chains;
    size_t chain_count;
    struct kept_record records[];
};

/** Takes the records when it returns a batch, and leaves them alone when it returns NULL, without memory. */
struct batch *batch_new(struct ingest_source *source, struct record *records, size_t count);
void batch_free(struct batch *batch);

/** Is the record new in this try, refused or not? */
bool batch_came(const struct batch *batch, const struct kept_record *record);

/** Is it one that goes in? */
bool batch_takes(const struct batch *batch, const struct kept_record *record);

/** Is it an attempt that goes in? */
bool batch_takes_attempt(const struct batch *batch, const struct kept_record *record);

#endif

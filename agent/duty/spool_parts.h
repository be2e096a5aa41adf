#ifndef PARALLAX_DUTY_SPOOL_PARTS_H
#define PARALLAX_DUTY_SPOOL_PARTS_H

#include "duty/spool.h"

#include <lmdb.h>
#include <pthread.h>

/* What the files of the spool share, and nobody else includes. Statuses are those of LMDB, 0 for success. */

enum { SPOOL_DATABASES = 5, SPOOL_KEY_BYTES = 8, SPOOL_HASH_BYTES = 32 };

/* Counts by endpoint, in memory; what has no place of its own is counted under endpoint 0, which always has one. */
struct dropped_table {
    size_t count;
    struct {
        uint64_t endpoint_id;
        uint64_t count;
    } at[MESSAGE_MAX_DROPPED_AT];
};

struct spool {
    MDB_env *env;
    MDB_dbi records;      /* sequence -> Record */
    MDB_dbi certificates; /* SHA-256 -> DER */
    MDB_dbi ages;         /* counter -> SHA-256, in the order they came */
    MDB_dbi meta;         /* name -> uint64 */
    MDB_dbi dropped;      /* endpoint -> how many of its results no stored report tells of */
    uint64_t limit_bytes;
    uint64_t report_limit_bytes;
    uint32_t max_certificates;
    uint64_t epoch;
    uint32_t counter;
    uint64_t owed; /* a deletion up to here failed: done with the next transaction. Of who writes. */
    struct dropped_table taken; /* of `lost`, into the transaction under way. Of who writes. */
    pthread_mutex_t lock;       /* guards what follows */
    struct dropped_table lost;  /* not in the database yet */
    uint64_t dropped_stored;    /* the sum in the database */
};

void spool_key_put(uint64_t number, uint8_t out[SPOOL_KEY_BYTES]);
uint64_t spool_key_get(const MDB_val *value);

/* Numbers of the meta database; 0 when absent. */
uint64_t spool_meta_get(struct spool *spool, MDB_txn *txn, const char *name);
int spool_meta_put(struct spool *spool, MDB_txn *txn, const char *name, uint64_t number);

/** Pages in use by records and certificates. */
uint64_t spool_used_bytes(struct spool *spool, MDB_txn *txn);

/** "what: the status in words". */
void spool_why(char **ret_why, const char *what, int status);

/* --- spool_dropped.c: who was dropped, in memory and in the database --- */

void dropped_add(struct dropped_table *table, uint64_t endpoint_id, uint64_t count);
uint64_t dropped_sum(const struct dropped_table *table);

/** Adds to the durable counts. */
int dropped_store(struct spool *spool, MDB_txn *txn, uint64_t endpoint_id, uint64_t count);
int dropped_store_all(struct spool *spool, MDB_txn *txn, const struct dropped_table *table);

/** The durable counts into at (room for MESSAGE_MAX_DROPPED_AT, or NULL), as far as 32 bits reach, and what all add up to. */
int dropped_read(struct spool *spool, MDB_txn *txn, struct dropped_at *at, size_t *ret_count,
                 uint64_t *ret_sum);

/** Counts off what dropped_read gave. */
int dropped_take(struct spool *spool, MDB_txn *txn, const struct dropped_at *at, size_t count);

#endif

#include "duty/spool_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Durability
 *
 * 1. A result counts as spooled when the transaction that holds it has committed. LMDB writes new pages beside the old
 *    ones, calls fdatasync, then writes one of two meta pages, synchronously. Whatever is killed, the next open finds the
 *    last whole transaction: there is no log to replay and nothing to repair. The same holds for a power cut as far as
 *    the disk tells the truth about what it has written.
 * 2. Deleting follows the collector's ack, and the ack follows its commit. A kill between the two means that records go
 *    out again, with their old sequences, by which the collector recognises them.
 * 3. A sequence is epoch << 32 | counter. The epoch is stored, synchronously, before the first sequence of it is given,
 *    and is above the stored one and not below the seconds since 2025: a process that dies with sequences given but not
 *    stored, a counter that was lost, or a folder copied back from last week never make a sequence a second time while
 *    the clock is right. When folder and clock are both old, the collector's Welcome tells what it has, and spool_raise
 *    moves past it. Nothing is given out before the first Welcome of a process (no round comes before it), so no new
 *    record can lie below that mark and be taken for one that was delivered.
 * 4. Full means: pages in use (not the file, which never shrinks) reach the limit. LMDB copies pages to change them, even
 *    to delete, so the map is larger than the limit; otherwise a full spool could never be emptied. What does not fit is
 *    dropped, the newest first, and counted by endpoint in the same transaction. A report gets its counts in the
 *    transaction that stores it, which sets them to nothing, so every loss is told once, whatever is killed when. Reports may use a
 *    little more than attempts may, so that a full spool can still say so. What is lost before a transaction (no memory), or with
 *    one (no room on the disk), is counted in memory and goes into the next one that succeeds.
 * 5. Certificates are a cache: bounded by number and size, the oldest is evicted. One that is evicted before the collector asks is
 *    stored again by the next attempt that sees it.
 */

static const int64_t epoch_zero_s = 1735689600; /* 2025-01-01T00:00:00Z */
static const uint64_t epoch_max = INT32_MAX;    /* a sequence fits a signed 64-bit column */
static const uint64_t map_spare_bytes = 4 * 1024 * 1024;

void spool_key_put(uint64_t number, uint8_t out[SPOOL_KEY_BYTES])
{
    for (int i = 0; i < SPOOL_KEY_BYTES; i++)
        out[i] = (uint8_t)(number >> (8 * (SPOOL_KEY_BYTES - 1 - i)));
}

uint64_t spool_key_get(const MDB_val *value)
{
    uint64_t number = 0;
    const uint8_t *bytes = value->mv_data;
    for (size_t i = 0; i < SPOOL_KEY_BYTES && i < value->mv_size; i++)
        number = number << 8 | bytes[i];
    return number;
}

uint64_t spool_meta_get(struct spool *spool, MDB_txn *txn, const char *name)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
    return mdb_get(txn, spool->meta, &key, &value) == 0 ? spool_key_get(&value) : 0;
}

int spool_meta_put(struct spool *spool, MDB_txn *txn, const char *name, uint64_t number)
{
    uint8_t bytes[SPOOL_KEY_BYTES];
    spool_key_put(number, bytes);
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value = {SPOOL_KEY_BYTES, bytes};
    return mdb_put(txn, spool->meta, &key, &value, 0);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

void spool_why(char **ret_why, const char *what, int status)
{
    if (asprintf(ret_why, "%s: %s", what, mdb_strerror(status)) < 0)
        *ret_why = NULL;
}

/* @param flags  MDB_CREATE, or 0 to look only */
static int open_databases(struct spool *spool, MDB_txn *txn, unsigned flags)
{
    int status = mdb_dbi_open(txn, "records", flags, &spool->records);
    if (status == 0)
        status = mdb_dbi_open(txn, "certificates", flags, &spool->certificates);
    if (status == 0)
        status = mdb_dbi_open(txn, "ages", flags, &spool->ages);
    if (status == 0)
        status = mdb_dbi_open(txn, "meta", flags, &spool->meta);
    if (status == 0)
        status = mdb_dbi_open(txn, "dropped", flags, &spool->dropped);
    return status;
}

/* That of the newest record; 0 for none. */
static uint64_t last_epoch(struct spool *spool, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    uint64_t epoch = 0;
    if (mdb_cursor_open(txn, spool->records, &cursor) != 0)
        return 0;
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0)
        epoch = spool_key_get(&key) >> 32;
    mdb_cursor_close(cursor);
    return epoch;
}

/* Stores the epoch to come. It is in force when the transaction has committed, and not before. */
static int store_epoch(struct spool *spool, MDB_txn *txn, uint64_t at_least, uint64_t *ret_epoch)
{
    uint64_t stored = spool_meta_get(spool, txn, "epoch"), held = last_epoch(spool, txn);
    uint64_t epoch = (stored > held ? stored : held) + 1;
    if (epoch < at_least)
        epoch = at_least;
    if (epoch > epoch_max)
        return ERANGE;
    *ret_epoch = epoch;
    return spool_meta_put(spool, txn, "epoch", epoch);
}

static void begin_epoch(struct spool *spool, uint64_t epoch)
{
    spool->epoch = epoch;
    spool->counter = 0;
}

static uint64_t wall_epoch(int64_t wall_us)
{
    int64_t seconds = wall_us / 1000000 - epoch_zero_s;
    if (seconds < 1)
        return 1;
    return (uint64_t)seconds > epoch_max / 2 ? 1 : (uint64_t)seconds; /* a clock decades ahead is no clock */
}

static int prepare(struct spool *spool, int64_t wall_us)
{
    MDB_txn *txn = NULL;
    uint64_t epoch = 0;
    size_t kinds = 0;
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status != 0)
        return status;
    status = open_databases(spool, txn, MDB_CREATE);
    if (status == 0)
        status = store_epoch(spool, txn, wall_epoch(wall_us), &epoch);
    if (status == 0)
        status = dropped_read(spool, txn, NULL, &kinds, &spool->dropped_stored);
    if (status != 0) {
        mdb_txn_abort(txn);
        return status;
    }
    begin_epoch(spool, epoch);
    return mdb_txn_commit(txn);
}

static int open_env(struct spool *spool, const char *folder)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return errno;
    int status = mdb_env_create(&spool->env);
    if (status == 0)
        status = mdb_env_set_maxdbs(spool->env, SPOOL_DATABASES);
    if (status == 0)
        status =
            mdb_env_set_mapsize(spool->env, spool->limit_bytes + spool->limit_bytes / 2 + map_spare_bytes);
    if (status == 0)
        status = mdb_env_open(spool->env, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    return status;
}

struct spool *spool_open(const char *folder, const struct spool_options *options, int64_t wall_us,
                         char **ret_why)
{
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL) {
        spool_why(ret_why, folder, ENOMEM);
        return NULL;
    }
    (void)pthread_mutex_init(&spool->lock, NULL); /* cannot fail with default attributes */
    spool->limit_bytes = options->limit_bytes > 0 ? options->limit_bytes : SPOOL_LIMIT_BYTES;
    spool->report_limit_bytes = spool->limit_bytes + spool->limit_bytes / 8 + map_spare_bytes / 4;
    spool->max_certificates =
        options->max_certificates > 0 ? options->max_certificates : SPOOL_MAX_CERTIFICATES;
    int status = open_env(spool, folder);
    if (status == 0)
        status = prepare(spool, wall_us);
    if (status == 0)
        return spool;
    spool_why(ret_why, folder, status);
    spool_close(spool);
    return NULL;
}

struct spool *spool_look(const char *folder, char **ret_why)
{
    struct spool *spool = calloc(1, sizeof *spool);
    MDB_txn *txn = NULL;
    if (spool == NULL) {
        spool_why(ret_why, folder, ENOMEM);
        return NULL;
    }
    (void)pthread_mutex_init(&spool->lock, NULL);
    int status = mdb_env_create(&spool->env);
    if (status == 0)
        status = mdb_env_set_maxdbs(spool->env, SPOOL_DATABASES);
    if (status == 0)
        status = mdb_env_open(spool->env, folder, MDB_NOTLS | MDB_NORDAHEAD | MDB_RDONLY, 0600);
    if (status == 0)
        status = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);
    if (status == 0)
        status = open_databases(spool, txn, 0);
    if (status == 0)
        status = mdb_txn_commit(txn); /* keeps the handles */
    else
        mdb_txn_abort(txn);
    if (status == 0)
        return spool;
    spool_why(ret_why, folder, status);
    spool_close(spool);
    return NULL;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->env != NULL)
        mdb_env_close(spool->env);
    (void)pthread_mutex_destroy(&spool->lock);
    free(spool);
}

/* --- sequences -------------------------------------------------------------------------------------------------- */

uint64_t spool_next_sequence(const struct spool *spool)
{
    return spool->epoch << 32 | (spool->counter + UINT64_C(1));
}

uint64_t spool_take_sequence(struct spool *spool)
{
    uint64_t sequence = spool_next_sequence(spool);
    spool->counter++; /* an epoch has four thousand million; a process does not live that long */
    return sequence;
}

bool spool_raise(struct spool *spool, uint64_t committed, char **ret_why)
{
    if (committed < spool_next_sequence(spool))
        return true;
    MDB_txn *txn = NULL;
    uint64_t epoch = 0;
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status == 0) {
        status = store_epoch(spool, txn, (committed >> 32) + 1, &epoch);
        if (status == 0)
            status = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    if (status == 0)
        begin_epoch(spool, epoch);
    else
        spool_why(ret_why, "spool", status);
    return status == 0;
}

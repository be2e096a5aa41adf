#include "duty/spool.h"

#include <errno.h>
#include <lmdb.h>
#include <openssl/evp.h>
#include <pthread.h>
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
 *    dropped, the newest first, and counted in the same transaction; the next round report takes the count along, and
 *    the count goes down in the transaction that stores that report. Reports may use a little more than attempts may, so
 *    that a full spool can still say so.
 * 5. Certificates are a cache: bounded by number and size, the oldest is evicted. One that is evicted before the collector asks is
 *    stored again by the next attempt that sees it.
 */

enum { DATABASES = 4, KEY_BYTES = 8, HASH_BYTES = 32 };

static const int64_t epoch_zero_s = 1735689600; /* 2025-01-01T00:00:00Z */
static const uint64_t epoch_max = INT32_MAX;    /* a sequence fits a signed 64-bit column */
static const uint64_t map_spare_bytes = 4 * 1024 * 1024;

struct spool {
    MDB_env *env;
    MDB_dbi records;      /* sequence -> Record */
    MDB_dbi certificates; /* SHA-256 -> DER */
    MDB_dbi ages;         /* counter -> SHA-256, in the order they came */
    MDB_dbi meta;         /* name -> uint64 */
    uint64_t limit_bytes;
    uint64_t report_limit_bytes;
    uint32_t max_certificates;
    uint64_t epoch;
    uint32_t counter;
    pthread_mutex_t lock; /* guards dropped, written by spool_write */
    uint64_t dropped;
};

static void key_put(uint64_t number, uint8_t out[KEY_BYTES])
{
    for (int i = 0; i < KEY_BYTES; i++)
        out[i] = (uint8_t)(number >> (8 * (KEY_BYTES - 1 - i)));
}

static uint64_t key_get(const MDB_val *key)
{
    uint64_t number = 0;
    const uint8_t *bytes = key->mv_data;
    for (size_t i = 0; i < KEY_BYTES && i < key->mv_size; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* Numbers of the meta database; 0 when absent. */
static uint64_t meta_get(struct spool *spool, MDB_txn *txn, const char *name)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
    return mdb_get(txn, spool->meta, &key, &value) == 0 ? key_get(&value) : 0;
}

static int meta_put(struct spool *spool, MDB_txn *txn, const char *name, uint64_t number)
{
    uint8_t bytes[KEY_BYTES];
    key_put(number, bytes);
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value = {KEY_BYTES, bytes};
    return mdb_put(txn, spool->meta, &key, &value, 0);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void set_why(char **ret_why, const char *folder, int status)
{
    if (asprintf(ret_why, "%s: %s", folder, mdb_strerror(status)) < 0)
        *ret_why = NULL;
}

static int open_databases(struct spool *spool, MDB_txn *txn)
{
    int status = mdb_dbi_open(txn, "records", MDB_CREATE, &spool->records);
    if (status == 0)
        status = mdb_dbi_open(txn, "certificates", MDB_CREATE, &spool->certificates);
    if (status == 0)
        status = mdb_dbi_open(txn, "ages", MDB_CREATE, &spool->ages);
    if (status == 0)
        status = mdb_dbi_open(txn, "meta", MDB_CREATE, &spool->meta);
    return status;
}

static int begin_epoch(struct spool *spool, MDB_txn *txn, uint64_t at_least)
{
    uint64_t epoch = meta_get(spool, txn, "epoch") + 1;
    if (epoch < at_least)
        epoch = at_least;
    if (epoch > epoch_max)
        return ERANGE;
    int status = meta_put(spool, txn, "epoch", epoch);
    if (status == 0)
        spool->epoch = epoch;
    spool->counter = 0;
    return status;
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
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status != 0)
        return status;
    status = open_databases(spool, txn);
    if (status == 0)
        status = begin_epoch(spool, txn, wall_epoch(wall_us));
    if (status != 0) {
        mdb_txn_abort(txn);
        return status;
    }
    spool->dropped = meta_get(spool, txn, "dropped");
    return mdb_txn_commit(txn);
}

static int open_env(struct spool *spool, const char *folder)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return errno;
    int status = mdb_env_create(&spool->env);
    if (status == 0)
        status = mdb_env_set_maxdbs(spool->env, DATABASES);
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
        set_why(ret_why, folder, ENOMEM);
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
    set_why(ret_why, folder, status);
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
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status == 0) {
        status = begin_epoch(spool, txn, (committed >> 32) + 1);
        if (status == 0)
            status = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    if (status != 0)
        set_why(ret_why, "spool", status);
    return status == 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static uint64_t database_bytes(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_stat stat;
    if (mdb_stat(txn, dbi, &stat) != 0)
        return 0;
    return (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
}

static bool is_full(struct spool *spool, MDB_txn *txn, bool is_report)
{
    uint64_t used = database_bytes(txn, spool->records) + database_bytes(txn, spool->certificates);
    return used >= (is_report ? spool->report_limit_bytes : spool->limit_bytes);
}

static int delete_committed(struct spool *spool, MDB_txn *txn, uint64_t committed)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int status = mdb_cursor_open(txn, spool->records, &cursor);
    if (status != 0)
        return status;
    while ((status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0 && key_get(&key) <= committed) {
        status = mdb_cursor_del(cursor, 0);
        if (status != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND ? 0 : status;
}

static int put_entries(struct spool *spool, MDB_txn *txn, const struct spool_batch *batch, uint64_t *dropped)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < batch->count; i++) {
        const struct spool_entry *entry = &batch->entries[i];
        if (is_full(spool, txn, entry->is_report)) {
            *dropped += !entry->is_report;
            continue;
        }
        uint8_t bytes[KEY_BYTES];
        key_put(entry->sequence, bytes);
        MDB_val key = {KEY_BYTES, bytes},
                value = {entry->record.length, (void *)(uintptr_t)entry->record.data};
        status = mdb_put(txn, spool->records, &key, &value, 0);
        *dropped -= entry->dropped < *dropped ? entry->dropped : *dropped;
    }
    return status;
}

static int evict_oldest(struct spool *spool, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    MDB_val age, hash;
    int status = mdb_cursor_open(txn, spool->ages, &cursor);
    if (status != 0)
        return status;
    status = mdb_cursor_get(cursor, &age, &hash, MDB_FIRST);
    if (status == 0) {
        uint8_t copy[HASH_BYTES];
        memcpy(copy, hash.mv_data, hash.mv_size < HASH_BYTES ? hash.mv_size : HASH_BYTES);
        MDB_val key = {HASH_BYTES, copy};
        status = mdb_cursor_del(cursor, 0);
        if (status == 0)
            status = mdb_del(txn, spool->certificates, &key, NULL);
    }
    mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND ? 0 : status;
}

static int next_age(struct spool *spool, MDB_txn *txn, uint8_t out[KEY_BYTES])
{
    uint64_t age = meta_get(spool, txn, "age") + 1;
    key_put(age, out);
    return meta_put(spool, txn, "age", age);
}

/* By number, and by size, so that servers with huge chains cannot take the room of results. */
static bool too_many_certificates(struct spool *spool, MDB_txn *txn)
{
    MDB_stat stat;
    return mdb_stat(txn, spool->certificates, &stat) == 0 && stat.ms_entries > 1 &&
           (stat.ms_entries > spool->max_certificates ||
            database_bytes(txn, spool->certificates) > spool->limit_bytes / 4);
}

static int put_certificate(struct spool *spool, MDB_txn *txn, const struct bytes *der)
{
    uint8_t hash[HASH_BYTES], age[KEY_BYTES];
    MDB_val key = {HASH_BYTES, hash}, value = {der->length, (void *)(uintptr_t)der->data},
            age_key = {KEY_BYTES, age};
    if (EVP_Digest(der->data, der->length, hash, NULL, EVP_sha256(), NULL) != 1)
        return ENOMEM;
    int status = mdb_put(txn, spool->certificates, &key, &value, MDB_NOOVERWRITE);
    if (status == MDB_KEYEXIST)
        return 0;
    if (status == 0)
        status = next_age(spool, txn, age);
    key = (MDB_val){HASH_BYTES, hash};
    if (status == 0)
        status = mdb_put(txn, spool->ages, &age_key, &key, 0);
    while (status == 0 && too_many_certificates(spool, txn))
        status = evict_oldest(spool, txn);
    return status;
}

static int write_in(struct spool *spool, MDB_txn *txn, const struct spool_batch *batch, uint64_t *dropped)
{
    int status = batch->committed > 0 ? delete_committed(spool, txn, batch->committed) : 0;
    if (status == 0)
        status = put_entries(spool, txn, batch, dropped);
    for (size_t i = 0; status == 0 && i < batch->certificate_count && !is_full(spool, txn, false); i++)
        status = put_certificate(spool, txn, &batch->certificates[i]);
    if (status == 0)
        status = meta_put(spool, txn, "dropped", *dropped);
    return status;
}

static void set_dropped(struct spool *spool, uint64_t dropped)
{
    (void)pthread_mutex_lock(&spool->lock);
    spool->dropped = dropped;
    (void)pthread_mutex_unlock(&spool->lock);
}

uint64_t spool_dropped(const struct spool *spool)
{
    struct spool *mutable = (struct spool *)(uintptr_t)spool;
    (void)pthread_mutex_lock(&mutable->lock);
    uint64_t dropped = spool->dropped;
    (void)pthread_mutex_unlock(&mutable->lock);
    return dropped;
}

static uint64_t count_attempts(const struct spool_batch *batch)
{
    uint64_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        count += !batch->entries[i].is_report;
    return count;
}

bool spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why)
{
    MDB_txn *txn = NULL;
    uint64_t before = spool_dropped(spool), dropped = before;
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status == 0) {
        status = write_in(spool, txn, batch, &dropped);
        if (status == 0)
            status = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    set_dropped(spool, status == 0 ? dropped : before + count_attempts(batch));
    if (status != 0)
        set_why(ret_why, "spool", status);
    return status == 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

uint64_t spool_count(struct spool *spool)
{
    MDB_txn *txn = NULL;
    MDB_stat stat = {0};
    if (mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn) != 0)
        return 0;
    (void)mdb_stat(txn, spool->records, &stat);
    mdb_txn_abort(txn);
    return stat.ms_entries;
}

/* Offsets first, because out may move while it grows. */
static size_t read_records(MDB_cursor *cursor, uint64_t from, size_t max_records, size_t max_bytes,
                           struct buf *out, struct bytes *records, uint64_t *last)
{
    uint8_t bytes[KEY_BYTES];
    key_put(from, bytes);
    MDB_val key = {KEY_BYTES, bytes}, value;
    size_t count = 0;
    int status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (status == 0 && count < max_records && (count == 0 || out->len + value.mv_size <= max_bytes)) {
        if (!buf_append(out, value.mv_data, value.mv_size))
            break;
        records[count++].length = value.mv_size;
        *last = key_get(&key);
        status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    const uint8_t *at = out->data;
    for (size_t i = 0; i < count; at += records[i++].length)
        records[i].data = at;
    return count;
}

size_t spool_read(struct spool *spool, uint64_t from, size_t max_records, size_t max_bytes, struct buf *out,
                  struct bytes *ret_records, uint64_t *ret_last)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    size_t count = 0;
    buf_clear(out);
    if (mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn) != 0)
        return 0;
    if (mdb_cursor_open(txn, spool->records, &cursor) == 0) {
        count = read_records(cursor, from, max_records, max_bytes, out, ret_records, ret_last);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return count;
}

static bool find_certificate(struct spool *spool, const uint8_t sha256[32], struct buf *out)
{
    MDB_txn *txn = NULL;
    MDB_val key = {HASH_BYTES, (void *)(uintptr_t)sha256}, value;
    if (mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn) != 0)
        return false;
    bool found = mdb_get(txn, spool->certificates, &key, &value) == 0;
    if (found && out != NULL)
        found = buf_append(out, value.mv_data, value.mv_size);
    mdb_txn_abort(txn);
    return found;
}

bool spool_has_certificate(struct spool *spool, const uint8_t sha256[32])
{
    return find_certificate(spool, sha256, NULL);
}

bool spool_certificate(struct spool *spool, const uint8_t sha256[32], struct buf *out)
{
    return find_certificate(spool, sha256, out);
}

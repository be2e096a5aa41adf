#include "duty/spool_parts.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* One transaction: what is delivered goes, what is new comes, and what does not fit is counted. See spool.c. */

static uint64_t database_bytes(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_stat stat;
    if (mdb_stat(txn, dbi, &stat) != 0)
        return 0;
    return (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
}

uint64_t spool_used_bytes(struct spool *spool, MDB_txn *txn)
{
    return database_bytes(txn, spool->records) + database_bytes(txn, spool->certificates);
}

static bool is_full(struct spool *spool, MDB_txn *txn, bool is_report)
{
    return spool_used_bytes(spool, txn) >= (is_report ? spool->report_limit_bytes : spool->limit_bytes);
}

static int delete_committed(struct spool *spool, MDB_txn *txn, uint64_t committed)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int status = mdb_cursor_open(txn, spool->records, &cursor);
    if (status != 0)
        return status;
    while ((status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0 &&
           spool_key_get(&key) <= committed) {
        status = mdb_cursor_del(cursor, 0);
        if (status != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND ? 0 : status;
}

static int put_record(struct spool *spool, MDB_txn *txn, uint64_t sequence, const void *bytes, size_t length)
{
    uint8_t number[SPOOL_KEY_BYTES];
    spool_key_put(sequence, number);
    MDB_val key = {SPOOL_KEY_BYTES, number}, value = {length, (void *)(uintptr_t)bytes};
    return mdb_put(txn, spool->records, &key, &value, 0);
}

/* The report is encoded here, because only here it is certain what has been dropped and that the report is kept. */
static int put_report(struct spool *spool, MDB_txn *txn, const struct spool_entry *entry)
{
    struct record record = {.kind = RECORD_ROUND_REPORT, .report = entry->report};
    struct round_report *report = &record.report;
    struct buf bytes;
    uint64_t sum = 0;
    struct dropped_at *at = calloc(MESSAGE_MAX_DROPPED_AT, sizeof *at);
    if (at == NULL)
        return ENOMEM;
    buf_init(&bytes, 0);
    report->sequence = entry->sequence;
    report->dropped_at = at;
    int status = dropped_read(spool, txn, at, &report->dropped_at_count, &sum);
    report->dropped = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    if (status == 0 && !record_encode(&record, &bytes))
        status = ENOMEM;
    if (status == 0)
        status = put_record(spool, txn, entry->sequence, bytes.data, bytes.len);
    if (status == 0)
        status = dropped_take(spool, txn, at, report->dropped_at_count);
    buf_done(&bytes);
    free(at);
    return status;
}

static int put_entries(struct spool *spool, MDB_txn *txn, const struct spool_batch *batch)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < batch->count; i++) {
        const struct spool_entry *entry = &batch->entries[i];
        bool full = is_full(spool, txn, entry->is_report);
        if (full && !entry->is_report)
            status = dropped_store(spool, txn, entry->endpoint_id, 1);
        else if (!full && entry->is_report)
            status = put_report(spool, txn, entry);
        else if (!full)
            status = put_record(spool, txn, entry->sequence, entry->record.data, entry->record.length);
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
        uint8_t copy[SPOOL_HASH_BYTES];
        memcpy(copy, hash.mv_data, hash.mv_size < SPOOL_HASH_BYTES ? hash.mv_size : SPOOL_HASH_BYTES);
        MDB_val key = {SPOOL_HASH_BYTES, copy};
        status = mdb_cursor_del(cursor, 0);
        if (status == 0)
            status = mdb_del(txn, spool->certificates, &key, NULL);
    }
    mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND ? 0 : status;
}

static int next_age(struct spool *spool, MDB_txn *txn, uint8_t out[SPOOL_KEY_BYTES])
{
    uint64_t age = spool_meta_get(spool, txn, "age") + 1;
    spool_key_put(age, out);
    return spool_meta_put(spool, txn, "age", age);
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
    uint8_t hash[SPOOL_HASH_BYTES], age[SPOOL_KEY_BYTES];
    MDB_val key = {SPOOL_HASH_BYTES, hash}, value = {der->length, (void *)(uintptr_t)der->data},
            age_key = {SPOOL_KEY_BYTES, age};
    if (EVP_Digest(der->data, der->length, hash, NULL, EVP_sha256(), NULL) != 1)
        return ENOMEM;
    int status = mdb_put(txn, spool->certificates, &key, &value, MDB_NOOVERWRITE);
    if (status == MDB_KEYEXIST)
        return 0;
    if (status == 0)
        status = next_age(spool, txn, age);
    key = (MDB_val){SPOOL_HASH_BYTES, hash};
    if (status == 0)
        status = mdb_put(txn, spool->ages, &age_key, &key, 0);
    while (status == 0 && too_many_certificates(spool, txn))
        status = evict_oldest(spool, txn);
    return status;
}

static int write_in(struct spool *spool, MDB_txn *txn, const struct spool_batch *batch)
{
    int status = spool->owed > 0 ? delete_committed(spool, txn, spool->owed) : 0;
    if (status == 0)
        status = dropped_store_all(spool, txn, &spool->taken);
    if (status == 0)
        status = put_entries(spool, txn, batch);
    for (size_t i = 0; status == 0 && i < batch->certificate_count && !is_full(spool, txn, false); i++)
        status = put_certificate(spool, txn, &batch->certificates[i]);
    return status;
}

/* What is counted in memory goes along; it comes back when the transaction fails. */
static void take_lost(struct spool *spool)
{
    (void)pthread_mutex_lock(&spool->lock);
    spool->taken = spool->lost;
    (void)pthread_mutex_unlock(&spool->lock);
}

static void written(struct spool *spool, uint64_t stored)
{
    (void)pthread_mutex_lock(&spool->lock);
    spool->dropped_stored = stored;
    size_t left = 0; /* spool_lose may have added meanwhile: at the end, or to a count */
    for (size_t i = 0; i < spool->lost.count; i++) {
        spool->lost.at[i].count -= i < spool->taken.count ? spool->taken.at[i].count : 0;
        if (spool->lost.at[i].count > 0)
            spool->lost.at[left++] = spool->lost.at[i];
    }
    spool->lost.count = left;
    (void)pthread_mutex_unlock(&spool->lock);
}

static void lose_all(struct spool *spool, const struct spool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->entries[i].is_report)
            spool_lose(spool, batch->entries[i].endpoint_id);
}

static int transact(struct spool *spool, const struct spool_batch *batch)
{
    MDB_txn *txn = NULL;
    uint64_t stored = 0;
    size_t kinds = 0;
    take_lost(spool);
    int status = mdb_txn_begin(spool->env, NULL, 0, &txn);
    if (status != 0)
        return status;
    status = write_in(spool, txn, batch);
    if (status == 0)
        status = dropped_read(spool, txn, NULL, &kinds, &stored);
    if (status != 0) {
        mdb_txn_abort(txn);
        return status;
    }
    status = mdb_txn_commit(txn);
    if (status == 0) {
        written(spool, stored);
        spool->owed = 0;
    }
    return status;
}

bool spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why)
{
    static const struct spool_batch nothing = {0};
    if (batch->committed > spool->owed)
        spool->owed = batch->committed;
    int status = transact(spool, batch);
    if (status == 0)
        return true;
    lose_all(spool, batch);
    if (spool->owed > 0)
        (void)transact(spool, &nothing); /* what was delivered makes room; if not now, then with the next */
    spool_why(ret_why, "spool", status);
    return false;
}

#include "duty/spool_parts.h"

/*
 * Results that could not be kept, counted by endpoint until a report that tells of them is stored. Both tables have a bounded
 * number of places, and endpoint 0 stands for those that came after the last one was given away; so one report has room for all.
 */

enum { DROPPED_ENDPOINTS = MESSAGE_MAX_DROPPED_AT - 1 }; /* beside endpoint 0 */

/* --- in memory --- */

void dropped_add(struct dropped_table *table, uint64_t endpoint_id, uint64_t count)
{
    size_t at = 0;
    while (at < table->count && table->at[at].endpoint_id != endpoint_id)
        at++;
    if (at == table->count && table->count >= DROPPED_ENDPOINTS && endpoint_id != 0) {
        dropped_add(table, 0, count);
        return;
    }
    if (at == table->count) {
        table->at[table->count++].endpoint_id = endpoint_id;
        table->at[at].count = 0;
    }
    table->at[at].count += count;
}

uint64_t dropped_sum(const struct dropped_table *table)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < table->count; i++)
        sum += table->at[i].count;
    return sum;
}

void spool_lose(struct spool *spool, uint64_t endpoint_id)
{
    (void)pthread_mutex_lock(&spool->lock);
    dropped_add(&spool->lost, endpoint_id, 1);
    (void)pthread_mutex_unlock(&spool->lock);
}

uint64_t spool_dropped(const struct spool *spool)
{
    struct spool *mutable = (struct spool *)(uintptr_t)spool;
    (void)pthread_mutex_lock(&mutable->lock);
    uint64_t dropped = spool->dropped_stored + dropped_sum(&spool->lost);
    (void)pthread_mutex_unlock(&mutable->lock);
    return dropped;
}

/* --- in the database --- */

static int put_count(struct spool *spool, MDB_txn *txn, MDB_val *key, uint64_t count)
{
    uint8_t bytes[SPOOL_KEY_BYTES];
    spool_key_put(count, bytes);
    MDB_val value = {SPOOL_KEY_BYTES, bytes};
    return count == 0 ? mdb_del(txn, spool->dropped, key, NULL)
                      : mdb_put(txn, spool->dropped, key, &value, 0);
}

int dropped_store(struct spool *spool, MDB_txn *txn, uint64_t endpoint_id, uint64_t count)
{
    uint8_t bytes[SPOOL_KEY_BYTES];
    MDB_val key = {SPOOL_KEY_BYTES, bytes}, value;
    MDB_stat stat;
    spool_key_put(endpoint_id, bytes);
    int status = mdb_get(txn, spool->dropped, &key, &value);
    if (status == 0)
        return put_count(spool, txn, &key, spool_key_get(&value) + count);
    if (status == MDB_NOTFOUND)
        status = mdb_stat(txn, spool->dropped, &stat);
    if (status != 0)
        return status;
    if (endpoint_id != 0 && stat.ms_entries >= DROPPED_ENDPOINTS)
        return dropped_store(spool, txn, 0, count);
    return put_count(spool, txn, &key, count);
}

int dropped_store_all(struct spool *spool, MDB_txn *txn, const struct dropped_table *table)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < table->count; i++)
        status = dropped_store(spool, txn, table->at[i].endpoint_id, table->at[i].count);
    return status;
}

int dropped_read(struct spool *spool, MDB_txn *txn, struct dropped_at *at, size_t *ret_count,
                 uint64_t *ret_sum)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    size_t count = 0;
    uint64_t sum = 0;
    int status = mdb_cursor_open(txn, spool->dropped, &cursor);
    if (status != 0)
        return status;
    for (status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
         status == 0 && count < MESSAGE_MAX_DROPPED_AT;
         status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        uint64_t dropped = spool_key_get(&value);
        if (at != NULL)
            at[count] = (struct dropped_at){.endpoint_id = spool_key_get(&key),
                                            .count = dropped > UINT32_MAX ? UINT32_MAX : (uint32_t)dropped};
        count++;
        sum += dropped;
    }
    mdb_cursor_close(cursor);
    *ret_count = count;
    *ret_sum = sum;
    return status == MDB_NOTFOUND ? 0 : status;
}

int dropped_take(struct spool *spool, MDB_txn *txn, const struct dropped_at *at, size_t count)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        uint8_t bytes[SPOOL_KEY_BYTES];
        MDB_val key = {SPOOL_KEY_BYTES, bytes}, value;
        spool_key_put(at[i].endpoint_id, bytes);
        status = mdb_get(txn, spool->dropped, &key, &value);
        if (status == 0)
            status = put_count(spool, txn, &key, spool_key_get(&value) - at[i].count);
    }
    return status;
}

#include "duty/spool_parts.h"

#include <string.h>

/* What waits, in transactions that end before anything else is done: one that lasts keeps pages from being used again. */

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

uint64_t spool_count_up_to(struct spool *spool, uint64_t sequence)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    uint64_t count = 0;
    if (mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn) != 0)
        return 0;
    if (mdb_cursor_open(txn, spool->records, &cursor) == 0) {
        int status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        for (; status == 0 && spool_key_get(&key) <= sequence;
             status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
            count++;
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return count;
}

static int read_ends(struct spool *spool, MDB_txn *txn, struct spool_status *out)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int status = mdb_cursor_open(txn, spool->records, &cursor);
    if (status != 0)
        return status;
    status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    out->first = status == 0 ? spool_key_get(&key) : 0;
    if (status == 0)
        status = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    out->last = status == 0 ? spool_key_get(&key) : 0;
    mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND ? 0 : status;
}

bool spool_status(struct spool *spool, struct spool_status *ret_status, char **ret_why)
{
    MDB_txn *txn = NULL;
    MDB_stat stat = {0};
    int status = mdb_txn_begin(spool->env, NULL, MDB_RDONLY, &txn);
    if (status == 0) {
        *ret_status = (struct spool_status){.epoch = spool_meta_get(spool, txn, "epoch"),
                                            .used_bytes = spool_used_bytes(spool, txn)};
        status = mdb_stat(txn, spool->records, &stat);
        ret_status->count = stat.ms_entries;
        if (status == 0)
            status = read_ends(spool, txn, ret_status);
        if (status == 0)
            status = dropped_read(spool, txn, ret_status->dropped_at, &ret_status->dropped_at_count,
                                  &ret_status->dropped);
        mdb_txn_abort(txn);
    }
    if (status != 0)
        spool_why(ret_why, "spool", status);
    return status == 0;
}

/* Offsets first, because out may move while it grows. */
static size_t read_records(MDB_cursor *cursor, uint64_t from, size_t max_records, size_t max_bytes,
                           struct buf *out, struct bytes *records, uint64_t *last)
{
    uint8_t bytes[SPOOL_KEY_BYTES];
    spool_key_put(from, bytes);
    MDB_val key = {SPOOL_KEY_BYTES, bytes}, value;
    size_t count = 0;
    int status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (status == 0 && count < max_records && (count == 0 || out->len + value.mv_size <= max_bytes)) {
        if (!buf_append(out, value.mv_data, value.mv_size))
            break;
        records[count++].length = value.mv_size;
        *last = spool_key_get(&key);
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
    MDB_val key = {SPOOL_HASH_BYTES, (void *)(uintptr_t)sha256}, value;
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

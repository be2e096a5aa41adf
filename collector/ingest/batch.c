#include "ingest/batch.h"

#include "ingest/copy.h"
#include "ingest/network.h"
#include "words/classify.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_BYTES = 512 }; /* of a row beside its evidence, mostly */

/* @return the chain of so many hashes at the end of `hashes`: one that is there already, or a new one. */
static size_t batch_chain(struct batch *batch, size_t at)
{
    size_t length = batch->hashes.len - at, nth = 0;
    const uint8_t *hashes = batch->hashes.data;
    for (; nth < batch->chain_count; nth++) {
        const struct kept_chain *chain = &batch->chains[nth];
        if (chain->count * 32 == length && memcmp(hashes + chain->at, hashes + at, length) == 0)
            break;
    }
    if (nth < batch->chain_count) {
        batch->hashes.len = at;
        return nth;
    }
    struct kept_chain *chain = &batch->chains[batch->chain_count++];
    *chain = (struct kept_chain){.at = at, .count = length / 32};
    (void)SHA256(hashes + at, length, chain->digest);
    return nth;
}

static bool keep_chain(struct batch *batch, const struct attempt *attempt, struct kept_record *record)
{
    size_t at = batch->hashes.len;
    record->chain = SIZE_MAX;
    if (attempt->tls.chain_count == 0)
        return true;
    for (size_t i = 0; i < attempt->tls.chain_count; i++)
        if (!buf_append(&batch->hashes, attempt->tls.chain[i].sha256, 32))
            return false;
    record->chain = batch_chain(batch, at);
    return true;
}

static bool keep_attempt(struct batch *batch, const struct record *from, struct kept_record *record)
{
    const struct ingest_source *source = batch->source;
    const struct attempt *attempt = from->attempt;
    struct copy_row row = {.attempt = attempt,
                           .encoded = from->encoded,
                           .outcome = classify(attempt),
                           .vantage_id = source->vantage_id,
                           .asn = source->asn,
                           .address_asn = network_of(source->networks, &attempt->flow.destination).asn};
    record->claim = (struct claim){.round_id = attempt->round_id,
                                   .endpoint_id = attempt->endpoint_id,
                                   .start_us = attempt->clock.start_us,
                                   .slot_us = attempt->clock.slot_us,
                                   .start_error_us = attempt->clock.start_error_us};
    record->role = attempt->role;
    record->class = row.outcome.class;
    record->row_at = batch->rows.len;
    bool kept = keep_chain(batch, attempt, record) && copy_attempt(&batch->rows, &row);
    record->row_length = batch->rows.len - record->row_at;
    return kept;
}

/* Room for all rows at once. @return false without memory. */
static bool batch_reserve(struct batch *batch, const struct record *records)
{
    size_t bytes = 0;
    for (size_t i = 0; i < batch->count; i++)
        bytes += records[i].encoded.length + COLUMNS_BYTES;
    return buf_room(&batch->rows, bytes) != NULL;
}

static bool batch_keep(struct batch *batch, const struct record *records)
{
    if (!batch_reserve(batch, records))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct kept_record *record = &batch->records[i];
        record->kind = records[i].kind;
        record->sequence = record_sequence(&records[i]);
        if (record->kind == RECORD_ATTEMPT && !keep_attempt(batch, &records[i], record))
            return false;
    }
    return true;
}

/* Nothing fails from here on. */
static void batch_take(struct batch *batch, struct record *records)
{
    size_t bytes = sizeof *batch + batch->count * sizeof *batch->records;
    bytes += batch->rows.cap + batch->hashes.cap + batch->count * sizeof *batch->chains;
    for (size_t i = 0; i < batch->count; i++) {
        batch->records[i].report = records[i].report;
        bytes += records[i].report.dropped_at_count * sizeof *records[i].report.dropped_at;
        records[i].report = (struct round_report){0};
        record_done(&records[i]);
        records[i] = (struct record){0};
    }
    batch->bytes = bytes;
}

struct batch *batch_new(struct ingest_source *source, struct record *records, size_t count)
{
    struct batch *batch = calloc(1, sizeof *batch + count * sizeof *batch->records);
    if (batch == NULL)
        return NULL;
    batch->source = source;
    batch->count = count;
    batch->last = record_sequence(&records[count - 1]);
    buf_init(&batch->rows, 0);
    buf_init(&batch->hashes, 0);
    batch->chains = calloc(count, sizeof *batch->chains);
    if (batch->chains == NULL || !batch_keep(batch, records)) {
        batch_free(batch);
        return NULL;
    }
    batch_take(batch, records);
    return batch;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i].report.dropped_at);
    buf_done(&batch->rows);
    buf_done(&batch->hashes);
    free(batch->chains);
    free(batch);
}

bool batch_came(const struct batch *batch, const struct kept_record *record)
{
    return !batch->replaced && record->kind != 0 && record->sequence > batch->known;
}

bool batch_takes(const struct batch *batch, const struct kept_record *record)
{
    return batch_came(batch, record) && record->verdict == REFUSAL_NONE;
}

bool batch_takes_attempt(const struct batch *batch, const struct kept_record *record)
{
    return record->kind == RECORD_ATTEMPT && batch_takes(batch, record);
}

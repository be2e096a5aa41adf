#include "ingest/group.h"

#include "ingest/copy.h"
#include "ingest/network.h"
#include "store/array.h"
#include "words/classify.h"
#include "words/units.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_BUCKET_US (INT64_C(600) * US_PER_S)

bool batch_came(const struct batch *batch, const struct record *record)
{
    return !batch->replaced && record->kind != 0 && record_sequence(record) > batch->known;
}

enum refusal batch_verdict(const struct batch *batch, const struct record *record)
{
    return (enum refusal)batch->verdicts[record - batch->records];
}

static bool record_is_new(const struct batch *batch, const struct record *record)
{
    return batch_came(batch, record) && batch_verdict(batch, record) == REFUSAL_NONE;
}

const struct attempt *batch_attempt(const struct batch *batch, const struct record *record)
{
    return record->kind == RECORD_ATTEMPT && record_is_new(batch, record) ? record->attempt : NULL;
}

static bool chain_hash(const struct attempt *attempt, struct buf *hashes, uint8_t digest[32])
{
    buf_clear(hashes);
    for (size_t i = 0; i < attempt->tls.chain_count; i++)
        if (!buf_append(hashes, attempt->tls.chain[i].sha256, 32))
            return false;
    (void)SHA256(hashes->data, hashes->len, digest);
    return true;
}

/* --- questions and answers --- */

char *group_vantages(const struct group *group)
{
    struct number_set set = {0};
    bool whole = true;
    for (const struct batch *batch = group->batches; batch != NULL; batch = batch->next)
        whole = whole && number_add(&set, batch->source->vantage_id);
    number_sort(&set);
    char *text = whole ? number_array(&set) : NULL;
    free(set.numbers);
    return text;
}

static struct group_cursor *group_cursor(const struct group *group, int32_t vantage_id)
{
    for (size_t i = 0; i < group->cursor_count; i++)
        if (group->cursors[i].vantage_id == vantage_id)
            return &group->cursors[i];
    return NULL;
}

bool group_set_cursors(struct group *group, const PGresult *result)
{
    size_t count = (size_t)PQntuples(result);
    group->cursors = calloc(count + 1, sizeof *group->cursors);
    if (group->cursors == NULL)
        return false;
    group->cursor_count = count;
    for (size_t i = 0; i < count; i++) {
        group->cursors[i].vantage_id = (int32_t)strtol(PQgetvalue(result, (int)i, 0), NULL, 10);
        group->cursors[i].committed = strtoull(PQgetvalue(result, (int)i, 1), NULL, 10);
        group->cursors[i].session = strtoll(PQgetvalue(result, (int)i, 2), NULL, 10);
    }
    for (struct batch *batch = group->batches; batch != NULL; batch = batch->next) {
        struct group_cursor *cursor = group_cursor(group, batch->source->vantage_id);
        if (cursor == NULL)
            return false;
        batch->replaced = batch->source->session != cursor->session;
        batch->known = cursor->committed;
        if (!batch->replaced && batch->last > cursor->committed)
            cursor->committed = batch->last;
    }
    return true;
}

bool group_collect(struct group *group)
{
    struct buf hashes;
    uint8_t digest[32];
    bool whole = true;
    buf_init(&hashes, 0);
    GROUP_EACH(group, batch, record)
    {
        const struct attempt *attempt = batch_attempt(batch, record);
        if (attempt != NULL && attempt->round_id != 0 && attempt->round_id <= INT64_MAX)
            whole = whole && number_add(&group->rounds, (int64_t)attempt->round_id);
        if (attempt != NULL)
            whole = whole && number_add(&group->buckets, attempt->clock.start_us / GROUP_BUCKET_US);
        if (attempt == NULL || attempt->tls.chain_count == 0)
            continue;
        whole = whole && chain_hash(attempt, &hashes, digest) && hash_add(&group->chains, digest);
        for (size_t i = 0; whole && i < attempt->tls.chain_count; i++)
            whole = hash_add(&group->certificates, attempt->tls.chain[i].sha256);
    }
    buf_done(&hashes);
    number_sort(&group->rounds);
    number_sort(&group->buckets);
    hash_sort(&group->chains);
    hash_sort(&group->certificates);
    return whole;
}

char *group_chain_hashes(const struct group *group)
{
    struct buf array, hashes;
    uint8_t digest[32];
    bool whole = true;
    array_begin(&array);
    buf_init(&hashes, 0);
    GROUP_EACH(group, batch, record)
    {
        const struct attempt *attempt = batch_attempt(batch, record);
        if (attempt == NULL || attempt->tls.chain_count == 0 || !whole)
            continue;
        whole = chain_hash(attempt, &hashes, digest);
        struct hash_entry *entry = whole ? hash_find(&group->chains, digest) : NULL;
        if (entry == NULL || entry->id != 0)
            continue;
        entry->id = -1; /* written once; group_set_chains puts the id here */
        whole = array_bytes(&array, hashes.data, hashes.len);
    }
    buf_done(&hashes);
    if (!whole)
        buf_done(&array); /* without one of them its attempts would be stored without their chain */
    return array_take(&array);
}

char *group_chain_digests(const struct group *group)
{
    return hash_array(&group->chains);
}

char *group_certificates(const struct group *group)
{
    return hash_array(&group->certificates);
}

char *group_rounds(const struct group *group)
{
    return number_array(&group->rounds);
}

char *group_buckets(const struct group *group)
{
    return number_array(&group->buckets);
}

void group_set_chains(struct group *group, const PGresult *result)
{
    uint8_t digest[32];
    for (int row = 0; row < PQntuples(result); row++) {
        if (!hex_parse(PQgetvalue(result, row, 1), digest, sizeof digest))
            continue;
        struct hash_entry *entry = hash_find(&group->chains, digest);
        if (entry != NULL)
            entry->id = strtoll(PQgetvalue(result, row, 0), NULL, 10);
    }
}

void group_set_wanted(struct group *group, const PGresult *result)
{
    uint8_t digest[32];
    for (int row = 0; row < PQntuples(result); row++) {
        if (!hex_parse(PQgetvalue(result, row, 0), digest, sizeof digest))
            continue;
        struct hash_entry *entry = hash_find(&group->certificates, digest);
        if (entry != NULL)
            entry->id = 1;
    }
}

/* --- what the rows become --- */

/* @param ret_id  0: it has none. @return false without memory. */
static bool group_chain_id(const struct group *group, const struct attempt *attempt, struct buf *hashes,
                           int64_t *ret_id)
{
    uint8_t digest[32];
    *ret_id = 0;
    if (attempt->tls.chain_count == 0)
        return true;
    if (!chain_hash(attempt, hashes, digest))
        return false;
    const struct hash_entry *entry = hash_find(&group->chains, digest);
    if (entry != NULL && entry->id > 0)
        *ret_id = entry->id;
    return true;
}

long group_encode(const struct group *group, struct buf *out)
{
    struct buf hashes;
    long rows = 0;
    buf_init(&hashes, 0);
    bool whole = copy_begin(out);
    GROUP_EACH(group, batch, record)
    {
        const struct attempt *attempt = batch_attempt(batch, record);
        if (attempt == NULL || !whole)
            continue;
        struct copy_row row = {.attempt = attempt,
                               .outcome = classify(attempt),
                               .vantage_id = batch->source->vantage_id,
                               .asn = batch->source->asn,
                               .address_asn =
                                   network_of(batch->source->networks, &attempt->flow.destination).asn};
        whole = group_chain_id(group, attempt, &hashes, &row.chain_id) && copy_attempt(out, &row);
        rows++;
    }
    buf_done(&hashes);
    return whole && copy_end(out) ? rows : -1;
}

void group_count(const struct group *group, struct metrics *metrics, int64_t now_us)
{
    GROUP_EACH(group, batch, record)
    {
        const char *vantage = batch->source->vantage;
        const struct attempt *attempt = batch_attempt(batch, record);
        if (vantage != NULL && batch_came(batch, record) && batch_verdict(batch, record) != REFUSAL_NONE)
            metrics_add(metrics, METRIC_RECORDS_REFUSED,
                        LABELS(vantage, refusal_id(batch_verdict(batch, record))), 1);
        if (vantage == NULL || !record_is_new(batch, record))
            continue;
        metrics_add(metrics, METRIC_RECORDS, LABELS(vantage), 1);
        if (attempt == NULL)
            continue;
        int64_t late_us = attempt->clock.start_us - attempt->clock.slot_us;
        metrics_add(metrics, METRIC_ATTEMPTS, LABELS(vantage, outcome_class_id(classify(attempt).class)), 1);
        metrics_observe(metrics, METRIC_INGEST_LAG, (double)(now_us - attempt->clock.start_us) / 1e6);
        if (attempt->role == ATTEMPT_FIRST && attempt->clock.slot_us != 0)
            metrics_observe(metrics, METRIC_SLOT_SKEW, fabs((double)late_us) / 1e6);
    }
    metrics_add(metrics, METRIC_BATCHES, NULL, (double)group->batch_count);
}

static int64_t clamp_count(uint32_t count)
{
    return count > INT32_MAX ? INT32_MAX : count;
}

long group_reports(const struct group *group, char *ret_params[6])
{
    struct buf arrays[6];
    long count = 0;
    for (size_t i = 0; i < 6; i++)
        array_begin(&arrays[i]);
    GROUP_EACH(group, batch, record)
    {
        const struct round_report *report = &record->report;
        if (record->kind != RECORD_ROUND_REPORT || !record_is_new(batch, record) ||
            report->round_id > INT64_MAX)
            continue;
        (void)array_number(&arrays[0], (int64_t)report->round_id);
        (void)array_number(&arrays[1], batch->source->vantage_id);
        (void)array_number(&arrays[2], clamp_count(report->attempts));
        (void)array_number(&arrays[3], clamp_count(report->refused));
        (void)array_number(&arrays[4], clamp_count(report->late));
        (void)array_number(&arrays[5], clamp_count(report->dropped));
        count++;
    }
    bool whole = true;
    for (size_t i = 0; i < 6; i++) {
        ret_params[i] = array_take(&arrays[i]);
        whole = whole && ret_params[i] != NULL;
    }
    return whole ? count : -1;
}

bool group_moves(const struct group *group, char *ret_params[2])
{
    struct buf vantages, committed;
    array_begin(&vantages);
    array_begin(&committed);
    for (size_t i = 0; i < group->cursor_count; i++) {
        (void)array_number(&vantages, group->cursors[i].vantage_id);
        (void)array_number(&committed, (int64_t)group->cursors[i].committed);
    }
    ret_params[0] = array_take(&vantages);
    ret_params[1] = array_take(&committed);
    return ret_params[0] != NULL && ret_params[1] != NULL;
}

size_t group_wanted_of(const struct group *group, const struct ingest_source *source, uint8_t (*out)[32],
                       size_t max)
{
    size_t count = 0;
    GROUP_EACH(group, batch, record)
    {
        const struct attempt *attempt = batch_attempt(batch, record);
        if (attempt == NULL || batch->source != source)
            continue;
        for (size_t i = 0; i < attempt->tls.chain_count && count < max; i++) {
            struct hash_entry *entry = hash_find(&group->certificates, attempt->tls.chain[i].sha256);
            if (entry == NULL || entry->id != 1)
                continue;
            entry->id = 2; /* asked of one vantage is enough */
            memcpy(out[count++], entry->hash, 32);
        }
    }
    return count;
}

void group_done(struct group *group)
{
    free(group->cursors);
    round_book_done(&group->book);
    free(group->rounds.numbers);
    free(group->buckets.numbers);
    free(group->chains.entries);
    free(group->certificates.entries);
    *group = (struct group){0};
}

#include "ingest/group.h"

#include "ingest/copy.h"
#include "ingest/look.h"
#include "store/array.h"
#include "words/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_BUCKET_US (INT64_C(600) * US_PER_S)

enum {
    OUTCOME_CLASS_LIMIT = 128, /* above the number of every class */
    COPY_PART_BYTES = 32 * 1024,
};

/* Every chain that rows of the group have, with its batch. */
#define GROUP_CHAINS(group, batch, chain)                                                                    \
    for (struct batch *batch = (group)->batches; batch != NULL; batch = batch->next)                         \
        for (struct kept_chain *chain = batch->chains; chain < batch->chains + batch->chain_count; chain++)  \
            if (chain->stored)

/* --- questions and answers --- */

static char *group_vantages(const struct group *group)
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

bool group_form(struct group *group, int64_t now_us)
{
    bool whole = true;
    group->formed_us = now_us;
    for (const struct batch *batch = group->batches; batch != NULL; batch = batch->next)
        for (size_t i = 0; i < batch->chain_count; i++) {
            const struct kept_chain *chain = &batch->chains[i];
            whole = whole && hash_add(&group->chains, chain->digest);
            for (size_t j = 0; whole && j < chain->count; j++)
                whole = hash_add(&group->certificates, batch->hashes.data + chain->at + 32 * j);
        }
    hash_sort(&group->chains);
    hash_sort(&group->certificates);
    return whole;
}

void group_questions(const struct group *group, char *ret_params[5])
{
    ret_params[0] = group_vantages(group);
    group_pairs(group, ret_params + 1);
    ret_params[3] = hash_array(&group->chains);
    ret_params[4] = hash_array(&group->certificates);
}

static struct group_cursor *group_cursor(const struct group *group, int32_t vantage_id)
{
    for (size_t i = 0; i < group->cursor_count; i++)
        if (group->cursors[i].vantage_id == vantage_id)
            return &group->cursors[i];
    return NULL;
}

static bool set_cursors(struct group *group, const PGresult *result)
{
    free(group->cursors);
    group->cursor_count = 0;
    group->cursors = calloc((size_t)PQntuples(result) + 1, sizeof *group->cursors);
    for (int row = 0; group->cursors != NULL && row < PQntuples(result); row++) {
        if (!look_is(result, row, "cursor"))
            continue;
        group->cursors[group->cursor_count++] =
            (struct group_cursor){.vantage_id = (int32_t)look_number(result, row, LOOK_ID),
                                  .committed = (uint64_t)look_number(result, row, LOOK_FIRST),
                                  .session = look_number(result, row, LOOK_SECOND)};
    }
    return group->cursors != NULL;
}

/* Leaves out what came before. @return false when a vantage has no cursor. */
static bool fence(struct group *group)
{
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

static void set_hashes(struct hash_set *set, const PGresult *result, int row, int64_t id)
{
    uint8_t hash[32];
    struct hash_entry *entry = NULL;
    if (hex_parse(PQgetvalue(result, row, LOOK_HASH), hash, sizeof hash))
        entry = hash_find(set, hash);
    if (entry != NULL)
        entry->id = id;
}

/* Of the rows that go in. */
static bool collect(struct group *group)
{
    bool whole = true;
    group->rounds.count = group->buckets.count = group->attempts = 0;
    for (struct batch *batch = group->batches; batch != NULL; batch = batch->next)
        for (size_t i = 0; i < batch->chain_count; i++) {
            const struct hash_entry *entry = hash_find(&group->chains, batch->chains[i].digest);
            batch->chains[i].stored = false;
            batch->chains[i].id = entry == NULL ? 0 : entry->id;
        }
    GROUP_EACH(group, batch, record)
    {
        if (!batch_takes_attempt(batch, record))
            continue;
        group->attempts++;
        if (record->claim.round_id != 0 && record->claim.round_id <= INT64_MAX)
            whole = whole && number_add(&group->rounds, (int64_t)record->claim.round_id);
        whole = whole && number_add(&group->buckets, record->claim.start_us / GROUP_BUCKET_US);
        if (record->chain != SIZE_MAX)
            batch->chains[record->chain].stored = true;
    }
    number_sort(&group->rounds);
    number_sort(&group->buckets);
    return whole;
}

const char *group_answer(struct group *group, const PGresult *result)
{
    if (!set_cursors(group, result))
        return "out of memory";
    if (!fence(group))
        return "a vantage has no cursor";
    for (int row = 0; row < PQntuples(result); row++) {
        if (look_is(result, row, "chain"))
            set_hashes(&group->chains, result, row, look_number(result, row, LOOK_ID));
        else if (look_is(result, row, "wanted"))
            set_hashes(&group->certificates, result, row, 1);
    }
    return group_judge(group, result) && collect(group) ? NULL : "out of memory";
}

/* --- chains that are new --- */

bool group_lacks_chains(const struct group *group)
{
    GROUP_CHAINS(group, batch, chain)
    {
        if (chain->id == 0)
            return true;
    }
    return false;
}

char *group_chain_hashes(const struct group *group)
{
    struct buf array;
    array_begin(&array);
    GROUP_CHAINS(group, batch, chain)
    {
        if (chain->id == 0)
            (void)array_bytes(&array, batch->hashes.data + chain->at, 32 * chain->count);
    }
    return array_take(&array);
}

char *group_certificates(const struct group *group)
{
    struct hash_set set = {0};
    bool whole = true;
    GROUP_CHAINS(group, batch, chain)
    {
        for (size_t i = 0; whole && chain->id == 0 && i < chain->count; i++)
            whole = hash_add(&set, batch->hashes.data + chain->at + 32 * i);
    }
    hash_sort(&set);
    char *text = whole ? hash_array(&set) : NULL;
    free(set.entries);
    return text;
}

/* --- what the rows become --- */

void group_copy_begin(struct group *group)
{
    group->copying = group->batches;
    group->copied = 0;
}

static bool copy_record(const struct batch *batch, const struct kept_record *record, struct buf *out)
{
    return !batch_takes_attempt(batch, record) ||
           (buf_append(out, batch->rows.data + record->row_at, record->row_length) &&
            copy_chain(out, record->chain == SIZE_MAX ? 0 : batch->chains[record->chain].id));
}

enum pg_copied group_copy(struct group *group, struct buf *out)
{
    bool whole = group->copying != group->batches || group->copied > 0 || copy_begin(out);
    while (whole && group->copying != NULL && out->len < COPY_PART_BYTES) {
        const struct batch *batch = group->copying;
        if (group->copied < batch->count) {
            whole = copy_record(batch, &batch->records[group->copied++], out);
        } else {
            group->copying = batch->next;
            group->copied = 0;
        }
    }
    bool all = group->copying == NULL;
    if (whole && all)
        whole = copy_end(out);
    return !whole ? PG_COPY_FAILED : all ? PG_COPY_ALL : PG_COPY_MORE;
}

static void count_attempt(const struct kept_record *record, struct metrics *metrics, int64_t now_us)
{
    int64_t late_us = record->claim.start_us - record->claim.slot_us;
    metrics_observe(metrics, METRIC_INGEST_LAG, (double)(now_us - record->claim.start_us) / 1e6);
    if (record->role == ATTEMPT_FIRST && record->claim.slot_us != 0)
        metrics_observe(metrics, METRIC_SLOT_SKEW, fabs((double)late_us) / 1e6);
}

static void count_batch(const struct batch *batch, struct metrics *metrics, int64_t now_us)
{
    unsigned records = 0, refused[REFUSAL_COUNT] = {0}, classes[OUTCOME_CLASS_LIMIT] = {0};
    for (const struct kept_record *record = batch->records; record < batch->records + batch->count;
         record++) {
        if (!batch_came(batch, record))
            continue;
        records += record->verdict == REFUSAL_NONE;
        refused[record->verdict] += record->verdict != REFUSAL_NONE;
        if (!batch_takes_attempt(batch, record))
            continue;
        classes[record->class]++;
        count_attempt(record, metrics, now_us);
    }
    const char *vantage = batch->source->vantage;
    if (records > 0)
        metrics_add(metrics, METRIC_RECORDS, LABELS(vantage), records);
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        if (refused[i] > 0)
            metrics_add(metrics, METRIC_RECORDS_REFUSED, LABELS(vantage, refusal_id((enum refusal)i)),
                        refused[i]);
    for (unsigned i = 0; i < OUTCOME_CLASS_LIMIT; i++)
        if (classes[i] > 0)
            metrics_add(metrics, METRIC_ATTEMPTS, LABELS(vantage, outcome_class_id((enum outcome_class)i)),
                        classes[i]);
}

void group_count(const struct group *group, struct metrics *metrics, int64_t now_us)
{
    for (const struct batch *batch = group->batches; batch != NULL; batch = batch->next)
        if (batch->source->vantage != NULL)
            count_batch(batch, metrics, now_us);
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
        if (record->kind != RECORD_ROUND_REPORT || !batch_takes(batch, record) ||
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

void group_ends(const struct group *group, char *ret_params[4])
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
    ret_params[2] = number_array(&group->buckets);
    ret_params[3] = number_array(&group->rounds);
}

size_t group_wanted_of(const struct group *group, const struct ingest_source *source, uint8_t (*out)[32],
                       size_t max)
{
    size_t count = 0;
    GROUP_CHAINS(group, batch, chain)
    {
        for (size_t i = 0; batch->source == source && i < chain->count && count < max; i++) {
            struct hash_entry *entry =
                hash_find(&group->certificates, batch->hashes.data + chain->at + 32 * i);
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

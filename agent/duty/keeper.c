#include "duty/keeper.h"

#include <stdlib.h>
#include <string.h>

/* What waits for one transaction. Pointers into the bytes are made when it starts, because bytes move while they grow. */
struct load {
    struct buf record_bytes, certificate_bytes;
    struct spool_entry *entries;
    size_t count, room;
    struct bytes *certificates;
    size_t certificate_count, certificate_room;
    uint64_t committed;
};

struct keeper {
    uv_loop_t *loop;
    struct spool *spool;
    uv_work_t work;
    bool working;
    struct load next, running;
    char *why; /* what went wrong with the transaction that ran */
    void (*on_kept)(const char *why, void *arg);
    void *arg;
};

static void load_done(struct load *load)
{
    buf_done(&load->record_bytes);
    buf_done(&load->certificate_bytes);
    free(load->entries);
    free(load->certificates);
    *load = (struct load){0};
}

struct keeper *keeper_new(uv_loop_t *loop, struct spool *spool, void (*on_kept)(const char *why, void *arg),
                          void *arg)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return NULL;
    keeper->loop = loop;
    keeper->spool = spool;
    keeper->on_kept = on_kept;
    keeper->arg = arg;
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    load_done(&keeper->next);
    load_done(&keeper->running);
    free(keeper);
}

static bool load_is_empty(const struct load *load)
{
    return load->count == 0 && load->certificate_count == 0 && load->committed == 0;
}

bool keeper_idle(const struct keeper *keeper)
{
    return !keeper->working && load_is_empty(&keeper->next);
}

static void load_point(struct load *load)
{
    const uint8_t *at = load->record_bytes.data;
    for (size_t i = 0; i < load->count; at += load->entries[i++].record.length)
        load->entries[i].record.data = at;
    at = load->certificate_bytes.data;
    for (size_t i = 0; i < load->certificate_count; at += load->certificates[i++].length)
        load->certificates[i].data = at;
}

/* On a thread of the pool: touches `running` and `why` alone, which nobody else does while `working`. */
static void keeper_work(uv_work_t *work)
{
    struct keeper *keeper = work->data;
    struct load *load = &keeper->running;
    load_point(load);
    struct spool_batch batch = {
        .count = load->count,
        .entries = load->entries,
        .certificate_count = load->certificate_count,
        .certificates = load->certificates,
        .committed = load->committed,
    };
    (void)spool_write(keeper->spool, &batch, &keeper->why);
}

static void keeper_start(struct keeper *keeper);

static void keeper_worked(uv_work_t *work, int status)
{
    struct keeper *keeper = work->data;
    (void)status; /* never cancelled */
    char *why = keeper->why;
    keeper->why = NULL;
    keeper->working = false;
    load_done(&keeper->running);
    keeper_start(keeper);
    keeper->on_kept(why, keeper->arg);
    free(why);
}

static void keeper_start(struct keeper *keeper)
{
    if (keeper->working || load_is_empty(&keeper->next))
        return;
    keeper->running = keeper->next;
    keeper->next = (struct load){0};
    keeper->working = true;
    keeper->work.data = keeper;
    (void)uv_queue_work(keeper->loop, &keeper->work, keeper_work,
                        keeper_worked); /* fails only without a callback */
}

/* A place at the end of an array that grows. */
static void *array_add(void **array, size_t *count, size_t *room, size_t size)
{
    if (*count == *room) {
        size_t grown_room = *room > 0 ? *room * 2 : 16;
        void *grown = realloc(*array, grown_room * size);
        if (grown == NULL)
            return NULL;
        *array = grown;
        *room = grown_room;
    }
    void *place = (char *)*array + size * *count;
    memset(place, 0, size);
    (*count)++;
    return place;
}

static struct spool_entry *add_entry(struct load *load)
{
    return array_add((void **)&load->entries, &load->count, &load->room, sizeof(struct spool_entry));
}

static bool keep_record(struct load *load, struct attempt *attempt)
{
    const struct record record = {.kind = RECORD_ATTEMPT, .attempt = attempt};
    size_t before = load->record_bytes.len;
    struct spool_entry *entry = record_encode(&record, &load->record_bytes) ? add_entry(load) : NULL;
    if (entry == NULL) {
        load->record_bytes.len = before;
        return false;
    }
    entry->sequence = attempt->sequence;
    entry->endpoint_id = attempt->endpoint_id;
    entry->record.length = load->record_bytes.len - before;
    return true;
}

/* A certificate that cannot be kept costs nothing but a later question. */
static void keep_certificate(struct keeper *keeper, const struct chain_certificate *certificate)
{
    struct load *load = &keeper->next;
    if (certificate->der == NULL || certificate->der_length == 0 ||
        certificate->der_length > MESSAGE_CERTIFICATE_MAX_BYTES ||
        spool_has_certificate(keeper->spool, certificate->sha256))
        return;
    size_t before = load->certificate_bytes.len;
    if (!buf_append(&load->certificate_bytes, certificate->der, certificate->der_length))
        return;
    struct bytes *place = array_add((void **)&load->certificates, &load->certificate_count,
                                    &load->certificate_room, sizeof *place);
    if (place == NULL)
        load->certificate_bytes.len = before;
    else
        place->length = certificate->der_length;
}

bool keeper_attempt(struct keeper *keeper, struct attempt *attempt)
{
    attempt->sequence = spool_take_sequence(keeper->spool);
    bool kept = keep_record(&keeper->next, attempt);
    for (size_t i = 0; kept && i < attempt->tls.chain_count; i++)
        keep_certificate(keeper, &attempt->tls.chain[i]);
    if (!kept)
        spool_lose(keeper->spool, attempt->endpoint_id);
    keeper_start(keeper);
    return kept;
}

bool keeper_report(struct keeper *keeper, const struct round_report *report)
{
    struct spool_entry *entry = add_entry(&keeper->next);
    if (entry != NULL) {
        entry->sequence = spool_take_sequence(keeper->spool);
        entry->is_report = true;
        entry->report = *report;
    }
    keeper_start(keeper);
    return entry != NULL;
}

void keeper_commit(struct keeper *keeper, uint64_t committed)
{
    if (committed > keeper->next.committed)
        keeper->next.committed = committed;
    keeper_start(keeper);
}

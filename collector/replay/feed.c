#include "replay/load.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "ingest/ingest.h"
#include "words/classify.h"

#include <stdlib.h>
#include <string.h>

/*
 * The attempts of a recording go where those of a session go: into ingest, in batches of one vantage with ascending sequences.
 * Some batches wait there at any time, so that a group commit finds enough; the rest stays in the spool.
 */
enum { FEED_BATCH = 1024, FEED_WAITING = 32768 };

struct feed {
    struct ingest_source source; /* what every one is made from */
    struct feed_source *sources;
    uv_timer_t again; /* feeding goes on from the loop, never from inside of ingest */
    struct recording *recording;
    struct feed_counts *counts;
    const atomic_bool *stop;
    struct pg *pg;
    struct ingest *ingest;
    size_t next; /* attempt */
    size_t waiting;
    bool done, failed;
};

/* A vantage as ingest knows it; one for each batch, since its ASN may change. Freed at the end. */
struct feed_source {
    struct ingest_source source; /* first: what comes back names it */
    struct feed_source *next;
    struct feed *feed;
    uint64_t count;
};

static void feed_closed(void *arg)
{
    (void)arg;
}

static void feed_finish(struct feed *feed, bool failed)
{
    feed->failed |= failed;
    if (feed->done)
        return;
    feed->done = true;
    uv_close((uv_handle_t *)&feed->again, NULL);
    ingest_stop(feed->ingest, feed_closed, NULL);
    pg_close(feed->pg, feed_closed, NULL);
}

static void feed_more(struct feed *feed);

static void on_again(uv_timer_t *timer)
{
    feed_more(timer->data);
}

static void on_stored(struct ingest_source *source, uint64_t committed)
{
    struct feed_source *from = (struct feed_source *)source;
    struct feed *feed = from->feed;
    (void)committed;
    feed->counts->stored += from->count;
    feed->waiting -= from->count;
    if (!feed->done)
        (void)uv_timer_start(&feed->again, on_again, 0, 0);
}

static void on_wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count;
}

static void on_refused(struct ingest_source *source, const char *why)
{
    struct feed_source *from = (struct feed_source *)source;
    struct feed *feed = from->feed;
    cli_error(_("the scratch database does not take the attempts: %s"), why);
    feed_finish(feed, true);
}

static void on_replaced(struct ingest_source *source)
{
    on_refused(source, _("somebody else writes into it"));
}

static void on_released(struct ingest_source *source)
{
    (void)source;
}

static void on_lied(struct ingest_source *source, const struct refused_note *note)
{
    struct feed_source *from = (struct feed_source *)source;
    struct feed_counts *counts = from->feed->counts;
    counts->stored -= note->count;
    if (counts->impossible == 0)
        counts->why = note->refusal;
    counts->impossible += note->count;
}

/* --- batches --- */

static void compare_outcome(struct feed *feed, const struct recorded_attempt *row,
                            const struct attempt *attempt)
{
    enum outcome_class judged = classify(attempt).class;
    struct feed_counts *counts = feed->counts;
    if (row->said < 0 || row->said == (int32_t)judged)
        return;
    if (counts->other_outcomes++ > 0)
        return;
    counts->other_place = row->place;
    counts->other_said = outcome_class_id((enum outcome_class)row->said);
    counts->other_judged = outcome_class_id(judged);
}

static int64_t asn_of(const struct recording *recording, const struct recorded_attempt *row)
{
    return row->asn < 0 ? recording->vantages[row->vantage].asn : row->asn;
}

/* As many as go into one batch: of one vantage, with one ASN. */
static size_t read_batch(struct feed *feed, struct record *records)
{
    const struct recording *recording = feed->recording;
    const struct recorded_attempt *first = &recording->attempts[feed->next];
    size_t count = 0;
    while (count < FEED_BATCH && feed->next + count < recording->attempt_count) {
        const struct recorded_attempt *row = first + count;
        if (row->vantage != first->vantage || asn_of(recording, row) != asn_of(recording, first))
            break;
        struct attempt *attempt = recording_attempt(feed->recording, feed->next + count);
        if (attempt == NULL) {
            feed->failed = true;
            break;
        }
        compare_outcome(feed, row, attempt);
        records[count++] = (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
    }
    return count;
}

static struct feed_source *source_new(struct feed *feed, const struct recorded_attempt *row, size_t count)
{
    struct feed_source *from = calloc(1, sizeof *from);
    if (from == NULL)
        return NULL;
    from->source = feed->source;
    from->source.vantage_id = feed->recording->vantages[row->vantage].id;
    from->source.asn = asn_of(feed->recording, row);
    from->feed = feed;
    from->count = count;
    from->next = feed->sources;
    feed->sources = from;
    return from;
}

static bool feed_batch(struct feed *feed)
{
    struct record *records = calloc(FEED_BATCH, sizeof *records);
    size_t count = records == NULL ? 0 : read_batch(feed, records);
    struct feed_source *from =
        count == 0 || feed->failed ? NULL : source_new(feed, &feed->recording->attempts[feed->next], count);
    bool fed = from != NULL && ingest_batch(feed->ingest, &from->source, records, count);
    if (fed) {
        feed->next += count;
        feed->waiting += count;
    } else {
        if (!feed->failed)
            cli_error(_("out of memory"));
        for (size_t i = 0; i < count; i++)
            record_done(&records[i]);
    }
    free(records);
    return fed;
}

static void feed_more(struct feed *feed)
{
    size_t count = feed->recording->attempt_count;
    while (!feed->done && !*feed->stop && feed->next < count && feed->waiting < FEED_WAITING) {
        if (!feed_batch(feed)) {
            feed_finish(feed, true);
            return;
        }
    }
    if (feed->waiting == 0 && (feed->next == count || *feed->stop))
        feed_finish(feed, *feed->stop);
}

/* --- the connection --- */

static void on_ready(void *arg)
{
    feed_more(arg);
}

static void on_lost(const char *why, void *arg)
{
    struct feed *feed = arg;
    if (!feed->done)
        cli_error(_("cannot reach the database: %s"), why);
    feed_finish(feed, true);
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)channel, (void)payload, (void)arg;
}

bool feed_attempts(const char *conninfo, struct recording *recording, const struct networks *networks,
                   const atomic_bool *stop, struct feed_counts *ret_counts)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    struct feed feed = {.source = {.networks = networks,
                                   .stored = on_stored,
                                   .wanted = on_wanted,
                                   .refused = on_refused,
                                   .replaced = on_replaced,
                                   .released = on_released,
                                   .lied = on_lied},
                        .recording = recording,
                        .counts = ret_counts,
                        .stop = stop};
    uv_loop_t loop;
    feed.again.data = &feed;
    *ret_counts = (struct feed_counts){0};
    const struct pg_settings settings = {.conninfo = conninfo, .channels = channels};
    if (uv_loop_init(&loop) != 0 || (feed.pg = pg_new(&loop, &settings, &handlers, &feed)) == NULL ||
        (feed.ingest = ingest_new(&loop, feed.pg)) == NULL || uv_timer_init(&loop, &feed.again) != 0) {
        cli_error(_("out of memory"));
        return false;
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ingest_free(feed.ingest);
    while (feed.sources != NULL) {
        struct feed_source *next = feed.sources->next;
        free(feed.sources);
        feed.sources = next;
    }
    (void)uv_loop_close(&loop);
    return !feed.failed && !*stop;
}

#include "ingest/ingest_parts.h"

#include "ingest/copy.h"
#include "link/clock.h"
#include "log.h"

#include <stdlib.h>

/*
 * When an ack is sent
 * -------------------
 * An agent deletes from its spool what is acknowledged, so an ack is a promise that the rows survive
 * anything. It is sent after COMMIT has been answered, never before, and says the highest sequence that the
 * transaction moved the vantage's cursor to.
 *
 * Commits are what costs, so they are shared: one transaction at a time, and when it ends, all batches that
 * have come from any session meanwhile (up to GROUP_ROWS) go into the next. A quiet collector commits each
 * batch at once; a busy one makes its groups larger by itself.
 *
 *   1. ask, in one statement: the cursors of the vantages, locked in order; rounds; chains; certificates that are wanted
 *   2. leave out batches of sessions that are not in force, and records at or below the cursors: they came before, and their ack was
 *      lost; judge the rest: what cannot be true is not stored, and is counted in step 5 (the cursor passes it)
 *   3. make chain and certificate rows that are missing, and ask again
 *   4. note the round reports, and what they say was dropped
 *   5. note what was refused
 *   6. COPY the attempts
 *   7. move the cursors, make the buckets due that the rows are counted in, NOTIFY for rounds that somebody waits for
 *   8. COMMIT
 *   9. ack to each session, ask for certificates nobody has sent yet, and tell who sent what cannot be true
 *
 * Each answer that is waited for costs as long as the loop is busy with what comes from agents, so there are few: mostly one for BEGIN,
 * one for step 1, one to begin the COPY, and one for all from there to COMMIT.
 *
 * Exactly once needs no unique index on the big table: the cursor moves in the transaction that stores the
 * rows, it is locked meanwhile, and a session sends in order from what its Welcome said. Whether a commit
 * that lost its connection happened does not matter, because the same batches go through steps 1 and 2 again.
 *
 * Two sessions of one vantage cannot take turns, whichever collectors they are with. Opening a session writes its number into the
 * cursor's row, which is locked by the group under way, and only then reads what is committed:
 *
 *      older session   batch --> lock cursor, number is ours --> rows, cursor --> COMMIT
 *      newer session                 Hello --> number in the cursor's row ....... waits --> number, committed --> Welcome
 *      older session   batch ---------------------------------------------------> lock cursor, number is not ours: replaced
 *
 * A transaction that the server refuses is tried again batch by batch, so that one batch cannot hold up the
 * others; the session whose batch fails alone is told and closed, and nothing of it was acknowledged.
 */

enum { GROUP_ROWS = 4096, RETRY_MS = 1000, WANTED_MAX = 256 };

static void ingest_run(struct ingest *ingest);
static void ingest_rest(struct ingest *ingest);

/* --- batches --- */

void ingest_batch_free(struct ingest *ingest, struct batch *batch)
{
    struct ingest_source *source = batch->source;
    size_t bytes = batch->bytes;
    batch_free(batch);
    if (--source->refs == 0 && source->gone)
        source->released(source);
    ceiling_release(&ingest->ceiling, bytes);
}

/* Moves batches from the queue into the group. */
void ingest_form_group(struct ingest *ingest)
{
    struct batch **tail = &ingest->group.batches;
    ingest->group = (struct group){0};
    while (ingest->first != NULL) {
        struct batch *batch = ingest->first;
        bool full = ingest->group.batch_count > 0 &&
                    (ingest->singles > 0 || ingest->group.row_count + batch->count > GROUP_ROWS);
        if (full)
            break;
        ingest->first = batch->next;
        batch->next = NULL;
        *tail = batch;
        tail = &batch->next;
        ingest->group.batch_count++;
        ingest->group.row_count += batch->count;
    }
    if (ingest->first == NULL)
        ingest->last = &ingest->first;
}

/* Puts the group's batches back at the head of the queue, in their order. */
static void ingest_put_back(struct ingest *ingest)
{
    struct batch **tail = &ingest->group.batches;
    while (*tail != NULL)
        tail = &(*tail)->next;
    if (ingest->first == NULL && tail != &ingest->group.batches)
        ingest->last = tail;
    *tail = ingest->first;
    ingest->first = ingest->group.batches;
    if (ingest->first == NULL)
        ingest->last = &ingest->first;
    group_done(&ingest->group);
}

/* --- the end of a turn --- */

static void ingest_acknowledge(const struct group *group)
{
    uint8_t wanted[WANTED_MAX][32];
    for (struct batch *batch = group->batches; batch != NULL; batch = batch->next) {
        struct ingest_source *source = batch->source;
        source->waiting -= batch->count;
        if (source->gone)
            continue;
        if (batch->replaced) {
            source->replaced(source);
            continue;
        }
        source->stored(source, batch->last);
        size_t count = group_wanted_of(group, source, wanted, WANTED_MAX);
        if (count > 0 && !source->gone)
            source->wanted(source, (const uint8_t(*)[32])wanted, count);
        struct refused_note note = group_refused_of(batch);
        if (note.count > 0 && !source->gone && source->more == NULL) /* of a file: told batch by batch */
            source->lied(source, &note);
    }
}

static void ingest_free_batches(struct ingest *ingest, struct batch *batch)
{
    while (batch != NULL) {
        struct batch *next = batch->next;
        ingest_batch_free(ingest, batch);
        batch = next;
    }
}

/* The next turn begins first: the server need not wait for what is done here. */
static void ingest_committed(struct ingest *ingest)
{
    struct group group = ingest->group;
    ingest->group = (struct group){0};
    if (ingest->singles > 0)
        ingest->singles--;
    ingest_run(ingest);
    group_count(&group, metrics_here(), clock_wall_us());
    ingest_acknowledge(&group);
    ingest_free_batches(ingest, group.batches);
    group_done(&group);
}

static void ingest_refused(struct ingest *ingest, const char *why)
{
    bool alone = ingest->singles > 0;
    struct ingest_source *source = ingest->group.batches == NULL ? NULL : ingest->group.batches->source;
    log_line("the database refuses %zu records: %s", ingest->group.row_count, why);
    ingest->singles = alone ? ingest->singles - 1 : ingest->group.batch_count;
    ingest_put_back(ingest);
    if (alone && source != NULL && !source->gone)
        source->refused(source, why);
    else if (alone && source != NULL)
        ingest_forget(ingest, source);
    ingest_rest(ingest);
}

/* Of what comes from a file. */
static void ingest_failed_whole(struct ingest *ingest, const char *why)
{
    struct ingest_source *source = ingest->group.batches->source;
    ingest_put_back(ingest);
    source->refused(source, why);
}

static void ingest_end(bool committed, const char *why, void *arg)
{
    struct ingest *ingest = arg;
    ingest->running = false;
    if (committed) {
        ingest_committed(ingest);
    } else if (ingest->group.batches != NULL && ingest->group.batches->source->more != NULL) {
        ingest_failed_whole(ingest, why);
    } else if (ingest->stopped || why[0] == '\0') {
        ingest_put_back(ingest);
    } else if (pg_was_lost(ingest->pg)) {
        ingest_put_back(ingest);
        ingest_run(ingest); /* waits in the queue until there is a connection */
    } else {
        ingest_refused(ingest, why);
    }
}

static void ingest_run(struct ingest *ingest)
{
    if (ingest->running || ingest->first == NULL || ingest->stopped)
        return;
    struct pg_turn turn = {.start = ingest_start, .end = ingest_end, .arg = ingest};
    ingest->running = pg_submit(ingest->pg, &turn);
    if (!ingest->running)
        ingest_rest(ingest); /* an agent whose window is full sends nothing that would remind us */
}

static void ingest_on_retry(uv_timer_t *timer)
{
    ingest_run(timer->data);
}

static void ingest_rest(struct ingest *ingest)
{
    (void)uv_timer_start(&ingest->retry, ingest_on_retry, RETRY_MS, 0);
}

/* --- public --- */

struct ingest *ingest_new(uv_loop_t *loop, struct pg *pg)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    char *copy_sql = copy_attempt_sql();
    if (ingest == NULL || copy_sql == NULL) {
        free(copy_sql);
        free(ingest);
        return NULL;
    }
    ingest->loop = loop;
    ingest->pg = pg;
    ingest->copy_sql = copy_sql;
    ingest->last = &ingest->first;
    ingest->ceiling.most_bytes = INGEST_MAX_BYTES;
    (void)uv_timer_init(loop, &ingest->retry);
    ingest->retry.data = ingest;
    handles_init(&ingest->handles);
    handles_add(&ingest->handles, &ingest->retry);
    return ingest;
}

void ingest_stop(struct ingest *ingest, void (*done)(void *arg), void *arg)
{
    ingest->stopped = true;
    handles_close_all(&ingest->handles, ingest->loop, done, arg);
}

void ingest_free(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    ingest->ceiling.changed = NULL;
    ingest_free_batches(ingest, ingest->first);
    free(ingest->copy_sql);
    free(ingest);
}

bool ingest_batch(struct ingest *ingest, struct ingest_source *source, struct record *records, size_t count)
{
    pg_attend(ingest->pg); /* reading a batch takes as long as storing one; making rows of it too */
    struct batch *batch = batch_new(source, records, count);
    if (batch == NULL)
        return false;
    source->refs++;
    source->waiting += count;
    *ingest->last = batch;
    ingest->last = &batch->next;
    ceiling_hold(&ingest->ceiling, batch->bytes);
    ingest_run(ingest);
    pg_attend(ingest->pg);
    return true;
}

struct ceiling *ingest_ceiling(struct ingest *ingest)
{
    return &ingest->ceiling;
}

void ingest_forget(struct ingest *ingest, struct ingest_source *source)
{
    for (struct batch **at = &ingest->first; *at != NULL;) {
        struct batch *batch = *at;
        if (batch->source != source) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        bool last = source->refs == 1;
        ingest_batch_free(ingest, batch);
        if (last)
            break; /* the source may be gone with it */
    }
    ingest->last = &ingest->first;
    while (*ingest->last != NULL)
        ingest->last = &(*ingest->last)->next;
}

bool ingest_idle(const struct ingest *ingest)
{
    return !ingest->running && ingest->first == NULL;
}

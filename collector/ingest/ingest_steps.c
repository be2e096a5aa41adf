#include "ingest/ingest_parts.h"

#include "link/clock.h"

#include <stdlib.h>

/* The steps of a group commit (see ingest.c), the last one first: each sends one command and names the next. */

/* One statement with array parameters that this frees; a NULL among them is out of memory. */
static void step_exec(struct pg *pg, enum statement_id id, char **params, size_t count, pg_result_fn *next)
{
    bool whole = true;
    for (size_t i = 0; i < count; i++)
        whole = whole && params[i] != NULL;
    if (whole)
        pg_exec(pg, id, (const char *const *)(void *)params, count, next);
    else
        pg_abandon(pg, "out of memory");
    for (size_t i = 0; i < count; i++)
        free(params[i]);
}

/* What comes from a file goes in whole: its next batch is stored in the same transaction. It is alone here. */
static void step_more(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    struct batch *spent = ingest->group.batches;
    struct ingest_source *source = spent->source;
    (void)result;
    if (spent->replaced && source->more != NULL) {
        pg_abandon(pg, "a session of the vantage began meanwhile; try again");
        return;
    }
    const struct refused_note note = group_refused_of(spent);
    if (source->more != NULL && note.count > 0)
        source->lied(source, &note);
    enum ingest_more more = source->more == NULL ? INGEST_END : source->more(source, spent->known);
    if (more == INGEST_FAILED)
        pg_abandon(pg, "the file cannot be read to its end");
    if (more != INGEST_NEXT)
        return;
    source->waiting -= spent->count;
    group_done(&ingest->group);
    ingest_batch_free(ingest, spent);
    ingest_start(pg, ingest);
}

static void step_notify(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    if (ingest->group.rounds.count == 0) {
        step_more(pg, result, arg);
        return;
    }
    char *params[] = {group_rounds(&ingest->group)};
    step_exec(pg, STATEMENT_ingest_notify, params, 1, step_more);
}

static void step_due(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    if (ingest->group.buckets.count == 0) {
        step_notify(pg, result, arg);
        return;
    }
    char *params[] = {group_buckets(&ingest->group)};
    step_exec(pg, STATEMENT_ingest_due, params, 1, step_notify);
}

static void step_move(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[2];
    (void)result;
    (void)group_moves(&ingest->group, params);
    step_exec(pg, STATEMENT_ingest_move, params, 2, step_due);
}

static void step_refused(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[3];
    if (group_refusals(&ingest->group, params) != 0) {
        step_exec(pg, STATEMENT_ingest_refused, params, 3, step_move);
        return;
    }
    for (size_t i = 0; i < 3; i++)
        free(params[i]);
    step_move(pg, result, arg);
}

static void step_dropped(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[4];
    if (group_dropped(&ingest->group, params) != 0) {
        step_exec(pg, STATEMENT_ingest_dropped, params, 4, step_refused);
        return;
    }
    for (size_t i = 0; i < 4; i++)
        free(params[i]);
    step_refused(pg, result, arg);
}

static void step_reports(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[6];
    if (group_reports(&ingest->group, params) != 0) {
        step_exec(pg, STATEMENT_ingest_reports, params, 6, step_dropped);
        return;
    }
    for (size_t i = 0; i < 6; i++)
        free(params[i]);
    step_refused(pg, result, arg);
}

static void step_copy(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    struct buf rows;
    buf_init(&rows, 0);
    long count = group_encode(&ingest->group, &rows);
    if (count > 0)
        pg_copy(pg, ingest->copy_sql, &rows, step_reports);
    else if (count == 0)
        step_reports(pg, result, arg);
    else
        pg_abandon(pg, "out of memory");
    buf_done(&rows);
}

static void step_wanted(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    group_set_wanted(&ingest->group, result);
    step_copy(pg, NULL, arg);
}

static void step_certificates_made(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[] = {group_certificates(&ingest->group)};
    (void)result;
    step_exec(pg, STATEMENT_ingest_wanted, params, 1, step_wanted);
}

static void step_chains(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[] = {group_certificates(&ingest->group)};
    group_set_chains(&ingest->group, result);
    step_exec(pg, STATEMENT_ingest_certificates, params, 1, step_certificates_made);
}

static void step_chains_made(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[] = {group_chain_digests(&ingest->group)};
    (void)result;
    step_exec(pg, STATEMENT_ingest_chains, params, 1, step_chains);
}

static void step_rounds(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    if (!group_judge(&ingest->group, result, clock_wall_us()) || !group_collect(&ingest->group)) {
        pg_abandon(pg, "out of memory");
        return;
    }
    if (ingest->group.chains.count == 0) {
        step_copy(pg, NULL, arg);
        return;
    }
    char *params[] = {group_chain_hashes(&ingest->group)};
    step_exec(pg, STATEMENT_ingest_chains_make, params, 1, step_chains_made);
}

static void step_cursors(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    if (!group_set_cursors(&ingest->group, result)) {
        pg_abandon(pg, "a vantage has no cursor");
        return;
    }
    char *params[2];
    group_pairs(&ingest->group, params);
    step_exec(pg, STATEMENT_ingest_rounds, params, 2, step_rounds);
}

/* Formed when the turn begins, so that all that came while another turn ran is in it. */
void ingest_start(struct pg *pg, void *arg)
{
    struct ingest *ingest = arg;
    ingest_form_group(ingest);
    if (ingest->group.batches == NULL)
        return;
    char *params[] = {group_vantages(&ingest->group)};
    step_exec(pg, STATEMENT_ingest_cursors, params, 1, step_cursors);
}

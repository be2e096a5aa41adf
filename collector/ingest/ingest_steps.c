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

/* The COPY ends the turn, unless there is nothing to copy or the turn goes on. */
static void step_done(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[4];
    (void)result;
    group_ends(&ingest->group, params);
    step_exec(pg, STATEMENT_ingest_done, params, 4, step_more);
}

static enum pg_copied step_rows(struct buf *out, void *arg)
{
    struct ingest *ingest = arg;
    return group_copy(&ingest->group, out);
}

static void step_copy_last(struct pg *pg, struct ingest *ingest)
{
    char *params[4];
    group_ends(&ingest->group, params);
    if (params[0] != NULL && params[1] != NULL && params[2] != NULL && params[3] != NULL)
        pg_copy_last(pg, ingest->copy_sql, step_rows, STATEMENT_ingest_done,
                     (const char *const *)(void *)params, 4);
    else
        pg_abandon(pg, "out of memory");
    for (size_t i = 0; i < 4; i++)
        free(params[i]);
}

static void step_copy(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    group_copy_begin(&ingest->group);
    if (ingest->group.attempts == 0)
        step_done(pg, result, arg);
    else if (ingest->group.batches->source->more != NULL)
        pg_copy(pg, ingest->copy_sql, step_rows, step_done);
    else
        step_copy_last(pg, ingest);
}

static void step_refused(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[3];
    if (group_refusals(&ingest->group, params) != 0) {
        step_exec(pg, STATEMENT_ingest_refused, params, 3, step_copy);
        return;
    }
    for (size_t i = 0; i < 3; i++)
        free(params[i]);
    step_copy(pg, result, arg);
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

static void step_look(struct pg *pg, PGresult *result, void *arg);

static void step_chains_made(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[] = {group_certificates(&ingest->group)};
    (void)result;
    step_exec(pg, STATEMENT_ingest_certificates, params, 1, step_look);
}

/* Chains that nobody was shown before are made, and then all is asked again: somebody else may make the same ones. */
static void step_looked(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    const char *why = group_answer(&ingest->group, result);
    if (why != NULL) {
        pg_abandon(pg, why);
    } else if (ingest->group.chains_made || !group_lacks_chains(&ingest->group)) {
        step_reports(pg, result, arg);
    } else {
        char *params[] = {group_chain_hashes(&ingest->group)};
        ingest->group.chains_made = true;
        step_exec(pg, STATEMENT_ingest_chains_make, params, 1, step_chains_made);
    }
}

static void step_look(struct pg *pg, PGresult *result, void *arg)
{
    struct ingest *ingest = arg;
    char *params[5];
    (void)result;
    group_questions(&ingest->group, params);
    step_exec(pg, STATEMENT_ingest_look, params, 5, step_looked);
}

/* Formed when the turn begins, so that all that came while another turn ran is in it. */
void ingest_start(struct pg *pg, void *arg)
{
    struct ingest *ingest = arg;
    ingest_form_group(ingest);
    if (ingest->group.batches == NULL)
        return;
    if (group_form(&ingest->group, clock_wall_us()))
        step_look(pg, NULL, arg);
    else
        pg_abandon(pg, "out of memory");
}

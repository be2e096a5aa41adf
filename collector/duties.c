#include "duties.h"

#include "judge/judge.h"
#include "log.h"
#include "retainer.h"
#include "store/worker.h"

#include <stdlib.h>

struct duties {
    struct judge_options options;
    struct judge *judge; /* of its thread; NULL: not yet, or not any more */
    struct worker *judging;
    struct retainer *retainer; /* NULL: everything is kept */
};

static bool judging_run(struct db *db, const atomic_bool *stopping, void *arg)
{
    struct duties *duties = arg;
    size_t count;
    duties->options.stopping = stopping;
    if (duties->judge == NULL)
        duties->judge = judge_new(db, &duties->options);
    return duties->judge != NULL && judge_rounds(duties->judge, &count) && judge_rollups(duties->judge);
}

static void judging_lose(void *arg)
{
    struct duties *duties = arg;
    judge_free(duties->judge);
    duties->judge = NULL;
}

static void ignore(void *arg)
{
    (void)arg;
}

struct duties *duties_new(uv_loop_t *loop, const struct duties_settings *settings)
{
    struct duties *duties = calloc(1, sizeof *duties);
    if (duties == NULL)
        return NULL;
    const struct worker_task judging = {
        .conninfo = settings->conninfo, .run = judging_run, .lose = judging_lose, .arg = duties};
    duties->options.expiry_days = settings->expiry_days;
    duties->judging = worker_new(loop, &judging);
    if (duties->judging == NULL) {
        free(duties);
        return NULL;
    }
    if (settings->keep != NULL) {
        const struct retainer_settings retaining = {.conninfo = settings->conninfo,
                                                    .policy = settings->keep,
                                                    .leads = settings->leads,
                                                    .arg = settings->arg};
        duties->retainer = retainer_new(loop, &retaining);
        if (duties->retainer == NULL)
            log_line("out of memory: this collector drops nothing");
    }
    return duties;
}

void duties_stop(struct duties *duties)
{
    worker_stop(duties->judging, ignore, NULL);
    if (duties->retainer != NULL)
        worker_stop(retainer_worker(duties->retainer), ignore, NULL);
}

void duties_interrupt(struct duties *duties)
{
    worker_interrupt(duties->judging);
    if (duties->retainer != NULL)
        worker_interrupt(retainer_worker(duties->retainer));
}

void duties_free(struct duties *duties)
{
    if (duties == NULL)
        return;
    worker_free(duties->judging);
    retainer_free(duties->retainer);
    free(duties);
}

#include "judge/worker.h"

#include "judge/judge.h"
#include "link/clock.h"
#include "link/handles.h"
#include "store/roles.h"
#include "words/units.h"

#include <stdlib.h>

enum { WORKER_TICK_MS = 1000 };
#define WORKER_RETRY_US (10 * US_PER_S)

struct judge_worker {
    uv_loop_t *loop;
    const char *conninfo;
    struct judge_options options;
    uv_timer_t timer;
    uv_work_t work;
    struct handles handles;
    atomic_bool stopping;
    bool running;
    int64_t retry_at_us;
    void (*done)(void *arg);
    void *arg;
    uv_mutex_t lock; /* of db: the loop cuts what a run waits for */
    struct db *db;
    struct judge *judge;
};

/* --- on the thread ------------------------------------------------------------------------------------------------------- */

static void worker_set_db(struct judge_worker *worker, struct db *db)
{
    uv_mutex_lock(&worker->lock);
    worker->db = db;
    uv_mutex_unlock(&worker->lock);
}

static void worker_close(struct judge_worker *worker)
{
    struct db *db = worker->db;
    judge_free(worker->judge);
    worker->judge = NULL;
    worker_set_db(worker, NULL);
    db_close(db);
}

static bool worker_open(struct judge_worker *worker)
{
    const struct db_where where = {.url = worker->conninfo, .state = "", .role = ROLE_PLAN};
    if (worker->judge != NULL)
        return true;
    struct db *db = db_open(&where);
    if (db == NULL)
        return false;
    worker_set_db(worker, db);
    worker->judge = judge_new(db, &worker->options);
    return worker->judge != NULL;
}

static void worker_run(uv_work_t *work)
{
    struct judge_worker *worker = work->data;
    size_t count;
    if (clock_mono_us() < worker->retry_at_us)
        return;
    if (worker_open(worker) && judge_rounds(worker->judge, &count) && judge_rollups(worker->judge))
        return;
    worker_close(worker);
    worker->retry_at_us = clock_mono_us() + WORKER_RETRY_US;
}

/* --- on the loop ------------------------------------------------------------------------------------------------------------ */

static void worker_handles(struct judge_worker *worker)
{
    handles_close_all(&worker->handles, worker->loop, worker->done, worker->arg);
}

static void worker_ran(uv_work_t *work, int status)
{
    struct judge_worker *worker = work->data;
    (void)status;
    worker->running = false;
    if (worker->stopping)
        worker_handles(worker);
}

static void worker_tick(uv_timer_t *timer)
{
    struct judge_worker *worker = timer->data;
    if (!worker->running && !worker->stopping)
        worker->running = uv_queue_work(worker->loop, &worker->work, worker_run, worker_ran) == 0;
}

struct judge_worker *judge_worker_new(uv_loop_t *loop, const char *conninfo, int expiry_days)
{
    struct judge_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL || uv_mutex_init(&worker->lock) != 0) {
        free(worker);
        return NULL;
    }
    worker->loop = loop;
    worker->conninfo = conninfo;
    worker->options = (struct judge_options){.expiry_days = expiry_days, .stopping = &worker->stopping};
    (void)uv_timer_init(loop, &worker->timer);
    worker->timer.data = worker->work.data = worker;
    handles_init(&worker->handles);
    handles_add(&worker->handles, &worker->timer);
    (void)uv_timer_start(&worker->timer, worker_tick, WORKER_TICK_MS, WORKER_TICK_MS);
    return worker;
}

void judge_worker_stop(struct judge_worker *worker, void (*done)(void *arg), void *arg)
{
    worker->stopping = true;
    worker->done = done;
    worker->arg = arg;
    if (!worker->running)
        worker_handles(worker);
}

void judge_worker_interrupt(struct judge_worker *worker)
{
    uv_mutex_lock(&worker->lock);
    if (worker->running && worker->db != NULL)
        db_interrupt(worker->db);
    uv_mutex_unlock(&worker->lock);
}

void judge_worker_free(struct judge_worker *worker)
{
    if (worker == NULL)
        return;
    worker_close(worker);
    uv_mutex_destroy(&worker->lock);
    free(worker);
}

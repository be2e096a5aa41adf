#include "store/worker.h"

#include "link/clock.h"
#include "link/handles.h"
#include "store/roles.h"
#include "words/units.h"

#include <stdlib.h>

enum { WORKER_TICK_MS = 1000 };
#define WORKER_RETRY_US (10 * US_PER_S)

struct worker {
    uv_loop_t *loop;
    struct worker_task task;
    uv_timer_t timer;
    uv_work_t work;
    struct handles handles;
    atomic_bool stopping;
    bool running;
    bool done; /* the last run */
    int64_t retry_at_us;
    void (*stopped)(void *arg);
    void *arg;
    uv_mutex_t lock; /* of db: the loop cuts what a run waits for */
    struct db *db;
};

/* --- on the thread ------------------------------------------------------------------------------------------------------- */

static void worker_set_db(struct worker *worker, struct db *db)
{
    uv_mutex_lock(&worker->lock);
    worker->db = db;
    uv_mutex_unlock(&worker->lock);
}

static void worker_close(struct worker *worker)
{
    struct db *db = worker->db;
    if (worker->task.lose != NULL)
        worker->task.lose(worker->task.arg);
    worker_set_db(worker, NULL);
    db_close(db);
}

static bool worker_open(struct worker *worker)
{
    const struct db_where where = {.url = worker->task.conninfo, .state = "", .role = ROLE_PLAN};
    if (worker->db == NULL)
        worker_set_db(worker, db_open(&where));
    return worker->db != NULL;
}

static void worker_run(uv_work_t *work)
{
    struct worker *worker = work->data;
    const struct worker_task *task = &worker->task;
    worker->done = worker_open(worker) && task->run(worker->db, &worker->stopping, task->arg);
    if (!worker->done)
        worker->retry_at_us = clock_mono_us() + WORKER_RETRY_US;
    if (!worker->done || task->rests)
        worker_close(worker);
}

/* --- on the loop ------------------------------------------------------------------------------------------------------------ */

static void worker_handles(struct worker *worker)
{
    handles_close_all(&worker->handles, worker->loop, worker->stopped, worker->arg);
}

static void worker_ran(uv_work_t *work, int status)
{
    struct worker *worker = work->data;
    (void)status;
    worker->running = false;
    if (worker->task.ran != NULL)
        worker->task.ran(worker->done, worker->task.arg);
    if (worker->stopping)
        worker_handles(worker);
}

static void worker_tick(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    const struct worker_task *task = &worker->task;
    if (worker->running || worker->stopping || clock_mono_us() < worker->retry_at_us ||
        (task->due != NULL && !task->due(task->arg)))
        return;
    worker->running = uv_queue_work(worker->loop, &worker->work, worker_run, worker_ran) == 0;
}

struct worker *worker_new(uv_loop_t *loop, const struct worker_task *task)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL || uv_mutex_init(&worker->lock) != 0) {
        free(worker);
        return NULL;
    }
    worker->loop = loop;
    worker->task = *task;
    (void)uv_timer_init(loop, &worker->timer);
    worker->timer.data = worker->work.data = worker;
    handles_init(&worker->handles);
    handles_add(&worker->handles, &worker->timer);
    (void)uv_timer_start(&worker->timer, worker_tick, WORKER_TICK_MS, WORKER_TICK_MS);
    return worker;
}

void worker_stop(struct worker *worker, void (*done)(void *arg), void *arg)
{
    worker->stopping = true;
    worker->stopped = done;
    worker->arg = arg;
    if (!worker->running)
        worker_handles(worker);
}

void worker_interrupt(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    if (worker->running && worker->db != NULL)
        db_interrupt(worker->db);
    uv_mutex_unlock(&worker->lock);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    worker_close(worker);
    uv_mutex_destroy(&worker->lock);
    free(worker);
}

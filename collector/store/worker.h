#ifndef PARALLAX_COLLECTOR_STORE_WORKER_H
#define PARALLAX_COLLECTOR_STORE_WORKER_H

#include "store/db.h"

#include <stdatomic.h>
#include <uv.h>

/*
 * Work on the database that blocks, beside an event loop: it runs on libuv's threads, one run at a time, with a connection of its own as the
 * role that plans. A timer looks every second whether there is any. A database that is away is tried again after a while.
 */
struct worker;

struct worker_task {
    const char *conninfo; /* outlives the worker */

    /** On the loop: is it time? NULL: always. */
    bool (*due)(void *arg);

    /** On the thread. @param stopping  set when it has to come to an end. @return false after cli_error: the connection is closed. */
    bool (*run)(struct db *db, const atomic_bool *stopping, void *arg);

    /** On the thread, or when the worker is freed: the connection of former runs is about to be closed. NULL: never mind. */
    void (*lose)(void *arg);

    /** On the loop, after a run. @param done  false: it failed, or there was no connection. NULL: never mind. */
    void (*ran)(bool done, void *arg);

    void *arg;
    bool rests; /* has no connection between runs */
};

/** @param task  copied. @return NULL without memory. */
struct worker *worker_new(uv_loop_t *loop, const struct worker_task *task);

/** Ends with the run under way; then done(arg), from the loop. */
void worker_stop(struct worker *worker, void (*done)(void *arg), void *arg);

/** Patience is over: cuts the database connection of a run under way. */
void worker_interrupt(struct worker *worker);

/** After done. NULL is fine. */
void worker_free(struct worker *worker);

#endif

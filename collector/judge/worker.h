#ifndef PARALLAX_COLLECTOR_JUDGE_WORKER_H
#define PARALLAX_COLLECTOR_JUDGE_WORKER_H

#include <uv.h>

/*
 * The judge beside an event loop: it blocks, so it runs on libuv's threads, one run at a time, with a database connection of its own. A
 * timer starts a run every second; one that finds no round over ends after one query. A database that is away is tried again
 * after a while.
 */
struct judge_worker;

/** @param conninfo  outlives the worker. @return NULL without memory. */
struct judge_worker *judge_worker_new(uv_loop_t *loop, const char *conninfo, int expiry_days);

/** Ends after the round under way; then done(arg), from the loop. */
void judge_worker_stop(struct judge_worker *worker, void (*done)(void *arg), void *arg);

/** Patience is over: cuts the database connection of a run under way. */
void judge_worker_interrupt(struct judge_worker *worker);

/** After done. NULL is fine. */
void judge_worker_free(struct judge_worker *worker);

#endif

#ifndef PARALLAX_DUTY_KEEPER_H
#define PARALLAX_DUTY_KEEPER_H

#include "duty/spool.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * Carries results into the spool without holding up the loop: what comes in is gathered, and one transaction at a time,
 * with its fsync, runs on libuv's thread pool. Sequences are given when a result comes in, and transactions run in
 * order, so what the spool shows only ever grows at its end. Every call from the loop's thread.
 */
struct keeper;

/**
 * @param spool    borrowed; must outlive the keeper.
 * @param on_kept  after each transaction, from the loop: there may be more to send. why is NULL, or what went wrong.
 */
struct keeper *keeper_new(uv_loop_t *loop, struct spool *spool, void (*on_kept)(const char *why, void *arg),
                          void *arg);

/** Frees a keeper with nothing under way (see keeper_idle). NULL is fine. */
void keeper_free(struct keeper *keeper);

/** Nothing waits and no transaction runs. */
bool keeper_idle(const struct keeper *keeper);

/** Gives an attempt its sequence, and keeps a copy with the certificates it carries. Without memory it counts as dropped. */
bool keeper_attempt(struct keeper *keeper, struct attempt *attempt);

/** Keeps a copy of the report, with the counts of what was dropped until it is stored. @return false without memory. */
bool keeper_report(struct keeper *keeper, const struct round_report *report);

/** Deletes what the collector has committed. */
void keeper_commit(struct keeper *keeper, uint64_t committed);

#endif

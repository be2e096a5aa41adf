#ifndef PARALLAX_COLLECTOR_PLAN_PLANNER_H
#define PARALLAX_COLLECTOR_PLAN_PLANNER_H

#include "store/pg.h"
#include "words/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Turns sites and endpoints into rounds, and requests of people into rounds now; see planner.c. */
struct planner;

struct planner_hooks {
    /** Ids of the vantages with an open session at this collector, as text of an integer[], freed by the planner. */
    char *(*vantages)(size_t *ret_count, void *arg);
    /** To every open session. */
    void (*broadcast)(const struct message *message, void *arg);
    void *arg;
};

/** @param timeout_us  of one attempt. @return NULL without memory. */
struct planner *planner_new(uv_loop_t *loop, struct pg *pg, uint64_t timeout_us,
                            const struct planner_hooks *hooks);

/** Stops its timer; `done` comes from the loop. Then, once its pg is closed, planner_free. */
void planner_stop(struct planner *planner, void (*done)(void *arg), void *arg);
void planner_free(struct planner *planner);

/** The database came, or went. */
void planner_ready(struct planner *planner);
void planner_lost(struct planner *planner);

/** Is this the one collector of its database that plans rounds (and tells of incidents)? */
bool planner_leads(const struct planner *planner);

/** A round was planned, here or by another collector. */
void planner_noticed(struct planner *planner, uint64_t round_id);

/** Somebody asked for a round; sites changed. */
void planner_requested(struct planner *planner);
void planner_sites_changed(struct planner *planner);

/** A session opened: rounds that have not begun everywhere are sent to it. */
void planner_joined(struct planner *planner, int32_t vantage_id,
                    void (*send)(const struct message *message, void *arg), void *arg);

/** The list with this hash, or NULL. */
const struct endpoint_list *planner_list(struct planner *planner, const uint8_t sha256[PLAN_SHA256_BYTES]);

#endif

#ifndef PARALLAX_DUTY_ROUND_H
#define PARALLAX_DUTY_ROUND_H

#include "duty/keeper.h"
#include "duty/offset.h"
#include "duty/pace.h"
#include "duty/policy.h"
#include "probe/prober.h"
#include "words/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * The rounds this vantage takes part in: holds endpoint lists, meets the slots, makes the confirm attempts, sends failures up
 * the ladder, and hands results and reports to the keeper. See round.c for the life of a round. Every call from the loop's thread.
 */
struct rounds;

enum {
    ROUNDS_MAX = 16,             /* at once */
    ROUND_LATE_US = 1000 * 1000, /* a slot this long past is not tried */
    ROUND_MAX_JOBS = 4096, /* with the prober; a slot that comes above it is not tried: it counts as late */
    ROUND_MAX_TURN = 64,   /* slots of a round in one turn of the loop */
};

struct rounds_deps {
    uv_loop_t *loop;
    struct prober *prober;
    struct keeper *keeper;
    struct pace *pace;
    const struct policy *policy;
    const struct offset *offset;
    /** The list of a plan is not known. */
    void (*on_list_wanted)(const uint8_t sha256[PLAN_SHA256_BYTES], void *arg);
    void *arg;
};

/** Everything borrowed. @return NULL without memory. */
struct rounds *rounds_new(const struct rounds_deps *deps);

/** A list came. It is copied. @return false when it is too long or memory is out. */
bool rounds_list(struct rounds *rounds, const struct endpoint_list *list);

/** A plan came; one that is known already is ignored. @return false when too many are under way or it is nonsense. */
bool rounds_plan(struct rounds *rounds, const struct round_plan *plan);

/** The offset became known, or better. */
void rounds_clock_changed(struct rounds *rounds);

/** A new session: asks again for lists that rounds still wait for. */
void rounds_ask_again(struct rounds *rounds);

/** The policy is another: ends climbs that it refuses. Attempts are the prober's to judge again, after this. */
void rounds_policy_changed(struct rounds *rounds);

/** No new attempt from now on, climbs included; attempts under way go on, and each round is reported when its last one is done. */
void rounds_stop(struct rounds *rounds);

/** Is a round under way, and none that a person waits for? */
bool rounds_go_on(const struct rounds *rounds);

/** Rounds not reported yet, and climbs that are not over. */
unsigned rounds_pending(const struct rounds *rounds);

/** Closes what is left (no attempt may be under way), frees, then calls closed(arg) from the loop. */
void rounds_close(struct rounds *rounds, void (*closed)(void *arg), void *arg);

#endif

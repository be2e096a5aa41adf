#ifndef PARALLAX_DUTY_CLIMBS_H
#define PARALLAX_DUTY_CLIMBS_H

#include "duty/keeper.h"
#include "duty/pace.h"
#include "duty/policy.h"
#include "probe/climb.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * What a resident agent does about a failure beyond its round: the attempts of the ladder, one after another, into the spool
 * as they are made, with the id of the round that saw the failure.
 *
 *   - At most CLIMBS_MAX at once, one of an endpoint at an address; a failure that lasts gets one in CLIMBED_WINDOW_US.
 *   - Each attempt waits until the owner's rate for its address has a token to spare, so that a ladder never runs the plan's
 *     own attempts into debt; another address of the name is tried when the owner's allow list has it.
 *   - The name that is suspected to trigger something rests LADDER_REST_US before the ladder sends it again. So a climb may
 *     outlive its round by minutes, and no round waits for it, but for one that a person waits for: that one waits until
 *     the ladder rests, and no longer than its deadline.
 *   - Third parties that certificates name are asked only for endpoints whose plan says so, by hosts and at addresses that the
 *     owner's allow list has, and within the same rate.
 *   - The neutral name of the control is LADDER_CONTROL_SNI: no collector can choose one.
 *
 * Every call from the loop's thread.
 */
struct climbs;

enum { CLIMBS_MAX = 32, CLIMBS_MAX_ASKING = 4 };

struct climbs_deps {
    uv_loop_t *loop;
    struct prober *prober;
    struct keeper *keeper;
    struct pace *pace;
    const struct policy *policy;
};

/** The round that a person waits for need not wait for this climb any longer. From inside climb_go, too. */
typedef void (*climbs_let_go)(uint64_t round_id, void *arg);

/** Everything borrowed. @return NULL without memory. */
struct climbs *climbs_new(const struct climbs_deps *deps, climbs_let_go let_go, void *arg);

/** Only when none is pending. NULL is fine. */
void climbs_free(struct climbs *climbs);

/**
 * A first attempt failed. @param first  taken when a climb is made.
 * @return a climb to which the retry may be added before climb_go, which has to follow; NULL when none is to be made now. A
 *         climb of a plan made for `now` lets its round go later, once.
 */
struct climb *climbs_begin(struct climbs *climbs, const struct round_plan *plan,
                           const struct endpoint *endpoint, struct attempt *first);

/**
 * A first attempt came through: is the CA's responder to be asked about its certificate? Only when the plan wants it and the
 * owner lets it, once an hour for a certificate, and at most CLIMBS_MAX_ASKING at once.
 * @param first  taken when a climb is made. @return as above; no retry is added.
 */
struct climb *climbs_ask(struct climbs *climbs, const struct round_plan *plan,
                         const struct endpoint *endpoint, struct attempt *first);

/** The policy is another: no further step of those whose endpoint or address it refuses. */
void climbs_policy_changed(struct climbs *climbs);

/** No further step of any. */
void climbs_stop(struct climbs *climbs);

/** Climbs that are not over. */
unsigned climbs_pending(const struct climbs *climbs);

#endif

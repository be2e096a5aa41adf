#include "probe/climb.h"

#include "link/clock.h"
#include "link/handles.h"
#include "words/classify.h"
#include "words/units.h"

#include <stdlib.h>

/*
 *   climb_go ──> origin? ──> ladder_next ──> chosen ──> rest ──> delay ──> attempt ──> made ──┐
 *                              ^   │                                                         │
 *                              └───┼─────────────────────────────────────────────────────────┘
 *                                  └ no more ──> over ──> closed
 */

enum { ORIGIN_ATTEMPTS = 2 };

struct climb {
    struct climb_plan plan;
    struct case_file file;
    struct attempt *attempts[CASE_MAX_ATTEMPTS]; /* the file's, owned */
    int64_t start_us;                            /* monotonic */
    struct ladder_step step;                     /* rested for, or being made */
    const struct endpoint *to_origin;            /* of the attempt being made */
    unsigned origin_attempts;
    unsigned open; /* attempts being made */
    uv_timer_t timer;
    struct handles handles;
    bool failed;
    bool cancelled;
};

static void advance(struct climb *climb);

static void on_closed(void *arg)
{
    struct climb *climb = arg;
    void (*closed)(void *) = climb->plan.closed;
    void *closed_arg = climb->plan.arg;
    for (size_t i = 0; i < climb->file.count; i++)
        attempt_free(climb->attempts[i]);
    free(climb);
    closed(closed_arg);
}

static void end(struct climb *climb)
{
    if (climb->plan.over != NULL)
        climb->plan.over(&climb->file, climb->failed, climb->plan.arg);
    handles_close_all(&climb->handles, climb->plan.loop, on_closed, climb);
}

/* --- attempts ----------------------------------------------------------------------------------------------------- */

void climb_add(struct climb *climb, struct attempt *attempt)
{
    struct case_file *file = &climb->file;
    climb->failed |= attempt == NULL;
    if (attempt == NULL || attempt->local == LOCAL_CANCELLED || file->count == CASE_MAX_ATTEMPTS) {
        attempt_free(attempt);
        return;
    }
    file->outcomes[file->count] = classify(attempt);
    file->origins[file->count] = climb->to_origin;
    file->attempts[file->count] = climb->attempts[file->count] = attempt;
    file->count++;
}

static void on_step(struct attempt *attempt, bool last, void *arg)
{
    struct climb *climb = arg;
    if (climb->plan.made != NULL && attempt != NULL && attempt->local != LOCAL_CANCELLED)
        climb->plan.made(attempt, climb->plan.arg);
    /* A retry of resolving may come through, with an attempt for each family. */
    climb_add(climb, attempt);
    if (last && --climb->open == 0)
        advance(climb);
}

/* @return false when nothing could be started: the climb is over then. */
static bool start(struct climb *climb, const struct probe_job *job, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (prober_probe(climb->plan.prober, job, on_step, climb))
            climb->open++;
    climb->failed |= climb->open < count;
    return climb->open > 0;
}

static struct probe_job step_job(const struct climb *climb)
{
    struct probe_job job = climb->plan.job;
    if (job.timeout_us == 0 || job.timeout_us > CLIMB_STEP_TIMEOUT_US)
        job.timeout_us = CLIMB_STEP_TIMEOUT_US;
    return job;
}

static bool start_origin(struct climb *climb)
{
    struct probe_job job = step_job(climb);
    job.endpoint = *climb->plan.origin;
    job.role = ATTEMPT_CONTROL;
    job.variant = climb->origin_attempts++ == 0 ? VARIANT_NORMAL : VARIANT_NO_SNI;
    climb->to_origin = climb->plan.origin;
    return start(climb, &job, 1);
}

static const struct address *step_address(const struct climb *climb)
{
    return climb->step.address.length > 0 ? &climb->step.address : &climb->attempts[0]->flow.destination;
}

static bool start_step(struct climb *climb)
{
    const struct ladder_step *step = &climb->step;
    struct probe_job job = step_job(climb);
    job.variant = step->variant;
    job.role = step->role;
    if (job.endpoint.address.length == 0)
        job.flags |= PROBE_BY_NAME;
    job.endpoint.address = *step_address(climb);
    if (step->sni != NULL) {
        job.endpoint.sni = step->sni;
        job.endpoint.no_sni = false;
    }
    if (variant_fetches(step->variant))
        job.about = &climb->file;
    if (step->port != 0)
        job.endpoint.port = step->port;
    climb->to_origin = NULL;
    return start(climb, &job, step->variant == VARIANT_BURST ? LADDER_BURST : 1);
}

/* --- from one to the next ----------------------------------------------------------------------------------------- */

static int64_t elapsed_us(const struct climb *climb)
{
    return clock_mono_us() - climb->start_us;
}

static void on_rested(uv_timer_t *timer);

static bool rest(struct climb *climb, int64_t rest_us)
{
    uint64_t rest_ms = (uint64_t)((rest_us + US_PER_MS - 1) / US_PER_MS);
    return uv_timer_start(&climb->timer, on_rested, rest_ms, 0) == 0;
}

/* @return false: the climb is over. */
static bool go_on(struct climb *climb)
{
    const struct climb_plan *plan = &climb->plan;
    if (climb->cancelled)
        return false;
    bool asks = plan->delay != NULL && !variant_fetches(climb->step.variant);
    int64_t delay_us = asks ? plan->delay(step_address(climb), plan->arg) : 0;
    if (delay_us == 0)
        return start_step(climb);
    return elapsed_us(climb) + delay_us < plan->limits.budget_us && rest(climb, delay_us);
}

static void on_rested(uv_timer_t *timer)
{
    struct climb *climb = timer->data;
    if (!go_on(climb))
        end(climb);
}

static bool choose_step(struct climb *climb)
{
    struct ladder_limits limits = climb->plan.limits;
    limits.max_attempts += climb->origin_attempts;
    limits.elapsed_us = elapsed_us(climb);
    return !climb->plan.no_ladder && ladder_next(&climb->file, &limits, &climb->step);
}

static void advance(struct climb *climb)
{
    if (!climb->cancelled && climb->plan.origin != NULL && climb->origin_attempts < ORIGIN_ATTEMPTS &&
        start_origin(climb))
        return;
    if (climb->cancelled || climb->file.count == CASE_MAX_ATTEMPTS || !choose_step(climb)) {
        end(climb);
        return;
    }
    if (climb->plan.chosen != NULL)
        climb->plan.chosen(&climb->step, climb->plan.arg);
    if (!rest(climb, climb->step.rest_us))
        end(climb);
}

struct climb *climb_new(const struct climb_plan *plan, struct attempt *first)
{
    struct climb *climb = calloc(1, sizeof *climb);
    if (climb == NULL || uv_timer_init(plan->loop, &climb->timer) != 0) {
        free(climb);
        return NULL;
    }
    climb->plan = *plan;
    handles_init(&climb->handles);
    handles_add(&climb->handles, &climb->timer);
    climb->timer.data = climb;
    climb->start_us = clock_mono_us() - (first->clock.closed_us > 0 ? first->clock.closed_us : 0);
    climb->file.endpoint = &climb->plan.job.endpoint;
    climb->file.now_us = first->clock.start_us;
    climb->file.expiry_days = plan->expiry_days;
    climb_add(climb, first);
    return climb;
}

void climb_go(struct climb *climb)
{
    advance(climb);
}

void climb_cancel(struct climb *climb)
{
    climb->cancelled = true;
    if (uv_is_active((const uv_handle_t *)&climb->timer))
        (void)rest(climb, 0);
}

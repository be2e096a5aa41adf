#include "probe/examine.h"

#include "link/clock.h"
#include "link/handles.h"
#include "words/classify.h"
#include "words/units.h"

#include <stdlib.h>

/*
 *   examine ──> first attempts ──┬─> case of the first address:  origin? ──> ladder_next ──> rest ──> attempt ──┐
 *                                │                                              ^   │                           │
 *                                │                                              └───┼───────────────────────────┘
 *                                │                                                  └ no more ──> conclude, judged
 *                                └─> case of the next address: the same, beside it
 *
 *   all cases through ──> done
 */

enum { TARGET_ARENA_BYTES = 16 * 1024, CONCLUSION_ARENA_BYTES = 256 * 1024, ORIGIN_ATTEMPTS = 2 };

struct target {
    struct examiner *examiner;
    struct target *next;
    struct probe_job job;
    struct endpoint origin; /* with the endpoint's SNI */
    struct arena arena;     /* their texts */
    struct case_work *cases;
    unsigned open; /* cases, and one while first attempts may come */
    bool failed;
    examine_case judged;
    examine_done done;
    void *arg;
};

struct case_work {
    struct target *target;
    struct case_work *next;
    struct case_file file;
    struct attempt *attempts[CASE_MAX_ATTEMPTS]; /* the file's, owned */
    int64_t start_us;                            /* monotonic */
    struct ladder_step step;                     /* rested for, or being made */
    const struct endpoint *to_origin;            /* of the attempt being made */
    unsigned origin_attempts;
    unsigned open; /* attempts being made */
    uv_timer_t timer;
    struct handles handles;
    bool over;
};

struct examiner {
    uv_loop_t *loop;
    struct prober *prober;
    struct examine_options options;
    struct target *targets;
    unsigned pending;
    bool cancelled;
};

/* --- ends ------------------------------------------------------------------------------------------------------- */

static void target_free(struct target *target)
{
    arena_done(&target->arena);
    free(target);
}

static void leave(struct examiner *examiner, const struct target *target)
{
    struct target **link = &examiner->targets;
    while (*link != target)
        link = &(*link)->next;
    *link = target->next;
    examiner->pending--;
}

static void target_close_one(struct target *target)
{
    if (--target->open > 0)
        return;
    leave(target->examiner, target);
    target->done(target->failed, target->arg);
    target_free(target);
}

static void on_case_closed(void *arg)
{
    struct case_work *work = arg;
    struct target *target = work->target;
    struct case_work **link = &target->cases;
    while (*link != work)
        link = &(*link)->next;
    *link = work->next;
    for (size_t i = 0; i < work->file.count; i++)
        attempt_free(work->attempts[i]);
    free(work);
    target_close_one(target);
}

static void judge(const struct case_work *work)
{
    const struct target *target = work->target;
    struct arena arena;
    struct conclusion conclusion;
    arena_init(&arena, CONCLUSION_ARENA_BYTES);
    bool concluded = conclude(&work->file, &arena, &conclusion);
    target->judged(&work->file, concluded ? &conclusion : NULL, target->arg);
    arena_done(&arena);
}

static void case_end(struct case_work *work)
{
    if (work->over)
        return;
    work->over = true;
    judge(work);
    handles_close_all(&work->handles, work->target->examiner->loop, on_case_closed, work);
}

/* --- the climb -------------------------------------------------------------------------------------------------- */

static void advance(struct case_work *work);

static void add_attempt(struct case_work *work, struct attempt *attempt)
{
    struct case_file *file = &work->file;
    if (attempt == NULL)
        work->target->failed = true;
    /* A cancelled attempt was never finished: it says nothing. */
    if (attempt == NULL || attempt->local == LOCAL_CANCELLED || file->count == CASE_MAX_ATTEMPTS) {
        attempt_free(attempt);
        return;
    }
    file->outcomes[file->count] = classify(attempt);
    file->origins[file->count] = work->to_origin;
    file->attempts[file->count] = work->attempts[file->count] = attempt;
    file->count++;
}

static void on_step(struct attempt *attempt, bool last, void *arg)
{
    struct case_work *work = arg;
    /* A retry of resolving may come through, with an attempt for each family. */
    add_attempt(work, attempt);
    if (last && --work->open == 0)
        advance(work);
}

/* @return false when nothing could be started: the case is over then. */
static bool start(struct case_work *work, const struct probe_job *job, unsigned count)
{
    struct examiner *examiner = work->target->examiner;
    for (unsigned i = 0; i < count; i++)
        if (prober_probe(examiner->prober, job, on_step, work))
            work->open++;
    work->target->failed |= work->open < count;
    return work->open > 0;
}

static struct probe_job step_job(const struct case_work *work)
{
    struct probe_job job = work->target->job;
    if (job.timeout_us == 0 || job.timeout_us > EXAMINE_STEP_TIMEOUT_US)
        job.timeout_us = EXAMINE_STEP_TIMEOUT_US;
    return job;
}

static bool start_origin(struct case_work *work)
{
    struct probe_job job = step_job(work);
    job.endpoint = work->target->origin;
    job.role = ATTEMPT_CONTROL;
    job.variant = work->origin_attempts++ == 0 ? VARIANT_NORMAL : VARIANT_NO_SNI;
    work->to_origin = &work->target->origin;
    return start(work, &job, 1);
}

static bool start_step(struct case_work *work)
{
    const struct ladder_step *step = &work->step;
    struct probe_job job = step_job(work);
    job.variant = step->variant;
    job.role = step->role;
    job.endpoint.address = step->address.length > 0 ? step->address : work->attempts[0]->flow.destination;
    if (step->sni != NULL) {
        job.endpoint.sni = step->sni;
        job.endpoint.no_sni = false;
    }
    if (variant_fetches(step->variant))
        job.about = &work->file;
    if (step->port != 0)
        job.endpoint.port = step->port;
    work->to_origin = NULL;
    return start(work, &job, step->variant == VARIANT_BURST ? LADDER_BURST : 1);
}

static void on_rested(uv_timer_t *timer)
{
    struct case_work *work = timer->data;
    if (work->target->examiner->cancelled || !start_step(work))
        case_end(work);
}

static bool next_step(struct case_work *work)
{
    const struct examine_options *options = &work->target->examiner->options;
    struct ladder_limits limits = {
        .max_attempts = work->origin_attempts + LADDER_MAX_ATTEMPTS + (options->may_burst ? LADDER_BURST : 0),
        .always = options->ladder == EXAMINE_ALWAYS,
        .has_client_cert = options->has_client_cert,
        .may_burst = options->may_burst,
        .may_fetch_issuer = options->may_fetch_issuer,
        .may_ask_ocsp = options->may_ask_ocsp,
        .control_sni = options->control_sni,
        .rest_us = options->rest_us,
        .pause_us = EXAMINE_PAUSE_US,
        .elapsed_us = clock_mono_us() - work->start_us,
        .budget_us = options->budget_us,
    };
    return options->ladder != EXAMINE_NEVER && ladder_next(&work->file, &limits, &work->step);
}

static void advance(struct case_work *work)
{
    const struct examiner *examiner = work->target->examiner;
    bool origin_wanted = examiner->options.origin.length > 0 && work->origin_attempts < ORIGIN_ATTEMPTS;
    if (!examiner->cancelled && origin_wanted && start_origin(work))
        return;
    if (examiner->cancelled || work->file.count == CASE_MAX_ATTEMPTS || !next_step(work)) {
        case_end(work);
        return;
    }
    if (uv_timer_start(&work->timer, on_rested, (uint64_t)(work->step.rest_us / US_PER_MS), 0) != 0)
        case_end(work);
}

/* --- first attempts --------------------------------------------------------------------------------------------- */

static struct case_work *case_new(struct target *target, const struct attempt *first)
{
    struct examiner *examiner = target->examiner;
    struct case_work *work = calloc(1, sizeof *work);
    if (work == NULL || uv_timer_init(examiner->loop, &work->timer) != 0) {
        free(work);
        return NULL;
    }
    handles_init(&work->handles);
    handles_add(&work->handles, &work->timer);
    work->timer.data = work;
    work->target = target;
    work->next = target->cases;
    target->cases = work;
    target->open++;
    work->start_us = clock_mono_us() - (first->clock.closed_us > 0 ? first->clock.closed_us : 0);
    work->file.endpoint = &target->job.endpoint;
    work->file.now_us = first->clock.start_us;
    work->file.expiry_days = examiner->options.expiry_days;
    return work;
}

static void on_first(struct attempt *attempt, bool last, void *arg)
{
    struct target *target = arg;
    bool tried = attempt != NULL && attempt->local != LOCAL_CANCELLED;
    struct case_work *work = tried ? case_new(target, attempt) : NULL;
    target->failed |= attempt == NULL || (tried && work == NULL);
    if (work == NULL) {
        attempt_free(attempt);
    } else {
        add_attempt(work, attempt);
        advance(work);
    }
    if (last)
        target_close_one(target);
}

/* The origin is asked for the endpoint's name, which its certificate has to cover with or without SNI. */
static void set_origin(struct target *target)
{
    target->origin = target->job.endpoint;
    target->origin.address = target->examiner->options.origin;
    target->origin.port = target->examiner->options.origin_port;
    target->origin.role = ROLE_ORIGIN;
}

static struct target *target_new(struct examiner *examiner, const struct probe_job *job)
{
    struct target *target = calloc(1, sizeof *target);
    if (target == NULL)
        return NULL;
    *target = (struct target){.examiner = examiner, .job = *job, .open = 1};
    arena_init(&target->arena, TARGET_ARENA_BYTES);
    struct endpoint *endpoint = &target->job.endpoint;
    endpoint->site = arena_string(&target->arena, job->endpoint.site);
    endpoint->host = arena_string(&target->arena, job->endpoint.host);
    endpoint->sni = arena_string(&target->arena, job->endpoint.sni);
    set_origin(target);
    if (endpoint->site != NULL && endpoint->host != NULL && endpoint->sni != NULL)
        return target;
    target_free(target);
    return NULL;
}

bool examine(struct examiner *examiner, const struct probe_job *job, examine_case judged, examine_done done,
             void *arg)
{
    struct target *target = target_new(examiner, job);
    if (target == NULL)
        return false;
    target->judged = judged;
    target->done = done;
    target->arg = arg;
    if (!prober_probe(examiner->prober, &target->job, on_first, target)) {
        target_free(target);
        return false;
    }
    target->next = examiner->targets;
    examiner->targets = target;
    examiner->pending++;
    return true;
}

/* --- the examiner ----------------------------------------------------------------------------------------------- */

struct examiner *examiner_new(uv_loop_t *loop, struct prober *prober, const struct examine_options *options)
{
    struct examiner *examiner = calloc(1, sizeof *examiner);
    if (examiner == NULL)
        return NULL;
    *examiner = (struct examiner){.loop = loop, .prober = prober, .options = *options};
    if (examiner->options.rest_us == 0)
        examiner->options.rest_us = EXAMINE_REST_US;
    if (examiner->options.budget_us == 0)
        examiner->options.budget_us = EXAMINE_BUDGET_US;
    return examiner;
}

unsigned examiner_pending(const struct examiner *examiner)
{
    return examiner->pending;
}

void examiner_cancel(struct examiner *examiner)
{
    examiner->cancelled = true;
    prober_cancel(examiner->prober);
    for (struct target *target = examiner->targets; target != NULL; target = target->next)
        for (struct case_work *work = target->cases; work != NULL; work = work->next)
            if (uv_is_active((const uv_handle_t *)&work->timer))
                (void)uv_timer_start(&work->timer, on_rested, 0, 0);
}

void examiner_free(struct examiner *examiner)
{
    free(examiner);
}

#include "probe/examine.h"

#include "probe/climb.h"

#include <stdlib.h>

/*
 *   examine ──> first attempts ──┬─> climb of the first address ──> conclude, judged
 *                                │
 *                                └─> climb of the next address: the same, beside it
 *
 *   all climbs through ──> done
 */

enum { TARGET_ARENA_BYTES = 16 * 1024, CONCLUSION_ARENA_BYTES = 256 * 1024 };

struct target {
    struct examiner *examiner;
    struct target *next;
    struct probe_job job;
    struct endpoint origin; /* with the endpoint's SNI */
    struct arena arena;     /* their texts */
    struct judging *cases;
    unsigned open; /* cases, and one while first attempts may come */
    bool failed;
    examine_case judged;
    examine_done done;
    void *arg;
};

struct judging {
    struct target *target;
    struct judging *next;
    struct climb *climb;
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

static void on_climb_closed(void *arg)
{
    struct judging *judging = arg;
    struct target *target = judging->target;
    struct judging **link = &target->cases;
    while (*link != judging)
        link = &(*link)->next;
    *link = judging->next;
    free(judging);
    target_close_one(target);
}

static void on_climb_over(const struct case_file *file, bool failed, void *arg)
{
    const struct judging *judging = arg;
    struct target *target = judging->target;
    struct arena arena;
    struct conclusion conclusion;
    target->failed |= failed;
    arena_init(&arena, CONCLUSION_ARENA_BYTES);
    bool concluded = conclude(file, &arena, &conclusion);
    target->judged(file, concluded ? &conclusion : NULL, target->arg);
    arena_done(&arena);
}

/* --- first attempts --------------------------------------------------------------------------------------------- */

static struct climb_plan plan_of(const struct target *target)
{
    const struct examiner *examiner = target->examiner;
    const struct examine_options *options = &examiner->options;
    return (struct climb_plan){
        .loop = examiner->loop,
        .prober = examiner->prober,
        .job = target->job,
        .limits = {.max_attempts = LADDER_MAX_ATTEMPTS + (options->may_burst ? LADDER_BURST : 0),
                   .always = options->ladder == EXAMINE_ALWAYS,
                   .has_client_cert = options->has_client_cert,
                   .may_burst = options->may_burst,
                   .may_fetch_issuer = options->may_fetch_issuer,
                   .control_sni = options->control_sni,
                   .rest_us = options->rest_us,
                   .pause_us = CLIMB_PAUSE_US,
                   .budget_us = options->budget_us},
        .origin = options->origin.length > 0 ? &target->origin : NULL,
        .no_ladder = options->ladder == EXAMINE_NEVER,
        .expiry_days = options->expiry_days,
        .over = on_climb_over,
        .closed = on_climb_closed,
    };
}

/* @param first  taken when it succeeds. */
static bool judge(struct target *target, struct attempt *first)
{
    struct climb_plan plan = plan_of(target);
    struct judging *judging = calloc(1, sizeof *judging);
    if (judging == NULL)
        return false;
    plan.arg = judging;
    judging->climb = climb_new(&plan, first);
    if (judging->climb == NULL) {
        free(judging);
        return false;
    }
    judging->target = target;
    judging->next = target->cases;
    target->cases = judging;
    target->open++;
    if (target->examiner->cancelled)
        climb_cancel(judging->climb);
    climb_go(judging->climb);
    return true;
}

static void on_first(struct attempt *attempt, bool last, void *arg)
{
    struct target *target = arg;
    bool tried = attempt != NULL && attempt->local != LOCAL_CANCELLED;
    bool judged = tried && judge(target, attempt);
    target->failed |= attempt == NULL || (tried && !judged);
    if (!judged)
        attempt_free(attempt);
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
    if (!endpoint_copy(&job->endpoint, &target->arena, &target->job.endpoint)) {
        target_free(target);
        return NULL;
    }
    set_origin(target);
    return target;
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
        for (struct judging *judging = target->cases; judging != NULL; judging = judging->next)
            climb_cancel(judging->climb);
}

void examiner_free(struct examiner *examiner)
{
    free(examiner);
}

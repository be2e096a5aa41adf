#include "retainer.h"

#include "link/clock.h"
#include "log.h"
#include "outlet/metrics.h"
#include "words/units.h"

#include <stdlib.h>

#define RETAINER_EVERY_US (3600 * US_PER_S)
#define RETAINER_AGAIN_US (10 * US_PER_S)

struct retainer {
    struct retainer_settings settings;
    struct worker *worker;
    int64_t next_at_us; /* monotonic */
    struct retained last;
    struct retained now; /* of the thread, while it runs */
};

static bool retainer_due(void *arg)
{
    const struct retainer *retainer = arg;
    return clock_mono_us() >= retainer->next_at_us && retainer->settings.leads(retainer->settings.arg);
}

static bool retainer_run(struct db *db, const atomic_bool *stopping, void *arg)
{
    struct retainer *retainer = arg;
    const struct retain_run run = {.stopping = stopping};
    return retain(db, retainer->settings.policy, &run, &retainer->now);
}

/* What is held says so once, not each hour. */
static void retainer_log(const struct retainer *retainer)
{
    const struct retained *now = &retainer->now;
    if (now->dropped + (size_t)(now->counts + now->hours + now->rounds) == 0 &&
        now->held == retainer->last.held)
        return;
    log_line("retention: %zu days of attempts dropped (%.1f MB), %zu kept still; deleted: %lld counts of ten "
             "minutes, %lld counts of hours, %lld rounds",
             now->dropped, (double)now->dropped_bytes / 1e6, now->held, now->counts, now->hours, now->rounds);
}

static void retainer_ran(bool done, void *arg)
{
    struct retainer *retainer = arg;
    struct metrics *metrics = metrics_here();
    bool again = !done || retainer->now.busy > 0;
    retainer->next_at_us = clock_mono_us() + (again ? RETAINER_AGAIN_US : RETAINER_EVERY_US);
    if (!done)
        return; /* cli_error has said why */
    retainer_log(retainer);
    metrics_add(metrics, METRIC_RETENTION_DAYS, NULL, (double)retainer->now.dropped);
    metrics_add(metrics, METRIC_RETENTION_BYTES, NULL, (double)retainer->now.dropped_bytes);
    metrics_set(metrics, METRIC_RETENTION_HELD, NULL, (double)retainer->now.held);
    metrics_set(metrics, METRIC_RETENTION_RUN, NULL, (double)clock_wall_us() / US_PER_S);
    retainer->last = retainer->now;
}

struct retainer *retainer_new(uv_loop_t *loop, const struct retainer_settings *settings)
{
    struct retainer *retainer = calloc(1, sizeof *retainer);
    const struct worker_task task = {.conninfo = settings->conninfo,
                                     .due = retainer_due,
                                     .run = retainer_run,
                                     .ran = retainer_ran,
                                     .arg = retainer,
                                     .rests = true};
    if (retainer == NULL)
        return NULL;
    retainer->settings = *settings;
    retainer->worker = worker_new(loop, &task);
    if (retainer->worker != NULL)
        return retainer;
    free(retainer);
    return NULL;
}

struct worker *retainer_worker(const struct retainer *retainer)
{
    return retainer->worker;
}

void retainer_free(struct retainer *retainer)
{
    if (retainer == NULL)
        return;
    worker_free(retainer->worker);
    free(retainer);
}

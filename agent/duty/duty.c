#include "duty/duty.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "duty/keeper.h"
#include "duty/log.h"
#include "duty/renew.h"
#include "duty/reread.h"
#include "duty/uplink.h"
#include "link/clock.h"
#include "link/handles.h"
#include "words/units.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The parts and who knows whom:
 *
 *     uplink --plans, lists--> rounds --jobs--> prober
 *       ^  |                     |   <--attempts--+
 *       |  +--pongs--> offset <--+ (slots)
 *       |                        +--attempts, reports--> keeper --one transaction at a time--> spool
 *       +------------------------------- reads, after keeper says that there is more -----------+
 *
 * The end, in order: no new attempt; those under way get two seconds, then are cancelled (and say so); the keeper puts
 * all of it on disk; the uplink says goodbye; everything closes. A second signal kills at once.
 */

enum { STOP_TRIES_MS = 20, STOP_PATIENCE_MS = 2000 };

struct duty {
    uv_loop_t loop;
    uv_signal_t terminated, interrupted, reread;
    uv_timer_t stop;
    struct handles handles;
    const struct state *state;
    struct settings *settings;
    struct renew *renew;
    struct spool *spool;
    struct keeper *keeper;
    struct pace *pace;
    struct offset offset;
    struct prober *prober;
    struct rounds *rounds;
    struct uplink *uplink;
    bool stopping;
    int64_t stop_at_us; /* when patience ends */
    int code;
};

/* --- callbacks between the parts -------------------------------------------------------------------------------- */

static void on_kept(const char *why, void *arg)
{
    struct duty *duty = arg;
    if (why != NULL)
        duty_log("results could not be kept: %s", why);
    if (duty->uplink != NULL)
        uplink_push(duty->uplink);
}

static void on_list_wanted(const uint8_t sha256[PLAN_SHA256_BYTES], void *arg)
{
    struct duty *duty = arg;
    if (duty->uplink != NULL)
        uplink_want_list(duty->uplink, sha256);
}

/* Where a name led an earlier attempt needs what the name needs; only what somebody pinned needs an entry of its own. */
static bool on_allow(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                     void *arg)
{
    const struct duty *duty = arg;
    const struct policy *policy = &duty->settings->policy;
    struct endpoint endpoint = job->endpoint;
    if ((job->flags & PROBE_BY_NAME) != 0)
        endpoint.address = (struct address){0};
    if (variant_fetches(job->variant) && policy->forbids_fetching) {
        (void)snprintf(why, PROBER_WHY_BYTES, "fetch: the owner forbids to ask hosts that certificates name");
        return false;
    }
    return policy_allows(policy, &endpoint, why) &&
           (address == NULL || policy_allows_address(policy, address, why));
}

/* What the agent adds to the plan has waited for its token already; of a third party the address was not known then. */
static bool on_pace(const struct address *address, const struct probe_job *job, void *arg)
{
    const struct duty *duty = arg;
    bool waited = job->role != ATTEMPT_FIRST && !variant_fetches(job->variant);
    int64_t now_us = clock_mono_us();
    return (waited || pace_spend(duty->pace, address, now_us)) && pace_spend_any(duty->pace, now_us);
}

static int64_t on_now(uint64_t *ret_error_us, void *arg)
{
    const struct duty *duty = arg;
    int64_t now_us = clock_mono_us(), offset_us = 0;
    if (!offset_get(&duty->offset, now_us, &offset_us, ret_error_us)) /* no round begins without it */
        return clock_wall_us();
    return now_us + offset_us;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void on_part_closed(void *arg)
{
    (void)arg;
}

static void on_uplink_closed(void *arg)
{
    struct duty *duty = arg;
    rounds_close(duty->rounds, on_part_closed, duty);
    prober_close(duty->prober, on_part_closed, duty);
    handles_close_all(&duty->handles, &duty->loop, on_part_closed, duty);
}

/* Looks whether all is done; at the end of patience, makes it so. */
static void on_stop_timer(uv_timer_t *timer)
{
    struct duty *duty = timer->data;
    if (rounds_pending(duty->rounds) > 0) {
        if (clock_mono_us() >= duty->stop_at_us)
            prober_cancel(duty->prober);
        return;
    }
    if (!keeper_idle(duty->keeper))
        return;
    (void)uv_timer_stop(timer);
    struct uplink *uplink = duty->uplink;
    duty->uplink = NULL;
    uplink_close(uplink, on_uplink_closed, duty);
}

static void duty_stop(struct duty *duty, int code)
{
    if (duty->stopping)
        return;
    duty->stopping = true;
    duty->code = code;
    duty->stop_at_us = clock_mono_us() + STOP_PATIENCE_MS * US_PER_MS;
    (void)uv_signal_stop(&duty->terminated); /* from here on a signal does what it does by default */
    (void)uv_signal_stop(&duty->interrupted);
    (void)uv_signal_stop(&duty->reread);
    rounds_stop(duty->rounds);
    (void)uv_timer_start(&duty->stop, on_stop_timer, 0, STOP_TRIES_MS);
}

static void on_signal(uv_signal_t *handle, int number)
{
    duty_log("stopping on %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    duty_stop(handle->data, EXIT_HEALTHY);
}

static void on_revoked(const char *text, void *arg)
{
    cli_error(_("the collector does not let this vantage in any more: %s; enrol again with a new token to "
                "come back"),
              text);
    duty_stop(arg, EXIT_FAILED);
}

/* --- another policy ------------------------------------------------------------------------------------------------- */

static struct pace_rates rates_of(const struct settings *settings)
{
    return (struct pace_rates){.per_second_milli = (unsigned)(1000 / settings->address_seconds),
                               .burst = (unsigned)settings->address_burst,
                               .all_per_second = (unsigned)settings->rate};
}

/* In force means: whatever was under way to what is refused now has been ended, when the line is written. */
static void put_in_force(struct duty *duty)
{
    const struct settings *settings = duty->settings;
    const struct pace_rates rates = rates_of(settings);
    pace_set(duty->pace, &rates);
    rounds_policy_changed(duty->rounds);
    prober_judge_again(duty->prober);
    prober_limit(duty->prober, (unsigned)settings->concurrency, (unsigned)settings->address_concurrency);
    const struct policy *policy = &settings->policy;
    duty_log("agent.yaml is in force: %zu entries in allow, %zu in deny",
             policy->allow.any + policy->allow.name_count + policy->allow.cidr_count,
             policy->deny.any + policy->deny.name_count + policy->deny.cidr_count);
}

static void on_reread(uv_signal_t *handle, int number)
{
    struct duty *duty = handle->data;
    char path[PATH_MAX], fixed[REREAD_FIXED_BYTES], *why = NULL;
    (void)number;
    if (!state_path(duty->state, "agent.yaml", path) || !settings_reread(duty->settings, path, fixed, &why)) {
        duty_log("agent.yaml is not in force, and what was stays: %s", why != NULL ? why : "out of memory");
        free(why);
        return;
    }
    put_in_force(duty);
    if (fixed[0] != '\0')
        duty_log("agent.yaml: changed, but only a restart puts it in force: %s", fixed);
}

/* --- the beginning ---------------------------------------------------------------------------------------------- */

static bool open_spool(struct duty *duty, const struct state *state, char **ret_why)
{
    char path[PATH_MAX];
    const struct spool_options options = {.limit_bytes = (uint64_t)duty->settings->spool_mib << 20};
    if (state_path(state, "spool", path))
        duty->spool = spool_open(path, &options, clock_wall_us(), ret_why);
    return duty->spool != NULL;
}

static bool make_parts(struct duty *duty, const struct state *state, char **ret_why)
{
    const struct settings *settings = duty->settings;
    const struct pace_rates rates = rates_of(settings);
    const struct prober_options options = {
        .ca_file = settings->ca_file,
        .resolver = settings->resolver,
        .contact = settings->contact,
        .source = settings->source,
        .engine = settings->engine,
        .concurrency = (unsigned)settings->concurrency,
        .address_concurrency = (unsigned)settings->address_concurrency,
        .allow = on_allow,
        .allow_arg = duty,
        .pace = on_pace,
        .pace_arg = duty,
        .now = on_now,
        .now_arg = duty,
    };
    duty->renew = renew_new(state, ret_why);
    if (duty->renew == NULL || !open_spool(duty, state, ret_why))
        return false;
    duty->keeper = keeper_new(&duty->loop, duty->spool, on_kept, duty);
    duty->pace = pace_new(&rates);
    if (duty->keeper == NULL || duty->pace == NULL)
        return false;
    duty->prober = prober_new(&duty->loop, &options, ret_why);
    return duty->prober != NULL;
}

static bool make_workers(struct duty *duty)
{
    const struct rounds_deps rounds = {
        .loop = &duty->loop,
        .prober = duty->prober,
        .keeper = duty->keeper,
        .pace = duty->pace,
        .policy = &duty->settings->policy,
        .offset = &duty->offset,
        .on_list_wanted = on_list_wanted,
        .arg = duty,
    };
    duty->rounds = rounds_new(&rounds);
    if (duty->rounds == NULL)
        return false;
    const struct uplink_deps uplink = {
        .loop = &duty->loop,
        .renew = duty->renew,
        .collectors = duty->settings->collectors,
        .collector_count = duty->settings->collector_count,
        .spool = duty->spool,
        .keeper = duty->keeper,
        .rounds = duty->rounds,
        .offset = &duty->offset,
        .on_revoked = on_revoked,
        .arg = duty,
    };
    duty->uplink = uplink_new(&uplink);
    return duty->uplink != NULL;
}

static void watch_signals(struct duty *duty)
{
    (void)uv_signal_init(&duty->loop, &duty->terminated);
    (void)uv_signal_init(&duty->loop, &duty->interrupted);
    (void)uv_signal_init(&duty->loop, &duty->reread);
    (void)uv_timer_init(&duty->loop, &duty->stop);
    duty->terminated.data = duty->interrupted.data = duty->reread.data = duty->stop.data = duty;
    handles_init(&duty->handles);
    handles_add(&duty->handles, &duty->terminated);
    handles_add(&duty->handles, &duty->interrupted);
    handles_add(&duty->handles, &duty->reread);
    handles_add(&duty->handles, &duty->stop);
    (void)uv_signal_start(&duty->terminated, on_signal, SIGTERM);
    (void)uv_signal_start(&duty->interrupted, on_signal, SIGINT);
    (void)uv_signal_start(&duty->reread, on_reread, SIGHUP);
}

/* Only on the way out of a beginning that failed. */
static void abandon(struct duty *duty)
{
    if (duty->rounds != NULL)
        rounds_close(duty->rounds, on_part_closed, duty);
    if (duty->prober != NULL)
        prober_close(duty->prober, on_part_closed, duty);
}

int duty_run(const struct state *state, struct settings *settings, char **ret_why)
{
    struct duty *duty = calloc(1, sizeof *duty);
    if (duty == NULL || uv_loop_init(&duty->loop) != 0) {
        free(duty);
        *ret_why = strdup(_("out of memory"));
        return EXIT_FAILED;
    }
    duty->state = state;
    duty->settings = settings;
    duty->code = EXIT_FAILED;
    if (make_parts(duty, state, ret_why) && make_workers(duty)) {
        watch_signals(duty);
        (void)malloc_trim(0); /* loading the trust store left as much again free as it keeps */
        duty_log("waiting results: %" PRIu64, spool_count(duty->spool));
    } else {
        abandon(duty);
        if (*ret_why == NULL)
            *ret_why = strdup(_("out of memory"));
    }
    (void)uv_run(&duty->loop, UV_RUN_DEFAULT);
    int code = duty->code;
    keeper_free(duty->keeper);
    pace_free(duty->pace);
    spool_close(duty->spool);
    renew_free(duty->renew);
    (void)uv_loop_close(&duty->loop);
    free(duty);
    return code;
}

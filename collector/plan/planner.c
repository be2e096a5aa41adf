#include "plan/planner_parts.h"

#include "link/clock.h"
#include "log.h"
#include "outlet/metrics.h"
#include "plan/when.h"
#include "store/array.h"
#include "store/command.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * All sites with one interval share rounds, which start at multiples of it in collector time. Twice a second the
 * planner looks which round is less than PLAN_AHEAD_US away, makes it in one transaction, and after the commit sends
 * the plan to every session; other collectors send it to theirs (following.c). Vantages ask for endpoint lists they do not have; a round that a person waits for
 * brings its list along.
 *
 *      tick --+-- another collector has planned: read the round, send it
 *             +-- no leader: try the advisory lock (one collector of a database plans)
 *             +-- intervals are old: read them again
 *             +-- a round is due:  endpoints -> round -> its endpoints and vantages -> commit -> RoundPlan to all
 *             +-- somebody asked:  request -> endpoints -> round -> ... -> answer -> commit -> list, RoundPlan to all
 *             +-- a deadline passed: close rounds
 *             +-- a new day: make partitions
 *
 * One of these is under way at a time (`busy`).
 */

/* "plxplan" as a number: who holds this lock plans. */
#define PLANNER_LOCK "31637079312752750"

enum { PLANNER_TICK_MS = 500 };
#define PLANNER_LEAD_EVERY_US  (2 * US_PER_S)
#define PLANNER_SITES_EVERY_US (30 * US_PER_S)
/* Making them waits for who reads attempts, and who stores them waits behind it. */
#define PLANNER_PARTITIONS_AGAIN_US (60 * US_PER_S)

static void planner_say(const char *what, const char *why)
{
    if (why != NULL && why[0] != '\0')
        log_line("planning: %s: %s", what, why);
}

/* Every turn ends here: the next thing to do is looked for at once. */
void planner_turn_over(struct planner *planner, const char *what, bool committed, const char *why)
{
    planner->busy = false;
    if (!committed)
        planner_say(what, why);
    else
        planner_work(planner);
}

void planner_submit(struct planner *planner, void (*start)(struct pg *, void *),
                    void (*end)(bool, const char *, void *))
{
    struct pg_turn turn = {.start = start, .end = end, .arg = planner};
    planner->busy = pg_submit(planner->pg, &turn);
}

/* --- leading --- */

static void lead_found(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    (void)pg;
    planner->leader = PQgetvalue(result, 0, 0)[0] == 't';
}

static void lead_start(struct pg *pg, void *arg)
{
    const char *values[] = {PLANNER_LOCK};
    (void)arg;
    pg_exec(pg, STATEMENT_plan_lock, values, 1, lead_found);
}

static void lead_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    planner->leader = planner->leader && committed;
    if (planner->leader)
        log_line("this collector plans the rounds");
    planner->close_rounds = planner->asked = planner->leader;
    planner_turn_over(planner, "lead", committed, why);
}

/* --- partitions, closing --- */

static void partitions_start(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_plan_partitions, NULL, 0, NULL);
}

static void partitions_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    if (!committed) {
        planner->partitions_day = 0;
        planner->partitions_at_us = clock_wall_us() + PLANNER_PARTITIONS_AGAIN_US;
    }
    planner_turn_over(planner, "partitions", committed, why);
}

static void close_counted(struct pg *pg, PGresult *result, void *arg)
{
    (void)pg, (void)arg;
    metrics_add(metrics_here(), METRIC_ROUNDS_CLOSED, NULL, PQntuples(result));
}

static void close_start(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_plan_close, NULL, 0, close_counted);
}

static void close_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    planner->close_rounds = planner->close_rounds || !committed;
    planner_turn_over(planner, "close rounds", committed, why);
}

static void planner_forget_closed(struct planner *planner, int64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < planner->open_count; i++)
        if (planner->open[i].deadline_us >= now_us)
            planner->open[kept++] = planner->open[i];
    planner->close_rounds = planner->close_rounds || kept < planner->open_count;
    planner->open_count = kept;
}

/* --- sites --- */

static int64_t planner_last_of(const struct planner *planner, int32_t interval_s)
{
    for (size_t i = 0; i < planner->interval_count; i++)
        if (planner->intervals[i].interval_s == interval_s)
            return planner->intervals[i].last_us;
    return 0;
}

static void sites_read(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    struct planner_interval fresh[PLANNER_MAX_INTERVALS];
    size_t count = 0;
    (void)pg;
    for (int row = 0; row < PQntuples(result) && count < PLANNER_MAX_INTERVALS; row++) {
        int32_t interval_s = (int32_t)strtol(PQgetvalue(result, row, 0), NULL, 10);
        fresh[count++] = (struct planner_interval){interval_s, planner_last_of(planner, interval_s)};
    }
    memcpy(planner->intervals, fresh, count * sizeof fresh[0]);
    planner->interval_count = count;
}

static void sites_start(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_plan_intervals, NULL, 0, sites_read);
}

static void sites_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    if (!committed)
        planner->sites_at_us = 0;
    planner_turn_over(planner, "read sites", committed, why);
}

/* --- making a round --- */

static void make_answered(struct pg *pg, PGresult *result, void *arg)
{
    (void)pg, (void)result;
    ((struct planner *)arg)->asked = true; /* another may be waiting */
}

static void make_answer(struct planner *planner, struct pg *pg, const char *refusal)
{
    char request[24], round[24];
    (void)snprintf(request, sizeof request, "%" PRId64, planner->request_id);
    (void)snprintf(round, sizeof round, "%" PRIu64, planner->plan.round_id);
    const char *values[] = {request, refusal == NULL ? round : NULL, refusal};
    pg_exec(pg, STATEMENT_plan_answer, values, 3, make_answered);
}

static void make_members_noted(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    (void)result;
    planner->made = true;
    if (planner->making_s == 0)
        make_answer(planner, pg, NULL);
}

static char *make_endpoint_ids(const struct endpoint_list *list)
{
    struct buf array;
    array_begin(&array);
    for (size_t i = 0; i < list->count; i++)
        (void)array_number(&array, (int64_t)list->endpoints[i].id);
    return array_take(&array);
}

static void make_round_noted(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    if (PQntuples(result) == 0)
        return; /* planned already, by a collector that went away since */
    const char *id = PQgetvalue(result, 0, 0);
    planner->plan.round_id = strtoull(id, NULL, 10);
    char *endpoints = make_endpoint_ids(planner->list);
    const char *values[] = {id, endpoints};
    if (endpoints != NULL)
        pg_exec(pg, STATEMENT_plan_round_members, values, 2, make_members_noted);
    else
        pg_abandon(pg, "out of memory");
    free(endpoints);
}

static void make_round(struct planner *planner, struct pg *pg)
{
    struct round_plan *plan = &planner->plan;
    if (planner->making_s == 0)
        plan->start_us = clock_wall_us() + PLAN_NOW_LEAD_US;
    plan->now = planner->making_s == 0;
    memcpy(plan->list_sha256, planner->list->sha256, PLAN_SHA256_BYTES);
    plan_shape(plan, planner->making_s, planner->list->count, planner->timeout_us);
    char text[6][24];
    int64_t numbers[6] = {planner->making_s,         plan->start_us,    (int64_t)plan->spread_us,
                          (int64_t)plan->timeout_us, plan->deadline_us, (int64_t)planner->list->count};
    const char *values[6];
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(text[i], sizeof text[i], "%" PRId64, numbers[i]);
        values[i] = text[i];
    }
    pg_exec(pg, STATEMENT_plan_round, values, 6, make_round_noted);
}

static void make_endpoints_read(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    if (PQntuples(result) == 0 && planner->making_s == 0) {
        make_answer(planner, pg, "none of the endpoints exists");
    } else if (planner->making_s == 0 && planner->connected_vantages == 0) {
        make_answer(planner, pg, "no vantage is connected");
    } else if (PQntuples(result) > 0) {
        planner->list = lists_add(&planner->lists, result);
        if (planner->list == NULL)
            pg_abandon(pg, "out of memory");
        else
            make_round(planner, pg);
    }
}

static void make_request_read(struct pg *pg, PGresult *result, void *arg)
{
    struct planner *planner = arg;
    if (PQntuples(result) == 0)
        return;
    planner->request_id = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    planner->connected_vantages = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    const char *values[] = {PQgetvalue(result, 0, 1), "f"};
    pg_exec(pg, STATEMENT_plan_endpoints_asked, values, 2, make_endpoints_read);
}

static void make_start(struct pg *pg, void *arg)
{
    struct planner *planner = arg;
    char interval[16];
    (void)snprintf(interval, sizeof interval, "%" PRId32, planner->making_s);
    const char *values[] = {interval};
    planner->made = false;
    if (planner->making_s == 0)
        pg_exec(pg, STATEMENT_plan_request, NULL, 0, make_request_read);
    else
        pg_exec(pg, STATEMENT_plan_endpoints, values, 1, make_endpoints_read);
}

static void make_end(bool committed, const char *why, void *arg)
{
    struct planner *planner = arg;
    for (size_t i = 0; committed && i < planner->interval_count; i++)
        if (planner->intervals[i].interval_s == planner->making_s)
            planner->intervals[i].last_us = planner->plan.start_us;
    if (committed && planner->made) {
        metrics_add(metrics_here(), METRIC_ROUNDS_PLANNED, NULL, 1);
        planner_announce(planner);
    }
    if (!committed && planner->making_s == 0)
        planner->asked = true;
    planner_turn_over(planner, "a round", committed, why);
}

/* --- what to do next --- */

/* @return true when a round is due and its making has begun. */
static bool planner_make_due(struct planner *planner, int64_t now_us)
{
    for (size_t i = 0; i < planner->interval_count; i++) {
        const struct planner_interval *interval = &planner->intervals[i];
        int64_t start_us = plan_next_start(now_us, interval->last_us, interval->interval_s);
        if (start_us - now_us > PLAN_AHEAD_US)
            continue;
        planner->making_s = interval->interval_s;
        planner->plan = (struct round_plan){.start_us = start_us};
        planner_submit(planner, make_start, make_end);
        return true;
    }
    return false;
}

static void planner_lead(struct planner *planner, int64_t now_us)
{
    int64_t day = now_us / (86400 * US_PER_S);
    if (planner->partitions_day != day && now_us >= planner->partitions_at_us) {
        planner->partitions_day = day;
        planner_submit(planner, partitions_start, partitions_end);
    } else if (planner->asked) {
        planner->asked = false;
        planner->making_s = 0;
        planner->plan = (struct round_plan){0};
        planner_submit(planner, make_start, make_end);
    } else if (now_us >= planner->sites_at_us) {
        planner->sites_at_us = now_us + PLANNER_SITES_EVERY_US;
        planner_submit(planner, sites_start, sites_end);
    } else if (!planner_make_due(planner, now_us) && planner->close_rounds) {
        planner->close_rounds = false;
        planner_submit(planner, close_start, close_end);
    }
}

void planner_work(struct planner *planner)
{
    int64_t now_us = clock_wall_us();
    if (planner->busy || !planner->connected)
        return;
    planner_forget_closed(planner, now_us);
    if (planner->news) {
        planner_follow(planner);
    } else if (planner->leader) {
        planner_lead(planner, now_us);
    } else if (clock_mono_us() >= planner->lead_at_us) {
        planner->lead_at_us = clock_mono_us() + PLANNER_LEAD_EVERY_US;
        planner_submit(planner, lead_start, lead_end);
    }
}

static void planner_tick(uv_timer_t *timer)
{
    planner_work(timer->data);
}

/* --- public --- */

struct planner *planner_new(uv_loop_t *loop, struct pg *pg, uint64_t timeout_us,
                            const struct planner_hooks *hooks)
{
    struct planner *planner = calloc(1, sizeof *planner);
    if (planner == NULL)
        return NULL;
    planner->loop = loop;
    planner->pg = pg;
    planner->timeout_us = timeout_us;
    planner->hooks = *hooks;
    (void)uv_timer_init(loop, &planner->timer);
    planner->timer.data = planner;
    handles_init(&planner->handles);
    handles_add(&planner->handles, &planner->timer);
    (void)uv_timer_start(&planner->timer, planner_tick, PLANNER_TICK_MS, PLANNER_TICK_MS);
    return planner;
}

void planner_stop(struct planner *planner, void (*done)(void *arg), void *arg)
{
    planner->connected = false;
    handles_close_all(&planner->handles, planner->loop, done, arg);
}

void planner_free(struct planner *planner)
{
    if (planner == NULL)
        return;
    lists_done(&planner->lists);
    free(planner);
}

void planner_ready(struct planner *planner)
{
    planner->connected = true;
    planner->news = true;
    planner->lead_at_us = 0;
    planner->sites_at_us = 0;
    planner->partitions_day = 0;
    planner->partitions_at_us = 0;
    planner_work(planner);
}

void planner_lost(struct planner *planner)
{
    planner->connected = false;
    planner->leader = false;
}

bool planner_leads(const struct planner *planner)
{
    return planner->leader;
}

void planner_requested(struct planner *planner)
{
    planner->asked = true;
    planner_work(planner);
}

void planner_sites_changed(struct planner *planner)
{
    planner->sites_at_us = 0;
    planner_work(planner);
}

const struct endpoint_list *planner_list(struct planner *planner, const uint8_t sha256[PLAN_SHA256_BYTES])
{
    return lists_find(&planner->lists, sha256);
}

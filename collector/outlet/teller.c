#include "outlet/teller.h"

#include "link/clock.h"
#include "link/handles.h"
#include "log.h"
#include "outlet/alert.h"
#include "outlet/metrics.h"
#include "outlet/post.h"
#include "report/incidents.h"
#include "store/array.h"
#include "store/db.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Each receiver is told by a small machine of its own, so that one that is dead holds up no other. It has one thing under way
 * at most: a turn of the database, or a post.
 *
 *      webhook       due --> read the first event after its cursor --> post --2xx--> move the cursor --> due at once
 *                     ^                  | none                          |
 *                     |                  v                               | anything else
 *                     +------------ look again later <--- wait longer <--+
 *
 *      Alertmanager  due --> read what is open or has just ended --> name what is new --> post all --> due in a minute
 *
 * What a webhook is promised: every event, in order, at least once. The cursor is in the database and moves after the 2xx, so
 * an event comes again when the collector dies between the two; its id tells. The queue is the table of events, so it takes no
 * memory however long a receiver is away.
 *
 * What Alertmanager is promised: the state, again and again. It is told what is open every minute and when something happens; what
 * has ended is told for ENDED_S. What it missed while it was away it needs not hear of.
 *
 * Of several collectors the one that plans rounds tells. When the lead changes hands, an event may be told by both.
 */

enum { TICK_MS = 500, LOOK_MS = 10000, WAIT_FIRST_MS = 1000, WAIT_MOST_MS = 300000, ENDED_S = 900 };

struct told_to {
    struct teller *teller;
    const struct receiver *receiver;
    bool begun; /* its cursor is there */
    bool busy;
    bool again; /* something happened while it was busy */
    unsigned failures;
    int64_t due_us; /* monotonic */
    int64_t event_id;
    char *body;     /* to be posted when the turn has ended; NULL: nothing */
    struct buf ids; /* arrays of alerts that are named in this turn */
    struct buf labels;
    bool naming;
};

struct teller {
    uv_loop_t *loop;
    struct pg *pg;
    struct teller_settings settings;
    struct poster *poster;
    uv_timer_t timer;
    struct handles handles;
    bool connected;
    bool stopped;
    struct told_to told_to[];
};

static void told_to_work(struct told_to *to);

/* --- how it went --- */

static void rest(struct told_to *to, int64_t wait_ms)
{
    to->busy = false;
    to->due_us = to->again ? 0 : clock_mono_us() + wait_ms * US_PER_MS;
    to->again = false;
}

static void fail(struct told_to *to, const char *why)
{
    int64_t wait_ms = (int64_t)WAIT_FIRST_MS << (to->failures < 12 ? to->failures : 12);
    if (wait_ms > WAIT_MOST_MS)
        wait_ms = WAIT_MOST_MS;
    to->failures++;
    to->again = false;
    if (to->failures == 1 || wait_ms == WAIT_MOST_MS) /* every time would fill the log */
        log_line("alerts: %s: %s; tried again until it works", to->receiver->name, why);
    rest(to, wait_ms);
}

static void submit(struct told_to *to, void (*start)(struct pg *, void *),
                   void (*end)(bool, const char *, void *))
{
    const struct pg_turn turn = {.start = start, .end = end, .arg = to};
    to->busy = pg_submit(to->teller->pg, &turn);
}

/* A turn that failed because the connection was lost, or is being closed, is no matter of the receiver. */
static void turn_failed(struct told_to *to, const char *why)
{
    free(to->body);
    to->body = NULL;
    if (why[0] != '\0' && to->teller->connected)
        fail(to, why);
    else
        rest(to, WAIT_FIRST_MS);
}

/* --- posting --- */

static void delivered_start(struct pg *pg, void *arg)
{
    struct told_to *to = arg;
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, to->event_id);
    const char *values[] = {to->receiver->name, id};
    pg_exec(pg, STATEMENT_outlet_delivered, values, 2, NULL);
}

static void delivered_end(bool committed, const char *why, void *arg)
{
    struct told_to *to = arg;
    if (!committed) {
        turn_failed(to, why);
        return;
    }
    rest(to, 0);
    told_to_work(to);
}

static void on_answer(const struct post_answer *answer, void *arg)
{
    struct told_to *to = arg;
    const char *result = answer->delivered ? "delivered" : answer->status != 0 ? "refused" : "failed";
    char why[POST_ANSWER_BYTES + 64];
    metrics_add(metrics_here(), METRIC_ALERTS, LABELS(to->receiver->name, result), 1);
    if (!answer->delivered) {
        if (answer->status != 0)
            (void)snprintf(why, sizeof why, "HTTP %ld: %.200s", answer->status, answer->text);
        else
            (void)snprintf(why, sizeof why, "%.200s", answer->text);
        fail(to, why);
        return;
    }
    if (to->failures > 0)
        log_line("alerts: %s: takes them again", to->receiver->name);
    to->failures = 0;
    if (to->receiver->kind == RECEIVER_WEBHOOK)
        submit(to, delivered_start, delivered_end);
    else
        rest(to, (int64_t)ALERT_RESEND_S * 1000);
}

/* The turn that read what there is to tell has ended. */
static void read_end(bool committed, const char *why, void *arg)
{
    struct told_to *to = arg;
    buf_done(&to->ids);
    buf_done(&to->labels);
    if (to->teller->stopped)
        return;
    if (!committed) {
        turn_failed(to, why);
        return;
    }
    to->begun = true;
    if (to->body == NULL)
        rest(to, to->receiver->kind == RECEIVER_WEBHOOK ? LOOK_MS : (int64_t)ALERT_RESEND_S * 1000);
    else if (!poster_send(to->teller->poster, to->receiver, to->body, on_answer, to))
        fail(to, "out of memory");
    free(to->body);
    to->body = NULL;
}

static void take_body(struct told_to *to, struct pg *pg, json_t *json)
{
    to->body = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    if (to->body == NULL)
        pg_abandon(pg, "out of memory");
    json_decref(json);
}

/* --- webhooks --- */

static void event_read(struct pg *pg, PGresult *result, void *arg)
{
    struct told_to *to = arg;
    if (PQntuples(result) == 0)
        return;
    json_t *incident = incident_json(result, 0);
    const struct alert_event event = {.id = db_int(result, 0, "event_id"),
                                      .change = (int)db_int(result, 0, "change"),
                                      .at = db_text(result, 0, "at"),
                                      .round_id = db_int(result, 0, "round_id"),
                                      .confidence = db_real(result, 0, "event_confidence")};
    to->event_id = event.id;
    take_body(to, pg,
              incident == NULL ? NULL : event_json(&event, incident, to->teller->settings.public_url));
    json_decref(incident);
}

static void event_ask(struct pg *pg, PGresult *result, void *arg)
{
    struct told_to *to = arg;
    const char *values[] = {to->receiver->name};
    (void)result;
    pg_exec(pg, STATEMENT_outlet_event, values, 1, event_read);
}

static void event_start(struct pg *pg, void *arg)
{
    struct told_to *to = arg;
    const char *values[] = {to->receiver->name};
    if (to->begun)
        event_ask(pg, NULL, arg);
    else
        pg_exec(pg, STATEMENT_outlet_begin, values, 1, event_ask);
}

/* --- Alertmanager --- */

/* Labels that were told before, or new ones, which are noted to be kept. @return NULL without memory. */
static json_t *labels_of(struct told_to *to, const json_t *incident, const char *told)
{
    if (told[0] != '\0')
        return json_loads(told, 0, NULL);
    json_t *labels = alert_labels(incident);
    char *text = labels == NULL ? NULL : json_dumps(labels, JSON_COMPACT);
    bool noted = text != NULL &&
                 array_number(&to->ids, json_integer_value(json_object_get(incident, "id"))) &&
                 array_text(&to->labels, text);
    to->naming = true;
    free(text);
    if (noted)
        return labels;
    json_decref(labels);
    return NULL;
}

static json_t *alerts_json(struct told_to *to, const PGresult *result)
{
    json_t *alerts = json_array();
    int64_t now_us = clock_wall_us();
    for (int row = 0; alerts != NULL && row < PQntuples(result); row++) {
        json_t *incident = incident_json(result, row);
        json_t *labels =
            incident == NULL ? NULL : labels_of(to, incident, db_text(result, row, "alert_labels"));
        if (labels == NULL ||
            json_array_append_new(
                alerts, alert_json(incident, labels, to->teller->settings.public_url, now_us)) != 0) {
            json_decref(alerts);
            alerts = NULL;
        }
        json_decref(labels);
        json_decref(incident);
    }
    return alerts;
}

static void alerts_read(struct pg *pg, PGresult *result, void *arg)
{
    struct told_to *to = arg;
    if (PQntuples(result) == 0)
        return;
    array_begin(&to->ids);
    array_begin(&to->labels);
    to->naming = false;
    take_body(to, pg, alerts_json(to, result));
    if (to->body == NULL || !to->naming)
        return;
    char *params[] = {array_take(&to->ids), array_take(&to->labels)};
    if (params[0] != NULL && params[1] != NULL)
        pg_exec(pg, STATEMENT_outlet_name, (const char *const *)(void *)params, 2, NULL);
    else
        pg_abandon(pg, "out of memory");
    free(params[0]);
    free(params[1]);
}

static void alerts_start(struct pg *pg, void *arg)
{
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%d", ENDED_S);
    const char *values[] = {seconds};
    (void)arg;
    pg_exec(pg, STATEMENT_outlet_alerts, values, 1, alerts_read);
}

/* --- when --- */

static void told_to_work(struct told_to *to)
{
    struct teller *teller = to->teller;
    if (to->busy || teller->stopped || !teller->connected || clock_mono_us() < to->due_us ||
        !teller->settings.leads(teller->settings.arg))
        return;
    submit(to, to->receiver->kind == RECEIVER_WEBHOOK ? event_start : alerts_start, read_end);
}

static void teller_tick(uv_timer_t *timer)
{
    struct teller *teller = timer->data;
    for (size_t i = 0; i < teller->settings.receiver_count; i++)
        told_to_work(&teller->told_to[i]);
}

/* --- public --- */

struct teller *teller_new(uv_loop_t *loop, struct pg *pg, const struct teller_settings *settings)
{
    struct teller *teller = calloc(1, sizeof *teller + settings->receiver_count * sizeof teller->told_to[0]);
    if (teller == NULL)
        return NULL;
    teller->loop = loop;
    teller->pg = pg;
    teller->settings = *settings;
    for (size_t i = 0; i < settings->receiver_count; i++)
        teller->told_to[i] = (struct told_to){.teller = teller, .receiver = &settings->receivers[i]};
    teller->poster = poster_new(loop);
    if (teller->poster == NULL) {
        free(teller);
        return NULL;
    }
    (void)uv_timer_init(loop, &teller->timer);
    teller->timer.data = teller;
    handles_init(&teller->handles);
    handles_add(&teller->handles, &teller->timer);
    if (settings->receiver_count > 0)
        (void)uv_timer_start(&teller->timer, teller_tick, TICK_MS, TICK_MS);
    return teller;
}

void teller_stop(struct teller *teller, void (*done)(void *arg), void *arg)
{
    teller->stopped = true;
    poster_close(teller->poster, NULL, NULL);
    teller->poster = NULL;
    handles_close_all(&teller->handles, teller->loop, done, arg);
}

void teller_free(struct teller *teller)
{
    for (size_t i = 0; teller != NULL && i < teller->settings.receiver_count; i++)
        free(teller->told_to[i].body);
    free(teller);
}

void teller_ready(struct teller *teller)
{
    teller->connected = true;
    teller_changed(teller);
}

void teller_lost(struct teller *teller)
{
    teller->connected = false;
}

/* A receiver that failed keeps its pause: news do not make it answer. */
void teller_changed(struct teller *teller)
{
    for (size_t i = 0; i < teller->settings.receiver_count; i++) {
        struct told_to *to = &teller->told_to[i];
        to->again = to->busy;
        if (!to->busy && to->failures == 0)
            to->due_us = 0;
    }
}

#include "serve.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "ingest/listen.h"
#include "judge/worker.h"
#include "link/handles.h"
#include "log.h"
#include "outlet/gauges.h"
#include "outlet/http.h"
#include "outlet/metrics.h"
#include "outlet/teller.h"
#include "plan/planner.h"
#include "store/array.h"
#include "words/units.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Everything on one loop, but for the judge, which blocks and has a thread. Stopping, after SIGINT or SIGTERM:
 *
 *   listener closed, Goodbye to every session  -->  the last session is gone  -->  the transaction under way ends,
 *   nobody is noted as connected  -->  the database connection closes  -->  the loop is empty
 *
 * A database that is away must not hold this up: after SERVE_PATIENCE_MS its connections are closed as they are.
 */

enum { SERVE_PATIENCE_MS = 3000 };

static const char *const serve_channels[] = {"parallax_request", "parallax_site",     "parallax_vantage",
                                             "parallax_judged",  "parallax_incident", NULL};

struct serve {
    const struct serve_settings *settings;
    uv_loop_t loop;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    uv_timer_t patience;
    struct handles handles;
    struct pg *pg;
    struct session_hub hub;
    struct listen *listen;
    struct planner *planner;
    struct judge_worker *judge;
    struct gauges *gauges;
    struct http *http;
    struct teller *teller;
    char place[ADDRESS_TEXT_BYTES + 8];
    bool announced;
    bool stopping;
    bool database_closing;
};

static void serve_ignore(void *arg)
{
    (void)arg;
}

/* --- stopping --- */

static void serve_database_closed(void *arg)
{
    struct serve *serve = arg;
    handles_close_all(&serve->handles, &serve->loop, serve_ignore, NULL);
}

static void serve_close_database(struct serve *serve)
{
    if (serve->database_closing)
        return;
    serve->database_closing = true;
    pg_close(serve->pg, serve_database_closed, serve);
}

static void serve_out_of_patience(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    judge_worker_interrupt(serve->judge);
    serve_close_database(serve);
}

static void serve_reset_start(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_session_reset, NULL, 0, NULL);
}

static void serve_reset_end(bool committed, const char *why, void *arg)
{
    (void)committed, (void)why;
    serve_close_database(arg);
}

static void serve_sessions_gone(void *arg)
{
    struct serve *serve = arg;
    struct pg_turn turn = {.start = serve_reset_start, .end = serve_reset_end, .arg = serve};
    if (serve->stopping && !serve->database_closing && !pg_submit(serve->pg, &turn))
        serve_close_database(serve);
}

static void serve_stop(struct serve *serve)
{
    if (serve->stopping)
        return;
    serve->stopping = true;
    (void)uv_timer_start(&serve->patience, serve_out_of_patience, SERVE_PATIENCE_MS, 0);
    listen_close(serve->listen, serve_ignore, NULL);
    planner_stop(serve->planner, serve_ignore, NULL);
    judge_worker_stop(serve->judge, serve_ignore, NULL);
    gauges_stop(serve->gauges, serve_ignore, NULL);
    teller_stop(serve->teller, serve_ignore, NULL);
    http_close(serve->http, serve_ignore, NULL);
    ingest_stop(serve->hub.ingest, serve_ignore, NULL);
    bool any = serve->hub.first != NULL;
    for (struct session *session = serve->hub.first; session != NULL; session = session_next(session))
        session_goodbye(session, GOODBYE_SHUTDOWN, "the collector is stopping");
    if (!any)
        serve_sessions_gone(serve);
}

static void serve_on_signal(uv_signal_t *signal, int number)
{
    log_line("stopping (%s)", number == SIGINT ? "SIGINT" : "SIGTERM");
    serve_stop(signal->data);
}

/* --- the database --- */

static void serve_announce(struct serve *serve)
{
    char fingerprint[65];
    serve->announced = true;
    (void)printf(_("listening on %s, database %s, CA fingerprint %s\n"), serve->place,
                 serve->settings->database, hex_text(serve->settings->ca->fingerprint, 32, fingerprint));
    (void)fflush(stdout);
}

static void serve_on_ready(void *arg)
{
    struct serve *serve = arg;
    if (!serve->announced)
        serve_announce(serve);
    else
        log_line("the database is back");
    if (serve->stopping)
        return;
    session_check_all(&serve->hub); /* what was notified meanwhile was missed */
    planner_ready(serve->planner);
    gauges_ready(serve->gauges);
    teller_ready(serve->teller);
}

static void serve_on_lost(const char *why, void *arg)
{
    struct serve *serve = arg;
    log_line("the database is away: %s", why);
    planner_lost(serve->planner);
    gauges_lost(serve->gauges);
    teller_lost(serve->teller);
}

static void serve_judged(struct serve *serve)
{
    metrics_add(metrics_here(), METRIC_ROUNDS_JUDGED, NULL, 1);
    gauges_changed(serve->gauges);
}

static void serve_on_notify(const char *channel, const char *payload, void *arg)
{
    struct serve *serve = arg;
    (void)payload;
    if (serve->stopping)
        return;
    if (strcmp(channel, "parallax_request") == 0)
        planner_requested(serve->planner);
    else if (strcmp(channel, "parallax_site") == 0)
        planner_sites_changed(serve->planner);
    else if (strcmp(channel, "parallax_judged") == 0)
        serve_judged(serve);
    else if (strcmp(channel, "parallax_incident") == 0)
        teller_changed(serve->teller);
    else
        session_check_all(&serve->hub);
}

/* --- between sessions and the planner --- */

static char *serve_vantages(size_t *ret_count, void *arg)
{
    const struct serve *serve = arg;
    struct buf ids;
    *ret_count = 0;
    array_begin(&ids);
    for (struct session *session = serve->hub.first; session != NULL; session = session_next(session)) {
        if (!session_is_open(session))
            continue;
        (void)array_number(&ids, session_vantage(session));
        (*ret_count)++;
    }
    return array_take(&ids);
}

static void serve_broadcast(const struct message *message, void *arg)
{
    const struct serve *serve = arg;
    for (struct session *session = serve->hub.first; session != NULL; session = session_next(session))
        if (session_is_open(session))
            (void)session_send(session, message);
}

static void serve_send_to(const struct message *message, void *arg)
{
    (void)session_send(arg, message);
}

static void serve_on_joined(struct session *session, void *arg)
{
    struct serve *serve = arg;
    planner_joined(serve->planner, session_vantage(session), serve_send_to, session);
}

static void serve_on_list_wanted(struct session *session, const uint8_t sha256[PLAN_SHA256_BYTES], void *arg)
{
    struct serve *serve = arg;
    const struct endpoint_list *list = planner_list(serve->planner, sha256);
    struct message message = {.kind = MESSAGE_LIST};
    if (list == NULL) {
        log_line("session %s: wants an endpoint list that is none of the recent ones", session_name(session));
        return;
    }
    message.list = *list;
    (void)session_send(session, &message);
}

/* --- what is told --- */

static void serve_on_scrape(void *arg)
{
    const struct serve *serve = arg;
    size_t open = 0;
    for (struct session *session = serve->hub.first; session != NULL; session = session_next(session))
        open += session_is_open(session);
    metrics_set(metrics_here(), METRIC_SESSIONS, NULL, (double)open);
}

static bool serve_leads(void *arg)
{
    const struct serve *serve = arg;
    return planner_leads(serve->planner);
}

static bool serve_on_health(struct buf *out, void *arg)
{
    const struct serve *serve = arg;
    return gauges_health(serve->gauges, out);
}

/* A port that nobody chose may be another collector's; one that was asked for must be ours. */
static bool serve_tell(struct serve *serve, char **ret_why)
{
    const struct http_hooks hooks = {serve_on_scrape, serve_on_health, serve};
    struct address address;
    uint16_t port = 0;
    char *why = NULL;
    if (serve->settings->metrics == NULL || !listen_parse(serve->settings->metrics, &address, &port))
        return true;
    serve->http = http_new(&serve->loop, &address, port, &hooks, &port, &why);
    if (serve->http != NULL) {
        char text[ADDRESS_TEXT_BYTES];
        log_line(address.length == 16 ? "metrics on http://[%s]:%u/metrics"
                                      : "metrics on http://%s:%u/metrics",
                 address_text(&address, text), port);
    } else if (serve->settings->metrics_must) {
        *ret_why = why;
        return false;
    } else {
        log_line("no metrics: %s", why == NULL ? "out of memory" : why);
    }
    free(why);
    return true;
}

/* --- starting --- */

static bool serve_open(struct serve *serve, char **ret_why)
{
    static const struct pg_handlers handlers = {serve_on_ready, serve_on_lost, serve_on_notify};
    const struct planner_hooks hooks = {serve_vantages, serve_broadcast, serve};
    const struct teller_settings telling = {.receivers = serve->settings->receivers,
                                            .receiver_count = serve->settings->receiver_count,
                                            .public_url = serve->settings->public_url,
                                            .leads = serve_leads,
                                            .arg = serve};
    serve->hub = (struct session_hub){.loop = &serve->loop,
                                      .networks = serve->settings->networks,
                                      .ca = serve->settings->ca,
                                      .on_joined = serve_on_joined,
                                      .on_list_wanted = serve_on_list_wanted,
                                      .on_empty = serve_sessions_gone,
                                      .arg = serve};
    serve->hub.context = ca_server_context(serve->settings->ca, ret_why);
    if (serve->hub.context == NULL || !serve_tell(serve, ret_why))
        return false;
    serve->listen = listen_new(&serve->hub, serve->settings->listen, serve->place, ret_why);
    if (serve->listen == NULL)
        return false;
    serve->pg = pg_new(&serve->loop, serve->settings->conninfo, serve_channels, &handlers, serve);
    serve->hub.pg = serve->pg;
    if (serve->pg != NULL) {
        serve->hub.ingest = ingest_new(&serve->loop, serve->pg);
        serve->planner = planner_new(&serve->loop, serve->pg, serve->settings->timeout_us, &hooks);
        serve->gauges = gauges_new(&serve->loop, serve->pg);
        serve->teller = teller_new(&serve->loop, serve->pg, &telling);
        serve->judge =
            judge_worker_new(&serve->loop, serve->settings->conninfo, serve->settings->expiry_days);
    }
    if (serve->hub.ingest != NULL)
        session_hub_ready(&serve->hub);
    return serve->hub.ingest != NULL && serve->planner != NULL && serve->gauges != NULL &&
           serve->teller != NULL && serve->judge != NULL;
}

static void serve_init_handles(struct serve *serve)
{
    (void)uv_signal_init(&serve->loop, &serve->interrupt);
    (void)uv_signal_init(&serve->loop, &serve->terminate);
    (void)uv_timer_init(&serve->loop, &serve->patience);
    serve->interrupt.data = serve->terminate.data = serve->patience.data = serve;
    handles_init(&serve->handles);
    handles_add(&serve->handles, &serve->interrupt);
    handles_add(&serve->handles, &serve->terminate);
    handles_add(&serve->handles, &serve->patience);
    (void)uv_signal_start(&serve->interrupt, serve_on_signal, SIGINT);
    (void)uv_signal_start(&serve->terminate, serve_on_signal, SIGTERM);
}

int serve_run(const struct serve_settings *settings)
{
    struct serve *serve = calloc(1, sizeof *serve);
    char *why = NULL;
    if (serve == NULL || uv_loop_init(&serve->loop) != 0) {
        cli_error(_("out of memory"));
        free(serve);
        return EXIT_FAILED;
    }
    serve->settings = settings;
    serve_init_handles(serve);
    bool open = serve_open(serve, &why);
    if (!open) {
        cli_error("%s", why == NULL ? _("out of memory") : why);
        free(why);
        http_close(serve->http, serve_ignore, NULL);
        handles_close_all(&serve->handles, &serve->loop, serve_ignore, NULL);
    }
    (void)uv_run(&serve->loop, UV_RUN_DEFAULT);
    log_left_out(1);
    judge_worker_free(serve->judge);
    planner_free(serve->planner);
    gauges_free(serve->gauges);
    teller_free(serve->teller);
    metrics_leave();
    ingest_free(serve->hub.ingest);
    SSL_CTX_free(serve->hub.context);
    (void)uv_loop_close(&serve->loop);
    free(serve);
    return open ? EXIT_HEALTHY : EXIT_FAILED;
}

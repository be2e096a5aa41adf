#include "serve.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "duties.h"
#include "ingest/listen.h"
#include "link/handles.h"
#include "log.h"
#include "outlet/gauges.h"
#include "outlet/http.h"
#include "outlet/metrics.h"
#include "outlet/teller.h"
#include "plan/planner.h"
#include "plan/presence.h"
#include "store/array.h"
#include "store/roles.h"
#include "words/units.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Everything on one loop, but for the duties that block, which have threads. Two connections to the database, so that a long COPY
 * holds up no round and no revocation:
 *
 *   rows   sessions (opened, closed, enrolled), what vantages send, certificates
 *   plan   rounds, what is notified, gauges, alerts, "this collector lives"
 *
 * The collector that leads holds an advisory lock, which is of its plan connection and ends with it. When its process dies, the
 * server sees the connection close at once; when its host vanishes, after some 6 s (serve_plan_setup: keepalives, and for what
 * is on its way tcp_user_timeout); when it hangs, the server ends the connection because nothing was said in it for 8 s: one that
 * lives beats every 2 s. It finds that out as soon as it goes on, before it can plan anything, because a round is made in a
 * transaction of that connection. A hanging collector must not hold rows locked either, hence the same for transactions of both.
 *
 * Stopping, after SIGINT or SIGTERM:
 *
 *   listener closed, Goodbye to every session  -->  the last session is gone  -->  the transactions under way end,
 *   nobody is noted as connected  -->  the database connections close  -->  the loop is empty
 *
 * A database that is away must not hold this up: after SERVE_PATIENCE_MS its connections are closed as they are.
 */

enum { SERVE_PATIENCE_MS = 3000 };

#define SERVE_NO_HANGING                                                                                     \
    "SET tcp_keepalives_idle TO 3; SET tcp_keepalives_interval TO 1; SET tcp_keepalives_count TO 3; "        \
    "SET tcp_user_timeout TO 6000; SET idle_in_transaction_session_timeout TO '8s'"
static const char serve_rows_setup[] = SERVE_NO_HANGING "; " ROLE_SET(ROLE_INGEST);
static const char serve_plan_setup[] =
    SERVE_NO_HANGING "; " ROLE_SET(ROLE_PLAN) "; SET idle_session_timeout TO '8s'";

static const char *const serve_rows_channels[] = {NULL};
static const char *const serve_plan_channels[] = {"parallax_request",
                                                  "parallax_site",
                                                  "parallax_vantage",
                                                  "parallax_judged",
                                                  "parallax_incident",
                                                  "parallax_plan",
                                                  NULL};

struct serve;

/* One of the two connections. */
struct serve_pg {
    struct serve *serve;
    const char *what; /* waits for it */
    struct pg *pg;
    bool up;
};

struct serve {
    const struct serve_settings *settings;
    uv_loop_t loop;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    uv_timer_t patience;
    struct handles handles;
    struct serve_pg rows;
    struct serve_pg plan;
    struct session_hub hub;
    struct listen *listen;
    struct planner *planner;
    struct presence *presence;
    struct duties *duties;
    struct gauges *gauges;
    struct http *http;
    struct teller *teller;
    char place[ADDRESS_TEXT_BYTES + 8];
    char name[SERVE_NAME_BYTES];
    bool announced;
    bool stopping;
    bool database_closing;
    unsigned databases_open;
};

static void serve_ignore(void *arg)
{
    (void)arg;
}

void serve_name(const char *place, char out[SERVE_NAME_BYTES])
{
    static const char *const everywhere_or_here[] = {"0.0.0.0:", "[::]:", "127.", "[::1]:"};
    char host[256] = "localhost";
    (void)snprintf(out, SERVE_NAME_BYTES, "%s", place);
    if (gethostname(host, sizeof host - 1) != 0)
        return;
    for (size_t i = 0; i < sizeof everywhere_or_here / sizeof everywhere_or_here[0]; i++)
        if (strncmp(place, everywhere_or_here[i], strlen(everywhere_or_here[i])) == 0)
            (void)snprintf(out, SERVE_NAME_BYTES, "%s%s", host, strrchr(place, ':'));
}

/* --- stopping --- */

static void serve_database_closed(void *arg)
{
    struct serve *serve = arg;
    if (--serve->databases_open == 0)
        handles_close_all(&serve->handles, &serve->loop, serve_ignore, NULL);
}

static void serve_close_database(struct serve *serve)
{
    if (serve->database_closing)
        return;
    serve->database_closing = true;
    serve->databases_open = 2;
    pg_close(serve->rows.pg, serve_database_closed, serve);
    pg_close(serve->plan.pg, serve_database_closed, serve);
}

static void serve_out_of_patience(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    duties_interrupt(serve->duties);
    serve_close_database(serve);
}

static void serve_reset_start(struct pg *pg, void *arg)
{
    const struct serve *serve = arg;
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, serve->hub.collector_id);
    const char *values[] = {id};
    pg_exec(pg, STATEMENT_session_reset, values, 1, NULL);
}

static void serve_reset_end(bool committed, const char *why, void *arg)
{
    (void)committed, (void)why;
    serve_close_database(arg);
}

/* Behind the last beat, in the same queue, so that none makes the row of this collector again. */
static void serve_sessions_gone(void *arg)
{
    struct serve *serve = arg;
    struct pg_turn turn = {.start = serve_reset_start, .end = serve_reset_end, .arg = serve};
    if (serve->stopping && !serve->database_closing && !pg_submit(serve->plan.pg, &turn))
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
    presence_stop(serve->presence, serve_ignore, NULL);
    duties_stop(serve->duties);
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
    if (!serve->settings->has_roles)
        (void)printf("%s\n",
                     _("without database roles: each connection may do all that the login user may; see "
                       "parallax-collector db roles"));
    (void)fflush(stdout);
}

static void serve_plan_ready(struct serve *serve)
{
    session_check_all(&serve->hub, serve->plan.pg); /* what was notified meanwhile was missed */
    planner_ready(serve->planner);
    presence_ready(serve->presence);
    gauges_ready(serve->gauges);
    teller_ready(serve->teller);
}

static void serve_on_ready(void *arg)
{
    struct serve_pg *connection = arg;
    struct serve *serve = connection->serve;
    connection->up = true;
    if (serve->announced)
        log_line("the database is back (for %s)", connection->what);
    else if (serve->rows.up && serve->plan.up)
        serve_announce(serve);
    if (serve->stopping)
        return;
    gauges_rows(serve->gauges, serve->rows.up);
    if (connection == &serve->plan)
        serve_plan_ready(serve);
}

static void serve_on_lost(const char *why, void *arg)
{
    struct serve_pg *connection = arg;
    struct serve *serve = connection->serve;
    connection->up = false;
    log_line("the database is away (for %s): %s", connection->what, why);
    gauges_rows(serve->gauges, serve->rows.up);
    if (connection != &serve->plan)
        return;
    planner_lost(serve->planner);
    gauges_lost(serve->gauges);
    teller_lost(serve->teller);
}

/* "VANTAGE SESSION": a session was opened; "VANTAGE": it was revoked, or enrolled. */
static void serve_vantage_changed(struct serve *serve, const char *payload)
{
    char *end = NULL;
    long vantage_id = strtol(payload, &end, 10);
    if (*end == ' ')
        session_check_newer(&serve->hub, (int32_t)vantage_id, strtoll(end, NULL, 10));
    else
        session_check_all(&serve->hub, serve->plan.pg);
}

static void serve_judged(struct serve *serve)
{
    metrics_add(metrics_here(), METRIC_ROUNDS_JUDGED, NULL, 1);
    gauges_changed(serve->gauges);
}

static void serve_on_notify(const char *channel, const char *payload, void *arg)
{
    struct serve *serve = ((struct serve_pg *)arg)->serve;
    if (serve->stopping)
        return;
    if (strcmp(channel, "parallax_plan") == 0)
        planner_noticed(serve->planner, strtoull(payload, NULL, 10));
    else if (strcmp(channel, "parallax_request") == 0)
        planner_requested(serve->planner);
    else if (strcmp(channel, "parallax_site") == 0)
        planner_sites_changed(serve->planner);
    else if (strcmp(channel, "parallax_judged") == 0)
        serve_judged(serve);
    else if (strcmp(channel, "parallax_incident") == 0)
        teller_changed(serve->teller);
    else
        serve_vantage_changed(serve, payload);
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

static void serve_on_buried(void *arg)
{
    struct serve *serve = arg;
    log_line("this collector was taken for dead; it is not");
    session_hold_all(&serve->hub, serve->plan.pg);
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

static void serve_connect(struct serve *serve, struct serve_pg *connection, const char *what,
                          const char *setup, const char *const *channels)
{
    static const struct pg_handlers handlers = {serve_on_ready, serve_on_lost, serve_on_notify};
    const struct pg_settings settings = {
        .conninfo = serve->settings->conninfo, .setup = setup, .channels = channels};
    *connection = (struct serve_pg){.serve = serve, .what = what};
    connection->pg = pg_new(&serve->loop, &settings, &handlers, connection);
}

/* What works with the database, once both connections are there. */
static bool serve_workers(struct serve *serve)
{
    const struct planner_hooks hooks = {serve_vantages, serve_broadcast, serve};
    const struct presence_settings presence = {.collector_id = serve->settings->collector_id,
                                               .name = serve->name,
                                               .leads = serve_leads,
                                               .on_buried = serve_on_buried,
                                               .arg = serve};
    const struct teller_settings telling = {.receivers = serve->settings->receivers,
                                            .receiver_count = serve->settings->receiver_count,
                                            .public_url = serve->settings->public_url,
                                            .leads = serve_leads,
                                            .arg = serve};
    const struct duties_settings duties = {serve->settings->conninfo, serve->settings->expiry_days,
                                           serve->settings->keep, serve_leads, serve};
    serve->hub.ingest = ingest_new(&serve->loop, serve->rows.pg);
    if (serve->hub.ingest != NULL) {
        session_hub_ready(&serve->hub);
        handles_add(&serve->handles, &serve->hub.alive);
    }
    serve->planner = planner_new(&serve->loop, serve->plan.pg, serve->settings->timeout_us, &hooks);
    serve->presence = presence_new(&serve->loop, serve->plan.pg, &presence);
    serve->gauges = gauges_new(&serve->loop, serve->plan.pg);
    serve->teller = teller_new(&serve->loop, serve->plan.pg, &telling);
    serve->duties = duties_new(&serve->loop, &duties);
    return serve->hub.ingest != NULL && serve->planner != NULL && serve->presence != NULL &&
           serve->gauges != NULL && serve->teller != NULL && serve->duties != NULL;
}

static bool serve_open(struct serve *serve, char **ret_why)
{
    serve->hub = (struct session_hub){.loop = &serve->loop,
                                      .networks = serve->settings->networks,
                                      .ca = serve->settings->ca,
                                      .validity_s = serve->settings->validity_s,
                                      .collector_id = serve->settings->collector_id,
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
    serve_name(serve->place, serve->name);
    serve_connect(serve, &serve->rows, "sessions and their results", serve_rows_setup, serve_rows_channels);
    serve_connect(serve, &serve->plan, "rounds", serve_plan_setup, serve_plan_channels);
    serve->hub.pg = serve->rows.pg;
    return serve->rows.pg != NULL && serve->plan.pg != NULL && serve_workers(serve);
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
    duties_free(serve->duties);
    planner_free(serve->planner);
    presence_free(serve->presence);
    gauges_free(serve->gauges);
    teller_free(serve->teller);
    metrics_leave();
    ingest_free(serve->hub.ingest);
    SSL_CTX_free(serve->hub.context);
    (void)uv_loop_close(&serve->loop);
    free(serve);
    return open ? EXIT_HEALTHY : EXIT_FAILED;
}

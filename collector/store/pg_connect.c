#include "store/pg_parts.h"

#include "store/connect.h"

#include <stdlib.h>
#include <sys/socket.h>

/* How the connection comes and goes. */

enum { PG_PAUSE_MOST_MS = 15000, PG_SEND_BYTES = 1024 * 1024 };

/* --- connecting, on a worker thread --- */

static char *pg_setup_sql(const struct pg_settings *settings)
{
    struct buf sql;
    buf_init(&sql, 0);
    bool whole = buf_text(&sql, connect_setup_sql) &&
                 (settings->setup == NULL || buf_printf(&sql, "; %s", settings->setup));
    for (int i = 0; whole && i < STATEMENT_COUNT; i++) {
        char *prepare = connect_prepare_sql((enum statement_id)i);
        whole = prepare != NULL && buf_printf(&sql, ";\n%s\n", prepare);
        free(prepare);
    }
    for (size_t i = 0; whole && settings->channels[i] != NULL; i++)
        whole = buf_printf(&sql, ";\nLISTEN %s", settings->channels[i]);
    if (whole)
        return buf_take(&sql);
    buf_done(&sql);
    return NULL;
}

/*
 * A server that COPYs lives on what is under way to it while the loop reads a batch; by default that is less than a batch. The kernel gives
 * as much as it gives anybody. It sizes the buffers of TCP by itself.
 */
static void pg_widen(const PGconn *connection)
{
    int domain = 0, bytes = PG_SEND_BYTES;
    socklen_t length = sizeof domain;
    if (getsockopt(PQsocket(connection), SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX)
        (void)setsockopt(PQsocket(connection), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static void pg_connect_work(uv_work_t *work)
{
    struct pg *pg = work->data;
    struct connect_params params = connect_params(pg->settings.conninfo);
    pg->connect_good = false;
    pg->connection = PQconnectdbParams(params.keywords, params.values, 1);
    if (PQstatus(pg->connection) != CONNECTION_OK) {
        pg->connect_why = connect_error(pg->connection);
        return;
    }
    connect_quiet(pg->connection);
    pg_widen(pg->connection);
    char *sql = pg_setup_sql(&pg->settings);
    PGresult *result = sql == NULL ? NULL : PQexec(pg->connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        pg->connect_why = connect_result_error(result, pg->connection);
    else if (PQsetnonblocking(pg->connection, 1) != 0)
        pg->connect_why = connect_error(pg->connection);
    else
        pg->connect_good = true;
    PQclear(result);
    free(sql);
}

/* --- watching the socket --- */

static void pg_watch_freed(void *arg)
{
    free(arg);
}

void pg_drop_connection(struct pg *pg)
{
    if (pg->watch != NULL)
        handles_close_all(&pg->watch->handles, pg->loop, pg_watch_freed, pg->watch);
    pg->watch = NULL;
    PQfinish(pg->connection);
    pg->connection = NULL;
}

void pg_want(struct pg *pg, bool write)
{
    int events = UV_READABLE | (write ? UV_WRITABLE : 0);
    (void)uv_poll_start(&pg->watch->poll, events, pg_on_socket); /* fails only for events that are none */
}

static bool pg_watch_start(struct pg *pg)
{
    struct pg_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return false;
    if (uv_poll_init(pg->loop, &watch->poll, PQsocket(pg->connection)) != 0) {
        free(watch);
        return false;
    }
    watch->pg = pg;
    watch->poll.data = watch;
    handles_init(&watch->handles);
    handles_add(&watch->handles, &watch->poll);
    pg->watch = watch;
    pg_want(pg, false);
    return true;
}

/* --- losing and finding the connection --- */

static void pg_on_retry(uv_timer_t *timer)
{
    pg_connect(timer->data);
}

void pg_pause(struct pg *pg)
{
    pg->phase = PG_DOWN;
    (void)uv_timer_start(&pg->retry, pg_on_retry, pg->pause_ms, 0);
    pg->pause_ms = pg->pause_ms * 2 > PG_PAUSE_MOST_MS ? PG_PAUSE_MOST_MS : pg->pause_ms * 2;
}

static void pg_gone(void *arg)
{
    struct pg *pg = arg;
    void (*closed)(void *) = pg->closed;
    void *closed_arg = pg->closed_arg;
    buf_done(&pg->copy);
    free(pg->connect_why);
    free(pg->why);
    free(pg);
    closed(closed_arg);
}

void pg_finish(struct pg *pg)
{
    if (pg->phase == PG_CLOSED)
        return;
    pg->phase = PG_CLOSED;
    pg_drop_connection(pg);
    handles_close_all(&pg->handles, pg->loop, pg_gone, pg);
}

static void pg_connected(uv_work_t *work, int status)
{
    struct pg *pg = work->data;
    char *why = pg->connect_why;
    pg->connect_why = NULL;
    bool up = status == 0 && pg->connect_good && PQstatus(pg->connection) == CONNECTION_OK && !pg->closing &&
              pg_watch_start(pg);
    if (pg->closing) {
        pg_finish(pg);
    } else if (!up) {
        pg_drop_connection(pg);
        pg_pause(pg);
        pg->handlers.on_lost(why == NULL ? "cannot connect" : why, pg->arg);
    } else {
        pg->pause_ms = PG_PAUSE_FIRST_MS;
        pg->phase = PG_IDLE;
        pg->handlers.on_ready(pg->arg);
        pg_next(pg);
    }
    free(why);
}

void pg_connect(struct pg *pg)
{
    pg->phase = PG_CONNECTING;
    pg->work.data = pg;
    if (uv_queue_work(pg->loop, &pg->work, pg_connect_work, pg_connected) != 0)
        pg_pause(pg);
}

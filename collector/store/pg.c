#include "store/pg_parts.h"

#include "store/command.h"
#include "store/connect.h"

#include <stdlib.h>
#include <string.h>

enum { PG_COPY_CHUNK_BYTES = 64 * 1024 };

/* Takes the running turn out of the queue and tells its owner; the one place where a turn ends. */
static void pg_end_turn(struct pg *pg, bool committed)
{
    struct pg_node *node = pg->first;
    char *why = pg->why;
    const char *text = pg->abandoned != NULL ? pg->abandoned : why == NULL ? "out of memory" : why;
    pg->why = NULL;
    pg->abandoned = NULL;
    pg->first = node->next;
    if (pg->first == NULL)
        pg->last = &pg->first;
    node->turn.end(committed, committed ? NULL : text, node->turn.arg);
    free(node);
    free(why);
}

static void pg_lose(struct pg *pg, const char *why)
{
    bool running = pg->phase != PG_IDLE;
    char *text = strdup(why);
    PQclear(pg->result);
    pg->result = NULL;
    pg->on_result = NULL;
    pg->sent = false;
    buf_done(&pg->copy);
    pg_drop_connection(pg);
    pg_pause(pg);
    pg->lost = true;
    if (running) {
        free(pg->why);
        pg->why = text == NULL ? NULL : strdup(text);
        pg->abandoned = NULL;
        pg_end_turn(pg, false);
    }
    if (pg->closing) {
        (void)uv_timer_stop(&pg->retry);
        pg_finish(pg);
    } else {
        pg->handlers.on_lost(text == NULL ? "" : text, pg->arg);
    }
    free(text);
}

static void pg_lose_now(struct pg *pg)
{
    char *why = connect_error(pg->connection);
    pg_lose(pg, why == NULL || why[0] == '\0' ? "the connection was closed" : why);
    free(why);
}

/* --- commands --- */

/* After every send: what the kernel did not take waits for the socket. */
static bool pg_flush(struct pg *pg)
{
    int left = PQflush(pg->connection);
    if (left >= 0)
        pg_want(pg, left > 0 || pg->phase == PG_COPYING);
    return left >= 0;
}

/* Failures to send are reported by the socket at the next turn of the loop, so that no callback runs inside a
 * send. */
static void pg_command(struct pg *pg, enum pg_phase phase, const char *sql)
{
    pg->phase = phase;
    pg->sent = true;
    if (PQsendQuery(pg->connection, sql) != 1 || !pg_flush(pg))
        pg_want(pg, true);
}

void pg_exec(struct pg *pg, enum statement_id id, const char *const *values, size_t count,
             pg_result_fn *on_result)
{
    pg->on_result = on_result;
    pg->sent = true;
    if (PQsendQueryPrepared(pg->connection, statements[id].name, (int)count, values, NULL, NULL, 0) != 1 ||
        !pg_flush(pg))
        pg_want(pg, true);
}

static void pg_copy_begin(struct pg *pg, const char *sql, pg_copy_fn *more, bool last)
{
    buf_clear(&pg->copy);
    pg->copied = 0;
    pg->copy_fn = more;
    pg->copy_all = false;
    pg->copy_last = last;
    pg_command(pg, PG_STEP, sql);
}

void pg_copy(struct pg *pg, const char *sql, pg_copy_fn *more, pg_result_fn *on_result)
{
    pg->on_result = on_result;
    pg_copy_begin(pg, sql, more, false);
}

/* The text of one statement with its parameters, NULL without memory. */
static char *pg_execute_sql(struct pg *pg, enum statement_id id, const char *const *values, size_t count)
{
    struct buf sql;
    buf_init(&sql, 0);
    bool whole = buf_printf(&sql, "EXECUTE %s", statements[id].name);
    for (size_t i = 0; whole && i < count; i++) {
        char *literal = PQescapeLiteral(pg->connection, values[i], strlen(values[i]));
        whole = literal != NULL && buf_printf(&sql, "%s%s", i == 0 ? " (" : ", ", literal);
        PQfreemem(literal);
    }
    if (whole && (count == 0 || buf_text(&sql, ")")))
        return buf_take(&sql);
    buf_done(&sql);
    return NULL;
}

void pg_copy_last(struct pg *pg, const char *sql, pg_copy_fn *more, enum statement_id id,
                  const char *const *values, size_t count)
{
    char *execute = pg_execute_sql(pg, id, values, count);
    char *all = execute == NULL ? NULL : text_format("%s; %s; COMMIT", sql, execute);
    pg->on_result = NULL;
    if (all == NULL)
        pg_abandon(pg, "out of memory");
    else
        pg_copy_begin(pg, all, more, true);
    free(execute);
    free(all);
}

void pg_abandon(struct pg *pg, const char *why)
{
    if (pg->abandoned == NULL)
        pg->abandoned = why;
}

bool pg_was_lost(const struct pg *pg)
{
    return pg->lost;
}

/* --- the running turn --- */

/* A callback has returned: it sent the next command, or the turn is over. */
static void pg_settle(struct pg *pg)
{
    if (pg->abandoned != NULL && !pg->sent)
        pg_command(pg, PG_ROLLBACK, "ROLLBACK");
    else if (!pg->sent)
        pg_command(pg, PG_COMMIT, "COMMIT");
}

static void pg_step_done(struct pg *pg, PGresult *result)
{
    pg_result_fn *on_result = pg->on_result;
    pg->on_result = NULL;
    if (on_result != NULL)
        on_result(pg, result, pg->first->turn.arg);
    pg_settle(pg);
}

/* A ROLLBACK may not have reached the server. Then the transaction is still open there, and the next turn would be part of it. */
static void pg_turn_over(struct pg *pg, bool committed)
{
    if (PQtransactionStatus(pg->connection) != PQTRANS_IDLE) {
        pg_lose(pg, "a transaction could not be ended");
        return;
    }
    pg->phase = PG_IDLE;
    pg->lost = false;
    pg_end_turn(pg, committed);
    pg_next(pg);
}

/* Neither yes nor no from the server: the same as a connection that is lost meanwhile. */
static bool pg_unanswered(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_FATAL_ERROR &&
           PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL;
}

static void pg_failed(struct pg *pg, const PGresult *result)
{
    if (pg->phase == PG_COMMIT && pg_unanswered(result)) {
        pg_lose(pg, "the answer to COMMIT is lost");
        return;
    }
    if (pg->why == NULL)
        pg->why = connect_result_error(result, pg->connection);
    if (pg->why != NULL && pg->why[0] == '\0') { /* that would say that the connection closes in good order */
        free(pg->why);
        pg->why = strdup("no answer");
    }
    /* what ends with COMMIT may have failed before it came to that */
    bool over = pg->phase == PG_COMMIT && PQtransactionStatus(pg->connection) == PQTRANS_IDLE;
    if (over || pg->phase == PG_ROLLBACK)
        pg_turn_over(pg, false);
    else
        pg_command(pg, PG_ROLLBACK, "ROLLBACK");
}

/* The server has said all about the command under way. */
static void pg_complete(struct pg *pg)
{
    PGresult *result = pg->result;
    pg->result = NULL;
    pg->sent = false;
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    /* COMMIT of a failed transaction is carried out as ROLLBACK, and says so */
    if (pg->phase == PG_COMMIT && good && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        good = false;
    if (!good) {
        pg_failed(pg, result);
    } else if (pg->phase == PG_BEGIN) {
        pg->phase = PG_STEP;
        pg->first->turn.start(pg, pg->first->turn.arg);
        pg_settle(pg);
    } else if (pg->phase == PG_COMMIT || pg->phase == PG_ROLLBACK) {
        pg_turn_over(pg, pg->phase == PG_COMMIT);
    } else if (pg->phase == PG_STEP) {
        pg_step_done(pg, result);
    }
    PQclear(result);
}

void pg_next(struct pg *pg)
{
    if (pg->phase != PG_IDLE)
        return;
    if (pg->first != NULL)
        pg_command(pg, PG_BEGIN, "BEGIN");
    else if (pg->closing)
        pg_finish(pg);
}

/* --- the socket --- */

/* @return false when the connection failed. */
static bool pg_copy_end(struct pg *pg, const char *why)
{
    int put = PQputCopyEnd(pg->connection, why);
    if (put == 1) {
        pg->phase = pg->copy_last ? PG_COMMIT : PG_STEP;
        buf_done(&pg->copy);
    }
    return put >= 0;
}

/* Hands over COPY data until the kernel has enough. @return false when the connection failed. */
static bool pg_copy_more(struct pg *pg)
{
    while (!pg->copy_all || pg->copied < pg->copy.len) {
        size_t left = pg->copy.len - pg->copied;
        if (left == 0) {
            buf_clear(&pg->copy);
            pg->copied = 0;
            enum pg_copied given = pg->copy_fn(&pg->copy, pg->first->turn.arg);
            pg->copy_all = given == PG_COPY_ALL;
            if (given == PG_COPY_FAILED)
                return pg_copy_end(pg, "out of memory");
            continue;
        }
        size_t chunk = left < PG_COPY_CHUNK_BYTES ? left : PG_COPY_CHUNK_BYTES;
        int put = PQputCopyData(pg->connection, (const char *)pg->copy.data + pg->copied, (int)chunk);
        if (put <= 0)
            return put == 0;
        pg->copied += chunk;
        int waits = PQflush(pg->connection);
        if (waits != 0)
            return waits > 0;
    }
    return pg_copy_end(pg, NULL);
}

/* Of several results the failed one counts. */
static void pg_keep(struct pg *pg, PGresult *result)
{
    if (pg->result != NULL && PQresultStatus(pg->result) == PGRES_FATAL_ERROR) {
        PQclear(result);
        return;
    }
    PQclear(pg->result);
    pg->result = result;
}

/* @return false when nothing more can be done now. */
static bool pg_take_result(struct pg *pg)
{
    PGresult *result = PQgetResult(pg->connection);
    if (result == NULL) {
        pg_complete(pg);
        return pg->connection != NULL;
    }
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        pg->phase = PG_COPYING;
        return false;
    }
    pg_keep(pg, result);
    return true;
}

static void pg_notifies(struct pg *pg)
{
    for (PGnotify *notify; pg->connection != NULL && (notify = PQnotifies(pg->connection)) != NULL;) {
        pg->handlers.on_notify(notify->relname, notify->extra, pg->arg);
        PQfreemem(notify);
    }
}

static void pg_look_after(struct pg *pg, int status)
{
    if (status < 0 || PQconsumeInput(pg->connection) != 1 || PQstatus(pg->connection) != CONNECTION_OK) {
        pg_lose_now(pg);
        return;
    }
    /* Ends because each round takes one result off the input, and no command is sent without an owner. */
    while (pg->sent && pg->phase != PG_COPYING && PQisBusy(pg->connection) == 0)
        if (!pg_take_result(pg))
            break;
    pg_notifies(pg);
    if (pg->connection == NULL)
        return; /* a callback closed it, or it was lost */
    if ((pg->phase == PG_COPYING && !pg_copy_more(pg)) || !pg_flush(pg))
        pg_lose_now(pg);
}

void pg_on_socket(uv_poll_t *poll, int status, int events)
{
    struct pg *pg = ((struct pg_watch *)poll->data)->pg;
    (void)events;
    pg->attending = true;
    pg_look_after(pg, status);
    pg->attending = false;
}

void pg_attend(struct pg *pg)
{
    if (!pg->attending && pg->watch != NULL && pg->sent)
        pg_on_socket(&pg->watch->poll, 0, 0);
}

/* --- public --- */

struct pg *pg_new(uv_loop_t *loop, const struct pg_settings *settings, const struct pg_handlers *handlers,
                  void *arg)
{
    struct pg *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        return NULL;
    pg->loop = loop;
    pg->settings = *settings;
    pg->handlers = *handlers;
    pg->arg = arg;
    pg->last = &pg->first;
    pg->pause_ms = PG_PAUSE_FIRST_MS;
    (void)uv_timer_init(loop, &pg->retry);
    pg->retry.data = pg;
    handles_init(&pg->handles);
    handles_add(&pg->handles, &pg->retry);
    pg_connect(pg);
    return pg;
}

static void pg_drop_queued(struct pg *pg, bool running)
{
    struct pg_node *keep = running ? pg->first : NULL;
    struct pg_node *node = running ? keep->next : pg->first;
    pg->first = keep;
    pg->last = keep == NULL ? &pg->first : &keep->next;
    if (keep != NULL)
        keep->next = NULL;
    while (node != NULL) {
        struct pg_node *next = node->next;
        node->turn.end(false, "", node->turn.arg);
        free(node);
        node = next;
    }
}

void pg_close(struct pg *pg, void (*done)(void *arg), void *arg)
{
    bool up = pg->phase != PG_DOWN && pg->phase != PG_CONNECTING;
    bool running = up && pg->phase != PG_IDLE;
    pg->closing = true;
    pg->closed = done;
    pg->closed_arg = arg;
    pg_drop_queued(pg, running);
    if (!running && pg->phase != PG_CONNECTING)
        pg_finish(pg);
}

bool pg_submit(struct pg *pg, const struct pg_turn *turn)
{
    struct pg_node *node = pg->closing ? NULL : calloc(1, sizeof *node);
    if (node == NULL)
        return false;
    node->turn = *turn;
    *pg->last = node;
    pg->last = &node->next;
    pg_next(pg);
    return true;
}

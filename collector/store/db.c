#include "store/db.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "link/clock.h"
#include "store/cluster.h"
#include "store/command.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/roles.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct db {
    PGconn *connection;
    struct cluster *cluster; /* NULL: somebody else's database */
    const char *conninfo;
    bool prepared[STATEMENT_COUNT];
    char sqlstate[6];
    bool has_roles;
};

/* --- opening --- */

static PGconn *db_connect(const char *url)
{
    struct connect_params params = connect_params(url);
    PGconn *connection = PQconnectdbParams(params.keywords, params.values, 1);
    if (connection == NULL || PQstatus(connection) != CONNECTION_OK) {
        char *why = connect_error(connection);
        cli_error(_("cannot reach the database: %s"), why == NULL ? _("out of memory") : why);
        free(why);
        PQfinish(connection);
        return NULL;
    }
    connect_quiet(connection);
    return connection;
}

static bool db_check_encoding(PGconn *connection)
{
    const char *encoding = PQparameterStatus(connection, "server_encoding");
    if (encoding != NULL && strcmp(encoding, "UTF8") == 0)
        return true;
    cli_error(_("database %s has encoding %s; expected UTF8"), PQdb(connection),
              encoding == NULL ? "?" : encoding);
    return false;
}

static bool db_prepare_connection(struct db *db, const char *role)
{
    PGconn *connection = db->connection;
    char *why = NULL;
    PGresult *result = PQexec(connection, connect_setup_sql);
    bool ready = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ready)
        why = connect_result_error(result, connection);
    PQclear(result);
    ready = ready && migrate(connection, &why) && roles_settle(connection, &db->has_roles, &why) &&
            (role == NULL || roles_set(connection, role, &why));
    if (!ready) {
        char *place = connect_place(connection);
        cli_error(_("database %s: %s"), place == NULL ? "" : place, why == NULL ? _("out of memory") : why);
        free(place);
    }
    free(why);
    return ready;
}

struct db *db_open(const struct db_where *where)
{
    struct db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        cli_error(_("out of memory"));
        return NULL;
    }
    const char *url = where->url;
    if (url == NULL) {
        char *why = NULL;
        db->cluster = cluster_open(where->state, where->pg_bin, &why);
        if (db->cluster == NULL) {
            cli_error("%s", why == NULL ? _("out of memory") : why);
            free(why);
            db_close(db);
            return NULL;
        }
        url = cluster_conninfo(db->cluster);
    }
    db->conninfo = url;
    db->connection = db_connect(url);
    if (db->connection == NULL || !db_check_encoding(db->connection) ||
        !db_prepare_connection(db, where->role)) {
        db_close(db);
        return NULL;
    }
    return db;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    PQfinish(db->connection);
    cluster_close(db->cluster);
    free(db);
}

void db_interrupt(const struct db *db)
{
    int socket = PQsocket(db->connection);
    if (socket >= 0)
        (void)shutdown(socket, SHUT_RDWR);
}

bool db_has_roles(const struct db *db)
{
    return db->has_roles;
}

char *db_roles_sql(const struct db *db)
{
    return roles_sql_for_administrator(db->connection);
}

const char *db_conninfo(const struct db *db)
{
    return db->conninfo;
}

char *db_place(const struct db *db)
{
    return connect_place(db->connection);
}

/* --- statements --- */

static bool db_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void db_note_sqlstate(struct db *db, const PGresult *result)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    memset(db->sqlstate, 0, sizeof db->sqlstate);
    if (state != NULL)
        memcpy(db->sqlstate, state, strnlen(state, sizeof db->sqlstate - 1));
}

/* @return what came instead when the statement cannot be prepared (NULL without memory), with *ret_failed set. */
static PGresult *db_prepare(struct db *db, enum statement_id id, bool *ret_failed)
{
    *ret_failed = false;
    if (db->prepared[id])
        return NULL;
    char *sql = connect_prepare_sql(id);
    PGresult *result = sql == NULL ? NULL : PQexec(db->connection, sql);
    free(sql);
    db->prepared[id] = db_good(result);
    if (!db->prepared[id]) {
        *ret_failed = true;
        return result;
    }
    PQclear(result);
    return NULL;
}

/* Runs a statement and hands back whatever came, good or not; NULL only without memory. */
static PGresult *db_run(struct db *db, enum statement_id id, const char *const *values, size_t count)
{
    bool failed;
    PGresult *result = db_prepare(db, id, &failed);
    return failed ? result
                  : PQexecPrepared(db->connection, statements[id].name, (int)count, values, NULL, NULL, 0);
}

PGresult *db_try(struct db *db, enum statement_id id, const char *const *values, size_t count)
{
    PGresult *result = db_run(db, id, values, count);
    db_note_sqlstate(db, result);
    if (db_good(result))
        return result;
    PQclear(result);
    return NULL;
}

static void db_say(struct db *db, enum statement_id id, const PGresult *result)
{
    char *why = connect_result_error(result, db->connection);
    cli_error(_("database, statement %s: %s"), statements[id].name, why == NULL ? _("out of memory") : why);
    free(why);
}

PGresult *db_query(struct db *db, enum statement_id id, const char *const *values, size_t count)
{
    PGresult *result = db_run(db, id, values, count);
    db_note_sqlstate(db, result);
    if (db_good(result))
        return result;
    db_say(db, id, result);
    PQclear(result);
    return NULL;
}

static void db_cancel(struct db *db)
{
    char why[256];
    PGcancel *cancel = PQgetCancel(db->connection);
    if (cancel != NULL)
        (void)PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
}

bool db_stream(struct db *db, enum statement_id id, const char *const *values, size_t count, db_row_fn *each,
               void *arg)
{
    bool failed;
    PGresult *result = db_prepare(db, id, &failed);
    bool sent = !failed && PQsendQueryPrepared(db->connection, statements[id].name, (int)count, values, NULL,
                                               NULL, 0) == 1;
    bool going = sent && PQsetSingleRowMode(db->connection) == 1;
    if (!going)
        db_say(db, id, result);
    PQclear(result);
    while (sent &&
           (result = PQgetResult(db->connection)) != NULL) { /* to the end: the next command waits for it */
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            bool more = going && each(result, arg);
            if (going && !more)
                db_cancel(db);
            going = more;
        } else if (going && !db_good(result)) {
            db_say(db, id, result);
            going = false;
        }
        PQclear(result);
    }
    return going;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

static bool db_command(struct db *db, const char *sql)
{
    PGresult *result = PQexec(db->connection, sql);
    db_note_sqlstate(db, result);
    /* COMMIT of an aborted transaction succeeds as a command, and says ROLLBACK. */
    const char *status = PQcmdStatus(result);
    bool done = db_good(result) && strncmp(status, sql, strlen(status)) == 0;
    if (!done) {
        char *why = connect_result_error(result, db->connection);
        cli_error(_("database, %s: %s"), sql,
                  why == NULL || why[0] == '\0' ? _("the transaction had failed") : why);
        free(why);
    }
    PQclear(result);
    return done;
}

bool db_begin(struct db *db)
{
    return db_command(db, "BEGIN");
}

bool db_begin_snapshot(struct db *db)
{
    return db_command(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

bool db_commit(struct db *db)
{
    return db_command(db, "COMMIT");
}

bool db_analyze(struct db *db)
{
    return db_command(db, "ANALYZE");
}

bool db_hasten(struct db *db)
{
    return db_command(db, "SET synchronous_commit TO off");
}

void db_rollback(struct db *db)
{
    PGresult *result = PQexec(db->connection, "ROLLBACK");
    if (!db_good(result))
        db_interrupt(db); /* it is open still, and must not become part of the next one */
    PQclear(result);
}

/* --- notifications --- */

bool db_listen(struct db *db, const char *channel)
{
    char *name = PQescapeIdentifier(db->connection, channel, strlen(channel));
    char *sql = name == NULL ? NULL : text_format("LISTEN %s", name);
    PGresult *result = sql == NULL ? NULL : PQexec(db->connection, sql);
    bool done = db_good(result);
    if (!done)
        cli_error(_("database, LISTEN %s: %s"), channel, PQerrorMessage(db->connection));
    PQclear(result);
    free(sql);
    PQfreemem(name);
    return done;
}

static bool db_notified(struct db *db)
{
    bool any = false;
    for (PGnotify *notify; (notify = PQnotifies(db->connection)) != NULL; any = true)
        PQfreemem(notify);
    return any;
}

int db_wait(struct db *db, struct pollfd *other, int timeout_ms)
{
    int64_t end_us = clock_mono_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        if (db_notified(db))
            return 1;
        int64_t left_ms = (end_us - clock_mono_us() + 999) / 1000;
        if (left_ms <= 0)
            return 0;
        struct pollfd ready[2] = {{.fd = PQsocket(db->connection), .events = POLLIN}, {.fd = -1}};
        if (ready[0].fd < 0)
            return -1;
        if (other != NULL)
            ready[1] = *other;
        int count = poll(ready, 2, (int)left_ms);
        if (count < 0 && errno == EINTR)
            return 0; /* the caller looks at its signal */
        if (count > 0 && ready[1].revents != 0)
            return 2;
        if (count > 0 && PQconsumeInput(db->connection) == 0)
            return -1;
    }
}

int db_wait_notify(struct db *db, int timeout_ms)
{
    return db_wait(db, NULL, timeout_ms);
}

/* --- fields --- */

const char *db_text(const PGresult *result, int row, const char *column)
{
    int field = PQfnumber(result, column);
    return field < 0 ? "" : PQgetvalue(result, row, field);
}

bool db_null(const PGresult *result, int row, const char *column)
{
    int field = PQfnumber(result, column);
    return field < 0 || PQgetisnull(result, row, field) != 0;
}

long long db_int(const PGresult *result, int row, const char *column)
{
    return strtoll(db_text(result, row, column), NULL, 10);
}

double db_real(const PGresult *result, int row, const char *column)
{
    return strtod(db_text(result, row, column), NULL);
}

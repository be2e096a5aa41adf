#ifndef PARALLAX_COLLECTOR_STORE_DB_H
#define PARALLAX_COLLECTOR_STORE_DB_H

#include "store/statements.h" /* generated from sql/statements: enum statement_id { STATEMENT_<file name>, ... } */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The database for verbs that run once and end: plain blocking libpq, no event loop anywhere near. (`serve`
 * uses store/pg.h, on the loop.) Parameters and results travel as text; the statements are the files of
 * sql/statements.
 */

struct db_where {
    const char *url;    /* libpq URL or conninfo; NULL: the private cluster in the state folder */
    const char *state;  /* the state folder; never NULL */
    const char *pg_bin; /* programs of the private cluster; NULL: the newest installed */
};

struct db;

/**
 * Connects, checks that the schema is the one this program knows, and migrates (under a lock) when it is
 * older. A private cluster that is not running is made (initdb) and started, and stopped again by db_close.
 * @return NULL after cli_error() has said why, naming the database and what to do.
 */
struct db *db_open(const struct db_where *where);
void db_close(struct db *db);

/**
 * From another thread: cuts the connection, so that a call that waits for a server that is away fails at once. The database is of no
 * use then but for db_close.
 */
void db_interrupt(const struct db *db);

/** What libpq connects with, for a connection of another kind; lives as long as db. */
const char *db_conninfo(const struct db *db);

/** Where it is, without its password: "DBNAME on HOST:PORT". Freed by the caller; NULL without memory. */
char *db_place(const struct db *db);

/**
 * Runs one statement. @param values  count texts; NULL is SQL NULL.
 * @return the result (PQclear it), or NULL after cli_error() has named the statement and the server's
 * message. A failure leaves an open transaction aborted; db_rollback it.
 */
PGresult *db_query(struct db *db, enum statement_id id, const char *const *values, size_t count);

/** SQLSTATE of the last failed db_try, five letters ("23505"), or "". */
const char *db_sqlstate(const struct db *db);

/** db_query that stays silent on failure, for callers that expect one (db_sqlstate tells which). */
PGresult *db_try(struct db *db, enum statement_id id, const char *const *values, size_t count);

/**
 * db_query whose rows are handed over one by one as they come, so that any number of them takes no memory.
 * @param each  gets a result of one row, valid during the call; false ends the statement early.
 * @return false after cli_error, or when each did.
 */
typedef bool db_row_fn(const PGresult *row, void *arg);
bool db_stream(struct db *db, enum statement_id id, const char *const *values, size_t count, db_row_fn *each,
               void *arg);

bool db_begin(struct db *db);

/** A transaction that only reads, and sees everything as it is now until its end. */
bool db_begin_snapshot(struct db *db);
bool db_commit(struct db *db);

/** Has the server look at what its tables hold, after much was stored at once: until then it plans for empty ones. */
bool db_analyze(struct db *db);
void db_rollback(struct db *db);

/** Does not wait for the disk at each commit any more: for what can be made again. What was committed survives all but a crash of the server. */
bool db_hasten(struct db *db);

/** Starts listening on a channel (LISTEN cannot be prepared, so it is no statement file). @return false after cli_error. */
bool db_listen(struct db *db, const char *channel);

/** Waits until a NOTIFY comes on any listened channel, or timeout_ms. @return 1 notified, 0 timeout, -1
 * connection lost. */
int db_wait_notify(struct db *db, int timeout_ms);

struct pollfd;
/** db_wait_notify that looks at another descriptor too. @return 2 when something happened there. */
int db_wait(struct db *db, struct pollfd *other, int timeout_ms);

/** Text of a field, "" for NULL. */
const char *db_text(const PGresult *result, int row, const char *column);
bool db_null(const PGresult *result, int row, const char *column);
long long db_int(const PGresult *result, int row, const char *column); /* 0 for NULL */
double db_real(const PGresult *result, int row, const char *column);

#endif

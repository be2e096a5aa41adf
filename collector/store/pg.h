#ifndef PARALLAX_COLLECTOR_STORE_PG_H
#define PARALLAX_COLLECTOR_STORE_PG_H

#include "store/statements.h"
#include "words/buf.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/*
 * PostgreSQL on a libuv loop: one connection that nothing ever waits for. Connecting (which resolves names
 * and reads files) happens on libuv's worker threads; everything after that is nonblocking.
 *
 * Work is done in turns. A turn is one transaction: when it is first in the queue and the connection is up,
 * BEGIN is sent and `start` is called. start, and after it each result's callback, sends at most one command
 * (pg_exec, pg_copy). When a callback returns without having sent one, the turn is committed. `end` is called
 * exactly once:
 *
 *      queued --> BEGIN --> start --> command --> result callback --+--> COMMIT ----> end(true, NULL)
 *                                       ^                |          |
 *                                       +----------------+          +--> ROLLBACK --> end(false, why)
 *                                                                        (an error, or pg_abandon)
 *
 * When the connection is lost, the running turn ends with false (its commit may or may not have happened),
 * the queued turns wait, and the connection is made again with a growing pause.
 *
 * Single-threaded: every call from the loop's thread.
 */
struct pg;

struct pg_handlers {
    void (*on_ready)(void *arg);                 /* connected, for the first time or again */
    void (*on_lost)(const char *why, void *arg); /* lost, or an attempt to connect failed */
    void (*on_notify)(const char *channel, const char *payload, void *arg);
};

struct pg_settings {
    const char *conninfo;
    const char *setup;           /* SQL, run first on every connection; NULL: none */
    const char *const *channels; /* to LISTEN on, ended by NULL */
};

/** @param settings  copied; what it points to must outlive it. @return NULL without memory. */
struct pg *pg_new(uv_loop_t *loop, const struct pg_settings *settings, const struct pg_handlers *handlers,
                  void *arg);

/** Ends queued turns with false, lets the running one finish, then closes; `done` comes from the loop. */
void pg_close(struct pg *pg, void (*done)(void *arg), void *arg);

struct pg_turn {
    void (*start)(struct pg *pg, void *arg);
    void (*end)(bool committed, const char *why,
                void *arg); /* why: "" when the connection closes in good order */
    void *arg;
};

/** Queues a turn. @return false without memory or while closing; end is then not called. */
bool pg_submit(struct pg *pg, const struct pg_turn *turn);

/** A good result. The result is freed after the call. */
typedef void pg_result_fn(struct pg *pg, PGresult *result, void *arg);

/** Sends one statement of the running turn. @param values  texts, NULL for SQL NULL; copied. on_result may be
 * NULL. */
void pg_exec(struct pg *pg, enum statement_id id, const char *const *values, size_t count,
             pg_result_fn *on_result);

enum pg_copied { PG_COPY_MORE, PG_COPY_ALL, PG_COPY_FAILED };

/**
 * Appends more of what is copied to an empty buffer, as much as it likes but something. Calls nothing of pg.
 * @param arg  the turn's.
 * @return PG_COPY_ALL when it ends with that; PG_COPY_FAILED without memory: the turn is rolled back.
 */
typedef enum pg_copied pg_copy_fn(struct buf *out, void *arg);

/** Sends COPY ... FROM STDIN, and then what `more` gives, as the server takes it. */
void pg_copy(struct pg *pg, const char *sql, pg_copy_fn *more, pg_result_fn *on_result);

/** pg_copy that ends the turn: once the server has all, it runs the statement and commits, without waiting to be asked for either. */
void pg_copy_last(struct pg *pg, const char *sql, pg_copy_fn *more, enum statement_id id,
                  const char *const *values, size_t count);

/**
 * Does now what the socket would have done at the next turn of the loop: for one who keeps the loop busy while the server may be waiting.
 * Calls back as the loop does, but from within a callback of a turn it does nothing.
 */
void pg_attend(struct pg *pg);

/** Rolls the running turn back instead of going on. @param why  static text, given to end. */
void pg_abandon(struct pg *pg, const char *why);

/** Did the last failed turn fail because of the connection (so that trying again makes sense)? */
bool pg_was_lost(const struct pg *pg);

#endif

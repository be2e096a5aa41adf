#ifndef PARALLAX_COLLECTOR_STORE_PG_PARTS_H
#define PARALLAX_COLLECTOR_STORE_PG_PARTS_H

#include "link/handles.h"
#include "store/pg.h"

/* Shared by pg.c and pg_connect.c; nobody else includes this. */

enum { PG_PAUSE_FIRST_MS = 250 };

enum pg_phase {
    PG_DOWN,       /* waiting to try again */
    PG_CONNECTING, /* a worker thread has the connection */
    PG_IDLE,
    PG_BEGIN,
    PG_STEP,    /* in a turn: a command is under way, or a callback is running */
    PG_COPYING, /* in a turn: COPY data is going out */
    PG_COMMIT,
    PG_ROLLBACK,
    PG_CLOSED,
};

struct pg_node {
    struct pg_turn turn;
    struct pg_node *next;
};

/* The poll handle lives as long as one connection's socket; on the heap, because closing takes a turn of the
 * loop. */
struct pg_watch {
    struct pg *pg;
    uv_poll_t poll;
    struct handles handles;
};

struct pg {
    uv_loop_t *loop;
    struct pg_settings settings;
    struct pg_handlers handlers;
    void *arg;
    enum pg_phase phase;
    PGconn *connection;
    struct pg_watch *watch;
    uv_timer_t retry;
    struct handles handles;
    uint64_t pause_ms;
    uv_work_t work;
    bool connect_good; /* these two are written by the worker */
    char *connect_why;
    struct pg_node *first;
    struct pg_node **last;
    PGresult *result;        /* of the command under way: the first that failed, else the last */
    pg_result_fn *on_result; /* of the command under way */
    bool sent;               /* a command is under way */
    struct buf copy;         /* what was given last of what is copied */
    size_t copied;           /* of that, handed over */
    pg_copy_fn *copy_fn;
    bool copy_all;  /* nothing more is given */
    bool copy_last; /* what is sent ends with COMMIT */
    bool attending; /* the socket is being looked after */
    char *why;      /* why the running turn fails */
    const char
        *abandoned; /* its owner's reason to roll it back; no copy, as that is mostly for want of memory */
    bool lost;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* pg_connect.c */

/** Connects on a worker thread; then pg_next, or another try after a pause. */
void pg_connect(struct pg *pg);
void pg_pause(struct pg *pg);
void pg_drop_connection(struct pg *pg);

/** Closes for good; frees pg from the loop. Idempotent. */
void pg_finish(struct pg *pg);

/** Watches the socket for input, and for room to write as well. */
void pg_want(struct pg *pg, bool write);

/* pg.c */

/** Begins the next turn when there is one and the connection is idle. */
void pg_next(struct pg *pg);
void pg_on_socket(uv_poll_t *poll, int status, int events);

#endif

#ifndef PARALLAX_COLLECTOR_INGEST_INGEST_H
#define PARALLAX_COLLECTOR_INGEST_INGEST_H

#include "ingest/ceiling.h"
#include "ingest/group_judge.h"
#include "store/pg.h"
#include "words/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Batches of records from all sessions into PostgreSQL; see ingest.c for when an ack is sent. */
struct ingest;

/* What a source that goes in whole says after each batch. */
enum ingest_more { INGEST_END, INGEST_NEXT, INGEST_FAILED };

/** One session, as far as ingest knows it. Embedded in the session; lives until ingest has let go (refs 0).
 */
struct ingest_source {
    int32_t vantage_id;
    int64_t session;                 /* its number; batches are taken while it is the one in force */
    const char *vantage;             /* its name; NULL: not counted in metrics */
    int64_t asn;                     /* 0: not known */
    const struct networks *networks; /* to look addresses up in; NULL: none */
    unsigned refs;                   /* batches that ingest holds */
    size_t waiting;                  /* records in them */
    bool gone; /* the session is closed: nothing is sent to it, and its queued batches are dropped */
    void (*stored)(struct ingest_source *source, uint64_t committed); /* a batch is in the database */
    void (*wanted)(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count);
    /* The database does not take the batch: the source is to be given up, with ingest_forget. */
    void (*refused)(struct ingest_source *source, const char *why);
    /* A newer session of the vantage is in force, here or at another collector: nothing of the batch was stored, and the source is to
     * be given up, with ingest_forget. */
    void (*replaced)(struct ingest_source *source);
    void (*released)(struct ingest_source *source); /* refs came to 0 after `gone` was set */
    /* Some of a batch that is in the database cannot be true and was not stored; comes after `stored`. */
    void (*lied)(struct ingest_source *source, const struct refused_note *note);
    /*
     * NULL for a session. What comes from a file goes in whole: after each batch this is asked, in the transaction. INGEST_NEXT: it
     * has called ingest_batch once more. INGEST_FAILED: nothing of it is stored. `known` is what was committed before that
     * batch. `stored` comes once, at the end; `refused` when it fails for whatever reason; nothing is tried again.
     */
    enum ingest_more (*more)(struct ingest_source *source, uint64_t known);
};

struct ingest *ingest_new(uv_loop_t *loop, struct pg *pg);

/** Frees it, once its pg is closed. */
void ingest_free(struct ingest *ingest);

/** Stops its timer; no turn is submitted after it. `done` comes from the loop. */
void ingest_stop(struct ingest *ingest, void (*done)(void *arg), void *arg);

/**
 * Takes a batch, whose sequences ascend.
 * @param records  taken (their memory is copied, the attempts change hands); count at least 1.
 * @return false without memory; nothing is taken then.
 */
bool ingest_batch(struct ingest *ingest, struct ingest_source *source, struct record *records, size_t count);

/* Of memory. An attempt of a whole handshake takes about 1.7 KiB of it, as the row that it becomes. */
enum { INGEST_MAX_BYTES = 32 * 1024 * 1024 };

/** Over all that waits for the database. Others whose memory waits for it may hold and release too. */
struct ceiling *ingest_ceiling(struct ingest *ingest);

/** Drops what waits from a source that is gone. */
void ingest_forget(struct ingest *ingest, struct ingest_source *source);

/** Is nothing waiting and nothing under way? */
bool ingest_idle(const struct ingest *ingest);

#endif

#ifndef PARALLAX_COLLECTOR_INGEST_INGEST_PARTS_H
#define PARALLAX_COLLECTOR_INGEST_INGEST_PARTS_H

#include "ingest/group.h"
#include "ingest/ingest.h"
#include "link/handles.h"

/* What ingest.c (the queue, when a turn begins and how it ends) and ingest_steps.c (what a turn does) share, and nobody else. */

struct ingest {
    struct pg *pg;
    uv_loop_t *loop;
    uv_timer_t retry;
    struct handles handles;
    char *copy_sql;
    struct batch *first; /* waiting */
    struct batch **last;
    struct group group;
    struct ceiling ceiling; /* over what waits and the group */
    bool running;
    size_t singles; /* a group was refused: so many batches go alone, to find out which it was */
    bool stopped;
};

/* ingest.c */

/** Moves batches from the queue into the group. */
void ingest_form_group(struct ingest *ingest);

/** Frees a batch, and lets its source go if it was the last. */
void ingest_batch_free(struct ingest *ingest, struct batch *batch);

/* ingest_steps.c */

/** Begins the turn. The group is formed here, so that all that came while another turn ran is in it. */
void ingest_start(struct pg *pg, void *arg);

#endif

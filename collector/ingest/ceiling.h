#ifndef PARALLAX_COLLECTOR_INGEST_CEILING_H
#define PARALLAX_COLLECTOR_INGEST_CEILING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How much memory may wait for the database, over all sessions. At the ceiling nothing more is read from any agent, until half of
 * it is stored: the kernel's buffers fill, and agents keep in their spools what the database cannot take yet. What was read before
 * is still taken, so that no session loses a batch by it.
 */
struct ceiling {
    size_t most_bytes;
    size_t held_bytes;
    bool full;
    void (*changed)(void *arg); /* `full` is another than before; NULL: nobody cares */
    void *arg;
};

void ceiling_hold(struct ceiling *ceiling, size_t bytes);
void ceiling_release(struct ceiling *ceiling, size_t bytes);

#endif

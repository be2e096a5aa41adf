#include "link/clock.h"
#include "sweep/sweep_parts.h"

#include <stdlib.h>

/* Connections that wait for the turn of their address: a heap, whose first is due first. */

static void heap_up(struct sweep_connection **heap, size_t at)
{
    struct sweep_connection *moved = heap[at];
    for (; at > 0 && heap[(at - 1) / 2]->due_us > moved->due_us; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = moved;
}

static void heap_down(struct sweep_connection **heap, size_t count, size_t at)
{
    struct sweep_connection *moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && heap[child + 1]->due_us < heap[child]->due_us;
        if (heap[child]->due_us >= moved->due_us)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

void sweep_wait(struct sweep *sweep, struct sweep_connection *connection, int64_t now_us)
{
    connection->due_us = now_us + pace_reserve(sweep->pace, &connection->address, now_us, INT64_MAX / 2);
    sweep->waiting[sweep->counts.waiting++] = connection;
    heap_up(sweep->waiting, sweep->counts.waiting - 1);
}

struct sweep_connection *sweep_take_waiting(struct sweep *sweep)
{
    struct sweep_connection *first = sweep->waiting[0];
    sweep->waiting[0] = sweep->waiting[--sweep->counts.waiting];
    if (sweep->counts.waiting > 0)
        heap_down(sweep->waiting, sweep->counts.waiting, 0);
    return first;
}

bool sweep_connection_add(struct sweep_item *item, const struct address *address)
{
    struct sweep *sweep = item->sweep;
    struct sweep_connection *connection =
        sweep->counts.waiting == SWEEP_HEAP_MAX ? NULL : calloc(1, sizeof *connection);
    if (connection == NULL)
        return false;
    connection->item = item;
    connection->address = *address;
    connection->fd = -1;
    item->open++;
    sweep_wait(sweep, connection, clock_mono_us());
    return true;
}

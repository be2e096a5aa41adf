#ifndef PARALLAX_LINK_HANDLES_H
#define PARALLAX_LINK_HANDLES_H

#include <uv.h>

/*
 * The only place where libuv handles end. A group closes its handles and calls `done` once, after the last close
 * callback, from the loop; only then may the memory that holds the handles be freed. Handles that were never
 * initialised (type UV_UNKNOWN_HANDLE) and handles already closing are skipped. `handle->data` is used by the group
 * from handles_close_all on.
 */
enum { HANDLES_MAX = 8 };

struct handles {
    uv_handle_t *handle[HANDLES_MAX];
    unsigned count;
    unsigned open;
    void (*done)(void *arg);
    void *arg;
    uv_idle_t stand_in; /* closed when nothing else needs closing, so that done still comes from the loop */
};

void handles_init(struct handles *group);

/** Adds a handle that the owner initialised (or zeroed). */
void handles_add(struct handles *group, void *handle);

/**
 * Closes all; `done(arg)` runs from the loop when none is left, never before this returns.
 * Calling it again before that is a no-op.
 * @param loop  used when no handle needs closing, so that done still comes from the loop.
 */
void handles_close_all(struct handles *group, uv_loop_t *loop, void (*done)(void *arg), void *arg);

#endif

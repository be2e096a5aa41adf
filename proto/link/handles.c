#include "link/handles.h"

#include <stddef.h>

void handles_init(struct handles *group)
{
    *group = (struct handles){0};
}

void handles_add(struct handles *group, void *handle)
{
    if (group->count < HANDLES_MAX)
        group->handle[group->count++] = handle;
}

static void handle_closed(uv_handle_t *handle)
{
    struct handles *group = handle->data;
    if (--group->open > 0)
        return;
    void (*done)(void *arg) = group->done;
    group->done = NULL;
    done(group->arg);
}

static void group_close(struct handles *group, uv_handle_t *handle)
{
    handle->data = group;
    group->open++;
    uv_close(handle, handle_closed);
}

void handles_close_all(struct handles *group, uv_loop_t *loop, void (*done)(void *arg), void *arg)
{
    if (group->done != NULL)
        return;
    group->done = done;
    group->arg = arg;
    for (unsigned i = 0; i < group->count; i++) {
        uv_handle_t *handle = group->handle[i];
        if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
            group_close(group, handle);
    }
    if (group->open == 0) {
        (void)uv_idle_init(loop, &group->stand_in); /* cannot fail */
        group_close(group, (uv_handle_t *)&group->stand_in);
    }
}

#include "probe/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_A_CALL = 64, CALLS_A_TURN = 4 };

void poller_init(struct poller *poller, uv_loop_t *loop, void (*seen)(void *arg, unsigned events))
{
    *poller = (struct poller){.loop = loop, .seen = seen, .set = -1};
    handles_init(&poller->handles);
    handles_add(&poller->handles, &poller->handle);
}

/* What is left after a turn makes the set readable again. */
static void on_readable(uv_poll_t *handle, int status, int readable)
{
    struct poller *poller = handle->data;
    struct epoll_event events[EVENTS_A_CALL];
    (void)status;
    (void)readable;
    for (int call = 0, count = EVENTS_A_CALL; call < CALLS_A_TURN && count == EVENTS_A_CALL; call++) {
        count = epoll_wait(poller->set, events, EVENTS_A_CALL, 0);
        for (int i = 0; i < count; i++)
            poller->seen(events[i].data.ptr, events[i].events);
    }
}

static int start(struct poller *poller)
{
    poller->set = epoll_create1(EPOLL_CLOEXEC);
    if (poller->set < 0)
        return errno;
    int status = uv_poll_init(poller->loop, &poller->handle, poller->set);
    poller->handle.data = poller;
    if (status == 0)
        status = uv_poll_start(&poller->handle, UV_READABLE, on_readable);
    if (status == 0) {
        uv_unref((uv_handle_t *)&poller->handle);
        return 0;
    }
    (void)close(poller->set);
    poller->set = -1;
    return -status;
}

int poller_add(struct poller *poller, int fd, void *arg)
{
    int error = poller->set >= 0 ? 0 : start(poller);
    if (error != 0)
        return error;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = arg};
    return epoll_ctl(poller->set, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void poller_close(struct poller *poller, void (*closed)(void *arg), void *arg)
{
    if (poller->set >= 0) {
        (void)uv_poll_stop(&poller->handle);
        (void)close(poller->set);
    }
    handles_close_all(&poller->handles, poller->loop, closed, arg);
}

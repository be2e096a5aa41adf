#ifndef PARALLAX_PROBE_POLLER_H
#define PARALLAX_PROBE_POLLER_H

#include "link/handles.h"

#include <stdbool.h>

/*
 * The sockets of all attempts of a prober in one edge-triggered epoll set, which the loop sees as one handle. A socket goes in once
 * and leaves as it is closed, where a handle of the loop's own each would cost eight system calls in the life of a connection.
 *
 * An edge is told once. Whoever hears of one has to read (or write) until the kernel has no more, or to remember that there is more.
 */
struct poller {
    uv_loop_t *loop;
    void (*seen)(void *arg, unsigned events);
    int set; /* -1: no socket was added yet */
    uv_poll_t handle;
    struct handles handles;
};

/** @param seen  hears what came to a socket: EPOLL* as epoll_wait gives them. Called from the loop. It may add and close sockets; what
 * belongs to a socket has to outlive the call. */
void poller_init(struct poller *poller, uv_loop_t *loop, void (*seen)(void *arg, unsigned events));

/**
 * Watches a socket, once it is connecting, until it is closed. Does not keep the loop alive.
 * @param arg  for `seen`; valid while the socket is open. @return 0 or an errno.
 */
int poller_add(struct poller *poller, int fd, void *arg);

/** Every socket has been closed. Calls closed(arg) from the loop. */
void poller_close(struct poller *poller, void (*closed)(void *arg), void *arg);

#endif

#include "probe/linger.h"

#include "link/handles.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATAGRAM_BYTES = 4096, DATAGRAMS_A_TURN = 16 };

struct linger_socket {
    struct udp_linger *linger;
    struct linger_socket *next;
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    struct handles handles;
};

static void on_closed(void *arg)
{
    struct linger_socket *socket = arg;
    struct udp_linger *linger = socket->linger;
    free(socket);
    linger->closed(linger->arg);
}

static void drop(struct linger_socket *socket)
{
    struct udp_linger *linger = socket->linger;
    struct linger_socket **link = &linger->sockets;
    while (*link != socket)
        link = &(*link)->next;
    *link = socket->next;
    linger->count--;
    (void)uv_poll_stop(&socket->poll);
    (void)close(socket->fd);
    handles_close_all(&socket->handles, linger->loop, on_closed, socket);
}

static void on_timer(uv_timer_t *timer)
{
    drop(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    const struct linger_socket *socket = poll->data;
    uint8_t bytes[DATAGRAM_BYTES];
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t got = recv(socket->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0)
            return;
        socket->linger->datagram(bytes, (size_t)got, socket->linger->arg);
    }
}

bool linger_take(struct udp_linger *linger, int fd)
{
    struct linger_socket *socket = linger->count >= LINGER_MAX_SOCKETS ? NULL : calloc(1, sizeof *socket);
    if (socket == NULL)
        return false;
    if (uv_poll_init(linger->loop, &socket->poll, fd) != 0) {
        free(socket);
        return false;
    }
    (void)uv_timer_init(linger->loop, &socket->timer); /* never fails */
    socket->linger = linger;
    socket->fd = fd;
    socket->poll.data = socket->timer.data = socket;
    handles_init(&socket->handles);
    handles_add(&socket->handles, &socket->poll);
    handles_add(&socket->handles, &socket->timer);
    socket->next = linger->sockets;
    linger->sockets = socket;
    linger->count++;
    (void)uv_timer_start(&socket->timer, on_timer, LINGER_MS, 0);
    (void)uv_poll_start(&socket->poll, UV_READABLE, on_readable);
    return true;
}

void linger_end(struct udp_linger *linger)
{
    while (linger->sockets != NULL)
        drop(linger->sockets);
}

#ifndef PARALLAX_PROBE_LINGER_H
#define PARALLAX_PROBE_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * UDP sockets whose owner has its answer and would close them. They are read for a while longer, because a forged answer
 * wins by coming first: the true one follows, to a socket that mostly nobody reads any more.
 */

enum { LINGER_MS = 3000, LINGER_MAX_SOCKETS = 16 };

struct linger_socket;

struct udp_linger {
    uv_loop_t *loop;
    struct linger_socket *sockets;
    unsigned count;
    void (*datagram)(const uint8_t *bytes, size_t length, void *arg);
    void (*closed)(void *arg); /* one socket's handles are closed, from the loop */
    void *arg;
};

/** Takes a socket over, which it closes after LINGER_MS. @return false: it is still the caller's to close. */
bool linger_take(struct udp_linger *linger, int fd);

/** Closes them all now; `closed` comes for each. */
void linger_end(struct udp_linger *linger);

#endif

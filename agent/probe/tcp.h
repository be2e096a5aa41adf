#ifndef PARALLAX_PROBE_TCP_H
#define PARALLAX_PROBE_TCP_H

#include "words/evidence.h"

#include <stdbool.h>
#include <stdint.h>

/* What the kernel knows about a TCP socket. Nothing here blocks. */

enum { TCP_SMALL_MSS_BYTES = 1000 };

/** Before connect: both sides send segments of at most TCP_SMALL_MSS_BYTES. */
void tcp_small_segments(int fd);

/** Takes TCP_INFO into *ret_snapshot. False (and untouched) when the kernel gives none. */
bool tcp_snapshot_take(int fd, int64_t at_us, struct tcp_snapshot *ret_snapshot);

/**
 * A nonblocking, close-on-exec socket for an address, with ICMP errors queued while it connects (IP_RECVERR).
 * @param source  the address it goes out from, when it is of the same family; else the kernel chooses.
 * @return the descriptor, or -1 with errno (EADDRNOTAVAIL: the source is not an address of this machine).
 */
int tcp_socket(const struct address *address, const struct address *source);

/**
 * How a connect ended: the socket's error, then the ICMP message behind it. In this order, because draining
 * the error queue first clears SO_ERROR, and a failed connect then looks connected. Stops the queueing of
 * ICMP errors, which would otherwise end an established connection that TCP itself keeps.
 * @return 0 when connected, else the errno, also in flow->error.
 */
int tcp_connect_result(int fd, struct evidence_flow *flow);

/** The same of a socket that the poller saw writable and without an error: it is connected, and no message is behind it. */
void tcp_connected(int fd, const struct evidence_flow *flow);

/** What a failing socket() or connect() says about this machine. LOCAL_NONE: it says something about the peer. */
enum evidence_local tcp_local_reason(int error);

/** Writes the local address and port of a socket into the flow. */
void tcp_source(int fd, struct evidence_flow *flow);

#endif

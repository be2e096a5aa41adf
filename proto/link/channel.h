#ifndef PARALLAX_LINK_CHANNEL_H
#define PARALLAX_LINK_CHANNEL_H

#include "words/address.h"
#include "words/message.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * A framed TLS connection on a loop: messages in, messages out. Owned by whoever made it until on_closed, which is
 * called exactly once, from the loop, after every handle is closed; the channel frees itself right after it.
 * Single-threaded: every call from the loop's thread.
 */
struct channel;

enum channel_failure {
    CHANNEL_CLOSED_BY_US,
    CHANNEL_CLOSED_BY_PEER,
    CHANNEL_CONNECT_FAILED,
    CHANNEL_TLS_FAILED,
    CHANNEL_BAD_FRAME, /* too big, or a message that breaks a rule */
    CHANNEL_TIMED_OUT, /* connect, handshake, or idle too long */
    CHANNEL_TOO_SLOW,  /* its first message, or the rest of a frame, did not come in time */
    CHANNEL_IO_FAILED,
    CHANNEL_OVERFLOW, /* more than the ceiling waited to be sent */
};

struct channel_handlers {
    void (*on_open)(struct channel *channel, void *arg); /* handshake done */
    /** The message is valid during the call only (records may be taken out of a batch by zeroing them). */
    void (*on_message)(struct channel *channel, struct message *message, void *arg);
    void (*on_drained)(struct channel *channel, void *arg); /* all was handed to the kernel; may be NULL */
    /** @param why  one line for a log or a person; static or valid during the call. Safe to print. */
    void (*on_closed)(struct channel *channel, enum channel_failure failure, const char *why, void *arg);
    /** May this one come in? Asked by channel_accept before TLS begins and costs memory; NULL: all may. */
    bool (*on_caller)(const struct address *address, void *arg);
};

struct channel_limits {
    uint64_t handshake_timeout_ms; /* connect and TLS together */
    uint64_t idle_timeout_ms;      /* without one received byte, while no backlog leaves either; 0: none */
    size_t max_queued_bytes;       /* waiting to be sent */
    size_t max_payload_bytes;      /* of a received frame */
    uint64_t
        frame_timeout_ms; /* for the rest of a frame that has begun, and a second more for each 4 KiB of it */
    uint64_t first_timeout_ms;     /* from the handshake to the first message; 0: none */
    size_t stranger_payload_bytes; /* of a received frame before channel_known; 0: max_payload_bytes */
};
extern const struct channel_limits
    channel_default_limits; /* 10 s, 90 s, 16 MiB, FRAME_MAX_BYTES, 60 s, none, the same */

/**
 * Dials out.
 * @param context  referenced (SSL_CTX_up_ref) while the channel lives.
 * @param name     checked in the server's certificate; NULL: whatever the context's verify callback says.
 * @return NULL only without memory or with an address that is none; every later failure goes to on_closed.
 */
struct channel *channel_connect(uv_loop_t *loop, const struct address *address, uint16_t port,
                                SSL_CTX *context, const char *name, const struct channel_limits *limits,
                                const struct channel_handlers *handlers, void *arg);

/**
 * Accepts one waiting connection of a listening uv_tcp_t, as its connection callback.
 * @param ret_waits  was there not even memory to accept it? libuv calls for no other connection of this listener then, until this
 *                   has been called for it again.
 * @return NULL on failure, and when on_caller does not let it in; on_closed is not called then.
 */
struct channel *channel_accept(uv_stream_t *listener, SSL_CTX *context, const struct channel_limits *limits,
                               const struct channel_handlers *handlers, void *arg, bool *ret_waits);

/** Queues a message. @return false when it cannot be encoded or the queue is full (the channel then closes). */
bool channel_send(struct channel *channel, const struct message *message);

/** Queues a payload that is already encoded. */
bool channel_send_payload(struct channel *channel, const void *payload, size_t length);

/** How much each side keeps for packing (link/pack.h), before anything is packed: of what is sent, and of what comes. */
void channel_pack_history(struct channel *channel, size_t sent_bytes, size_t received_bytes);

/** Queues a batch of encoded records, packed (link/pack.h), for a peer that has said that it takes it. */
bool channel_send_packed(struct channel *channel, const struct bytes *records, size_t count);

/** The peer has said who it is: frames may now be as large as max_payload_bytes. */
void channel_known(struct channel *channel);

/** Stops and resumes reading, which is how a slow database pushes back on its agents. */
void channel_pause(struct channel *channel);
void channel_resume(struct channel *channel);

/** Sends what is queued (bounded by a second), close_notify, then closes. Idempotent. */
void channel_close(struct channel *channel);

/** The peer's certificate (borrowed; NULL when it sent none), address and port. */
X509 *channel_peer_certificate(struct channel *channel);

/** The TLS alert with which the peer ended the connection; -1: none. */
int channel_peer_alert(const struct channel *channel);
void channel_peer_address(const struct channel *channel, struct address *ret_address, uint16_t *ret_port);

#endif

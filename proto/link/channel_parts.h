#ifndef PARALLAX_LINK_CHANNEL_PARTS_H
#define PARALLAX_LINK_CHANNEL_PARTS_H

#include "link/channel.h"
#include "link/handles.h"
#include "link/pack.h"
#include "link/pump.h"
#include "words/frame.h"

/* What channel.c (beginning and receiving) and channel_send.c (sending and ending) share, and nobody else. */

enum {
    FLUSH_BYTES = 256 * 1024, /* plaintext encrypted at a time */
    KEEP_BYTES = 4 * 1024, /* larger buffers are freed when empty: most agents are silent most of the time */
    READ_BYTES = 64 * 1024,
    LINGER_MS = 1000,
    MESSAGE_ARENA_BYTES = 64 * 1024 * 1024,
    WHY_BYTES = 256,
    PACE_BYTES = 4 * 1024, /* of a frame, for which it gets a second more */
    IDLE_LOOKS = 4,        /* at a connection that is idle, until it was so for too long */
    DRAIN_BYTES = 1024,    /* that leave between two looks are a sign of life */
};

enum channel_state { CONNECTING, HANDSHAKING, OPEN, LINGERING, CLOSING };

struct channel {
    uv_tcp_t tcp;
    uv_timer_t timer; /* handshake, then idle, then linger */
    uv_timer_t pace;  /* for the first message, then for the rest of a frame */
    uint64_t frame_begun_ms;
    uint64_t alive_ms; /* when the peer last gave a sign of life */
    bool backlog;      /* something waited at the last look */
    uint64_t left;     /* bytes that the peer's kernel had by then */
    uint64_t sent;     /* bytes given to libuv */
    uv_prepare_t turn;
    struct handles handles;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    enum channel_state state;
    bool heard, paused, writing, fin_sent, notified, silent;
    struct pump *pump;
    struct frame_reader reader;
    struct pack packed, unpacked; /* sent, and received */
    struct buf plain;             /* decrypted, on its way into the reader */
    struct buf queue;             /* frames to be sent */
    size_t queue_taken;
    struct buf flight; /* ciphertext the kernel is taking */
    bool ended;        /* the peer's stream is over; `failure` and `why` say how */
    enum channel_failure failure;
    char why[WHY_BYTES];
    struct address address;
    uint16_t port;
    struct channel_limits limits;
    struct channel_handlers handlers;
    void *arg;
};

/** Ends at once. The first end wins; later calls change nothing. */
void channel_fail(struct channel *channel, enum channel_failure failure, const char *why);

/** Ends politely: what waits, then close_notify (or the alert that is already waiting), then FIN; a second at
 * most. */
void channel_linger(struct channel *channel, enum channel_failure failure, const char *why);

/** A rule was broken: says Goodbye, which names the rule, and ends politely. */
void channel_breach(struct channel *channel, enum channel_failure failure, const char *rule);

/** Closes the handles; on_closed says what channel_say noted. */
void channel_abort(struct channel *channel);
void channel_say(struct channel *channel, enum channel_failure failure, const char *why);

/** Encrypts and writes what waits, unless a write is under way. */
void channel_flush(struct channel *channel);

/** Queues one frame. @return false when the channel ends or ended. */
bool channel_queue(struct channel *channel, const void *payload, size_t length);

/** Starts reading from the socket, and asks for a turn at the end of this loop iteration. */
void channel_read(struct channel *channel);
void channel_want_turn(struct channel *channel);

#endif

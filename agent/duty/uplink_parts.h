#ifndef PARALLAX_DUTY_UPLINK_PARTS_H
#define PARALLAX_DUTY_UPLINK_PARTS_H

#include "duty/uplink.h"
#include "link/channel.h"
#include "link/handles.h"

/* What uplink.c (when there is a session), uplink_session.c and uplink_renew.c (what is said in it) share, and nobody else. */

enum uplink_state {
    UPLINK_RESTING,
    UPLINK_RESOLVING,
    UPLINK_DIALLING,
    UPLINK_GREETING,
    UPLINK_LIVE,
    UPLINK_CLOSING
};

enum {
    UPLINK_WINDOW = 4, /* batches without an ack */
    UPLINK_BATCH_RECORDS = 256,
    UPLINK_BATCH_BYTES = 512 * 1024,
    UPLINK_MAX_WANTED = 4096, /* certificates asked for and not sent yet */
    UPLINK_CERTIFICATES_BYTES = 1024 * 1024,
};

struct uplink {
    struct uplink_deps deps;
    enum uplink_state state;
    uv_timer_t timer; /* back-off while resting, the welcome's deadline while greeting */
    uv_timer_t ping;
    uv_timer_t renew;
    uv_timer_t gather;
    uv_getaddrinfo_t resolve;
    struct handles handles;
    struct channel *channel;
    size_t collector;  /* which one */
    unsigned failures; /* in a row */
    bool revoked;
    bool replaced;   /* this session ends, because a newer one of this vantage took over */
    bool answered;   /* the Hello of this session was, with a Welcome or a Goodbye */
    bool unanswered; /* an earlier one was not: a session of ours may still be opened there */
    int64_t live_since_us;
    unsigned pings;         /* sent in this session */
    bool clock_known;       /* by this session */
    int64_t renew_asked_us; /* in this session; 0: not yet */
    bool renewed;           /* this session ends, so that the next one shows the new certificate */
    bool packs;             /* batches to this collector */
    uint64_t sent_up_to;
    uint64_t flights[UPLINK_WINDOW]; /* last sequence of each batch without an ack */
    size_t flight_count;
    uint8_t (*wanted)[32];
    size_t wanted_count;
    void (*closed)(void *arg);
    void *closed_arg;
};

/** The connection stands: Hello. */
void session_begin(struct uplink *uplink);

/** A message came. */
void session_message(struct uplink *uplink, const struct message *message);

/** All that was queued is gone: more certificates may go. */
void session_drained(struct uplink *uplink);

/** The connection is gone. */
void session_end(struct uplink *uplink);

/** Asks for a new certificate when it is time; starts its own timer for when it will be. (uplink_renew.c) */
void session_renew(struct uplink *uplink);

/** The answer came. (uplink_renew.c) */
void session_renewed(struct uplink *uplink, const struct message *message);

/** Says why and closes. */
void session_leave(struct uplink *uplink, enum goodbye_reason reason, const char *text);

#endif

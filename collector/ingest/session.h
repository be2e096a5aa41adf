#ifndef PARALLAX_COLLECTOR_INGEST_SESSION_H
#define PARALLAX_COLLECTOR_INGEST_SESSION_H

#include "ingest/ca.h"
#include "ingest/door.h"
#include "ingest/ingest.h"
#include "ingest/network.h"
#include "link/channel.h"

#include <stdbool.h>
#include <stdint.h>

struct session;

enum { SESSION_MAX = 10000 }; /* of one collector */

/* What all sessions share. Owned by listen; outlives them. */
struct session_hub {
    uv_loop_t *loop;
    struct pg *pg;
    struct ingest *ingest;
    int64_t collector_id;            /* this collector's row */
    const struct networks *networks; /* NULL: none configured */
    const struct ca *ca;
    int64_t validity_s; /* of the certificates signed for vantages */
    SSL_CTX *context;
    struct session *first;
    size_t count;
    size_t limit; /* of sessions; 0: SESSION_MAX */
    size_t turns; /* of the database, that wait or run */
    struct door door;
    bool checking; /* session_check_all is in the queue */
    uv_timer_t alive;
    void (*on_joined)(struct session *session, void *arg);
    void (*on_list_wanted)(struct session *session, const uint8_t sha256[PLAN_SHA256_BYTES], void *arg);
    void (*on_empty)(void *arg); /* the last session is freed */
    void *arg;
};

/**
 * Prepares a hub whose ingest is set: from then on a database that is slow stops the reading from all agents. Starts `alive`, which the
 * caller closes.
 */
void session_hub_ready(struct session_hub *hub);

/**
 * Accepts the connection that waits on a listener. Failures end in the log.
 * @return false when it waits still, for want of memory: the listener hears of no other until this has been called for it again.
 */
bool session_accept(struct session_hub *hub, uv_stream_t *listener);

/** Next of all sessions, NULL after the last. Start with hub->first. */
struct session *session_next(const struct session *session);

/** Is its vantage known and welcomed? */
bool session_is_open(const struct session *session);
int32_t session_vantage(const struct session *session);
const char *session_name(const struct session *session);

bool session_send(struct session *session, const struct message *message);

/** Says goodbye and closes. The session frees itself later. */
void session_goodbye(struct session *session, enum goodbye_reason reason, const char *text);

/**
 * Looks every vantage up again, and cuts sessions that were revoked, whose certificate was replaced, or that are not in force any
 * more. @param pg  any connection; this one's own may be busy with rows.
 */
void session_check_all(struct session_hub *hub, struct pg *pg);

/** A session of a vantage was opened somewhere: cuts the older ones of it that are here. @param number  of the new one. */
void session_check_newer(struct session_hub *hub, int32_t vantage_id, int64_t number);

/** Says that the open sessions are with this collector, after it was taken for dead. */
void session_hold_all(struct session_hub *hub, struct pg *pg);

#endif

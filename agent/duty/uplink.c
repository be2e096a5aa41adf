#include "duty/log.h"
#include "duty/uplink_parts.h"
#include "link/clock.h"
#include "link/pki.h"
#include "words/units.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

/*
 *      +------------------------------- the next collector of the list, or back-off --------------------------+
 *      v                                                                                                     |
 *   RESTING --timer--> RESOLVING --address--> DIALLING --TLS done--> GREETING --Welcome--> LIVE --closed-----+
 *      ^                   |                     |                      |                   |                |
 *      |                   +------ no address ---+------- closed -------+-------------------+----------------+
 *      |
 *   uplink_new                    uplink_close, from any: Goodbye, then CLOSING until channel and resolver are done
 *
 * A session that is lost, and a collector that cannot be reached or sends us away ("overloaded", its database is away), leads to
 * the next collector of the list, at once but for half a second of jitter. When all of them have had their turn in vain: back-off.
 * The n-th time in a row waits a random time up to 2^n seconds, 60 at the most ("full jitter"), so that a fleet does not come back as
 * one when its collector does. A session that lived for half a minute starts the count again.
 *
 * A vantage has one session, and the newer one wins. To be told that ours is the older one means that another agent has our
 * identity; taking it back at once would only have the two take it from each other. Unless the other is ourselves: a collector that
 * hung over our Hello, or over that of the process before us, may open that session after we have given it up and have gone to
 * another one. So the first time is no proof.
 */

enum {
    REST_FIRST_MS = 1000,
    REST_MAX_MS = 60000,
    REST_LEAST_MS = 50,
    REST_DOUBLINGS = 6,
    REST_ENDED_MS = 300000,
    REST_REPLACED_MS = 60000,
    FAIL_OVER_MS = 500,
    SILENCE_MS = 24000 /* pongs come every 10 s: see uplink_session.c */
};

static const int64_t stable_us = INT64_C(30) * 1000 * 1000;

static void uplink_dial(struct uplink *uplink);

static void uplink_free(void *arg)
{
    struct uplink *uplink = arg;
    void (*closed)(void *closed_arg) = uplink->closed;
    void *closed_arg = uplink->closed_arg;
    free(uplink->wanted);
    free(uplink);
    closed(closed_arg);
}

/* CLOSING ends when nothing can call back any more. */
static void uplink_finish(struct uplink *uplink)
{
    if (uplink->channel == NULL && uplink->resolve.data == NULL)
        handles_close_all(&uplink->handles, uplink->deps.loop, uplink_free, uplink);
}

/* --- resting ---------------------------------------------------------------------------------------------------- */

static void on_rested(uv_timer_t *timer)
{
    uplink_dial(timer->data);
}

static uint64_t random_ms(uint64_t most)
{
    uint32_t random = 0;
    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        return most;
    uint64_t rest = random % (most + 1);
    return rest > REST_LEAST_MS ? rest : REST_LEAST_MS;
}

/* @param passes  how often the list was gone through before. */
static uint64_t rest_ms(unsigned passes)
{
    uint64_t most = REST_FIRST_MS << (passes < REST_DOUBLINGS ? passes : REST_DOUBLINGS);
    return random_ms(most < REST_MAX_MS ? most : REST_MAX_MS);
}

static void uplink_rest_for(struct uplink *uplink, const char *what, const char *why, uint64_t rest)
{
    const struct collector_address *collector = &uplink->deps.collectors[uplink->collector];
    duty_log("%s (%s port %u): %s; next try in %.1f s", what, collector->host, collector->port, why,
             (double)rest / 1000);
    uplink->collector = (uplink->collector + 1) % uplink->deps.collector_count;
    uplink->state = UPLINK_RESTING;
    (void)uv_timer_start(&uplink->timer, on_rested, rest, 0);
}

/* @param least  to rest when the whole list was gone through, beside the back-off; in ms */
static void uplink_go_on(struct uplink *uplink, const char *what, const char *why, uint64_t least)
{
    size_t count = uplink->deps.collector_count, failures = ++uplink->failures;
    if (failures % count != 0)
        uplink_rest_for(uplink, what, why, random_ms(FAIL_OVER_MS));
    else
        uplink_rest_for(uplink, what, why, least + rest_ms((unsigned)(failures / count) - 1));
}

static void uplink_rest(struct uplink *uplink, const char *what, const char *why)
{
    uplink_go_on(uplink, what, why, 0);
}

/* A new session with the same collector, at once. */
static void uplink_come_back(struct uplink *uplink)
{
    uplink->state = UPLINK_RESTING;
    (void)uv_timer_start(&uplink->timer, on_rested, 0, 0);
}

static void uplink_rest_replaced(struct uplink *uplink)
{
    uplink_rest_for(uplink, "connection lost",
                    "another agent uses the identity of this vantage; if this state folder was copied, let "
                    "only one agent "
                    "run with it, and enrol the other with a token of its own",
                    REST_REPLACED_MS + rest_ms(REST_DOUBLINGS));
}

/* Only a new token helps, unless it is that collector's clock that is wrong; so it is asked again, but seldom. */
static void uplink_rest_ended(struct uplink *uplink)
{
    char why[160], ended[UNITS_TIME_BYTES];
    (void)snprintf(why, sizeof why,
                   "this vantage's certificate ended on %s; enrol again with a new token (enroll --force)",
                   time_rfc3339(renew_ends_us(uplink->deps.renew), 0, ended));
    uplink_go_on(uplink, "cannot connect", why, REST_ENDED_MS);
}

/* --- connecting ------------------------------------------------------------------------------------------------- */

static void on_open(struct channel *channel, void *arg)
{
    struct uplink *uplink = arg;
    if (uplink->state == UPLINK_CLOSING)
        channel_close(channel);
    else
        session_begin(uplink);
}

static void on_message(struct channel *channel, struct message *message, void *arg)
{
    (void)channel;
    session_message(arg, message);
}

static void on_drained(struct channel *channel, void *arg)
{
    (void)channel;
    session_drained(arg);
}

static void on_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    struct uplink *uplink = arg;
    bool was_live = uplink->state == UPLINK_LIVE, renewed = uplink->renewed;
    bool replaced = uplink->replaced && !uplink->unanswered;
    bool ended = failure == CHANNEL_TLS_FAILED && channel_peer_alert(channel) == SSL_AD_CERTIFICATE_EXPIRED;
    uplink->unanswered =
        (uplink->unanswered && !uplink->replaced) || (uplink->state == UPLINK_GREETING && !uplink->answered);
    uplink->renewed = uplink->replaced = false;
    uplink->channel = NULL;
    session_end(uplink);
    if (was_live && clock_mono_us() - uplink->live_since_us >= stable_us)
        uplink->failures = 0;
    if (uplink->state == UPLINK_CLOSING)
        uplink_finish(uplink);
    else if (uplink->revoked)
        uplink->state = UPLINK_RESTING; /* for good */
    else if (ended)
        uplink_rest_ended(uplink);
    else if (renewed)
        uplink_come_back(uplink);
    else if (replaced)
        uplink_rest_replaced(uplink);
    else
        uplink_rest(uplink, was_live ? "connection lost" : "cannot connect", why);
}

static void uplink_connect(struct uplink *uplink, const struct address *address)
{
    static const struct channel_handlers handlers = {
        .on_open = on_open, .on_message = on_message, .on_drained = on_drained, .on_closed = on_closed};
    struct channel_limits limits = channel_default_limits;
    limits.idle_timeout_ms = SILENCE_MS;
    uplink->state = UPLINK_DIALLING;
    uplink->channel =
        channel_connect(uplink->deps.loop, address, uplink->deps.collectors[uplink->collector].port,
                        renew_context(uplink->deps.renew), PKI_SERVER_NAME, &limits, &handlers, uplink);
    if (uplink->channel == NULL)
        uplink_rest(uplink, "cannot connect", "out of memory");
}

/* Another one each time the collector's turn comes again, so that one dead address family does not cut us off. */
static bool pick_address(const struct uplink *uplink, const struct addrinfo *found,
                         struct address *ret_address)
{
    unsigned count = 0;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
        count++;
    if (found == NULL)
        return false;
    unsigned skip = (unsigned)(uplink->failures / uplink->deps.collector_count) % count;
    for (; skip > 0 && found->ai_next != NULL; skip--)
        found = found->ai_next;
    return address_from_sockaddr(found->ai_addr, ret_address, NULL);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct uplink *uplink = request->data;
    struct address address;
    request->data = NULL;
    bool usable = status == 0 && pick_address(uplink, found, &address);
    uv_freeaddrinfo(found);
    if (uplink->state == UPLINK_CLOSING)
        uplink_finish(uplink);
    else if (usable)
        uplink_connect(uplink, &address);
    else
        uplink_rest(uplink, "cannot resolve", status != 0 ? uv_strerror(status) : "no usable address");
}

static void uplink_dial(struct uplink *uplink)
{
    const char *host = uplink->deps.collectors[uplink->collector].host;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct address address;
    if (address_parse(host, &address)) {
        uplink_connect(uplink, &address);
        return;
    }
    uplink->state = UPLINK_RESOLVING;
    uplink->resolve.data = uplink;
    int status = uv_getaddrinfo(uplink->deps.loop, &uplink->resolve, on_resolved, host, NULL, &hints);
    if (status == 0)
        return;
    uplink->resolve.data = NULL;
    uplink_rest(uplink, "cannot resolve", uv_strerror(status));
}

/* --- public ----------------------------------------------------------------------------------------------------- */

struct uplink *uplink_new(const struct uplink_deps *deps)
{
    struct uplink *uplink = calloc(1, sizeof *uplink);
    if (uplink == NULL)
        return NULL;
    uplink->deps = *deps;
    uplink->unanswered = true; /* as for the process before us, which may have been killed */
    (void)uv_timer_init(deps->loop, &uplink->timer);
    (void)uv_timer_init(deps->loop, &uplink->ping);
    (void)uv_timer_init(deps->loop, &uplink->renew);
    (void)uv_timer_init(deps->loop, &uplink->gather);
    uplink->timer.data = uplink->ping.data = uplink->renew.data = uplink->gather.data = uplink;
    handles_init(&uplink->handles);
    handles_add(&uplink->handles, &uplink->timer);
    handles_add(&uplink->handles, &uplink->ping);
    handles_add(&uplink->handles, &uplink->renew);
    handles_add(&uplink->handles, &uplink->gather);
    (void)uv_timer_start(&uplink->timer, on_rested, 0, 0);
    return uplink;
}

void uplink_close(struct uplink *uplink, void (*closed)(void *arg), void *arg)
{
    bool greeted = uplink->state == UPLINK_GREETING || uplink->state == UPLINK_LIVE;
    uplink->closed = closed;
    uplink->closed_arg = arg;
    uplink->state = UPLINK_CLOSING;
    (void)uv_timer_stop(&uplink->timer);
    (void)uv_timer_stop(&uplink->ping);
    (void)uv_timer_stop(&uplink->renew);
    (void)uv_timer_stop(&uplink->gather);
    if (uplink->channel != NULL && greeted)
        session_leave(uplink, GOODBYE_SHUTDOWN, "the agent is stopping");
    else if (uplink->channel != NULL)
        channel_close(uplink->channel);
    else if (uplink->resolve.data != NULL)
        (void)uv_cancel((uv_req_t *)&uplink->resolve); /* its callback comes either way */
    else
        uplink_finish(uplink);
}

#include "duty/log.h"
#include "duty/uplink_parts.h"
#include "link/clock.h"
#include "link/pack.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A session:
 *
 *     us                                collector
 *     Hello                 ------->
 *                           <-------    Welcome: what it has of us; the spool forgets that much, sequences stay above it
 *     Ping x 5, then one every 10 s --> Pong: the clock offset; rounds begin with the first
 *     Batch (at most 4 unacked) ---->   ... commit ...                  (Packed, when the Welcome says that it takes them;
 *                                                                         while a round goes on, what came within a second)
 *                           <-------    Ack: deleted from the spool, room for the next batch
 *                           <-------    EndpointList, RoundPlan        (ListWanted when a plan names an unknown list)
 *                           <-------    CertificatesWanted
 *     RenewRequest          ------->    see uplink_renew.c
 *                           <-------    RenewAnswer
 *     Certificates          ------->    a megabyte at a time, the next when the last is on its way
 *     either side: Goodbye
 *
 * A connection whose other end is gone, or hangs, looks like any other. So a session ends in which nothing came for 24 s, two pongs and
 * more (SILENCE_MS in uplink.c), and what is in it without an ack is sent again to the next collector. Two things must not look
 * like that:
 *   - a collector that does not read, because its database is slow: it answers no Ping, but repeats its last Ack every 10 s
 *     (collector/ingest/session.c). Going elsewhere would be of no use, since the database is the same.
 *   - a link so slow that the Ping waits behind our own megabytes: as long as these go out, channels are patient.
 */

enum { PING_BURST = 5, PING_BURST_MS = 200, PING_MS = 10000, WELCOME_MS = 15000, GATHER_MS = 1000 };

void session_leave(struct uplink *uplink, enum goodbye_reason reason, const char *text)
{
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .goodbye = {.reason = reason, .text = text}};
    (void)channel_send(uplink->channel, &goodbye);
    channel_close(uplink->channel);
}

static void on_welcome_missing(uv_timer_t *timer)
{
    session_leave(timer->data, GOODBYE_PROTOCOL, "no welcome in time");
}

void session_begin(struct uplink *uplink)
{
    char hostname[256] = "";
    (void)gethostname(hostname, sizeof hostname - 1);
    struct message hello = {
        .kind = MESSAGE_HELLO,
        .hello = {.protocol = LINK_PROTOCOL,
                  .agent_version = PARALLAX_VERSION,
                  .tls_library = OpenSSL_version(OPENSSL_VERSION),
                  .next_sequence = spool_next_sequence(uplink->deps.spool),
                  .spooled = spool_count(uplink->deps.spool),
                  .hostname = hostname},
    };
    uplink->state = UPLINK_GREETING;
    uplink->answered = false;
    uplink->pings = 0;
    uplink->clock_known = false;
    uplink->flight_count = 0;
    uplink->renew_asked_us = 0;
    (void)uv_timer_start(&uplink->timer, on_welcome_missing, WELCOME_MS, 0);
    (void)channel_send(uplink->channel, &hello);
}

void session_end(struct uplink *uplink)
{
    (void)uv_timer_stop(&uplink->ping);
    (void)uv_timer_stop(&uplink->timer);
    (void)uv_timer_stop(&uplink->renew);
    (void)uv_timer_stop(&uplink->gather);
    uplink->packs = false;
    uplink->flight_count = 0;
    uplink->wanted_count = 0;
    free(uplink->wanted);
    uplink->wanted = NULL;
}

/* --- the clock -------------------------------------------------------------------------------------------------- */

static void on_ping(uv_timer_t *timer)
{
    struct uplink *uplink = timer->data;
    struct message ping = {
        .kind = MESSAGE_PING,
        .ping = {.sent_us = (uint64_t)clock_mono_us(), .spooled = spool_count(uplink->deps.spool)}};
    uplink->pings++;
    (void)uv_timer_start(timer, on_ping, uplink->pings < PING_BURST ? PING_BURST_MS : PING_MS, 0);
    (void)channel_send(uplink->channel, &ping);
    uplink_push(
        uplink); /* what could not be read, or not be encoded for want of memory, when it was its turn */
}

static void on_pong(struct uplink *uplink, const struct message *message)
{
    int64_t now_us = clock_mono_us();
    if (message->pong.sent_us > (uint64_t)now_us)
        return;
    if (!uplink->clock_known) /* another collector may have another clock */
        offset_clear(uplink->deps.offset);
    if (!offset_add(uplink->deps.offset, (int64_t)message->pong.sent_us, message->pong.received_us,
                    message->pong.answered_us, now_us))
        return;
    uplink->clock_known = true;
    rounds_clock_changed(uplink->deps.rounds);
    session_renew(uplink);
}

/* --- results ---------------------------------------------------------------------------------------------------- */

/* Many in one batch is what makes them small on the wire. */
static bool batch_is_full(size_t count, const struct buf *bytes)
{
    return count == UPLINK_BATCH_RECORDS || bytes->len > UPLINK_BATCH_BYTES / 2;
}

/* @param full  only a batch that is full. */
static bool send_batch(struct uplink *uplink, const struct bytes *records, size_t count)
{
    struct buf payload;
    if (uplink->packs)
        return channel_send_packed(uplink->channel, records, count);
    buf_init(&payload, 0);
    bool sent = message_encode_batch(records, count, &payload) &&
                channel_send_payload(uplink->channel, payload.data, payload.len);
    buf_done(&payload);
    return sent;
}

static bool push_batch(struct uplink *uplink, bool full, struct buf *bytes)
{
    struct bytes records[UPLINK_BATCH_RECORDS];
    uint64_t last = 0;
    size_t count = spool_read(uplink->deps.spool, uplink->sent_up_to + 1, UPLINK_BATCH_RECORDS,
                              UPLINK_BATCH_BYTES, bytes, records, &last);
    if (count == 0 || (full && !batch_is_full(count, bytes)) || !send_batch(uplink, records, count))
        return false;
    uplink->sent_up_to = last;
    uplink->flights[uplink->flight_count++] = last;
    return true;
}

static void push(struct uplink *uplink, bool full)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    while (uplink->state == UPLINK_LIVE && uplink->flight_count < UPLINK_WINDOW &&
           push_batch(uplink, full, &bytes))
        continue;
    buf_done(&bytes);
}

static void on_gathered(uv_timer_t *timer)
{
    push(timer->data, false);
}

/* While a round goes on that nobody waits for, results wait for each other. */
void uplink_push(struct uplink *uplink)
{
    bool gather = uplink->packs && rounds_go_on(uplink->deps.rounds);
    push(uplink, gather);
    if (gather && uplink->state == UPLINK_LIVE && !uv_is_active((uv_handle_t *)&uplink->gather))
        (void)uv_timer_start(&uplink->gather, on_gathered, GATHER_MS, 0);
}

static void on_ack(struct uplink *uplink, uint64_t committed)
{
    if (committed > uplink->sent_up_to) { /* believing it would delete what was never sent */
        session_leave(uplink, GOODBYE_PROTOCOL, "an ack beyond what was sent");
        return;
    }
    size_t acked = 0;
    while (acked < uplink->flight_count && uplink->flights[acked] <= committed)
        acked++;
    uplink->flight_count -= acked;
    memmove(uplink->flights, uplink->flights + acked, uplink->flight_count * sizeof *uplink->flights);
    keeper_commit(uplink->deps.keeper, committed);
    uplink_push(uplink);
}

/* The mark of another life of this state folder: a copy of it was put back, or is in use elsewhere. */
static void say_taken_as_delivered(struct uplink *uplink, uint64_t committed)
{
    uint64_t taken = spool_count_up_to(uplink->deps.spool, committed);
    if (committed < spool_next_sequence(uplink->deps.spool) || taken == 0)
        return;
    duty_log("the collector has results of this vantage up to %" PRIu64
             ", which is beyond what this state folder gave out; "
             "%" PRIu64 " waiting results are below that and taken as delivered",
             committed, taken);
}

static void on_welcome(struct uplink *uplink, const struct message *message)
{
    const struct collector_address *collector = &uplink->deps.collectors[uplink->collector];
    char *why = NULL;
    if (message->welcome.protocol != LINK_PROTOCOL) {
        session_leave(uplink, GOODBYE_VERSION, "another protocol version");
        return;
    }
    say_taken_as_delivered(uplink, message->welcome.committed);
    if (!spool_raise(uplink->deps.spool, message->welcome.committed, &why)) {
        duty_log("cannot number results above what the collector has: %s",
                 why != NULL ? why : "out of memory");
        free(why);
        session_leave(uplink, GOODBYE_OTHER, "the spool cannot go on");
        return;
    }
    duty_log("connected to %s port %u as vantage %s", collector->host, collector->port,
             message->welcome.vantage);
    uplink->state = UPLINK_LIVE;
    uplink->answered = true;
    uplink->live_since_us = clock_mono_us();
    uplink->sent_up_to = message->welcome.committed;
    uplink->packs =
        message->welcome.history_bytes > 0 && message->welcome.history_bytes <= PACK_MOST_BYTES;
    channel_pack_history(uplink->channel, message->welcome.history_bytes, 0);
    (void)uv_timer_stop(&uplink->timer);
    keeper_commit(uplink->deps.keeper, message->welcome.committed);
    on_ping(&uplink->ping);
    rounds_ask_again(uplink->deps.rounds);
    uplink_push(uplink);
}

/* --- certificates ----------------------------------------------------------------------------------------------- */

/* The next megabyte of what is wanted; those that are not there any more are passed over. */
static void send_certificates(struct uplink *uplink)
{
    struct buf ders;
    size_t lengths[MESSAGE_MAX_HASHES], count = 0;
    buf_init(&ders, 0);
    while (uplink->wanted_count > 0 && count < MESSAGE_MAX_HASHES && ders.len < UPLINK_CERTIFICATES_BYTES) {
        size_t before = ders.len;
        if (spool_certificate(uplink->deps.spool, uplink->wanted[--uplink->wanted_count], &ders))
            lengths[count++] = ders.len - before;
    }
    struct bytes *list = calloc(count + 1, sizeof *list);
    const uint8_t *at = ders.data;
    if (list == NULL)
        uplink->wanted_count = 0; /* nothing goes out that would bring the rest along: it will ask again */
    for (size_t i = 0; list != NULL && i < count; at += lengths[i++])
        list[i] = (struct bytes){at, lengths[i]};
    struct message message = {.kind = MESSAGE_CERTIFICATES, .certificates = {.count = count, .der = list}};
    if (list != NULL && count > 0)
        (void)channel_send(uplink->channel, &message);
    free(list);
    buf_done(&ders);
}

void session_drained(struct uplink *uplink)
{
    if (uplink->state == UPLINK_LIVE && uplink->wanted_count > 0)
        send_certificates(uplink);
}

static void on_certificates_wanted(struct uplink *uplink, const struct message *message)
{
    size_t count = message->certificates_wanted.count;
    bool under_way = uplink->wanted_count > 0;
    if (count == 0 || count > UPLINK_MAX_WANTED - uplink->wanted_count)
        return; /* it will ask again when it meets them again */
    void *grown = realloc(uplink->wanted, (uplink->wanted_count + count) * sizeof *uplink->wanted);
    if (grown == NULL)
        return;
    uplink->wanted = grown;
    memcpy(uplink->wanted[uplink->wanted_count], message->certificates_wanted.sha256,
           count * sizeof *uplink->wanted);
    uplink->wanted_count += count;
    if (!under_way)
        send_certificates(uplink);
}

/* --- dispatch --------------------------------------------------------------------------------------------------- */

static void on_goodbye(struct uplink *uplink, const struct message *message)
{
    duty_log("the collector says goodbye (%s): %s", goodbye_reason_name((int)message->goodbye.reason),
             message->goodbye.text);
    uplink->answered = true;
    uplink->revoked = message->goodbye.reason == GOODBYE_REVOKED;
    uplink->replaced = message->goodbye.reason == GOODBYE_REPLACED;
    channel_close(uplink->channel);
    if (uplink->revoked)
        uplink->deps.on_revoked(message->goodbye.text, uplink->deps.arg);
}

static void on_plan(struct uplink *uplink, const struct message *message)
{
    if (!rounds_plan(uplink->deps.rounds, &message->round))
        duty_log("round %" PRIu64 " is not taken part in: too many are under way, or its times make no sense",
                 message->round.round_id);
}

static void on_list(struct uplink *uplink, const struct message *message)
{
    if (!rounds_list(uplink->deps.rounds, &message->list))
        duty_log("a list of %zu endpoints cannot be held", message->list.count);
}

static void session_live(struct uplink *uplink, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_PONG:
        on_pong(uplink, message);
        return;
    case MESSAGE_LIST:
        on_list(uplink, message);
        return;
    case MESSAGE_ROUND:
        on_plan(uplink, message);
        return;
    case MESSAGE_ACK:
        on_ack(uplink, message->ack.committed);
        return;
    case MESSAGE_CERTIFICATES_WANTED:
        on_certificates_wanted(uplink, message);
        return;
    case MESSAGE_RENEW_ANSWER:
        session_renewed(uplink, message);
        return;
    case MESSAGE_HELLO:
    case MESSAGE_WELCOME:
    case MESSAGE_PING:
    case MESSAGE_LIST_WANTED:
    case MESSAGE_BATCH:
    case MESSAGE_CERTIFICATES:
    case MESSAGE_GOODBYE:
    case MESSAGE_ENROL_REQUEST:
    case MESSAGE_ENROL_ANSWER:
    case MESSAGE_RENEW_REQUEST:
    case MESSAGE_PACKED:
        session_leave(uplink, GOODBYE_PROTOCOL, "a message that a collector does not send");
        return;
    }
}

void session_message(struct uplink *uplink, const struct message *message)
{
    if (message->kind == MESSAGE_GOODBYE)
        on_goodbye(uplink, message);
    else if (uplink->state == UPLINK_LIVE)
        session_live(uplink, message);
    else if (uplink->state == UPLINK_GREETING && message->kind == MESSAGE_WELCOME)
        on_welcome(uplink, message);
    else if (uplink->state == UPLINK_GREETING)
        session_leave(uplink, GOODBYE_PROTOCOL, "a message before the welcome");
}

void uplink_want_list(struct uplink *uplink, const uint8_t sha256[PLAN_SHA256_BYTES])
{
    struct message wanted = {.kind = MESSAGE_LIST_WANTED};
    memcpy(wanted.list_wanted.sha256, sha256, PLAN_SHA256_BYTES);
    if (uplink->state == UPLINK_LIVE)
        (void)channel_send(uplink->channel, &wanted);
}

#include "ingest/session_parts.h"

#include "link/clock.h"
#include "link/pki.h"
#include "log.h"
#include "outlet/metrics.h"
#include "words/units.h"
#include "words/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One session for each channel.
 *
 *                        EnrolRequest, no certificate
 *            +--> FRESH ------------------------------> ENROLLING --EnrolAnswer, or why not--+
 *    accept--+      |                                                                        |
 *                   | Hello, with a certificate                                              |
 *                   v                                                                        v
 *                OPENING --known, in force: Welcome--> OPEN --------- Goodbye ----------> LEAVING --> closed
 *                   |                                   |                                    ^
 *                   |                                   +-- Ping: Pong at once               |
 *                   |                                   +-- Batch: to ingest; Ack later      |
 *                   |                                   +-- ListWanted: the list             |
 *                   |                                   +-- Certificates: stored             |
 *                   |                                   +-- RenewRequest: see renew.c        |
 *                   +-- revoked, replaced, unknown ------------------------------------------+
 *
 * A message that is not named at its state breaks the protocol: Goodbye, one line in the log, closed. Reading stops
 * while ingest holds more than SESSION_MAX_WAITING records of the session.
 *
 * The session is freed when its channel is closed and neither the database nor ingest refers to it any more.
 */

static void session_free_if_over(struct session *session)
{
    struct session_hub *hub = session->hub;
    if (session->channel != NULL || session->turns > 0 || session->source.refs > 0)
        return;
    *session->at = session->next;
    if (session->next != NULL)
        session->next->at = session->at;
    free(session->asked);
    free(session);
    hub->count--;
    if (hub->count == 0)
        hub->on_empty(hub->arg);
}

bool session_turn(struct session *session, const struct pg_turn *turn)
{
    if (!pg_submit(session->hub->pg, turn))
        return false;
    session->turns++;
    session->hub->turns++;
    return true;
}

void session_turn_over(struct session *session)
{
    session->turns--;
    session->hub->turns--;
    session_free_if_over(session);
}

void session_count_refused(const char *reason)
{
    metrics_add(metrics_here(), METRIC_REFUSED, LABELS(reason), 1);
}

bool session_overloaded(struct session *session)
{
    if (session->hub->turns < SESSION_MAX_TURNS)
        return false;
    session_log(session, "session from %s: sent away, because too much waits for the database",
                session->peer);
    session_goodbye(session, GOODBYE_OVERLOADED,
                    "too much waits for the collector's database; come back later");
    return true;
}

bool session_send(struct session *session, const struct message *message)
{
    return session->channel != NULL && channel_send(session->channel, message);
}

void session_goodbye(struct session *session, enum goodbye_reason reason, const char *text)
{
    struct message message = {.kind = MESSAGE_GOODBYE, .goodbye = {.reason = reason, .text = text}};
    if (session->state == SESSION_LEAVING || session->channel == NULL)
        return;
    session->state = SESSION_LEAVING;
    session->source.gone = true;
    if (reason != GOODBYE_SHUTDOWN && reason != GOODBYE_OTHER)
        session_count_refused(goodbye_reason_name((int)reason));
    if (channel_send(session->channel, &message))
        channel_close(session->channel);
}

static const char *session_who(const struct session *session)
{
    return session->name[0] == '\0' ? session->peer : session->name;
}

void session_breach(struct session *session, const char *rule)
{
    session_log(session, "session %s: refused: %s", session_who(session), rule);
    session_goodbye(session, GOODBYE_PROTOCOL, rule);
}

/* --- from stranger to vantage --- */

static void session_leave_door(struct session *session)
{
    if (session->stranger)
        door_leave(&session->hub->door, &session->address);
    session->stranger = false;
}

void session_known(struct session *session)
{
    session->state = SESSION_OPEN;
    session_leave_door(session);
    channel_known(session->channel);
    session_set_reading(session);
}

/* --- messages --- */

static void session_spooled(const struct session *session, uint64_t spooled)
{
    if (session->state == SESSION_OPEN) /* its name is that of a vantage we know */
        metrics_set(metrics_here(), METRIC_SPOOLED, LABELS(session->name), (double)spooled);
}

/* @return false when it asks more than an agent has to; the session is over then. */
static bool session_may_ask(struct session *session)
{
    uint64_t now_ms = uv_now(session->hub->loop);
    uint64_t more = (now_ms - session->asked_ms) / SESSION_ASK_MS;
    session->asks = more >= SESSION_ASKS - session->asks ? SESSION_ASKS : session->asks + (unsigned)more;
    session->asked_ms += more * SESSION_ASK_MS;
    if (session->asks > 0) {
        session->asks--;
        return true;
    }
    session_breach(session, "more pings and wanted lists than an agent needs");
    return false;
}

static void session_ping(struct session *session, const struct message *message, int64_t received_us)
{
    if (!session_may_ask(session))
        return;
    struct message pong = {.kind = MESSAGE_PONG,
                           .pong = {.sent_us = message->ping.sent_us, .received_us = received_us}};
    pong.pong.answered_us = clock_wall_us();
    (void)session_send(session, &pong);
    session_spooled(session, message->ping.spooled);
}

/* What the database takes as text; a quarter fits even when every byte has to be escaped. */
static void session_copy_text(char out[SESSION_TEXT_BYTES], const char *text)
{
    struct buf clean;
    buf_init(&clean, SESSION_TEXT_BYTES - 1);
    if (utf8_clean(&clean, text, strnlen(text, SESSION_TEXT_BYTES / 4 - 1)) && clean.len > 0)
        memcpy(out, clean.data, clean.len + 1);
    buf_done(&clean);
}

static void session_hello(struct session *session, const struct message *message)
{
    if (session->name[0] == '\0') {
        session_breach(session, "Hello without a certificate; enrol first");
        return;
    }
    if (message->hello.protocol != LINK_PROTOCOL) {
        session_log(session, "session %s: protocol %" PRIu32 ", expected %d", session->name,
                    message->hello.protocol, LINK_PROTOCOL);
        session_goodbye(session, GOODBYE_VERSION, "this collector speaks protocol 1");
        return;
    }
    if (session_overloaded(session))
        return;
    session->promised = message->hello.next_sequence;
    session_copy_text(session->agent_version, message->hello.agent_version);
    session_copy_text(session->tls_library, message->hello.tls_library);
    session->state = SESSION_OPENING;
    session_open(session);
}

/*
 * Sequences ascend, over all batches of a session. Their upper half is the epoch of the spool: what it said in its Hello, or, when
 * the collector knew of a later one, the one after that. Any other is not of this vantage's spool.
 */
static bool session_sequences(struct session *session, const struct record *records, size_t count)
{
    uint64_t epoch = session->promised >> 32, next = (session->committed >> 32) + 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t sequence = record_sequence(&records[i]);
        if (sequence <= session->heard || sequence > INT64_MAX) {
            session_breach(session, "a batch whose sequences do not ascend");
            return false;
        }
        if (sequence >> 32 > epoch && sequence >> 32 > next) {
            session_breach(session, "a batch whose sequences are of an epoch that is not the spool's");
            return false;
        }
        session->heard = sequence;
    }
    return true;
}

static void session_batch(struct session *session, struct message *message)
{
    size_t count = message->batch.count;
    if (!session_sequences(session, message->batch.records, count) || count == 0)
        return;
    if (ingest_batch(session->hub->ingest, &session->source, message->batch.records, count))
        session_set_reading(session);
    else
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector is out of memory");
}

static void session_peer_left(struct session *session, const struct message *message)
{
    session_log(session, "session %s: leaves (%s): %.*s", session_who(session),
                goodbye_reason_name((int)message->goodbye.reason), SESSION_PEER_TEXT_BYTES,
                message->goodbye.text);
    session->state = SESSION_LEAVING;
    session->source.gone = true;
    channel_close(session->channel);
}

/* Long sessions end with the certificate that opened them, unless it is renewed. */
static bool session_has_ended(struct session *session, int64_t now_us)
{
    char ended[UNITS_TIME_BYTES], text[128];
    if (session->state != SESSION_OPEN || now_us < session->certificate_ends_us)
        return false;
    (void)snprintf(text, sizeof text, "the certificate of this vantage ended on %s",
                   time_rfc3339(session->certificate_ends_us, 0, ended));
    log_line("session %s: cut: %s", session->name, text);
    metrics_add(metrics_here(), METRIC_REFUSED, LABELS("certificate-ended"), 1);
    session_goodbye(session, GOODBYE_OTHER, text);
    return true;
}

static void session_open_message(struct session *session, struct message *message)
{
    if (message->kind == MESSAGE_BATCH)
        session_batch(session, message);
    else if (message->kind == MESSAGE_LIST_WANTED && session_may_ask(session))
        session->hub->on_list_wanted(session, message->list_wanted.sha256, session->hub->arg);
    else if (message->kind == MESSAGE_CERTIFICATES)
        session_certificates(session, message->certificates.der, message->certificates.count);
    else if (message->kind == MESSAGE_RENEW_REQUEST)
        renew(session, message);
    else if (message->kind == MESSAGE_HELLO)
        session_breach(session, "a second Hello");
    else if (session->state == SESSION_OPEN)
        session_breach(session, "a message that only a collector sends");
}

static void session_early(struct session *session, enum message_kind kind)
{
    char rule[80];
    (void)snprintf(rule, sizeof rule, "a message before its time (%s)", message_kind_name((int)kind));
    session_breach(session, rule);
}

static void session_on_message(struct channel *channel, struct message *message, void *arg)
{
    struct session *session = arg;
    int64_t received_us = clock_wall_us();
    bool known = session->state == SESSION_OPEN || session->state == SESSION_OPENING;
    (void)channel;
    if (session->state == SESSION_LEAVING || session_has_ended(session, received_us))
        return;
    if (message->kind == MESSAGE_GOODBYE)
        session_peer_left(session, message);
    else if (message->kind == MESSAGE_PING && known)
        session_ping(session, message, received_us);
    else if (session->state == SESSION_OPEN)
        session_open_message(session, message);
    else if (session->state == SESSION_FRESH && message->kind == MESSAGE_HELLO)
        session_hello(session, message);
    else if (session->state == SESSION_FRESH && message->kind == MESSAGE_ENROL_REQUEST &&
             session->name[0] == '\0')
        enrol(session, message);
    else
        session_early(session, message->kind);
}

/* --- what ingest says --- */

static void session_stored(struct ingest_source *source, uint64_t committed)
{
    struct session *session = (struct session *)source;
    struct message ack = {.kind = MESSAGE_ACK, .ack = {.committed = committed}};
    session->acked = committed;
    (void)session_send(session, &ack);
    session_set_reading(session);
}

static void session_refused(struct ingest_source *source, const char *why)
{
    struct session *session = (struct session *)source;
    log_line("session %s: its batch cannot be stored: %s", session->name, why);
    session_count_refused("batch");
    session_goodbye(session, GOODBYE_OTHER, "the database does not take the batch; see the collector's log");
    ingest_forget(session->hub->ingest, source);
}

static void session_on_replaced(struct ingest_source *source)
{
    struct session *session = (struct session *)source;
    session_replaced(session);
    ingest_forget(session->hub->ingest, source);
}

static void session_released(struct ingest_source *source)
{
    session_free_if_over((struct session *)source);
}

static void session_lied(struct ingest_source *source, const struct refused_note *note)
{
    char rule[192], more[64] = "";
    if (note->count > 1)
        (void)snprintf(more, sizeof more, " (and %zu more records are refused)", note->count - 1);
    (void)snprintf(rule, sizeof rule, "record %" PRIu64 " cannot be true: %s%s", note->sequence,
                   refusal_text(note->refusal), more);
    session_breach((struct session *)source, rule);
}

/* --- beginning and end --- */

static void session_on_open(struct channel *channel, void *arg)
{
    struct session *session = arg;
    X509 *certificate = channel_peer_certificate(channel);
    if (certificate == NULL)
        return;
    int64_t signed_s = 0, ends_s = 0;
    if (!pki_vantage_name(certificate, session->name, sizeof session->name) ||
        !pki_fingerprint(certificate, session->fingerprint) || !pki_times(certificate, &signed_s, &ends_s))
        session_breach(session, "a certificate that names no vantage");
    session->certificate_ends_us = ends_s * US_PER_S;
}

/* What of a channel's ends is the peer's fault: a word for a label. */
static const char *session_failure_id(enum channel_failure failure)
{
    static const char *const ids[] = {[CHANNEL_TLS_FAILED] = "tls",
                                      [CHANNEL_BAD_FRAME] = "frame",
                                      [CHANNEL_TIMED_OUT] = "timeout",
                                      [CHANNEL_TOO_SLOW] = "slow",
                                      [CHANNEL_OVERFLOW] = "overflow"};
    return failure < sizeof ids / sizeof ids[0] ? ids[failure] : NULL;
}

static void session_on_closed(struct channel *channel, enum channel_failure failure, const char *why,
                              void *arg)
{
    struct session *session = arg;
    (void)channel;
    session->channel = NULL;
    session->source.gone = true;
    session_leave_door(session);
    if (session->state != SESSION_LEAVING && session_failure_id(failure) != NULL)
        session_count_refused(session_failure_id(failure));
    if (failure != CHANNEL_CLOSED_BY_US && session->state != SESSION_LEAVING)
        session_log(session, "session %s: %s", session_who(session), why);
    session->state = SESSION_LEAVING;
    session->turns++; /* stay until the end of this function */
    session->hub->turns++;
    session_note_closed(session);
    ingest_forget(session->hub->ingest, &session->source);
    session_turn_over(session);
}

static bool session_on_caller(const struct address *address, void *arg)
{
    struct session *session = arg;
    struct session_hub *hub = session->hub;
    size_t limit = hub->limit > 0 ? hub->limit : SESSION_MAX;
    session->address = *address;
    (void)address_text(address, session->peer);
    enum door_answer answer = hub->count >= limit ? DOOR_FULL : door_enter(&hub->door, address);
    const char *why = hub->count >= limit ? "session-limit" : door_answer_name(answer);
    session->stranger = answer == DOOR_OPEN;
    if (session->stranger)
        return true;
    session_count_refused(why);
    session_log(session, "connection from %s: refused: %s", session->peer, why);
    return false;
}

/* What a stranger may say is small, and is said soon. */
static const struct channel_limits session_limits = {
    .handshake_timeout_ms = 10000,
    .idle_timeout_ms = 90000,
    .max_queued_bytes = 8 * 1024 * 1024,  /* twice the largest frame */
    .max_payload_bytes = 2 * 1024 * 1024, /* an agent's batches are of 512 KiB, its certificates of 1 MiB */
    .frame_timeout_ms = 60000,
    .first_timeout_ms = 10000,
    .stranger_payload_bytes = 64 * 1024,
};

bool session_accept(struct session_hub *hub, uv_stream_t *listener)
{
    static const struct channel_handlers handlers = {.on_open = session_on_open,
                                                     .on_message = session_on_message,
                                                     .on_closed = session_on_closed,
                                                     .on_caller = session_on_caller};
    struct session *session = calloc(1, sizeof *session);
    bool waits = false;
    if (session == NULL)
        return false;
    session->hub = hub;
    session->asks = SESSION_ASKS;
    session->asked_ms = uv_now(hub->loop);
    session->source = (struct ingest_source){.stored = session_stored,
                                             .wanted = session_wanted,
                                             .refused = session_refused,
                                             .replaced = session_on_replaced,
                                             .released = session_released,
                                             .lied = session_lied};
    session->channel = channel_accept(listener, hub->context, &session_limits, &handlers, session, &waits);
    if (session->channel == NULL) {
        session_leave_door(session);
        free(session);
        return !waits;
    }
    session->next = hub->first;
    session->at = &hub->first;
    if (hub->first != NULL)
        hub->first->at = &session->next;
    hub->first = session;
    hub->count++;
    return true;
}

struct session *session_next(const struct session *session)
{
    return session->next;
}

bool session_is_open(const struct session *session)
{
    return session->state == SESSION_OPEN;
}

int32_t session_vantage(const struct session *session)
{
    return session->source.vantage_id;
}

const char *session_name(const struct session *session)
{
    return session->name;
}

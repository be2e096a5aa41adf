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
    return true;
}

void session_turn_over(struct session *session)
{
    session->turns--;
    session_free_if_over(session);
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
        metrics_add(metrics_here(), METRIC_REFUSED, LABELS(goodbye_reason_name((int)reason)), 1);
    if (channel_send(session->channel, &message))
        channel_close(session->channel);
}

static const char *session_who(const struct session *session)
{
    return session->name[0] == '\0' ? session->peer : session->name;
}

void session_breach(struct session *session, const char *rule)
{
    log_line("session %s: %s", session_who(session), rule);
    session_goodbye(session, GOODBYE_PROTOCOL, rule);
}

/* --- messages --- */

static void session_spooled(const struct session *session, uint64_t spooled)
{
    if (session->state == SESSION_OPEN) /* its name is that of a vantage we know */
        metrics_set(metrics_here(), METRIC_SPOOLED, LABELS(session->name), (double)spooled);
}

static void session_ping(struct session *session, const struct message *message, int64_t received_us)
{
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
        log_line("session %s: protocol %" PRIu32 ", expected %d", session->name, message->hello.protocol,
                 LINK_PROTOCOL);
        session_goodbye(session, GOODBYE_VERSION, "this collector speaks protocol 1");
        return;
    }
    session_copy_text(session->agent_version, message->hello.agent_version);
    session_copy_text(session->tls_library, message->hello.tls_library);
    session->state = SESSION_OPENING;
    session_open(session);
}

static void session_batch(struct session *session, struct message *message)
{
    size_t count = message->batch.count;
    struct record *records = message->batch.records;
    uint64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t sequence = record_sequence(&records[i]);
        if (sequence <= before || sequence > INT64_MAX) {
            session_breach(session, "a batch whose sequences do not ascend");
            return;
        }
        before = sequence;
    }
    if (count == 0)
        return;
    if (!ingest_batch(session->hub->ingest, &session->source, records, count)) {
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector is out of memory");
        return;
    }
    if (session->source.waiting >= SESSION_MAX_WAITING && session->channel != NULL) {
        session->paused = true;
        channel_pause(session->channel);
    }
}

static void session_peer_left(struct session *session, const struct message *message)
{
    log_line("session %s: leaves (%s): %s", session_who(session),
             goodbye_reason_name((int)message->goodbye.reason), message->goodbye.text);
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
    else if (message->kind == MESSAGE_LIST_WANTED)
        session->hub->on_list_wanted(session, message->list_wanted.sha256, session->hub->arg);
    else if (message->kind == MESSAGE_CERTIFICATES)
        session_certificates(session, message->certificates.der, message->certificates.count);
    else if (message->kind == MESSAGE_RENEW_REQUEST)
        renew(session, message);
    else
        session_breach(session, "a message that only a collector sends, or a second Hello");
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
        session_breach(session, "a message before its time");
}

/* --- what ingest says --- */

static void session_stored(struct ingest_source *source, uint64_t committed)
{
    struct session *session = (struct session *)source;
    struct message ack = {.kind = MESSAGE_ACK, .ack = {.committed = committed}};
    (void)session_send(session, &ack);
    if (session->paused && source->waiting < SESSION_MAX_WAITING && session->channel != NULL) {
        session->paused = false;
        channel_resume(session->channel);
    }
}

static bool session_has_asked(const struct session *session, const uint8_t hash[32])
{
    for (size_t i = 0; i < session->asked_count; i++)
        if (memcmp(session->asked[i], hash, 32) == 0)
            return true;
    return false;
}

static void session_wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    struct session *session = (struct session *)source;
    size_t first = session->asked_count;
    for (size_t i = 0; i < count && session->asked_count < SESSION_MAX_ASKED; i++)
        if (!session_has_asked(session, sha256[i]))
            memcpy(session->asked[session->asked_count++], sha256[i], 32);
    struct message wanted = {
        .kind = MESSAGE_CERTIFICATES_WANTED,
        .certificates_wanted = {.count = session->asked_count - first, .sha256 = session->asked + first}};
    if (session->asked_count > first)
        (void)session_send(session, &wanted);
}

static void session_refused(struct ingest_source *source, const char *why)
{
    struct session *session = (struct session *)source;
    log_line("session %s: its batch cannot be stored: %s", session->name, why);
    metrics_add(metrics_here(), METRIC_REFUSED, LABELS("batch"), 1);
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

static void session_dropped(struct ingest_source *source, size_t count)
{
    const char *name = ((struct session *)source)->name;
    metrics_add(metrics_here(), METRIC_RECORDS_REFUSED, LABELS(name), (double)count);
    log_line("session %s: dropped %zu attempts on endpoints that do not exist, or at impossible times", name,
             count);
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

static void session_on_closed(struct channel *channel, enum channel_failure failure, const char *why,
                              void *arg)
{
    struct session *session = arg;
    (void)channel;
    session->channel = NULL;
    session->source.gone = true;
    if (failure == CHANNEL_TLS_FAILED || failure == CHANNEL_BAD_FRAME)
        metrics_add(metrics_here(), METRIC_REFUSED, LABELS(failure == CHANNEL_TLS_FAILED ? "tls" : "frame"),
                    1);
    if (failure != CHANNEL_CLOSED_BY_US && session->state != SESSION_LEAVING)
        log_line("session %s: %s", session_who(session), why);
    session->state = SESSION_LEAVING;
    session->turns++; /* stay until the end of this function */
    session_note_closed(session);
    ingest_forget(session->hub->ingest, &session->source);
    session_turn_over(session);
}

void session_accept(struct session_hub *hub, uv_stream_t *listener)
{
    static const struct channel_handlers handlers = {
        .on_open = session_on_open, .on_message = session_on_message, .on_closed = session_on_closed};
    struct session *session = calloc(1, sizeof *session);
    struct address address;
    if (session == NULL)
        return;
    session->channel = channel_accept(listener, hub->context, &channel_default_limits, &handlers, session);
    if (session->channel == NULL) {
        free(session);
        return;
    }
    session->hub = hub;
    session->source = (struct ingest_source){.stored = session_stored,
                                             .wanted = session_wanted,
                                             .refused = session_refused,
                                             .replaced = session_on_replaced,
                                             .released = session_released,
                                             .dropped = session_dropped};
    channel_peer_address(session->channel, &address, &(uint16_t){0});
    (void)address_text(&address, session->peer);
    session->next = hub->first;
    session->at = &hub->first;
    if (hub->first != NULL)
        hub->first->at = &session->next;
    hub->first = session;
    hub->count++;
    if (hub->count > SESSION_MAX)
        channel_close(session->channel);
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

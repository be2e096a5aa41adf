#include "ingest/session_parts.h"

#include "link/pack.h"
#include "log.h"
#include "store/array.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What sessions ask the database: who a vantage is, that it has gone, and who is still welcome. */

/* --- opening --- */

static void open_refused(struct pg *pg, PGresult *result, void *arg)
{
    struct session *session = arg;
    (void)pg;
    session->refusal_reason = GOODBYE_REVOKED;
    if (PQntuples(result) == 0)
        (void)snprintf(session->refusal, sizeof session->refusal,
                       "this collector knows no vantage of this name");
    else if (PQgetisnull(result, 0, 0) == 0)
        (void)snprintf(session->refusal, sizeof session->refusal, "the vantage was revoked on %s",
                       PQgetvalue(result, 0, 0));
    else
        (void)snprintf(session->refusal, sizeof session->refusal,
                       "the certificate was replaced by a newer one of this vantage");
}

static void open_found(struct pg *pg, PGresult *result, void *arg)
{
    struct session *session = arg;
    if (PQntuples(result) == 0) {
        const char *values[] = {session->name};
        pg_exec(pg, STATEMENT_session_refused, values, 1, open_refused);
        return;
    }
    session->source.vantage = session->name;
    session->source.vantage_id = (int32_t)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    session->source.networks = session->hub->networks;
    session->source.asn = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    session->acked = session->committed = strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    session->source.session = strtoll(PQgetvalue(result, 0, 3), NULL, 10);
    session->admitted = true;
}

static void open_start(struct pg *pg, void *arg)
{
    struct session *session = arg;
    struct address address = {0};
    char fingerprint[2 + 64 + 1] = "\\x";
    char asn[24], collector[24];
    (void)address_parse(session->peer, &address);
    struct network network = network_of(session->hub->networks, &address);
    (void)hex_text(session->fingerprint, 32, fingerprint + 2);
    (void)snprintf(asn, sizeof asn, "%" PRId64, network.asn);
    (void)snprintf(collector, sizeof collector, "%" PRId64, session->hub->collector_id);
    session->refusal[0] = '\0';
    session->admitted = false;
    const char *values[] = {session->name,
                            fingerprint,
                            session->peer[0] == '\0' ? NULL : session->peer,
                            network.asn == 0 ? NULL : asn,
                            network.prefix[0] == '\0' ? NULL : network.prefix,
                            network.country[0] == '\0' ? NULL : network.country,
                            session->agent_version,
                            session->tls_library,
                            collector};
    pg_exec(pg, STATEMENT_session_open, values, 9, open_found);
}

static const struct session *session_newer(const struct session *session)
{
    for (const struct session *other = session->hub->first; other != NULL; other = other->next)
        if (other->admitted && other->source.vantage_id == session->source.vantage_id &&
            other->source.session > session->source.session)
            return other;
    return NULL;
}

/* The newer session of a vantage wins: the older is likely a connection whose other end is gone. */
void session_replaced(struct session *session)
{
    const struct session *newer = session_newer(session);
    session->admitted = false; /* the vantage is connected, but not with it */
    session_log(session, "session %s: the one from %s is replaced by a newer one %s%s", session->name,
                session->peer, newer == NULL ? "at another collector" : "from ",
                newer == NULL ? "" : newer->peer);
    session_goodbye(session, GOODBYE_REPLACED, "a newer session of this vantage took over");
}

void session_check_newer(struct session_hub *hub, int32_t vantage_id, int64_t number)
{
    for (struct session *session = hub->first; session != NULL; session = session->next)
        if (session->admitted && session->source.vantage_id == vantage_id && session->source.session < number)
            session_replaced(session);
}

/* The fewer there are, the more is kept of each (link/pack.h). */
static uint32_t open_history(size_t sessions)
{
    size_t share = SESSION_HISTORY_BYTES / (sessions > 0 ? sessions : 1);
    if (share > PACK_MOST_BYTES)
        return PACK_MOST_BYTES;
    return share < PACK_LEAST_BYTES ? PACK_LEAST_BYTES : (uint32_t)share;
}

static void open_welcome(struct session *session)
{
    uint32_t history = open_history(session->hub->count);
    struct message welcome = {.kind = MESSAGE_WELCOME,
                              .welcome = {.protocol = LINK_PROTOCOL,
                                          .vantage = session->name,
                                          .committed = session->committed,
                                          .collector_version = PARALLAX_VERSION,
                                          .history_bytes = history}};
    session_check_newer(session->hub, session->source.vantage_id, session->source.session);
    session_log(session, "session %s: open, from %s, agent %s, committed %" PRIu64, session->name,
                session->peer, session->agent_version, session->committed);
    session_known(session);
    channel_pack_history(session->channel, 0, history);
    if (session_send(session, &welcome))
        session->hub->on_joined(session, session->hub->arg);
}

static void open_end(bool committed, const char *why, void *arg)
{
    struct session *session = arg;
    session->admitted = session->admitted && committed;
    if (session->state == SESSION_OPENING && session->admitted) {
        open_welcome(session);
    } else if (session->state == SESSION_OPENING && committed) {
        session_log(session, "session %s: refused: %s", session->name, session->refusal);
        session_goodbye(session, session->refusal_reason, session->refusal);
    } else if (session->state == SESSION_OPENING) {
        session_log(session, "session %s: not opened: %s", session->name, why);
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector's database is away; come back later");
    } else {
        session_note_closed(session); /* it left meanwhile */
    }
    session_turn_over(session);
}

void session_open(struct session *session)
{
    struct pg_turn turn = {.start = open_start, .end = open_end, .arg = session};
    if (!session_turn(session, &turn))
        session_goodbye(session, GOODBYE_SHUTDOWN, "the collector is stopping");
}

/* --- closing --- */

static void closed_start(struct pg *pg, void *arg)
{
    struct session *session = arg;
    char id[16], number[24], collector[24];
    (void)snprintf(id, sizeof id, "%" PRId32, session->source.vantage_id);
    (void)snprintf(number, sizeof number, "%" PRId64, session->source.session);
    (void)snprintf(collector, sizeof collector, "%" PRId64, session->hub->collector_id);
    const char *values[] = {id, number, collector};
    pg_exec(pg, STATEMENT_session_closed, values, 3, NULL);
}

static void closed_end(bool committed, const char *why, void *arg)
{
    (void)committed, (void)why;
    session_turn_over(arg);
}

void session_note_closed(struct session *session)
{
    struct pg_turn turn = {.start = closed_start, .end = closed_end, .arg = session};
    if (!session->admitted || session->channel != NULL)
        return;
    session->admitted = false;
    (void)session_turn(session, &turn); /* while stopping, all are noted at once */
}

/* --- who is still welcome --- */

/* The row of a session's vantage, which are ascending by id; -1 when it is not in force. */
static int valid_row(const PGresult *result, const struct session *session)
{
    int low = 0, high = PQntuples(result) - 1;
    while (low <= high) {
        int middle = low + (high - low) / 2;
        long id = strtol(PQgetvalue(result, middle, 0), NULL, 10);
        if (id == session->source.vantage_id)
            return middle;
        if (id < session->source.vantage_id)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

static void valid_check(struct session *session, const PGresult *result)
{
    char fingerprint[65];
    int row = valid_row(result, session);
    (void)hex_text(session->fingerprint, 32, fingerprint);
    if (row < 0 || strcmp(PQgetvalue(result, row, 1), fingerprint) != 0) {
        log_line("session %s: cut, because the vantage was revoked or enrolled anew", session->name);
        session_goodbye(session, GOODBYE_REVOKED, "the vantage was revoked, or enrolled anew");
    } else if (strtoll(PQgetvalue(result, row, 2), NULL, 10) > session->source.session) {
        session_replaced(session);
    }
}

static void valid_known(struct pg *pg, PGresult *result, void *arg)
{
    struct session_hub *hub = arg;
    (void)pg;
    for (struct session *session = hub->first; session != NULL; session = session->next)
        if (session->state == SESSION_OPEN)
            valid_check(session, result);
}

static void valid_start(struct pg *pg, void *arg)
{
    struct session_hub *hub = arg;
    hub->checking = false; /* what is notified from now on is not in the answer */
    pg_exec(pg, STATEMENT_session_valid, NULL, 0, valid_known);
}

static void valid_end(bool committed, const char *why, void *arg)
{
    struct session_hub *hub = arg;
    hub->checking = false;
    if (!committed && why[0] != '\0')
        log_line("vantages were not checked: %s", why);
}

void session_check_all(struct session_hub *hub, struct pg *pg)
{
    struct pg_turn turn = {.start = valid_start, .end = valid_end, .arg = hub};
    if (!hub->checking)
        hub->checking = pg_submit(pg, &turn);
}

/* --- sessions of a collector that was taken for dead --- */

static void hold_start(struct pg *pg, void *arg)
{
    const struct session_hub *hub = arg;
    struct buf ids, numbers;
    char collector[24];
    array_begin(&ids);
    array_begin(&numbers);
    for (const struct session *session = hub->first; session != NULL; session = session->next) {
        if (!session->admitted)
            continue;
        (void)array_number(&ids, session->source.vantage_id);
        (void)array_number(&numbers, session->source.session);
    }
    (void)snprintf(collector, sizeof collector, "%" PRId64, hub->collector_id);
    char *params[] = {array_take(&ids), array_take(&numbers)};
    const char *values[] = {collector, params[0], params[1]};
    if (params[0] != NULL && params[1] != NULL)
        pg_exec(pg, STATEMENT_session_hold, values, 3, NULL);
    else
        pg_abandon(pg, "out of memory");
    free(params[0]);
    free(params[1]);
}

static void hold_end(bool committed, const char *why, void *arg)
{
    (void)arg;
    if (!committed && why[0] != '\0')
        log_line("sessions were not noted again: %s", why);
}

void session_hold_all(struct session_hub *hub, struct pg *pg)
{
    struct pg_turn turn = {.start = hold_start, .end = hold_end, .arg = hub};
    (void)pg_submit(pg, &turn);
}

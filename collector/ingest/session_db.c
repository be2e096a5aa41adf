#include "ingest/session_parts.h"

#include "log.h"
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
                       "the certificate was replaced by a newer enrolment of this vantage");
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
    session->committed = strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    session->admitted = true;
}

static void open_start(struct pg *pg, void *arg)
{
    struct session *session = arg;
    struct address address = {0};
    char fingerprint[2 + 64 + 1] = "\\x";
    char asn[24];
    (void)address_parse(session->peer, &address);
    struct network network = network_of(session->hub->networks, &address);
    (void)hex_text(session->fingerprint, 32, fingerprint + 2);
    (void)snprintf(asn, sizeof asn, "%" PRId64, network.asn);
    session->refusal[0] = '\0';
    session->admitted = false;
    const char *values[] = {session->name,
                            fingerprint,
                            session->peer[0] == '\0' ? NULL : session->peer,
                            network.asn == 0 ? NULL : asn,
                            network.prefix[0] == '\0' ? NULL : network.prefix,
                            network.country[0] == '\0' ? NULL : network.country,
                            session->agent_version,
                            session->tls_library};
    pg_exec(pg, STATEMENT_session_open, values, 8, open_found);
}

/* The newer session of a vantage wins: the older is likely a connection whose other end is gone. */
static void open_replace_older(struct session *session)
{
    for (struct session *other = session->hub->first; other != NULL; other = other->next) {
        if (other == session || !other->admitted || other->source.vantage_id != session->source.vantage_id)
            continue;
        other->admitted = false;
        session_log(session, "session %s: the one from %s is replaced by a newer one from %s", session->name,
                    other->peer, session->peer);
        session_goodbye(other, GOODBYE_REPLACED, "a newer session of this vantage took over");
    }
}

static void open_welcome(struct session *session)
{
    struct message welcome = {.kind = MESSAGE_WELCOME,
                              .welcome = {.protocol = LINK_PROTOCOL,
                                          .vantage = session->name,
                                          .committed = session->committed,
                                          .collector_version = PARALLAX_VERSION}};
    open_replace_older(session);
    session_log(session, "session %s: open, from %s, agent %s, committed %" PRIu64, session->name,
                session->peer, session->agent_version, session->committed);
    session_known(session);
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
    char id[16];
    (void)snprintf(id, sizeof id, "%" PRId32, session->source.vantage_id);
    const char *values[] = {id};
    pg_exec(pg, STATEMENT_session_closed, values, 1, NULL);
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

static bool valid_has(const PGresult *result, const struct session *session)
{
    char fingerprint[65];
    (void)hex_text(session->fingerprint, 32, fingerprint);
    for (int row = 0; row < PQntuples(result); row++)
        if (strtol(PQgetvalue(result, row, 0), NULL, 10) == session->source.vantage_id)
            return strcmp(PQgetvalue(result, row, 1), fingerprint) == 0;
    return false;
}

static void valid_known(struct pg *pg, PGresult *result, void *arg)
{
    struct session_hub *hub = arg;
    (void)pg;
    for (struct session *session = hub->first; session != NULL; session = session->next) {
        if (session->state != SESSION_OPEN || valid_has(result, session))
            continue;
        log_line("session %s: cut, because the vantage was revoked or enrolled anew", session->name);
        session_goodbye(session, GOODBYE_REVOKED, "the vantage was revoked, or enrolled anew");
    }
}

static void valid_start(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_session_valid, NULL, 0, valid_known);
}

static void valid_end(bool committed, const char *why, void *arg)
{
    (void)arg;
    if (!committed && why[0] != '\0')
        log_line("vantages were not checked: %s", why);
}

void session_check_all(struct session_hub *hub)
{
    struct pg_turn turn = {.start = valid_start, .end = valid_end, .arg = hub};
    (void)pg_submit(hub->pg, &turn);
}

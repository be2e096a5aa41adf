#include "ingest/session_parts.h"

#include "link/clock.h"
#include "link/pki.h"
#include "log.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A vantage asks, in its session, for a certificate for a new key. Whatever its request's subject says, the certificate
 * names the vantage whose session this is. The answer goes out after the commit; from then on the old and the new
 * certificate are both in force, until a session shows the new one (session_open.sql). So an agent that dies before it has
 * the answer on disk comes back with the old one and asks again, and its new request replaces what was never fetched.
 */

enum { RENEW_AT_MOST_EVERY_S = 60 };

struct renewal {
    struct session *session;
    EVP_PKEY *key; /* of the agent */
    X509 *certificate;
    char key_sha256[SESSION_HASH_BYTES];
    bool key_is_new;
    bool stored;
};

static void renewal_free(struct renewal *renewal)
{
    EVP_PKEY_free(renewal->key);
    X509_free(renewal->certificate);
    free(renewal);
}

static void renew_stored(struct pg *pg, PGresult *result, void *arg)
{
    struct renewal *renewal = arg;
    (void)pg;
    renewal->stored = PQntuples(result) == 1;
}

static void renew_key_used(struct pg *pg, PGresult *result, void *arg)
{
    struct renewal *renewal = arg;
    const struct session *session = renewal->session;
    uint8_t fingerprint[32];
    char id[16], ends[24], old[SESSION_HASH_BYTES] = "\\x", next[SESSION_HASH_BYTES] = "\\x";
    int64_t signed_s = 0, ends_s = 0;
    renewal->key_is_new = PQntuples(result) == 1;
    if (!renewal->key_is_new)
        return;
    renewal->certificate = session_sign(session, renewal->key, session->name);
    if (renewal->certificate == NULL || !pki_fingerprint(renewal->certificate, fingerprint) ||
        !pki_times(renewal->certificate, &signed_s, &ends_s)) {
        pg_abandon(pg, "the certificate could not be signed");
        return;
    }
    (void)hex_text(fingerprint, 32, next + 2);
    (void)hex_text(session->fingerprint, 32, old + 2);
    (void)snprintf(id, sizeof id, "%" PRId32, session->source.vantage_id);
    (void)snprintf(ends, sizeof ends, "%" PRId64, ends_s);
    const char *values[] = {id, old, next, ends};
    pg_exec(pg, STATEMENT_renew_vantage, values, 4, renew_stored);
}

static void renew_start(struct pg *pg, void *arg)
{
    struct renewal *renewal = arg;
    const char *values[] = {renewal->key_sha256};
    pg_exec(pg, STATEMENT_key_use, values, 1, renew_key_used);
}

static void renew_answer(const struct renewal *renewal)
{
    size_t length = 0;
    char *why = NULL, ended[UNITS_TIME_BYTES];
    int64_t signed_s = 0, ends_s = 0;
    char *pem = pki_certificate_pem(renewal->certificate, &length, &why);
    struct message answer = {.kind = MESSAGE_RENEW_ANSWER,
                             .renew_answer = {.certificate_pem = {(const uint8_t *)pem, length}}};
    (void)pki_times(renewal->certificate, &signed_s, &ends_s);
    if (pem != NULL && session_send(renewal->session, &answer))
        log_line("session %s: certificate renewed, until %s", renewal->session->name,
                 time_rfc3339(ends_s * US_PER_S, 0, ended));
    free(pem);
    free(why);
}

static void renew_end(bool committed, const char *why, void *arg)
{
    struct renewal *renewal = arg;
    struct session *session = renewal->session;
    if (!committed) {
        log_line("session %s: certificate not renewed: %s", session->name, why);
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector could not renew the certificate now");
    } else if (!renewal->key_is_new) {
        session_breach(session, "a certificate request for a key that was used before");
    } else if (renewal->stored) {
        renew_answer(renewal);
    } /* else it was revoked or enrolled anew meanwhile: session_check_all is on its way */
    renewal_free(renewal);
    session_turn_over(session);
}

void renew(struct session *session, const struct message *request)
{
    int64_t now_us = clock_mono_us();
    if (session->renewed_us != 0 && now_us - session->renewed_us < RENEW_AT_MOST_EVERY_S * US_PER_S) {
        session_breach(session, "more than one certificate request a minute");
        return;
    }
    session->renewed_us = now_us;
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (renewal == NULL) {
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector is out of memory");
        return;
    }
    renewal->session = session;
    renewal->key = session_csr_key(&request->renew_request.csr_der, renewal->key_sha256);
    struct pg_turn turn = {.start = renew_start, .end = renew_end, .arg = renewal};
    if (renewal->key == NULL) {
        session_breach(session,
                       "a certificate request that is malformed, or not signed by its own P-256 key");
        renewal_free(renewal);
    } else if (!session_turn(session, &turn)) {
        session_goodbye(session, GOODBYE_SHUTDOWN, "the collector is stopping");
        renewal_free(renewal);
    }
}

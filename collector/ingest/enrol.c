#include "ingest/session_parts.h"

#include "ingest/token.h"
#include "link/pki.h"
#include "log.h"
#include "words/units.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A token buys one certificate. Checking it, signing, marking it used and making the vantage are one transaction with
 * the token's row locked, so that of two agents with the same token one gets an answer and the other a refusal; and the
 * answer goes out after the commit, so that a certificate in the world is a vantage in the database.
 */
struct enrolment {
    struct session *session;
    EVP_PKEY *key; /* of the agent */
    X509 *certificate;
    char secret[SESSION_HASH_BYTES]; /* of the token */
    char key_sha256[SESSION_HASH_BYTES];
    char vantage[SESSION_NAME_BYTES];
    char refusal[160];
};

#define ENROL_AGAIN "make a new one with: parallax-collector token create"

static void enrolment_free(struct enrolment *enrolment)
{
    EVP_PKEY_free(enrolment->key);
    X509_free(enrolment->certificate);
    free(enrolment);
}

EVP_PKEY *session_csr_key(const struct bytes *csr_der, char ret_sha256[SESSION_HASH_BYTES])
{
    uint8_t digest[32];
    char *why = NULL;
    EVP_PKEY *key = pki_csr_key(csr_der->data, csr_der->length, &why);
    free(why);
    if (key == NULL || !pki_key_fingerprint(key, digest)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    (void)snprintf(ret_sha256, SESSION_HASH_BYTES, "\\x");
    (void)hex_text(digest, sizeof digest, ret_sha256 + 2);
    return key;
}

X509 *session_sign(const struct session *session, EVP_PKEY *key, const char *vantage)
{
    const struct ca *ca = session->hub->ca;
    char *why = NULL;
    X509 *certificate =
        pki_sign(ca->certificate, ca->key, key, PKI_VANTAGE, vantage, session->hub->validity_s, &why);
    if (certificate == NULL)
        log_line("certificate of %s: %s", vantage, why == NULL ? "cannot sign" : why);
    free(why);
    return certificate;
}

static void enrol_key_used(struct pg *pg, PGresult *result, void *arg)
{
    struct enrolment *enrolment = arg;
    uint8_t fingerprint[32];
    char certificate[SESSION_HASH_BYTES] = "\\x", ends[24];
    int64_t signed_s = 0, ends_s = 0;
    if (PQntuples(result) == 0) {
        (void)snprintf(enrolment->refusal, sizeof enrolment->refusal,
                       "the key was used before; make a new one");
        return;
    }
    enrolment->certificate = session_sign(enrolment->session, enrolment->key, enrolment->vantage);
    if (enrolment->certificate == NULL || !pki_fingerprint(enrolment->certificate, fingerprint) ||
        !pki_times(enrolment->certificate, &signed_s, &ends_s)) {
        pg_abandon(pg, "the certificate could not be signed");
        return;
    }
    (void)hex_text(fingerprint, 32, certificate + 2);
    (void)snprintf(ends, sizeof ends, "%" PRId64, ends_s);
    const char *values[] = {enrolment->secret, certificate, enrolment->session->agent_version, ends};
    pg_exec(pg, STATEMENT_enrol_vantage, values, 4, NULL);
}

static void enrol_token_found(struct pg *pg, PGresult *result, void *arg)
{
    struct enrolment *enrolment = arg;
    bool found = PQntuples(result) == 1;
    const char *used_at = found ? PQgetvalue(result, 0, PQfnumber(result, "used_at")) : "";
    const char *expires_at = found ? PQgetvalue(result, 0, PQfnumber(result, "expires_at")) : "";
    bool expired = found && PQgetvalue(result, 0, PQfnumber(result, "expired"))[0] == 't';
    if (!found)
        (void)snprintf(enrolment->refusal, sizeof enrolment->refusal,
                       "the token is not one of this collector's; " ENROL_AGAIN);
    else if (used_at[0] != '\0')
        (void)snprintf(enrolment->refusal, sizeof enrolment->refusal,
                       "the token was used on %s; " ENROL_AGAIN, used_at);
    else if (expired)
        (void)snprintf(enrolment->refusal, sizeof enrolment->refusal, "the token expired on %s; " ENROL_AGAIN,
                       expires_at);
    if (enrolment->refusal[0] != '\0')
        return;
    (void)snprintf(enrolment->vantage, sizeof enrolment->vantage, "%s",
                   PQgetvalue(result, 0, PQfnumber(result, "vantage")));
    const char *values[] = {enrolment->key_sha256};
    pg_exec(pg, STATEMENT_key_use, values, 1, enrol_key_used);
}

static void enrol_start(struct pg *pg, void *arg)
{
    struct enrolment *enrolment = arg;
    const char *values[] = {enrolment->secret};
    pg_exec(pg, STATEMENT_enrol_token, values, 1, enrol_token_found);
}

static bool enrol_answer(struct enrolment *enrolment)
{
    size_t certificate_length = 0, ca_length = 0;
    char *why = NULL;
    char *certificate = pki_certificate_pem(enrolment->certificate, &certificate_length, &why);
    char *ca = certificate == NULL
                   ? NULL
                   : pki_certificate_pem(enrolment->session->hub->ca->certificate, &ca_length, &why);
    struct message answer = {
        .kind = MESSAGE_ENROL_ANSWER,
        .enrol_answer = {.certificate_pem = {(const uint8_t *)certificate, certificate_length},
                         .ca_pem = {(const uint8_t *)ca, ca_length},
                         .vantage = enrolment->vantage}};
    bool sent = ca != NULL && session_send(enrolment->session, &answer);
    free(certificate);
    free(ca);
    free(why);
    return sent;
}

static void enrol_end(bool committed, const char *why, void *arg)
{
    struct enrolment *enrolment = arg;
    struct session *session = enrolment->session;
    if (committed && enrolment->refusal[0] != '\0') {
        log_line("enrolment from %s refused: %s", session->peer, enrolment->refusal);
        session_goodbye(session, GOODBYE_TOKEN, enrolment->refusal);
    } else if (committed && enrol_answer(enrolment)) {
        log_line("vantage %s enrolled from %s", enrolment->vantage, session->peer);
        session_goodbye(session, GOODBYE_OTHER, "enrolled; connect again with the certificate");
    } else {
        log_line("enrolment from %s failed: %s", session->peer, committed ? "the agent left" : why);
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector could not enrol now; try again");
    }
    enrolment_free(enrolment);
    session_turn_over(session);
}

static void enrol_refuse(struct session *session, struct enrolment *enrolment, const char *why)
{
    log_line("enrolment from %s refused: %s", session->peer, why);
    session_goodbye(session, GOODBYE_TOKEN, why);
    enrolment_free(enrolment);
}

void enrol(struct session *session, const struct message *request)
{
    struct enrolment *enrolment = calloc(1, sizeof *enrolment);
    uint8_t secret[32];
    if (enrolment == NULL) {
        session_goodbye(session, GOODBYE_OVERLOADED, "the collector is out of memory");
        return;
    }
    enrolment->session = session;
    session->state = SESSION_ENROLLING;
    if (!token_secret_sha256(request->enrol_request.token, secret)) {
        enrol_refuse(session, enrolment, "that is no token (expected plx1.HEX.SECRET); " ENROL_AGAIN);
        return;
    }
    enrolment->key = session_csr_key(&request->enrol_request.csr_der, enrolment->key_sha256);
    if (enrolment->key == NULL) {
        session_breach(session, "a certificate request whose signature does not verify");
        enrolment_free(enrolment);
        return;
    }
    (void)snprintf(enrolment->secret, sizeof enrolment->secret, "\\x");
    (void)hex_text(secret, sizeof secret, enrolment->secret + 2);
    struct pg_turn turn = {.start = enrol_start, .end = enrol_end, .arg = enrolment};
    if (!session_turn(session, &turn)) {
        session_goodbye(session, GOODBYE_SHUTDOWN, "the collector is stopping");
        enrolment_free(enrolment);
    }
}

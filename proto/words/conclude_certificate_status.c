#include "words/conclude_certificate.h"

#include <openssl/x509_vfy.h>

/*
 * Whether the certificate is revoked, and whether clients can learn that: what the server staples, and what the CA's responder
 * says when it was asked from here (VARIANT_OCSP). A responder that cannot be asked is the CA's fault or the path's, never
 * the endpoint's: worth a word, and no cause.
 */

/* What nobody vouches for proves nothing. */
static bool staple_says_revoked(const struct case_file *file)
{
    const struct evidence_ocsp *ocsp = &cert_tls(file)->ocsp;
    return ocsp->status == OCSP_REVOKED && ocsp->signature != SIGNATURE_BAD;
}

/* Of several attempts, one for each address of the responder, one that was answered; else the first. NULL: not asked. */
static const struct attempt *responder_asked(const struct case_file *file)
{
    const struct attempt *asked = NULL;
    for (size_t i = 1; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        if (attempt->variant != VARIANT_OCSP || file->origins[i] != NULL || attempt->local != LOCAL_NONE)
            continue;
        if (attempt->tls.responder == RESPONDER_ANSWERED)
            return attempt;
        if (asked == NULL)
            asked = attempt;
    }
    return asked;
}

/* NULL when the responder did not say so, or in a way that anybody could have. */
static const struct evidence_ocsp *responder_says_revoked(const struct case_file *file)
{
    const struct attempt *asked = responder_asked(file);
    bool says = asked != NULL && asked->tls.responder == RESPONDER_ANSWERED &&
                asked->tls.ocsp.status == OCSP_REVOKED && asked->tls.ocsp.signature == SIGNATURE_GOOD;
    return says ? &asked->tls.ocsp : NULL;
}

/* Someone who matters to this finding was asked and answered: it is not that nobody can be. */
static void rule_out_responder(const struct case_file *file, struct conclusion *conclusion)
{
    const struct attempt *asked = responder_asked(file);
    if (asked != NULL && asked->tls.responder == RESPONDER_ANSWERED)
        conclusion_rule_out(conclusion, CAUSE_CERT_RESPONDER, VARIANT_OCSP);
}

bool cert_revoked(const struct case_file *file)
{
    return staple_says_revoked(file) || responder_says_revoked(file) != NULL ||
           cert_raised(file, X509_V_ERR_CERT_REVOKED);
}

bool cert_tell_revoked(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_ocsp *ocsp = responder_says_revoked(file);
    if (ocsp == NULL && staple_says_revoked(file))
        ocsp = &cert_tls(file)->ocsp;
    rule_out_responder(file, conclusion);
    if (ocsp == NULL)
        return true;
    if (ocsp->signature == SIGNATURE_GOOD)
        conclusion->certainty = CERTAINTY_CONFIRMED;
    return cert_date_fact(conclusion, arena, "date", ocsp->revoked_s) &&
           (ocsp->reason < 0 || conclusion_fact(conclusion, arena, "reason", "%d", ocsp->reason));
}

/* RFC 7633: the certificate demands a staple; RFC 6960, 4.2.2.1: one that is past nextUpdate is none. */
bool cert_lacks_staple(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    if (!tls->leaf.must_staple || tls->staple == STAPLE_UNKNOWN)
        return false;
    bool stale = tls->ocsp.next_update_s > 0 && tls->ocsp.next_update_s < file->now_us / 1000000;
    bool said = tls->ocsp.status == OCSP_GOOD || tls->ocsp.status == OCSP_REVOKED;
    return tls->staple != STAPLE_PRESENT || stale || !said || tls->ocsp.signature == SIGNATURE_BAD;
}

bool cert_tell_staple(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_tls *tls = cert_tls(file);
    rule_out_responder(file, conclusion);
    if (tls->ocsp.next_update_s > 0 &&
        !cert_date_fact(conclusion, arena, "staple_until", tls->ocsp.next_update_s))
        return false;
    return conclusion_fact(conclusion, arena, "staple", "%s", evidence_staple_name(tls->staple));
}

bool cert_responder_unreachable(const struct case_file *file)
{
    const struct attempt *asked = responder_asked(file);
    return asked != NULL && asked->tls.responder != RESPONDER_ANSWERED;
}

bool cert_tell_responder(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *asked = responder_asked(file);
    struct outcome outcome = {.stage = OUTCOME_STAGE_DONE};
    for (size_t i = 0; i < file->count; i++) {
        if (file->attempts[i] == asked)
            outcome = file->outcomes[i];
    }
    return conclusion_fact(conclusion, arena, "responder", "%s", asked->tls.responder_url) &&
           conclusion_fact(conclusion, arena, "responder_result", "%s",
                           outcome_is_ok(outcome) ? evidence_responder_name((int)asked->tls.responder)
                                                  : outcome_class_id(outcome.class));
}

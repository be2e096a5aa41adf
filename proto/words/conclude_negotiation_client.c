#include "words/conclude_negotiation.h"

#include <stdio.h>
#include <string.h>

/*
 * A server that wants a client certificate says so, and then refuses in many ways: TLS 1.2 with alert 40 (or 42) inside the
 * handshake, TLS 1.3 with 116 once the handshake is over, nginx with HTTP 400, some by hanging up. What was sent by us tells
 * "required" from "rejected": an empty Certificate message, or one with a certificate in it.
 */

enum { MESSAGE_CERTIFICATE = 11, CONTENT_HANDSHAKE = 22, EMPTY_CERTIFICATE_BYTES = 8, NAMES_BYTES = 400 };

bool negotiation_asked_certificate(const struct attempt *attempt)
{
    return attempt->tls.certificate_request;
}

static bool sent_certificate(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->tls.record_count; i++) {
        const struct tls_record *record = &attempt->tls.records[i];
        if (!record->received && record->content == CONTENT_HANDSHAKE &&
            record->type == MESSAGE_CERTIFICATE && record->length > EMPTY_CERTIFICATE_BYTES)
            return true;
    }
    return false;
}

static void list_names(const struct attempt *attempt, char out[NAMES_BYTES])
{
    const struct evidence_tls *tls = &attempt->tls;
    size_t used = 0;
    (void)snprintf(out, NAMES_BYTES, "no CA named");
    for (size_t i = 0; i < tls->ca_name_count; i++) {
        size_t length = strlen(tls->ca_names[i]);
        if (used + length + 3 > NAMES_BYTES)
            break;
        used +=
            (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", used > 0 ? "; " : "", tls->ca_names[i]);
    }
}

/* Does this way to end speak of a client certificate, given that one was asked for? */
static bool refuses_client(struct outcome outcome)
{
    return outcome.class == OUTCOME_HTTP_CLIENT_CERT || outcome.class == OUTCOME_HTTP_ALERT ||
           outcome.class == OUTCOME_TLS_ALERT || outcome.class == OUTCOME_TLS_RESET ||
           outcome.class == OUTCOME_TLS_CLOSED;
}

static bool tell(const struct case_file *file, const struct attempt *refused, struct arena *arena,
                 struct conclusion *conclusion)
{
    char names[NAMES_BYTES];
    list_names(file->attempts[0], names);
    return negotiation_alert_fact(refused, arena, conclusion) &&
           (refused->http.status == 0 ||
            conclusion_fact(conclusion, arena, "status", "%u", refused->http.status)) &&
           conclusion_fact(conclusion, arena, "names", "%s", names);
}

/* The server that closes or resets after a request may do so for other reasons: only a certificate that helps shows it. */
static bool only_certificate_helps(struct outcome first)
{
    return first.class == OUTCOME_HTTP_RESET || first.class == OUTCOME_HTTP_CLOSED;
}

/* The attempt that showed a certificate and was refused all the same, or NULL. */
static const struct attempt *rejected(const struct case_file *file)
{
    const struct attempt *first = file->attempts[0], *with = case_variant(file, VARIANT_CLIENT_CERT);
    struct outcome outcome;
    if (sent_certificate(first))
        return first;
    if (with == NULL || !case_outcome(file, VARIANT_CLIENT_CERT, &outcome) || !refuses_client(outcome))
        return NULL;
    return sent_certificate(with) ? with : NULL;
}

static bool conclude_rejected(const struct case_file *file, const struct attempt *refused,
                              struct arena *arena, struct conclusion *conclusion)
{
    conclusion->cause = CAUSE_TLS_CLIENT_CERT_REJECTED;
    if (refused !=
        file->attempts[0]) { /* without one it was refused as well: nothing but the certificate differs */
        conclusion_rule_out(conclusion, CAUSE_TLS_CLIENT_CERT, VARIANT_CLIENT_CERT);
        conclusion->certainty = CERTAINTY_CONFIRMED;
    }
    (void)tell(file, refused, arena, conclusion);
    return true;
}

bool negotiation_client_certificate(const struct case_file *file, struct arena *arena,
                                    struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0], *refused = rejected(file);
    struct outcome outcome = file->outcomes[0], with;
    bool helps = case_outcome(file, VARIANT_CLIENT_CERT, &with) && !outcome_is_failure(with);
    bool speaks = refuses_client(outcome) || (only_certificate_helps(outcome) && helps);
    if (!negotiation_asked_certificate(first) || !speaks)
        return false;
    if (refused != NULL)
        return conclude_rejected(file, refused, arena, conclusion);
    conclusion->cause = CAUSE_TLS_CLIENT_CERT;
    if (helps || (outcome.raw_kind == RAW_ALERT && outcome.raw == ALERT_CERTIFICATE_REQUIRED))
        conclusion->certainty = CERTAINTY_CONFIRMED;
    if (helps)
        (void)conclusion_fact(conclusion, arena, "given", "%s", "yes");
    (void)tell(file, first, arena, conclusion);
    return true;
}

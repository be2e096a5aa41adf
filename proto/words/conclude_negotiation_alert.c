#include "words/conclude_negotiation.h"

#include <string.h>

/*
 * The server refused with an alert. Some alerts name their reason (70, 112, 120); 40 and its kin are ambiguous by nature, and
 * only a variant that succeeds says what was missing:
 *
 *   wide, legacy     a cipher, a group or a signature algorithm that the normal hello lacks; or an old version
 *   no-alpn          the ALPN protocol
 *   control, no SNI  the name
 *   tls12, tls13     the version
 *
 * Variants are looked at from the most telling to the least: wide changes nothing but what is offered, with the same name.
 */

static bool shakes(const struct case_file *file, enum variant variant)
{
    return case_shakes_hands(file, variant);
}

static bool was_made(const struct case_file *file, enum variant variant)
{
    return case_variant(file, variant) != NULL;
}

/* A variant that fails as well shows that its difference is not the reason. */
static void rule_out_failed(const struct case_file *file, struct conclusion *conclusion)
{
    static const struct {
        enum variant variant;
        enum cause cause;
    } rows[] = {
        {VARIANT_WIDE, CAUSE_TLS_NO_CIPHER},          {VARIANT_WIDE, CAUSE_TLS_NO_GROUP},
        {VARIANT_WIDE, CAUSE_TLS_NO_SIGALG},          {VARIANT_LEGACY, CAUSE_TLS_LEGACY},
        {VARIANT_NO_ALPN, CAUSE_TLS_ALPN_REFUSED},    {VARIANT_NO_SNI, CAUSE_TLS_NAME_UNKNOWN},
        {VARIANT_CLIENT_CERT, CAUSE_TLS_CLIENT_CERT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* no hello of ours offers all that was ever a cipher: the widest does not rule it out when nothing helps */
        bool open = conclusion->cause == CAUSE_TLS_HANDSHAKE_FAILURE && rows[i].cause == CAUSE_TLS_NO_CIPHER;
        if (rows[i].cause != conclusion->cause && !open && was_made(file, rows[i].variant) &&
            !shakes(file, rows[i].variant))
            conclusion_rule_out(conclusion, rows[i].cause, rows[i].variant);
    }
}

/* An older version than TLS 1.2 was agreed (the log notes no version below that). */
static bool is_legacy(const struct attempt *attempt)
{
    return attempt->tls.version < 0x0303;
}

/* The curve of the server's key when the normal hello does not offer it: it cannot check what such a key signs (RFC 8422, 5.1.1). */
static const char *foreign_curve(const struct attempt *attempt)
{
    static const char *const offered[] = {"", "prime256v1", "secp384r1", "secp521r1", "ED25519", "ED448"};
    const struct evidence_tls *tls = &attempt->tls;
    if (tls->chain_count == 0 || !tls->chain[0].parsed || strcmp(tls->chain[0].key_type, "EC") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++) {
        if (strcmp(tls->chain[0].key_group, offered[i]) == 0)
            return NULL;
    }
    return tls->chain[0].key_group;
}

/* What a hello that offers more agreed on and the normal one does not offer. */
static enum cause missing_offer(const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (tls->cipher != 0 && !negotiation_offers_cipher(tls->cipher))
        return CAUSE_TLS_NO_CIPHER;
    if (tls->group != 0 && !negotiation_offers_group(tls->group))
        return CAUSE_TLS_NO_GROUP;
    if (tls->signature != 0 && !negotiation_offers_signature(tls->signature))
        return CAUSE_TLS_NO_SIGALG;
    return foreign_curve(attempt) == NULL ? CAUSE_NONE : CAUSE_TLS_NO_SIGALG;
}

static enum cause by_wider_offer(const struct case_file *file)
{
    static const enum variant wider[] = {VARIANT_WIDE, VARIANT_LEGACY};
    for (size_t i = 0; i < sizeof wider / sizeof wider[0]; i++) {
        if (!shakes(file, wider[i]))
            continue;
        const struct attempt *attempt = case_variant(file, wider[i]);
        enum cause cause = is_legacy(attempt) ? CAUSE_TLS_LEGACY : missing_offer(attempt);
        if (cause != CAUSE_NONE)
            return cause;
    }
    return CAUSE_NONE;
}

/*
 * TLS 1.3 alone is refused because nothing that was offered suits (RFC 8446, 4.1.1), although every suite was: what is left to
 * disagree on are groups. Another alert is no answer to an offer.
 */
static bool speaks_13_otherwise(const struct case_file *file)
{
    struct outcome only;
    return case_outcome(file, VARIANT_TLS13, &only) && only.class == OUTCOME_TLS_ALERT &&
           (only.raw == ALERT_HANDSHAKE_FAILURE || only.raw == ALERT_INSUFFICIENT_SECURITY) &&
           was_made(file, VARIANT_WIDE) && !shakes(file, VARIANT_WIDE);
}

/* One version alone was asked for, or the variants show that one alone is spoken. */
static enum cause by_version(const struct case_file *file)
{
    enum variant asked = file->attempts[0]->variant;
    if (asked == VARIANT_TLS12)
        return shakes(file, VARIANT_TLS13) || shakes(file, VARIANT_RETRY) ? CAUSE_TLS_ONLY_13 : CAUSE_NONE;
    if (asked == VARIANT_TLS13)
        return shakes(file, VARIANT_TLS12) ? CAUSE_TLS_NO_13 : CAUSE_NONE;
    if (shakes(file, VARIANT_TLS12)) /* which the normal hello offers as well */
        return speaks_13_otherwise(file) ? CAUSE_TLS_NO_GROUP : CAUSE_TLS_INTOLERANT_13;
    return shakes(file, VARIANT_TLS13) ? CAUSE_TLS_ONLY_13 : CAUSE_NONE;
}

static bool sent_name(const struct case_file *file)
{
    return file->attempts[0]->tls.sni[0] != '\0';
}

/* Without a name, and whatever else is offered does not help either: the name is what is left. */
static bool only_name_is_left(const struct case_file *file)
{
    return file->endpoint->no_sni && was_made(file, VARIANT_WIDE) && was_made(file, VARIANT_LEGACY);
}

static enum cause by_name(const struct case_file *file)
{
    if (!sent_name(file))
        return shakes(file, VARIANT_CONTROL_SNI) || only_name_is_left(file) ? CAUSE_TLS_SNI_REQUIRED
                                                                            : CAUSE_NONE;
    return shakes(file, VARIANT_NO_SNI) || shakes(file, VARIANT_CONTROL_SNI) ? CAUSE_TLS_NAME_UNKNOWN
                                                                             : CAUSE_NONE;
}

static enum cause by_signature_kind(const struct case_file *file)
{
    return shakes(file, VARIANT_RSA_ONLY) || shakes(file, VARIANT_ECDSA_ONLY) ? CAUSE_TLS_NO_SIGALG
                                                                              : CAUSE_NONE;
}

static enum cause by_alpn(const struct case_file *file)
{
    return shakes(file, VARIANT_NO_ALPN) ? CAUSE_TLS_ALPN_REFUSED : CAUSE_NONE;
}

/* An alert that says nothing: the first variant that succeeds says it. */
static enum cause by_variants(const struct case_file *file)
{
    static enum cause (*const steps[])(const struct case_file *) = {
        by_wider_offer, by_version, by_alpn, by_signature_kind, by_name,
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum cause cause = steps[i](file);
        if (cause != CAUSE_NONE)
            return cause;
    }
    return CAUSE_NONE;
}

/* Every version from 1.0 on was offered, and none is to its liking. */
static bool refuses_legacy(const struct case_file *file)
{
    struct outcome old;
    return file->attempts[0]->variant == VARIANT_NORMAL && case_outcome(file, VARIANT_LEGACY, &old) &&
           old.raw_kind == RAW_ALERT && old.raw == ALERT_PROTOCOL_VERSION;
}

/* Without a variant the alert to a hello of fixed versions still says on which side the server's lie. */
static enum cause by_version_alert(const struct case_file *file)
{
    enum cause cause = by_version(file);
    if (cause != CAUSE_NONE)
        return cause;
    cause = by_wider_offer(file);
    if (cause != CAUSE_NONE)
        return cause;
    if (refuses_legacy(file))
        return CAUSE_TLS_HANDSHAKE_FAILURE;
    enum variant asked = file->attempts[0]->variant;
    return asked == VARIANT_TLS12   ? CAUSE_TLS_ONLY_13
           : asked == VARIANT_TLS13 ? CAUSE_TLS_NO_13
                                    : CAUSE_TLS_LEGACY;
}

static enum cause cause_of(const struct case_file *file, int32_t alert)
{
    const struct attempt *first = file->attempts[0];
    bool garbled =
        alert == ALERT_BAD_RECORD_MAC || alert == ALERT_DECRYPTION_FAILED || alert == ALERT_DECRYPT_ERROR;
    enum cause cause;
    if (alert == ALERT_UNRECOGNIZED_NAME)
        return sent_name(file) ? CAUSE_TLS_NAME_UNKNOWN : CAUSE_TLS_SNI_REQUIRED;
    if (alert == ALERT_NO_APPLICATION_PROTOCOL)
        return CAUSE_TLS_ALPN_REFUSED;
    if (alert == ALERT_PROTOCOL_VERSION)
        return by_version_alert(file);
    if (garbled && negotiation_static_rsa(first->tls.cipher))
        return CAUSE_TLS_KEY_MISMATCH;
    cause = by_variants(file);
    if (cause != CAUSE_NONE)
        return cause;
    return shakes(file, VARIANT_RETRY) ? CAUSE_NONE : CAUSE_TLS_HANDSHAKE_FAILURE;
}

/* The variant whose success carries the cause: the control that makes it more than a guess. */
static bool has_control(const struct case_file *file, enum cause cause)
{
    switch ((int)cause) {
    case CAUSE_TLS_NO_CIPHER:
    case CAUSE_TLS_NO_GROUP:
    case CAUSE_TLS_LEGACY:
        return shakes(file, VARIANT_WIDE) || shakes(file, VARIANT_LEGACY);
    case CAUSE_TLS_NO_SIGALG:
        return shakes(file, VARIANT_WIDE) || by_signature_kind(file) != CAUSE_NONE;
    case CAUSE_TLS_ALPN_REFUSED:
        return shakes(file, VARIANT_NO_ALPN);
    case CAUSE_TLS_ONLY_13:
    case CAUSE_TLS_NO_13:
    case CAUSE_TLS_INTOLERANT_13:
        return by_version(file) == cause;
    case CAUSE_TLS_NAME_UNKNOWN:
    case CAUSE_TLS_SNI_REQUIRED:
        return file->outcomes[0].raw == ALERT_UNRECOGNIZED_NAME && by_name(file) == cause;
    default:
        return false;
    }
}

/* What has no name here keeps its IANA number. */
static bool tell_number(struct conclusion *conclusion, struct arena *arena, const char *key, uint16_t number,
                        const char *name)
{
    if (number == 0)
        return true;
    return name[0] != '\0' ? conclusion_fact(conclusion, arena, key, "%s", name)
                           : conclusion_fact(conclusion, arena, key, "0x%04X", number);
}

static bool tell_agreed(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    enum variant wider = shakes(file, VARIANT_WIDE) ? VARIANT_WIDE : VARIANT_LEGACY;
    const struct attempt *attempt = shakes(file, wider) ? case_variant(file, wider) : NULL;
    if (attempt == NULL)
        return true;
    const struct evidence_tls *tls = &attempt->tls;
    const char *version =
        tls_version_name(tls->version != 0 ? tls->version : negotiation_hello_version(attempt));
    const char *curve = foreign_curve(attempt);
    return (curve == NULL || conclusion_fact(conclusion, arena, "curve", "%s", curve)) &&
           conclusion_fact(conclusion, arena, "version", "%s", version[0] == '\0' ? "?" : version) &&
           tell_number(conclusion, arena, "cipher", tls->cipher, tls_cipher_name(tls->cipher)) &&
           tell_number(conclusion, arena, "group", tls->group, tls_group_name(tls->group)) &&
           (tls->signature == 0 ||
            conclusion_fact(conclusion, arena, "signature", "%s", tls_signature_name(tls->signature)));
}

bool negotiation_alert(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    enum cause cause = cause_of(file, file->outcomes[0].raw);
    if (cause ==
        CAUSE_NONE) /* the same hello is refused once and accepted once: nothing here explains that */
        return false;
    conclusion->cause = cause;
    if (has_control(file, conclusion->cause))
        conclusion->certainty = CERTAINTY_CONFIRMED;
    rule_out_failed(file, conclusion);
    (void)(negotiation_alert_fact(file->attempts[0], arena, conclusion) &&
           conclusion_fact(conclusion, arena, "alpn", "%s", "http/1.1") &&
           tell_agreed(file, arena, conclusion));
    return true;
}

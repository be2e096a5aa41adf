#include "words/conclude_certificate.h"

#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/*
 * What is wrong with the certificate. One row a fault, in the order in which a person has to mend them: the first row that
 * holds is the cause, later ones that hold as well are worth a word beside it. A chain that verifies can still lack what
 * browsers ask for (a staple that it demands itself, transparency proofs); the rows for that come last.
 */

enum { DATE_BYTES = 64 };

const struct evidence_tls *cert_tls(const struct case_file *file)
{
    return &file->attempts[0]->tls;
}

const struct chain_certificate *cert_leaf(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    return tls->chain_count > 0 && tls->chain[0].parsed ? &tls->chain[0] : NULL;
}

bool cert_raised(const struct case_file *file, int32_t code)
{
    const struct evidence_tls *tls = cert_tls(file);
    for (size_t i = 0; i < tls->verify_error_count; i++) {
        if (tls->verify_errors[i].code == code)
            return true;
    }
    return false;
}

bool cert_raised_at(const struct case_file *file, int32_t code, uint32_t depth)
{
    const struct evidence_tls *tls = cert_tls(file);
    for (size_t i = 0; i < tls->verify_error_count; i++) {
        if (tls->verify_errors[i].code == code && tls->verify_errors[i].depth == depth)
            return true;
    }
    return false;
}

bool cert_date_fact(struct conclusion *conclusion, struct arena *arena, const char *key, int64_t at_s)
{
    char text[DATE_BYTES];
    time_t at = (time_t)at_s;
    struct tm parts;
    if (gmtime_r(&at, &parts) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        return true;
    return conclusion_fact(conclusion, arena, key, "%s", text);
}

static bool verifies(const struct case_file *file)
{
    return cert_tls(file)->verify_error_count == 0 && cert_leaf(file) != NULL;
}

/* --- transparency ------------------------------------------------------------------------------------------------ */

/*
 * Only a publicly trusted certificate has to be logged. Which root is public is not known here, but such a certificate says
 * so itself: it carries one of the reserved policies of the CA/Browser Forum, 2.23.140.1.2 (Baseline Requirements 7.1.6.1).
 */
static bool claims_to_be_public(const struct chain_certificate *leaf)
{
    static const uint8_t policy[] = {0x06, 0x06, 0x67, 0x81, 0x0c, 0x01, 0x02};
    for (size_t i = 0; leaf->der != NULL && i + sizeof policy <= leaf->der_length; i++) {
        if (memcmp(leaf->der + i, policy, sizeof policy) == 0)
            return true;
    }
    return false;
}

static bool lacks_transparency(const struct case_file *file)
{
    return verifies(file) && cert_tls(file)->sct_count == 0 && claims_to_be_public(cert_leaf(file));
}

/* --- form ------------------------------------------------------------------------------------------------------- */

/* An extension of the leaf that cannot be read: the verification then trips over it in another place. */
static const char *malformed_extension(const struct case_file *file)
{
    const struct chain_certificate *leaf = cert_leaf(file);
#define X(field, nid) {offsetof(struct chain_certificate, field), #field},
    static const struct {
        size_t offset;
        const char *name;
    } extensions[] = {EVIDENCE_EXTENSIONS(X)};
#undef X
    for (size_t i = 0; leaf != NULL && i < sizeof extensions / sizeof extensions[0]; i++) {
        enum evidence_presence presence;
        memcpy(&presence, (const char *)leaf + extensions[i].offset, sizeof presence);
        if (presence == PRESENCE_MALFORMED)
            return extensions[i].name;
    }
    return NULL;
}

static bool is_malformed(const struct case_file *file)
{
    return !verifies(file) && malformed_extension(file) != NULL;
}

static bool tell_malformed(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    conclusion_rule_out(conclusion, CAUSE_CERT_UNTRUSTED_ROOT, VARIANT_NORMAL);
    return conclusion_fact(conclusion, arena, "extension", "%s", malformed_extension(file));
}

/* --- strength and purpose ---------------------------------------------------------------------------------------- */

static bool has_wrong_purpose(const struct case_file *file)
{
    return cert_raised_at(file, X509_V_ERR_INVALID_PURPOSE, 0);
}

/* What a CA of the chain may not do, by its own certificate (RFC 5280, 4.2.1.3, 4.2.1.9 and 4.2.1.10). */
static const int32_t ca_limits[] = {
    X509_V_ERR_INVALID_CA,           X509_V_ERR_PATH_LENGTH_EXCEEDED,
    X509_V_ERR_KEYUSAGE_NO_CERTSIGN, X509_V_ERR_PERMITTED_VIOLATION,
    X509_V_ERR_EXCLUDED_VIOLATION,   X509_V_ERR_INVALID_PURPOSE, /* above the leaf */
};

static const struct verify_error *exceeded_limit(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    for (size_t limit = 0; limit < sizeof ca_limits / sizeof ca_limits[0]; limit++) {
        for (size_t i = 0; i < tls->verify_error_count; i++) {
            bool of_leaf = ca_limits[limit] == X509_V_ERR_INVALID_PURPOSE && tls->verify_errors[i].depth == 0;
            if (tls->verify_errors[i].code == ca_limits[limit] && !of_leaf)
                return &tls->verify_errors[i];
        }
    }
    return NULL;
}

static bool exceeds_limit(const struct case_file *file)
{
    return exceeded_limit(file) != NULL;
}

static bool tell_limit(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct verify_error *error = exceeded_limit(file);
    return conclusion_fact(conclusion, arena, "limit", "%d %s", error->code,
                           X509_verify_cert_error_string(error->code)) &&
           conclusion_fact(conclusion, arena, "depth", "%u", error->depth);
}

static bool has_weak_key(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_EE_KEY_TOO_SMALL) || cert_raised(file, X509_V_ERR_CA_KEY_TOO_SMALL);
}

/* Of the certificates sent the one with the smallest key of its kind is the weak one; the leaf when it was raised for that. */
static bool tell_key(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_tls *tls = cert_tls(file);
    const struct chain_certificate *weak = cert_leaf(file);
    bool of_leaf = cert_raised(file, X509_V_ERR_EE_KEY_TOO_SMALL);
    for (size_t i = 1; !of_leaf && i < tls->chain_count; i++) {
        if (tls->chain[i].parsed && (weak == &tls->chain[0] || tls->chain[i].key_bits < weak->key_bits))
            weak = &tls->chain[i];
    }
    return weak == NULL || (conclusion_fact(conclusion, arena, "type", "%s", weak->key_type) &&
                            conclusion_fact(conclusion, arena, "bits", "%u", weak->key_bits) &&
                            conclusion_fact(conclusion, arena, "subject", "%s", weak->subject));
}

static bool has_weak_signature(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_CA_MD_TOO_WEAK);
}

static bool tell_signature(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_tls *tls = cert_tls(file);
    for (size_t i = 0; i < tls->chain_count; i++) {
        if (tls->chain[i].parsed && cert_raised_at(file, X509_V_ERR_CA_MD_TOO_WEAK, (uint32_t)i))
            return conclusion_fact(conclusion, arena, "signature", "%s", tls->chain[i].signature_name) &&
                   conclusion_fact(conclusion, arena, "subject", "%s", tls->chain[i].subject);
    }
    return true;
}

/* --- the rows ---------------------------------------------------------------------------------------------------- */

struct cert_row {
    enum cause cause;
    cert_fault *holds;
    cert_tell *tell;
};

static const struct cert_row faults[] = {
    {CAUSE_LOCAL_CLOCK, cert_clock_wrong, cert_tell_clock},
    {CAUSE_CERT_REVOKED, cert_revoked, cert_tell_revoked},
    {CAUSE_CERT_EXPIRED, cert_expired, cert_tell_expired},
    {CAUSE_CERT_INTERMEDIATE_EXPIRED, cert_intermediate_expired, cert_tell_intermediate},
    {CAUSE_CERT_NOT_YET_VALID, cert_not_yet_valid, cert_tell_not_yet},
    {CAUSE_CERT_MALFORMED, is_malformed, tell_malformed},
    {CAUSE_CERT_SELF_SIGNED, cert_self_signed, cert_tell_names},
    {CAUSE_CERT_WRONG_ISSUER, cert_wrong_issuer, cert_tell_wrong_issuer},
    {CAUSE_CERT_UNTRUSTED_ROOT, cert_untrusted_root, cert_tell_untrusted},
    {CAUSE_CERT_MISSING_INTERMEDIATE, cert_missing_intermediate, cert_tell_missing},
    {CAUSE_CERT_CN_ONLY, cert_only_common_name, cert_tell_names},
    {CAUSE_CERT_WILDCARD, cert_wildcard_short, cert_tell_wildcard},
    {CAUSE_CERT_DEFAULT, cert_default, cert_tell_default},
    {CAUSE_CERT_NAME, cert_name_wrong, cert_tell_names},
    {CAUSE_CERT_PURPOSE, has_wrong_purpose, NULL},
    {CAUSE_CERT_CA_LIMITS, exceeds_limit, tell_limit},
    {CAUSE_CERT_WEAK_KEY, has_weak_key, tell_key},
    {CAUSE_CERT_SHA1, has_weak_signature, tell_signature},
    {CAUSE_CERT_MUST_STAPLE, cert_lacks_staple, cert_tell_staple},
    {CAUSE_CERT_NO_SCT, lacks_transparency, NULL},
};

/* Worth a word, and never the cause. */
static const struct cert_row remarks[] = {
    {CAUSE_CERT_WRONG_ORDER, cert_disordered, cert_tell_order},
    {CAUSE_CERT_EXPIRES_SOON, cert_expires_soon, cert_tell_soon},
    {CAUSE_CERT_RESPONDER, cert_responder_unreachable, cert_tell_responder},
    {CAUSE_CERT_SERVER_CLOCK, cert_server_clock_wrong, cert_tell_server_clock},
};

enum { FAULTS = sizeof faults / sizeof faults[0], REMARKS = sizeof remarks / sizeof remarks[0] };

static bool add_remarks(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    for (size_t i = 0; i < REMARKS; i++) {
        if (!remarks[i].holds(file))
            continue;
        conclusion_also(conclusion, remarks[i].cause);
        if (!remarks[i].tell(file, arena, conclusion))
            return false;
    }
    return true;
}

/* A wrong clock makes everything look out of date, which is then no fault of its own. */
static bool is_of_time(enum cause cause)
{
    return cause == CAUSE_CERT_EXPIRED || cause == CAUSE_CERT_INTERMEDIATE_EXPIRED ||
           cause == CAUSE_CERT_NOT_YET_VALID;
}

static void add_others(const struct case_file *file, struct conclusion *conclusion, size_t from)
{
    for (size_t i = from; i < FAULTS; i++) {
        bool explained =
            (conclusion->cause == CAUSE_LOCAL_CLOCK && is_of_time(faults[i].cause)) ||
            (conclusion->cause == CAUSE_CERT_MALFORMED && faults[i].cause == CAUSE_CERT_WRONG_ISSUER);
        if (!explained && faults[i].holds(file))
            conclusion_also(conclusion, faults[i].cause);
    }
}

/* What the same evidence would have shown if it were one of the others. */
static void rule_out_by_evidence(const struct case_file *file, struct conclusion *conclusion)
{
    static const enum cause looked_at[] = {CAUSE_CERT_EXPIRED, CAUSE_CERT_NOT_YET_VALID, CAUSE_CERT_NAME,
                                           CAUSE_CERT_SELF_SIGNED};
    if (cert_leaf(file) == NULL)
        return;
    for (size_t i = 0; i < sizeof looked_at / sizeof looked_at[0]; i++) {
        for (size_t row = 0; row < FAULTS; row++) {
            if (faults[row].cause == looked_at[i] && !faults[row].holds(file) &&
                conclusion->cause != CAUSE_LOCAL_CLOCK && conclusion->cause != CAUSE_CERT_DEFAULT)
                conclusion_rule_out(conclusion, looked_at[i], VARIANT_NORMAL);
        }
    }
}

/* No row knows it: the number stays. */
static bool tell_other(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    conclusion->cause = CAUSE_CERT_OTHER;
    return conclusion_fact(conclusion, arena, "code", "%d", file->outcomes[0].raw);
}

bool conclude_certificate(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct outcome first = file->outcomes[0];
    (void)add_remarks(file, arena, conclusion);
    if (first.stage != OUTCOME_STAGE_CERTIFICATE && !outcome_is_ok(first))
        return false;
    for (size_t i = 0; i < FAULTS; i++) {
        if (!faults[i].holds(file))
            continue;
        conclusion->cause = faults[i].cause;
        if (faults[i].tell != NULL)
            (void)faults[i].tell(file, arena, conclusion);
        add_others(file, conclusion, i + 1);
        rule_out_by_evidence(file, conclusion);
        return true;
    }
    if (outcome_is_ok(first))
        return false;
    (void)tell_other(file, arena, conclusion);
    return true;
}

#include "words/conclude_negotiation.h"

#include <openssl/sslerr.h>
#include <string.h>

/*
 * The handshake and what directly follows it: which part of it failed is the outcome's class, which the table below sends to
 * the rules that know its look-alikes. What no row knows is left to others, with its numbers.
 */

/* An injected packet arrives well before the server could have answered. */
#define EARLY_SHARE 0.6

static bool name_cause(struct conclusion *conclusion, enum cause cause, enum certainty certainty)
{
    conclusion->cause = cause;
    conclusion->certainty = certainty;
    return true;
}

bool negotiation_alert_fact(const struct attempt *attempt, struct arena *arena, struct conclusion *conclusion)
{
    uint8_t level, description;
    if (!attempt_alert(attempt, true, &level, &description) || description == ALERT_CLOSE_NOTIFY)
        return true;
    const char *name = tls_alert_name(description);
    return conclusion_fact(conclusion, arena, "alert", "%u %s", description,
                           name[0] == '\0' ? "which no standard knows" : name);
}

/* --- during the handshake ---------------------------------------------------------------------------------------- */

/* Record header, message header, version: of a server whose offer we do not take nothing else is kept. */
uint16_t negotiation_hello_version(const struct attempt *attempt)
{
    const uint8_t *bytes = attempt->end.first_bytes;
    bool is_hello = attempt->end.first_byte_count >= 11 && bytes[0] == 22 && bytes[5] == 2;
    return is_hello ? (uint16_t)((unsigned)bytes[9] << 8 | bytes[10]) : 0;
}

static bool conclude_old_version(const struct case_file *file, struct arena *arena,
                                 struct conclusion *conclusion)
{
    uint16_t version = negotiation_hello_version(file->attempts[0]);
    enum variant asked = file->attempts[0]->variant;
    bool answers = case_shakes_hands(file, VARIANT_LEGACY) || case_shakes_hands(file, VARIANT_TLS12);
    if (asked == VARIANT_TLS13 && (version == 0x0303 || case_shakes_hands(file, VARIANT_TLS12)))
        return name_cause(conclusion, CAUSE_TLS_NO_13, answers ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
    (void)name_cause(conclusion, CAUSE_TLS_LEGACY, answers ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
    const char *name = tls_version_name(version);
    (void)conclusion_fact(conclusion, arena, "version", "%s", name[0] == '\0' ? "?" : name);
    return true;
}

/* Signed with another key: the signature is wrong by itself, and a second connection shows that it was no accident. */
static bool conclude_bad_signature(const struct case_file *file, struct arena *arena,
                                   struct conclusion *conclusion)
{
    size_t bad = 0;
    for (size_t i = 0; i < file->count; i++)
        bad += file->origins[i] == NULL && file->outcomes[i].class == OUTCOME_TLS_BAD_SIGNATURE;
    (void)name_cause(conclusion, CAUSE_TLS_KEY_MISMATCH,
                     bad > 1 ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
    const char *signature = tls_signature_name(file->attempts[0]->tls.signature);
    (void)(signature[0] == '\0' || conclusion_fact(conclusion, arena, "signature", "%s", signature));
    return true;
}

static bool conclude_alert(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    return negotiation_client_certificate(file, arena, conclusion) ||
           negotiation_alert(file, arena, conclusion);
}

static bool conclude_broken_off(const struct case_file *file, struct arena *arena,
                                struct conclusion *conclusion)
{
    return negotiation_client_certificate(file, arena, conclusion) ||
           name_cause(conclusion, CAUSE_TLS_CLOSED_DURING, CERTAINTY_CONSISTENT);
}

static bool conclude_stalled(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct outcome small;
    (void)arena;
    if (case_outcome(file, VARIANT_SMALL_MSS, &small) && !case_shakes_hands(file, VARIANT_SMALL_MSS))
        conclusion_rule_out(conclusion, CAUSE_HELLO_PMTU_IN, VARIANT_SMALL_MSS);
    return name_cause(conclusion, CAUSE_TLS_STALLED, CERTAINTY_CONSISTENT);
}

/* We gave up on what the server sent: the reason is a number of the TLS library. */
static bool conclude_reason(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        int32_t reason;
        enum cause cause;
        enum variant cleared_by;
    } rows[] = {
        {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, CAUSE_TLS_NO_RENEGOTIATION, VARIANT_LEGACY},
        {SSL_R_DH_KEY_TOO_SMALL, CAUSE_CERT_WEAK_KEY, VARIANT_LEGACY},
        {SSL_R_EE_KEY_TOO_SMALL, CAUSE_CERT_WEAK_KEY, VARIANT_LEGACY},
        {SSL_R_CA_KEY_TOO_SMALL, CAUSE_CERT_WEAK_KEY, VARIANT_LEGACY},
        {SSL_R_CA_MD_TOO_WEAK, CAUSE_CERT_SHA1, VARIANT_LEGACY},
        {SSL_R_WRONG_SIGNATURE_TYPE, CAUSE_TLS_NO_SIGALG, VARIANT_WIDE},
        {SSL_R_WRONG_CURVE, CAUSE_TLS_NO_GROUP, VARIANT_WIDE},
    };
    struct outcome first = file->outcomes[0];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (first.raw_kind != RAW_SSL_REASON || first.raw != rows[i].reason)
            continue;
        bool cleared = case_shakes_hands(file, rows[i].cleared_by) || case_shakes_hands(file, VARIANT_WIDE);
        if (first.raw == SSL_R_DH_KEY_TOO_SMALL)
            (void)(conclusion_fact(conclusion, arena, "type", "DH") &&
                   conclusion_fact(conclusion, arena, "bits", "%s", "1024 or less"));
        return name_cause(conclusion, rows[i].cause, cleared ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
    }
    return false;
}

/* --- after the handshake ----------------------------------------------------------------------------------------- */

/* Sooner after our last words than a round trip takes: then it was not the server who answered them. */
static const char *when_ended(const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    int64_t from_us = clock->request_us != EVIDENCE_NEVER ? clock->request_us : clock->handshake_us;
    double rtt_us = attempt->tcp[MOMENT_CONNECTED].min_rtt_us > 0 ? attempt->tcp[MOMENT_CONNECTED].min_rtt_us
                                                                  : attempt->tcp[MOMENT_CONNECTED].rtt_us;
    if (clock->closed_us == EVIDENCE_NEVER || rtt_us <= 0)
        return "?";
    return (double)(clock->closed_us - from_us) < EARLY_SHARE * rtt_us ? "early" : "late";
}

/* Without a request the connection stays open: it is the request that is not liked. */
static void look_at_idle(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct outcome idle;
    if (case_outcome(file, VARIANT_IDLE, &idle))
        (void)conclusion_fact(conclusion, arena, "without_request", "%s",
                              outcome_is_ok(idle) ? "stays open" : "ends as well");
}

static bool conclude_ended_after(const struct case_file *file, struct arena *arena,
                                 struct conclusion *conclusion, enum cause cause)
{
    if (negotiation_client_certificate(file, arena, conclusion))
        return true;
    look_at_idle(file, arena, conclusion);
    (void)conclusion_fact(conclusion, arena, "when", "%s", when_ended(file->attempts[0]));
    return name_cause(conclusion, cause, CERTAINTY_CONSISTENT);
}

static bool conclude_closed_after(const struct case_file *file, struct arena *arena,
                                  struct conclusion *conclusion)
{
    return conclude_ended_after(file, arena, conclusion, CAUSE_TLS_CLOSED_AFTER);
}

static bool conclude_reset_after(const struct case_file *file, struct arena *arena,
                                 struct conclusion *conclusion)
{
    return conclude_ended_after(file, arena, conclusion, CAUSE_TLS_RESET_AFTER);
}

static bool conclude_silent_after(const struct case_file *file, struct arena *arena,
                                  struct conclusion *conclusion)
{
    look_at_idle(file, arena, conclusion);
    return name_cause(conclusion, CAUSE_TLS_SILENT_AFTER, CERTAINTY_CONSISTENT);
}

static bool conclude_not_http(const struct case_file *file, struct arena *arena,
                              struct conclusion *conclusion)
{
    (void)file;
    (void)arena;
    return name_cause(conclusion, CAUSE_TLS_NOT_HTTP, CERTAINTY_CONSISTENT);
}

/* --- the rows ---------------------------------------------------------------------------------------------------- */

/* A server that is well, but was seen to refuse one version when all were tried, deserves a word about it. */
static void add_versions(const struct case_file *file, struct conclusion *conclusion)
{
    static const struct {
        enum variant variant;
        enum cause cause;
    } rows[] = {{VARIANT_TLS12, CAUSE_TLS_ONLY_13}, {VARIANT_TLS13, CAUSE_TLS_NO_13}};
    struct outcome outcome;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (case_outcome(file, rows[i].variant, &outcome) && outcome.raw_kind == RAW_ALERT &&
            outcome.raw == ALERT_PROTOCOL_VERSION)
            conclusion_also(conclusion, rows[i].cause);
    }
}

static bool conclude_hostile(const struct attempt *first, struct arena *arena, struct conclusion *conclusion)
{
    if (first->end.abuse == ABUSE_NONE)
        return false;
    (void)conclusion_fact(conclusion, arena, "what", "%s", evidence_abuse_what((int)first->end.abuse));
    return name_cause(conclusion, CAUSE_TLS_HOSTILE, CERTAINTY_CONFIRMED);
}

bool conclude_negotiation(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        conclude_fn *rules;
    } rows[] = {
        {OUTCOME_TLS_NOT_TLS, negotiation_plaintext},
        {OUTCOME_TLS_ALERT, conclude_alert},
        {OUTCOME_TLS_RESET, conclude_broken_off},
        {OUTCOME_TLS_CLOSED, conclude_broken_off},
        {OUTCOME_TLS_STALLED, conclude_stalled},
        {OUTCOME_TLS_OLD_VERSION, conclude_old_version},
        {OUTCOME_TLS_BAD_SIGNATURE, conclude_bad_signature},
        {OUTCOME_TLS_UNCLASSIFIED, conclude_reason},
        {OUTCOME_HTTP_RESET, conclude_reset_after},
        {OUTCOME_HTTP_CLOSED, conclude_closed_after},
        {OUTCOME_HTTP_SILENT, conclude_silent_after},
        {OUTCOME_HTTP_MALFORMED, conclude_not_http},
        {OUTCOME_HTTP_CLIENT_CERT, negotiation_client_certificate},
        {OUTCOME_HTTP_ALERT, negotiation_client_certificate},
    };
    const struct attempt *first = file->attempts[0];
    struct outcome outcome = file->outcomes[0];
    if (conclude_hostile(first, arena, conclusion))
        return true;
    if (outcome_is_ok(outcome))
        add_versions(file, conclusion);
    if (outcome.stage == OUTCOME_STAGE_TLS && negotiation_is_tlcp(first))
        return negotiation_tlcp(file, arena, conclusion);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (outcome.class == rows[i].class)
            return rows[i].rules(file, arena, conclusion);
    }
    return false;
}

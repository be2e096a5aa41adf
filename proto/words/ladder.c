#include "words/ladder.h"

#include <stddef.h>

/*
 * One list of rungs for each outcome of the first attempt: the variants that separate what looks like it, in the order
 * they are made. A rung whose condition does not hold, or that there is no address or name for, is stepped over.
 */

enum condition {
    ANYWAY,
    CONTROL_PASSED, /* with the neutral name the handshake was done */
    CONTROL_FAILED,
    CERTIFICATE_ASKED, /* and there is one to show */
    LARGE_FAILED,      /* the large hello was not answered with a handshake */
};

struct rung {
    enum variant variant;
    enum attempt_role role;
    enum condition condition;
    bool rests; /* it sends the suspected trigger again, or asks whether a block has passed */
    const char *why;
};

/* clang-format off */
#define RETRY        {VARIANT_RETRY, ATTEMPT_CONFIRM, ANYWAY, false, "does it fail again, from a new port?"}
#define CONTROL      {VARIANT_CONTROL_SNI, ATTEMPT_CONTROL, ANYWAY, false, "is it the name?"}
#define NO_SNI       {VARIANT_NO_SNI, ATTEMPT_CONTROL, ANYWAY, false, "what is there without a name?"}
#define CONTROL_LATER {VARIANT_CONTROL_SNI, ATTEMPT_CONFIRM, CONTROL_FAILED, true, "was the neutral name blocked for a time only?"}
#define NAME_SPLIT   {VARIANT_SPLIT_HELLO, ATTEMPT_LADDER, CONTROL_PASSED, true, "the name again, where no single packet has it"}
#define SPLIT        {VARIANT_SPLIT_HELLO, ATTEMPT_LADDER, ANYWAY, false, "does a hello in several segments pass?"}
#define TLS12        {VARIANT_TLS12, ATTEMPT_LADDER, ANYWAY, false, "is it the version?"}
#define TLS13        {VARIANT_TLS13, ATTEMPT_LADDER, ANYWAY, false, "is it the version?"}
#define LEGACY       {VARIANT_LEGACY, ATTEMPT_LADDER, ANYWAY, false, "does it accept what is obsolete?"}
#define WIDE         {VARIANT_WIDE, ATTEMPT_LADDER, ANYWAY, false, "is there any cipher or group in common?"}
#define RSA_ONLY     {VARIANT_RSA_ONLY, ATTEMPT_LADDER, ANYWAY, false, "is it the kind of certificate?"}
#define ECDSA_ONLY   {VARIANT_ECDSA_ONLY, ATTEMPT_LADDER, ANYWAY, false, "is it the kind of certificate?"}
#define NO_ALPN      {VARIANT_NO_ALPN, ATTEMPT_LADDER, ANYWAY, false, "is it the protocol offered by ALPN?"}
#define SMALL_MSS    {VARIANT_SMALL_MSS, ATTEMPT_LADDER, ANYWAY, false, "do only large packets get lost?"}
#define LARGE        {VARIANT_LARGE_HELLO, ATTEMPT_LADDER, ANYWAY, false, "does a large hello pass?"}
#define LARGE_SMALL  {VARIANT_LARGE_SMALL_MSS, ATTEMPT_LADDER, LARGE_FAILED, false, "is it the size of the hello or of its packets?"}
#define OTHER_ADDRESS {VARIANT_OTHER_ADDRESS, ATTEMPT_CONTROL, ANYWAY, false, "is it this address alone?"}
#define OTHER_FAMILY {VARIANT_OTHER_FAMILY, ATTEMPT_CONTROL, ANYWAY, false, "is it this address family alone?"}
#define OTHER_PORT   {VARIANT_OTHER_PORT, ATTEMPT_CONTROL, ANYWAY, false, "does the host answer at another port?"}
#define CLIENT_CERT  {VARIANT_CLIENT_CERT, ATTEMPT_LADDER, CERTIFICATE_ASKED, false, "is it the client certificate?"}
#define IDLE         {VARIANT_IDLE, ATTEMPT_LADDER, ANYWAY, false, "does it end without a request too?"}
#define ISSUER       {VARIANT_ISSUER, ATTEMPT_LADDER, ANYWAY, false, "does the issuer named in the certificate complete the chain?"}
#define BURST        {VARIANT_BURST, ATTEMPT_LADDER, ANYWAY, false, "do several at once fail where one does not?"}
/* clang-format on */

#define RUNGS(...) ((const struct rung[]){__VA_ARGS__, {.why = NULL}})

enum { ANY_RAW = -1 };

struct climb {
    enum outcome_class class;
    int32_t raw; /* ANY_RAW, or of this number alone */
    const struct rung *rungs;
};

/* The first row that fits counts. What has no row needs no more attempts: its own evidence says all there is to learn. */
static const struct climb climbs[] = {
    {OUTCOME_DNS_SERVFAIL, ANY_RAW, RUNGS(RETRY)},
    {OUTCOME_DNS_TIMEOUT, ANY_RAW, RUNGS(RETRY)},
    {OUTCOME_DNS_REFUSED, ANY_RAW, RUNGS(RETRY)},
    {OUTCOME_DNS_MALFORMED, ANY_RAW, RUNGS(RETRY)},
    {OUTCOME_DNS_OTHER, ANY_RAW, RUNGS(RETRY)},
    {OUTCOME_TCP_REFUSED, ANY_RAW, RUNGS(RETRY, OTHER_PORT, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_TCP_TIMEOUT, ANY_RAW, RUNGS(RETRY, OTHER_PORT, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_TCP_UNREACHABLE, ANY_RAW, RUNGS(RETRY, OTHER_PORT, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_TCP_OTHER, ANY_RAW, RUNGS(RETRY, OTHER_PORT, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_HELLO_RESET, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, CONTROL_LATER, NAME_SPLIT, TLS12, LEGACY, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_HELLO_CLOSED, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, CONTROL_LATER, NAME_SPLIT, TLS12, LEGACY, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_HELLO_SILENT, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, CONTROL_LATER, NAME_SPLIT, SMALL_MSS, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_HELLO_UNACKED, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, CONTROL_LATER, NAME_SPLIT, SMALL_MSS, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_HELLO_FLIGHT_LOST, ANY_RAW, RUNGS(RETRY, SMALL_MSS, CONTROL, OTHER_ADDRESS)},
    {OUTCOME_TLS_STALLED, ANY_RAW, RUNGS(RETRY, SMALL_MSS, CONTROL, TLS12, OTHER_ADDRESS)},
    {OUTCOME_TLS_RESET, ANY_RAW, RUNGS(RETRY, CONTROL, NO_SNI, TLS12, TLS13, SMALL_MSS, LEGACY, CLIENT_CERT)},
    {OUTCOME_TLS_CLOSED, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, TLS12, TLS13, SMALL_MSS, LEGACY, CLIENT_CERT)},
    {OUTCOME_TLS_ALERT, 40, /* handshake_failure, which is said of nearly everything */
     RUNGS(RETRY, CONTROL, NO_SNI, TLS12, TLS13, WIDE, RSA_ONLY, ECDSA_ONLY, NO_ALPN, LEGACY, CLIENT_CERT)},
    {OUTCOME_TLS_ALERT, 42, RUNGS(CONTROL, CLIENT_CERT)}, /* bad_certificate */
    {OUTCOME_TLS_ALERT, 48, RUNGS(CONTROL, CLIENT_CERT)}, /* unknown_ca */
    {OUTCOME_TLS_ALERT, 70, RUNGS(CONTROL, TLS12, TLS13, LEGACY)},
    {OUTCOME_TLS_ALERT, 71, RUNGS(CONTROL, WIDE, TLS12, TLS13, LEGACY)}, /* insufficient_security */
    {OUTCOME_TLS_ALERT, 112, RUNGS(CONTROL, NO_SNI, OTHER_ADDRESS)},     /* unrecognized_name */
    {OUTCOME_TLS_ALERT, 116, RUNGS(CONTROL, CLIENT_CERT)},               /* certificate_required */
    {OUTCOME_TLS_ALERT, 120, RUNGS(CONTROL, NO_ALPN)},                   /* no_application_protocol */
    {OUTCOME_TLS_ALERT, ANY_RAW,
     RUNGS(RETRY, CONTROL, NO_SNI, TLS12, TLS13, WIDE, NO_ALPN, LEGACY, CLIENT_CERT)},
    {OUTCOME_TLS_NOT_TLS, ANY_RAW, RUNGS(CONTROL)},
    {OUTCOME_TLS_OLD_VERSION, ANY_RAW, RUNGS(TLS12, TLS13, LEGACY)},
    {OUTCOME_TLS_BAD_SIGNATURE, ANY_RAW, RUNGS(TLS12, RSA_ONLY, ECDSA_ONLY, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_TLS_UNCLASSIFIED, ANY_RAW, RUNGS(RETRY, CONTROL, TLS12, TLS13, LEGACY, WIDE, NO_ALPN)},
    {OUTCOME_CERT_EXPIRED, ANY_RAW, RUNGS(NO_SNI, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_CERT_NOT_YET_VALID, ANY_RAW, RUNGS(NO_SNI, OTHER_ADDRESS, OTHER_FAMILY)},
    {OUTCOME_CERT_SELF_SIGNED, ANY_RAW, RUNGS(CONTROL, NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_CERT_UNTRUSTED, ANY_RAW, RUNGS(CONTROL, NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_CERT_NO_ISSUER, ANY_RAW, RUNGS(ISSUER, CONTROL, NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_CERT_NAME, ANY_RAW, RUNGS(CONTROL, NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_CERT_PURPOSE, ANY_RAW, RUNGS(NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_CERT_WEAK_KEY, ANY_RAW, RUNGS(LEGACY, OTHER_ADDRESS)},
    {OUTCOME_CERT_WEAK_SIGNATURE, ANY_RAW, RUNGS(LEGACY, OTHER_ADDRESS)},
    {OUTCOME_CERT_REVOKED, ANY_RAW, RUNGS(OTHER_ADDRESS)},
    {OUTCOME_CERT_OTHER, ANY_RAW, RUNGS(LEGACY, NO_SNI, OTHER_ADDRESS)},
    {OUTCOME_HTTP_RESET, ANY_RAW, RUNGS(RETRY, CONTROL, NO_SNI, IDLE, CLIENT_CERT)},
    {OUTCOME_HTTP_CLOSED, ANY_RAW, RUNGS(RETRY, CONTROL, NO_SNI, IDLE, CLIENT_CERT)},
    {OUTCOME_HTTP_SILENT, ANY_RAW, RUNGS(RETRY, IDLE)},
    {OUTCOME_HTTP_MALFORMED, ANY_RAW, RUNGS(NO_ALPN)},
    {OUTCOME_HTTP_ALERT, ANY_RAW, RUNGS(RETRY, TLS12, IDLE, CLIENT_CERT)},
    {OUTCOME_HTTP_CLIENT_CERT, ANY_RAW, RUNGS(CLIENT_CERT)},
    {OUTCOME_HTTP_OTHER, ANY_RAW, RUNGS(RETRY, IDLE)},
};

static const struct rung *const always_rungs = RUNGS(TLS12, TLS13, NO_SNI, LARGE, LARGE_SMALL, SPLIT);
static const struct rung *const burst_rungs = RUNGS(BURST);

static const struct rung *rungs_of(struct outcome outcome)
{
    for (size_t i = 0; i < sizeof climbs / sizeof climbs[0]; i++) {
        if (climbs[i].class == outcome.class && (climbs[i].raw == ANY_RAW || climbs[i].raw == outcome.raw))
            return climbs[i].rungs;
    }
    return NULL;
}

static bool made(const struct case_file *file, const struct rung *rung)
{
    bool again = rung->condition == CONTROL_FAILED; /* the one variant that is made twice */
    for (size_t i = 0; i < file->count; i++) {
        if (file->origins[i] == NULL && file->attempts[i]->variant == rung->variant &&
            (!again || file->attempts[i]->role == rung->role))
            return true;
    }
    return false;
}

static bool failed_in_handshake(const struct case_file *file, enum variant variant)
{
    return case_variant(file, variant) != NULL && !case_shakes_hands(file, variant);
}

static bool certificate_was_asked(const struct case_file *file)
{
    bool asked = file->outcomes[0].raw_kind == RAW_ALERT && file->outcomes[0].raw == 116;
    for (size_t i = 0; i < file->count; i++)
        asked |= file->origins[i] == NULL && file->attempts[i]->tls.certificate_request;
    return asked;
}

static bool holds(const struct case_file *file, const struct ladder_limits *limits, enum condition condition)
{
    switch (condition) {
    case ANYWAY:
        return true;
    case CONTROL_PASSED:
        return case_shakes_hands(file, VARIANT_CONTROL_SNI);
    case CONTROL_FAILED:
        return failed_in_handshake(file, VARIANT_CONTROL_SNI);
    case CERTIFICATE_ASKED:
        return limits->has_client_cert && certificate_was_asked(file);
    case LARGE_FAILED:
        return failed_in_handshake(file, VARIANT_LARGE_HELLO);
    }
    return false;
}

static bool may_connect(const struct ladder_limits *limits, const struct address *address)
{
    return limits->may_connect == NULL || limits->may_connect(address, limits->may_connect_arg);
}

/* Another address that the name resolved to. @return false when there is none that may be tried. */
static bool other_address(const struct attempt *first, const struct ladder_limits *limits, bool same_family,
                          struct address *ret_address)
{
    const struct address *tried = &first->flow.destination;
    for (size_t i = 0; i < first->dns_count; i++) {
        for (size_t j = 0; j < first->dns[i].answer_count; j++) {
            const struct address *address = &first->dns[i].answers[j].address;
            if (address->length > 0 && (address->length == tried->length) == same_family &&
                !address_equal(address, tried) && may_connect(limits, address)) {
                *ret_address = *address;
                return true;
            }
        }
    }
    return false;
}

/* A port that is mostly served, and other than the one that fails. */
static uint16_t other_port(uint16_t port)
{
    return port == 443 ? 80 : 443;
}

static bool has_what_it_needs(const struct case_file *file, const struct ladder_limits *limits,
                              struct ladder_step *step)
{
    const struct attempt *first = file->attempts[0];
    if (step->variant == VARIANT_RETRY) /* a forced variant has no other attempt of its shape */
        return first->variant == VARIANT_NORMAL;
    if (step->variant == VARIANT_NO_SNI)
        return endpoint_sni(file->endpoint)[0] != '\0';
    if (step->variant == VARIANT_OTHER_ADDRESS || step->variant == VARIANT_OTHER_FAMILY)
        return other_address(first, limits, step->variant == VARIANT_OTHER_ADDRESS, &step->address);
    if (step->variant == VARIANT_ISSUER)
        return limits->may_fetch_issuer && first->tls.leaf.issuer_url[0] != '\0';
    return true;
}

static bool choose(const struct case_file *file, const struct ladder_limits *limits, const struct rung *rungs,
                   struct ladder_step *step)
{
    for (; rungs != NULL && rungs->why != NULL; rungs++) {
        if (made(file, rungs) || !holds(file, limits, rungs->condition))
            continue;
        *step = (struct ladder_step){.variant = rungs->variant,
                                     .role = rungs->role,
                                     .rest_us = rungs->rests ? limits->rest_us : limits->pause_us,
                                     .rests = rungs->rests,
                                     .why = rungs->why};
        if (has_what_it_needs(file, limits, step))
            return true;
    }
    return false;
}

/* A retry that came through ends the climb: whatever it was, it was not lasting. */
static bool was_transient(const struct case_file *file)
{
    struct outcome retry;
    return case_outcome(file, VARIANT_RETRY, &retry) && retry.stage != file->outcomes[0].stage &&
           (outcome_is_ok(retry) || case_shakes_hands(file, VARIANT_RETRY));
}

static bool next_rung(const struct case_file *file, const struct ladder_limits *limits,
                      struct ladder_step *step)
{
    if (!was_transient(file) && choose(file, limits, rungs_of(file->outcomes[0]), step))
        return true;
    if (limits->always && file->attempts[0]->clock.connected_us != EVIDENCE_NEVER &&
        choose(file, limits, always_rungs, step))
        return true;
    return limits->may_burst && file->attempts[0]->flow.destination.length > 0 &&
           choose(file, limits, burst_rungs, step);
}

bool ladder_next(const struct case_file *file, const struct ladder_limits *limits,
                 struct ladder_step *ret_step)
{
    struct ladder_step step;
    if (file->count == 0 || !next_rung(file, limits, &step))
        return false;
    size_t more = step.variant == VARIANT_BURST ? LADDER_BURST : 1;
    if (file->count + more > CASE_MAX_ATTEMPTS || file->count + more > limits->max_attempts ||
        limits->elapsed_us + step.rest_us >= limits->budget_us)
        return false;
    if (step.variant == VARIANT_CONTROL_SNI)
        step.sni = limits->control_sni != NULL ? limits->control_sni : LADDER_CONTROL_SNI;
    if (step.variant == VARIANT_OTHER_PORT)
        step.port = other_port(file->endpoint->port);
    *ret_step = step;
    return true;
}

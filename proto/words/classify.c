#include "words/classify.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>

/*
 * Reads one attempt the way it happened: what kept the vantage from trying, the name, the connection, the
 * ClientHello's answer, the handshake, the certificate, the request. The first of these that went wrong is
 * the outcome. Tables map numbers; what no row knows keeps its number and is called unclassified or other.
 */

enum { ALERT_FATAL = 2, ALERT_CERTIFICATE_REQUIRED = 116, RCODE_NXDOMAIN = 3 };

/* The resolver library's statuses when no answer came (ares.h). */
enum { ARES_BAD_ANSWER = 10, ARES_NO_SERVER = 11, ARES_TIMED_OUT = 12, ARES_CANCELLED = 24 };

struct number_class {
    int32_t number;
    enum outcome_class class;
};

static enum outcome_class lookup(const struct number_class *rows, size_t count, int32_t number,
                                 enum outcome_class other)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number == number)
            return rows[i].class;
    }
    return other;
}
#define LOOKUP(rows, number, other) lookup(rows, sizeof(rows) / sizeof((rows)[0]), number, other)

static struct outcome classify_local(const struct attempt *attempt)
{
    static const struct number_class rows[] = {
        {LOCAL_POLICY, OUTCOME_LOCAL_POLICY},
        {LOCAL_NO_ROUTE, OUTCOME_LOCAL_NO_ROUTE},
        {LOCAL_RESOURCE, OUTCOME_LOCAL_RESOURCE},
        {LOCAL_CANCELLED, OUTCOME_LOCAL_CANCELLED},
    };
    return outcome_make(LOOKUP(rows, (int32_t)attempt->local, OUTCOME_LOCAL_OTHER),
                        attempt->local_error == 0 ? RAW_NONE : RAW_ERRNO, attempt->local_error);
}

static struct outcome classify_query(const struct dns_query *query)
{
    static const struct number_class rcodes[] = {
        {0, OUTCOME_DNS_NO_ADDRESS},
        {2, OUTCOME_DNS_SERVFAIL},
        {RCODE_NXDOMAIN, OUTCOME_DNS_NXDOMAIN},
        {5, OUTCOME_DNS_REFUSED},
    };
    static const struct number_class statuses[] = {
        {ARES_BAD_ANSWER, OUTCOME_DNS_MALFORMED},
        {ARES_TIMED_OUT, OUTCOME_DNS_TIMEOUT},
        {ARES_NO_SERVER, OUTCOME_DNS_TIMEOUT},
        {ARES_CANCELLED, OUTCOME_DNS_TIMEOUT},
    };
    if (query->status == ARES_BAD_ANSWER)
        return outcome_make(OUTCOME_DNS_MALFORMED, RAW_ARES, query->status);
    if (query->rcode >= 0)
        return outcome_make(LOOKUP(rcodes, query->rcode, OUTCOME_DNS_OTHER), RAW_DNS_RCODE, query->rcode);
    return outcome_make(LOOKUP(statuses, query->status, OUTCOME_DNS_OTHER), RAW_ARES, query->status);
}

/* Of several failed queries the one that says most: an answer with an error, then no answer, then an empty
 * one. */
static struct outcome classify_dns(const struct attempt *attempt)
{
    struct outcome best = outcome_make(OUTCOME_DNS_OTHER, RAW_NONE, 0);
    int best_rank = -1;
    for (size_t i = 0; i < attempt->dns_count; i++) {
        const struct dns_query *query = &attempt->dns[i];
        if (query->how != ASK_PLAIN)
            continue;
        int rank = query->rcode > 0 ? 2 : query->rcode < 0 ? 1 : 0;
        if (rank > best_rank) {
            best = classify_query(query);
            best_rank = rank;
        }
    }
    return best;
}

static struct outcome classify_connect(const struct attempt *attempt)
{
    static const struct number_class rows[] = {
        {ECONNREFUSED, OUTCOME_TCP_REFUSED},     {ETIMEDOUT, OUTCOME_TCP_TIMEOUT},
        {EHOSTUNREACH, OUTCOME_TCP_UNREACHABLE}, {ENETUNREACH, OUTCOME_TCP_UNREACHABLE},
        {EHOSTDOWN, OUTCOME_TCP_UNREACHABLE},    {EACCES, OUTCOME_TCP_UNREACHABLE},
        {ECONNRESET, OUTCOME_HELLO_RESET}, /* after the SYN-ACK: the peer was faster than we to notice */
    };
    const struct evidence_flow *flow = &attempt->flow;
    if (flow->icmp_type >= 0)
        return outcome_make(OUTCOME_TCP_UNREACHABLE, RAW_ICMP, flow->icmp_type * 256 + flow->icmp_code);
    if (flow->error == 0 && attempt->end.how == ENDING_TIMEOUT)
        return outcome_make(OUTCOME_TCP_TIMEOUT, RAW_NONE, 0);
    return outcome_make(LOOKUP(rows, flow->error, OUTCOME_TCP_OTHER), RAW_ERRNO, flow->error);
}

/* The last error of the SSL library: others (RSA, ASN1) stand before it and only say how it came to it. */
static int32_t ssl_reason(const struct attempt *attempt)
{
    for (size_t i = attempt->tls.error_count; i > 0; i--) {
        unsigned long error = (unsigned long)attempt->tls.errors[i - 1];
        if (ERR_GET_LIB(error) == ERR_LIB_SSL)
            return ERR_GET_REASON(error);
    }
    return 0;
}

/* No byte came back after the ClientHello: the kernel's counters tell the kinds of silence apart. */
static struct outcome classify_no_answer(const struct attempt *attempt)
{
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    int32_t error = attempt->flow.error;
    switch (attempt->end.how) {
    case ENDING_RESET:
        return outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, error);
    case ENDING_FIN:
    case ENDING_CLOSE_NOTIFY:
        return outcome_make(OUTCOME_HELLO_CLOSED, RAW_NONE, 0);
    case ENDING_TIMEOUT:
        if (end->taken && end->bytes_acked <= 1)
            return outcome_make(OUTCOME_HELLO_UNACKED, RAW_NONE, 0);
        if (end->taken && (end->data_segs_in > 0 || end->rcv_ooopack > 0))
            return outcome_make(OUTCOME_HELLO_FLIGHT_LOST, RAW_NONE, 0);
        return outcome_make(OUTCOME_HELLO_SILENT, RAW_NONE, 0);
    case ENDING_NONE:
    case ENDING_BY_US:
    case ENDING_ALERT:
    case ENDING_ERROR:
        break;
    }
    return error != 0 ? outcome_make(OUTCOME_TLS_UNCLASSIFIED, RAW_ERRNO, error)
                      : outcome_make(OUTCOME_TLS_UNCLASSIFIED, RAW_SSL_REASON, ssl_reason(attempt));
}

/* A TLS record header, RFC 8446 section 5.1 (and TLCP's 01 01). */
static bool looks_like_tls(const struct attempt *attempt)
{
    const uint8_t *bytes = attempt->end.first_bytes;
    if (attempt->end.first_byte_count == 0)
        return true;
    bool content = bytes[0] >= 20 && bytes[0] <= 24;
    return content && (attempt->end.first_byte_count < 2 || bytes[1] == 3 || bytes[1] == 1);
}

static struct outcome classify_handshake(const struct attempt *attempt)
{
    static const struct number_class reasons[] = {
        {SSL_R_BAD_SIGNATURE, OUTCOME_TLS_BAD_SIGNATURE},
        {SSL_R_UNSUPPORTED_PROTOCOL, OUTCOME_TLS_OLD_VERSION},
        {SSL_R_VERSION_TOO_LOW, OUTCOME_TLS_OLD_VERSION},
        {SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, OUTCOME_TLS_OLD_VERSION},
    };
    uint8_t level, description;
    if (attempt->clock.first_byte_us == EVIDENCE_NEVER)
        return classify_no_answer(attempt);
    if (!looks_like_tls(attempt))
        return outcome_make(OUTCOME_TLS_NOT_TLS, RAW_SSL_REASON, ssl_reason(attempt));
    if (attempt_alert(attempt, true, &level, &description) && level == ALERT_FATAL)
        return outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, description);
    switch (attempt->end.how) {
    case ENDING_RESET:
        return outcome_make(OUTCOME_TLS_RESET, RAW_ERRNO, attempt->flow.error);
    case ENDING_FIN:
    case ENDING_CLOSE_NOTIFY:
        return outcome_make(OUTCOME_TLS_CLOSED, RAW_NONE, 0);
    case ENDING_TIMEOUT:
        return outcome_make(OUTCOME_TLS_STALLED, RAW_NONE, 0);
    case ENDING_BY_US: /* it only wanted the answer to its hello */
        if (attempt->tls.version != 0)
            return outcome_make(OUTCOME_OK, RAW_NONE, 0);
        break;
    case ENDING_NONE:
    case ENDING_ALERT:
    case ENDING_ERROR:
        break;
    }
    int32_t reason = ssl_reason(attempt);
    return outcome_make(LOOKUP(reasons, reason, OUTCOME_TLS_UNCLASSIFIED), RAW_SSL_REASON, reason);
}

/* Of a set of verify errors the first of these rows is what a person has to mend first. */
static const struct number_class verify_order[] = {
    {X509_V_ERR_CERT_REVOKED, OUTCOME_CERT_REVOKED},
    {X509_V_ERR_CERT_HAS_EXPIRED, OUTCOME_CERT_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, OUTCOME_CERT_NOT_YET_VALID},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OUTCOME_CERT_SELF_SIGNED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OUTCOME_CERT_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OUTCOME_CERT_NO_ISSUER},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OUTCOME_CERT_NO_ISSUER},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OUTCOME_CERT_NO_ISSUER},
    {X509_V_ERR_HOSTNAME_MISMATCH, OUTCOME_CERT_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, OUTCOME_CERT_NAME},
    {X509_V_ERR_INVALID_PURPOSE, OUTCOME_CERT_PURPOSE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, OUTCOME_CERT_WEAK_KEY},
    {X509_V_ERR_CA_KEY_TOO_SMALL, OUTCOME_CERT_WEAK_KEY},
    {X509_V_ERR_CA_MD_TOO_WEAK, OUTCOME_CERT_WEAK_SIGNATURE},
};

static struct outcome classify_certificate(const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    for (size_t row = 0; row < sizeof verify_order / sizeof verify_order[0]; row++) {
        for (size_t i = 0; i < tls->verify_error_count; i++) {
            if (tls->verify_errors[i].code == verify_order[row].number)
                return outcome_make(verify_order[row].class, RAW_X509, tls->verify_errors[i].code);
        }
    }
    return outcome_make(OUTCOME_CERT_OTHER, RAW_X509, tls->verify_errors[0].code);
}

/* The verification does not look at the staple; revoked is what the responder says and signs. */
static bool staple_revokes(const struct attempt *attempt)
{
    return attempt->tls.ocsp.status == OCSP_REVOKED && attempt->tls.ocsp.signature == SIGNATURE_GOOD;
}

static struct outcome classify_status(const struct attempt *attempt)
{
    int32_t status = attempt->http.status;
    enum outcome_class class = OUTCOME_OK;
    if (status == 502 || status == 504)
        class = OUTCOME_HTTP_GATEWAY;
    else if (status >= 520 && status <= 530)
        class = OUTCOME_HTTP_EDGE_ORIGIN;
    else if (status >= 500)
        class = OUTCOME_HTTP_SERVER_ERROR;
    else if (status == 400 && attempt->tls.certificate_request)
        class = OUTCOME_HTTP_CLIENT_CERT;
    return class == OUTCOME_OK ? outcome_make(OUTCOME_OK, RAW_NONE, 0)
                               : outcome_make(class, RAW_HTTP_STATUS, status);
}

static struct outcome classify_http(const struct attempt *attempt)
{
    uint8_t level, description;
    if (attempt->http.status != 0)
        return classify_status(attempt);
    if (attempt_alert(attempt, true, &level, &description) && description != 0 && level == ALERT_FATAL)
        return outcome_make(description == ALERT_CERTIFICATE_REQUIRED ? OUTCOME_HTTP_CLIENT_CERT
                                                                      : OUTCOME_HTTP_ALERT,
                            RAW_ALERT, description);
    if (attempt->http.malformed)
        return outcome_make(OUTCOME_HTTP_MALFORMED, RAW_NONE, 0);
    switch (attempt->end.how) {
    case ENDING_RESET:
        return outcome_make(OUTCOME_HTTP_RESET, RAW_ERRNO, attempt->flow.error);
    case ENDING_FIN:
    case ENDING_CLOSE_NOTIFY:
        if (attempt->clock.request_us == EVIDENCE_NEVER) /* nothing was asked, so nothing is missing */
            return outcome_make(OUTCOME_OK, RAW_NONE, 0);
        return outcome_make(OUTCOME_HTTP_CLOSED, RAW_NONE, 0);
    case ENDING_TIMEOUT:
        return outcome_make(OUTCOME_HTTP_SILENT, RAW_NONE, 0);
    case ENDING_BY_US: /* no request was wanted */
        return outcome_make(OUTCOME_OK, RAW_NONE, 0);
    case ENDING_NONE:
    case ENDING_ALERT:
    case ENDING_ERROR:
        break;
    }
    return outcome_make(OUTCOME_HTTP_OTHER, RAW_SSL_REASON, ssl_reason(attempt));
}

/* Evidence that was written down by hand may not say to which address. */
static bool tried_to_connect(const struct attempt *attempt)
{
    return attempt->flow.destination.length > 0 || attempt->flow.error != 0 ||
           attempt->clock.connect_us != EVIDENCE_NEVER || attempt->clock.connected_us != EVIDENCE_NEVER;
}

struct outcome classify(const struct attempt *attempt)
{
    if (attempt->local != LOCAL_NONE)
        return classify_local(attempt);
    if (!tried_to_connect(attempt))
        return classify_dns(attempt);
    if (attempt->clock.connected_us == EVIDENCE_NEVER)
        return classify_connect(attempt);
    if (attempt->variant == VARIANT_OTHER_PORT) /* it only wanted to be connected */
        return outcome_make(OUTCOME_OK, RAW_NONE, 0);
    if (variant_fetches(attempt->variant)) /* no TLS: plain HTTP */
        return classify_http(attempt);
    if (attempt->clock.handshake_us == EVIDENCE_NEVER)
        return classify_handshake(attempt);
    if (staple_revokes(attempt))
        return outcome_make(OUTCOME_CERT_REVOKED, RAW_X509, X509_V_ERR_CERT_REVOKED);
    if (attempt->tls.verify_error_count > 0)
        return classify_certificate(attempt);
    return classify_http(attempt);
}

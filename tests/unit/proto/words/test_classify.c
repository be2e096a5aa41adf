#include "cmocka_all.h"

#include "words/classify.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <string.h>

/* An attempt is described by what differs from nothing observed; the outcome must follow. */
struct sketch {
    const char *what;
    enum outcome_class class;
    enum outcome_raw_kind raw_kind;
    int32_t raw;
    enum evidence_local local;
    int rcode, status; /* dns of both families, when no destination */
    bool destination, connected, first_byte, handshake, request;
    int error, icmp_type, icmp_code;
    enum evidence_ending how;
    uint64_t bytes_acked;
    uint32_t data_segs_in;
    const char *first_bytes;
    int alert, ssl_reason, http_status, version;
    int verify[3];
    bool certificate_request, malformed;
    enum evidence_signature revocation; /* the staple says revoked, and how well it is signed */
};

#define CONNECTED  .destination = true, .connected = true
#define ANSWERED   CONNECTED, .first_byte = true
#define HANDSHAKEN ANSWERED, .handshake = true, .request = true

static const struct sketch sketches[] = {
    {"policy", OUTCOME_LOCAL_POLICY, RAW_NONE, 0, .local = LOCAL_POLICY},
    {"no route", OUTCOME_LOCAL_NO_ROUTE, RAW_NONE, 0, .local = LOCAL_NO_ROUTE, .destination = true},
    {"nxdomain", OUTCOME_DNS_NXDOMAIN, RAW_DNS_RCODE, 3, .rcode = 3},
    {"servfail", OUTCOME_DNS_SERVFAIL, RAW_DNS_RCODE, 2, .rcode = 2},
    {"empty answer", OUTCOME_DNS_NO_ADDRESS, RAW_DNS_RCODE, 0, .rcode = 0},
    {"dns timeout", OUTCOME_DNS_TIMEOUT, RAW_ARES, 12, .rcode = -1, .status = 12},
    {"unknown rcode", OUTCOME_DNS_OTHER, RAW_DNS_RCODE, 11, .rcode = 11},
    {"refused", OUTCOME_TCP_REFUSED, RAW_ERRNO, ECONNREFUSED, .destination = true, .error = ECONNREFUSED},
    {"icmp wins over errno", OUTCOME_TCP_UNREACHABLE, RAW_ICMP, 3 * 256 + 3, .destination = true,
     .error = ECONNREFUSED, .icmp_type = 3, .icmp_code = 3},
    {"no answer to SYN", OUTCOME_TCP_TIMEOUT, RAW_NONE, 0, .destination = true, .how = ENDING_TIMEOUT},
    {"unknown errno", OUTCOME_TCP_OTHER, RAW_ERRNO, EPROTO, .destination = true, .error = EPROTO},
    {"reset after hello", OUTCOME_HELLO_RESET, RAW_ERRNO, ECONNRESET, CONNECTED, .error = ECONNRESET,
     .how = ENDING_RESET},
    {"FIN after hello", OUTCOME_HELLO_CLOSED, RAW_NONE, 0, CONNECTED, .how = ENDING_FIN},
    {"hello unacknowledged", OUTCOME_HELLO_UNACKED, RAW_NONE, 0, CONNECTED, .how = ENDING_TIMEOUT,
     .bytes_acked = 1},
    {"silence", OUTCOME_HELLO_SILENT, RAW_NONE, 0, CONNECTED, .how = ENDING_TIMEOUT, .bytes_acked = 518},
    {"flight lost", OUTCOME_HELLO_FLIGHT_LOST, RAW_NONE, 0, CONNECTED, .how = ENDING_TIMEOUT,
     .bytes_acked = 518, .data_segs_in = 2},
    {"http on the port", OUTCOME_TLS_NOT_TLS, RAW_SSL_REASON, SSL_R_WRONG_VERSION_NUMBER, ANSWERED,
     .first_bytes = "HTTP/1.1 400", .ssl_reason = SSL_R_WRONG_VERSION_NUMBER, .how = ENDING_ERROR},
    {"alert", OUTCOME_TLS_ALERT, RAW_ALERT, 112, ANSWERED, .first_bytes = "\x15\x03\x03", .alert = 112,
     .ssl_reason = 1112, .how = ENDING_ALERT},
    {"reset in the handshake", OUTCOME_TLS_RESET, RAW_ERRNO, ECONNRESET, ANSWERED,
     .first_bytes = "\x16\x03\x03", .error = ECONNRESET, .how = ENDING_RESET},
    {"closed in the handshake", OUTCOME_TLS_CLOSED, RAW_NONE, 0, ANSWERED, .first_bytes = "\x16\x03\x03",
     .ssl_reason = SSL_R_UNEXPECTED_EOF_WHILE_READING, .how = ENDING_FIN},
    {"stalled", OUTCOME_TLS_STALLED, RAW_NONE, 0, ANSWERED, .first_bytes = "\x16", .how = ENDING_TIMEOUT},
    {"old version", OUTCOME_TLS_OLD_VERSION, RAW_SSL_REASON, SSL_R_UNSUPPORTED_PROTOCOL, ANSWERED,
     .first_bytes = "\x16\x03\x01", .ssl_reason = SSL_R_UNSUPPORTED_PROTOCOL, .how = ENDING_ERROR},
    {"bad signature", OUTCOME_TLS_BAD_SIGNATURE, RAW_SSL_REASON, SSL_R_BAD_SIGNATURE, ANSWERED,
     .first_bytes = "\x16\x03\x03", .ssl_reason = SSL_R_BAD_SIGNATURE, .how = ENDING_ERROR},
    {"unknown reason keeps its number", OUTCOME_TLS_UNCLASSIFIED, RAW_SSL_REASON, SSL_R_BAD_LENGTH, ANSWERED,
     .first_bytes = "\x16\x03\x03", .ssl_reason = SSL_R_BAD_LENGTH, .how = ENDING_ERROR},
    {"only the answer to the hello was wanted", OUTCOME_OK, RAW_NONE, 0, ANSWERED,
     .first_bytes = "\x16\x03\x03", .version = 0x0304, .how = ENDING_BY_US},
    {"ended by us, and nothing was agreed", OUTCOME_TLS_UNCLASSIFIED, RAW_SSL_REASON, 0, ANSWERED,
     .first_bytes = "\x16\x03\x03", .how = ENDING_BY_US},
    {"ok", OUTCOME_OK, RAW_NONE, 0, HANDSHAKEN, .http_status = 200, .how = ENDING_FIN},
    {"not found is healthy", OUTCOME_OK, RAW_NONE, 0, HANDSHAKEN, .http_status = 404, .how = ENDING_BY_US},
    {"no request wanted", OUTCOME_OK, RAW_NONE, 0, ANSWERED, .handshake = true, .how = ENDING_BY_US},
    {"closed by the peer, nothing asked", OUTCOME_OK, RAW_NONE, 0, ANSWERED, .handshake = true,
     .how = ENDING_FIN},
    {"expired before name", OUTCOME_CERT_EXPIRED, RAW_X509, 10, HANDSHAKEN, .verify = {20, 62, 10},
     .http_status = 200},
    {"missing issuer", OUTCOME_CERT_NO_ISSUER, RAW_X509, 20, HANDSHAKEN, .verify = {20, 21},
     .http_status = 200},
    {"name", OUTCOME_CERT_NAME, RAW_X509, 62, HANDSHAKEN, .verify = {62}, .http_status = 200},
    {"self-signed", OUTCOME_CERT_SELF_SIGNED, RAW_X509, 18, HANDSHAKEN, .verify = {18}, .http_status = 200},
    {"unknown verify error", OUTCOME_CERT_OTHER, RAW_X509, 34, HANDSHAKEN, .verify = {34},
     .http_status = 200},
    {"502", OUTCOME_HTTP_GATEWAY, RAW_HTTP_STATUS, 502, HANDSHAKEN, .http_status = 502},
    {"526", OUTCOME_HTTP_EDGE_ORIGIN, RAW_HTTP_STATUS, 526, HANDSHAKEN, .http_status = 526},
    {"500", OUTCOME_HTTP_SERVER_ERROR, RAW_HTTP_STATUS, 500, HANDSHAKEN, .http_status = 500},
    {"400 to a missing client certificate", OUTCOME_HTTP_CLIENT_CERT, RAW_HTTP_STATUS, 400, HANDSHAKEN,
     .http_status = 400, .certificate_request = true},
    {"400 of the request", OUTCOME_OK, RAW_NONE, 0, HANDSHAKEN, .http_status = 400},
    {"116 after the handshake", OUTCOME_HTTP_CLIENT_CERT, RAW_ALERT, 116, HANDSHAKEN, .alert = 116,
     .how = ENDING_ALERT},
    {"revoked by its staple", OUTCOME_CERT_REVOKED, RAW_X509, 23, HANDSHAKEN, .http_status = 200,
     .revocation = SIGNATURE_GOOD},
    {"revoked, say strangers", OUTCOME_OK, RAW_NONE, 0, HANDSHAKEN, .http_status = 200,
     .revocation = SIGNATURE_BAD},
    {"reset after the handshake", OUTCOME_HTTP_RESET, RAW_ERRNO, ECONNRESET, HANDSHAKEN, .error = ECONNRESET,
     .how = ENDING_RESET},
    {"closed after the handshake", OUTCOME_HTTP_CLOSED, RAW_NONE, 0, HANDSHAKEN, .how = ENDING_FIN},
    {"no answer to the request", OUTCOME_HTTP_SILENT, RAW_NONE, 0, HANDSHAKEN, .how = ENDING_TIMEOUT},
    {"not HTTP", OUTCOME_HTTP_MALFORMED, RAW_NONE, 0, HANDSHAKEN, .malformed = true, .how = ENDING_BY_US},
};

static void draw_handshake(const struct sketch *sketch, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->certificate_request = sketch->certificate_request;
    tls->ocsp.signature = sketch->revocation;
    tls->ocsp.status = sketch->revocation != SIGNATURE_UNCHECKED ? OCSP_REVOKED : OCSP_NOT_SAID;
    if (sketch->alert != 0) {
        tls->records = arena_array(&attempt->arena, 1, sizeof *tls->records);
        tls->records[tls->record_count++] =
            (struct tls_record){.received = true, .content = 21, .level = 2, .type = (uint8_t)sketch->alert};
    }
    if (sketch->ssl_reason != 0) {
        tls->errors = arena_array(&attempt->arena, 2, sizeof *tls->errors);
        tls->errors[tls->error_count++] = ERR_PACK(ERR_LIB_RSA, 0, 99);
        tls->errors[tls->error_count++] = ERR_PACK(ERR_LIB_SSL, 0, sketch->ssl_reason);
    }
    tls->verify_errors = arena_array(&attempt->arena, 3, sizeof *tls->verify_errors);
    for (size_t i = 0; i < 3 && sketch->verify[i] != 0; i++)
        tls->verify_errors[tls->verify_error_count++] = (struct verify_error){.code = sketch->verify[i]};
}

static struct attempt *draw(const struct sketch *sketch)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->local = sketch->local;
    if (sketch->destination) {
        assert_true(address_parse("203.0.113.7", &attempt->flow.destination));
    } else {
        attempt->dns_count = 2;
        attempt->dns[0] = (struct dns_query){.type = 1, .rcode = sketch->rcode, .status = sketch->status};
        attempt->dns[1] = (struct dns_query){.type = 28, .rcode = sketch->rcode, .status = sketch->status};
    }
    if (sketch->connected)
        attempt->clock.connected_us = 1;
    if (sketch->first_byte)
        attempt->clock.first_byte_us = 2;
    if (sketch->handshake)
        attempt->clock.handshake_us = 3;
    if (sketch->request)
        attempt->clock.request_us = 4;
    attempt->flow.error = sketch->error;
    if (sketch->icmp_type != 0) {
        attempt->flow.icmp_type = sketch->icmp_type;
        attempt->flow.icmp_code = sketch->icmp_code;
    }
    attempt->end.how = sketch->how;
    attempt->tcp[MOMENT_END] = (struct tcp_snapshot){
        .taken = true, .bytes_acked = sketch->bytes_acked, .data_segs_in = sketch->data_segs_in};
    if (sketch->first_bytes != NULL) {
        attempt->end.first_byte_count = strlen(sketch->first_bytes);
        memcpy(attempt->end.first_bytes, sketch->first_bytes, attempt->end.first_byte_count);
    }
    attempt->http.status = (uint16_t)sketch->http_status;
    attempt->http.malformed = sketch->malformed;
    attempt->tls.version = (uint16_t)sketch->version;
    draw_handshake(sketch, attempt);
    return attempt;
}

static void evidence_gets_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sketches / sizeof sketches[0]; i++) {
        struct attempt *attempt = draw(&sketches[i]);
        struct outcome outcome = classify(attempt);
        if (outcome.class != sketches[i].class || outcome.raw_kind != sketches[i].raw_kind ||
            outcome.raw != sketches[i].raw)
            fail_msg("%s: %s %s %d", sketches[i].what, outcome_class_id(outcome.class),
                     outcome_raw_kind_id(outcome.raw_kind), outcome.raw);
        attempt_free(attempt);
    }
}

/* Of two families the failure that says more: IPv4 has no address, IPv6's query failed. */
static void a_failed_query_says_more_than_an_empty_one(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->dns_count = 2;
    attempt->dns[0] = (struct dns_query){.type = 1, .rcode = 0};
    attempt->dns[1] = (struct dns_query){.type = 28, .rcode = 2};
    assert_int_equal(classify(attempt).class, OUTCOME_DNS_SERVFAIL);
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_gets_its_outcome),
        cmocka_unit_test(a_failed_query_says_more_than_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

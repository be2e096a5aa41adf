#ifndef PARALLAX_WORDS_OUTCOME_H
#define PARALLAX_WORDS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What one attempt's evidence means: how far it came (stage), what ended it (class), and the number behind it
 * (raw, of raw_kind). A small value, passed by value. Wire and SQL numbers are explicit here and never
 * reused.
 */

/* X(symbol, number, name) */
#define OUTCOME_STAGES(X)                                                                                    \
    X(OUTCOME_STAGE_DONE, 0, "done")                                                                         \
    X(OUTCOME_STAGE_LOCAL, 1, "local")                                                                       \
    X(OUTCOME_STAGE_DNS, 2, "dns")                                                                           \
    X(OUTCOME_STAGE_TCP, 3, "tcp")                                                                           \
    X(OUTCOME_STAGE_HELLO, 4, "hello") /* ClientHello sent, nothing back */                                  \
    X(OUTCOME_STAGE_TLS, 5, "tls")                                                                           \
    X(OUTCOME_STAGE_CERTIFICATE, 6, "certificate")                                                           \
    X(OUTCOME_STAGE_HTTP, 7, "http") /* after the handshake */

/* X(symbol, number, stage, id, short text for one cell or line) */
#define OUTCOME_CLASSES(X)                                                                                   \
    X(OUTCOME_OK, 0, DONE, "ok", N_("ok"))                                                                   \
    X(OUTCOME_LOCAL_POLICY, 10, LOCAL, "local.policy", N_("refused by this vantage's own policy"))           \
    X(OUTCOME_LOCAL_NO_ROUTE, 11, LOCAL, "local.no_route", N_("this vantage has no route"))                  \
    X(OUTCOME_LOCAL_RESOURCE, 12, LOCAL, "local.resource", N_("this vantage is out of resources"))           \
    X(OUTCOME_LOCAL_CANCELLED, 13, LOCAL, "local.cancelled", N_("cancelled"))                                \
    X(OUTCOME_LOCAL_OTHER, 19, LOCAL, "local.other", N_("local error"))                                      \
    X(OUTCOME_DNS_NXDOMAIN, 20, DNS, "dns.nxdomain", N_("name does not exist"))                              \
    X(OUTCOME_DNS_SERVFAIL, 21, DNS, "dns.servfail", N_("resolver failed"))                                  \
    X(OUTCOME_DNS_TIMEOUT, 22, DNS, "dns.timeout", N_("DNS timed out"))                                      \
    X(OUTCOME_DNS_REFUSED, 23, DNS, "dns.refused", N_("resolver refused"))                                   \
    X(OUTCOME_DNS_NO_ADDRESS, 24, DNS, "dns.no_address", N_("name has no address"))                          \
    X(OUTCOME_DNS_MALFORMED, 25, DNS, "dns.malformed", N_("malformed DNS answer"))                           \
    X(OUTCOME_DNS_OTHER, 29, DNS, "dns.other", N_("DNS error"))                                              \
    X(OUTCOME_TCP_REFUSED, 30, TCP, "tcp.refused", N_("connection refused"))                                 \
    X(OUTCOME_TCP_TIMEOUT, 31, TCP, "tcp.timeout", N_("no answer to SYN"))                                   \
    X(OUTCOME_TCP_UNREACHABLE, 32, TCP, "tcp.unreachable", N_("unreachable"))                                \
    X(OUTCOME_TCP_OTHER, 39, TCP, "tcp.other", N_("TCP error"))                                              \
    X(OUTCOME_HELLO_RESET, 40, HELLO, "hello.reset", N_("reset after ClientHello"))                          \
    X(OUTCOME_HELLO_CLOSED, 41, HELLO, "hello.closed", N_("closed after ClientHello"))                       \
    X(OUTCOME_HELLO_SILENT, 42, HELLO, "hello.silent", N_("silence after ClientHello"))                      \
    X(OUTCOME_HELLO_UNACKED, 43, HELLO, "hello.unacked", N_("ClientHello never acknowledged"))               \
    X(OUTCOME_HELLO_FLIGHT_LOST, 44, HELLO, "hello.flight_lost", N_("server's first packets lost"))          \
    X(OUTCOME_TLS_ALERT, 50, TLS, "tls.alert", N_("TLS alert"))                                              \
    X(OUTCOME_TLS_NOT_TLS, 51, TLS, "tls.not_tls", N_("port does not speak TLS"))                            \
    X(OUTCOME_TLS_RESET, 52, TLS, "tls.reset", N_("reset during the handshake"))                             \
    X(OUTCOME_TLS_CLOSED, 53, TLS, "tls.closed", N_("closed during the handshake"))                          \
    X(OUTCOME_TLS_STALLED, 54, TLS, "tls.stalled", N_("handshake stalled"))                                  \
    X(OUTCOME_TLS_OLD_VERSION, 55, TLS, "tls.old_version", N_("server offers only an old TLS version"))      \
    X(OUTCOME_TLS_BAD_SIGNATURE, 56, TLS, "tls.bad_signature", N_("server's signature does not verify"))     \
    X(OUTCOME_TLS_UNCLASSIFIED, 59, TLS, "tls.unclassified", N_("unclassified TLS error"))                   \
    X(OUTCOME_CERT_EXPIRED, 60, CERTIFICATE, "cert.expired", N_("certificate expired"))                      \
    X(OUTCOME_CERT_NOT_YET_VALID, 61, CERTIFICATE, "cert.not_yet_valid", N_("certificate not yet valid"))    \
    X(OUTCOME_CERT_SELF_SIGNED, 62, CERTIFICATE, "cert.self_signed", N_("self-signed certificate"))          \
    X(OUTCOME_CERT_UNTRUSTED, 63, CERTIFICATE, "cert.untrusted", N_("untrusted root"))                       \
    X(OUTCOME_CERT_NO_ISSUER, 64, CERTIFICATE, "cert.no_issuer",                                             \
      N_("issuer not found (missing intermediate or unknown CA)"))                                           \
    X(OUTCOME_CERT_NAME, 65, CERTIFICATE, "cert.name", N_("certificate does not cover the name"))            \
    X(OUTCOME_CERT_PURPOSE, 66, CERTIFICATE, "cert.purpose", N_("certificate is not for servers"))           \
    X(OUTCOME_CERT_WEAK_KEY, 67, CERTIFICATE, "cert.weak_key", N_("weak key"))                               \
    X(OUTCOME_CERT_WEAK_SIGNATURE, 68, CERTIFICATE, "cert.weak_signature", N_("weak signature algorithm"))   \
    X(OUTCOME_CERT_REVOKED, 69, CERTIFICATE, "cert.revoked", N_("certificate revoked"))                      \
    X(OUTCOME_CERT_OTHER, 79, CERTIFICATE, "cert.other", N_("certificate does not verify"))                  \
    X(OUTCOME_HTTP_RESET, 80, HTTP, "http.reset", N_("reset after the handshake"))                           \
    X(OUTCOME_HTTP_CLOSED, 81, HTTP, "http.closed", N_("closed after the handshake without an answer"))      \
    X(OUTCOME_HTTP_SILENT, 82, HTTP, "http.silent", N_("no answer to the request"))                          \
    X(OUTCOME_HTTP_MALFORMED, 83, HTTP, "http.malformed", N_("answer is not HTTP"))                          \
    X(OUTCOME_HTTP_ALERT, 84, HTTP, "http.alert", N_("TLS alert after the handshake"))                       \
    X(OUTCOME_HTTP_GATEWAY, 85, HTTP, "http.gateway", N_("gateway error"))                                   \
    X(OUTCOME_HTTP_EDGE_ORIGIN, 86, HTTP, "http.edge_origin", N_("edge cannot reach its origin"))            \
    X(OUTCOME_HTTP_SERVER_ERROR, 87, HTTP, "http.server_error", N_("server error"))                          \
    X(OUTCOME_HTTP_CLIENT_CERT, 88, HTTP, "http.client_cert", N_("client certificate required"))             \
    X(OUTCOME_HTTP_OTHER, 89, HTTP, "http.other", N_("error after the handshake"))

/* X(symbol, number, name): which vocabulary outcome.raw is in */
#define OUTCOME_RAW_KINDS(X)                                                                                 \
    X(RAW_NONE, 0, "none")                                                                                   \
    X(RAW_ERRNO, 1, "errno")                                                                                 \
    X(RAW_DNS_RCODE, 2, "rcode")                                                                             \
    X(RAW_ARES, 3, "ares")                                                                                   \
    X(RAW_ALERT, 4, "alert")                                                                                 \
    X(RAW_SSL_REASON, 5, "ssl_reason")                                                                       \
    X(RAW_X509, 6, "x509")                                                                                   \
    X(RAW_HTTP_STATUS, 7, "http_status")                                                                     \
    X(RAW_ICMP, 8, "icmp") /* type * 256 + code */

#define OUTCOME_ENUM3(symbol, number, name)            symbol = (number),
#define OUTCOME_ENUM5(symbol, number, stage, id, text) symbol = (number),

enum outcome_stage { OUTCOME_STAGES(OUTCOME_ENUM3) };
enum outcome_class { OUTCOME_CLASSES(OUTCOME_ENUM5) };
enum outcome_raw_kind { OUTCOME_RAW_KINDS(OUTCOME_ENUM3) };

struct outcome {
    enum outcome_stage stage;
    enum outcome_class class;
    enum outcome_raw_kind raw_kind;
    int32_t raw;
};

/** The outcome of a class with the stage that belongs to it. */
struct outcome outcome_make(enum outcome_class class, enum outcome_raw_kind raw_kind, int32_t raw);

/** From stored or received numbers. @return false when the class is not one of ours. */
bool outcome_from_numbers(int class, int raw_kind, int32_t raw, struct outcome *ret_outcome);

/** Stable machine ids ("hello.reset", "tcp", "errno"); never NULL. */
const char *outcome_class_id(enum outcome_class class);
const char *outcome_stage_id(enum outcome_stage stage);
const char *outcome_raw_kind_id(enum outcome_raw_kind kind);

/** English short text of a class, a gettext msgid. Never NULL. */
const char *outcome_class_text(enum outcome_class class);

/** @return the class with this id. False when there is none. */
bool outcome_class_from_id(const char *id, enum outcome_class *ret_class);

/** Visits every class in order of number. */
void outcome_each_class(void (*visit)(enum outcome_class class, void *arg), void *arg);

/** Not a fault of the target: OK, or a local reason. Failing means neither. */
bool outcome_is_ok(struct outcome outcome);
bool outcome_is_failure(struct outcome outcome);

/**
 * The number with its name: "alert 112 unrecognized_name", "errno 104 ECONNRESET", "HTTP 502", or "" for
 * none.
 * @param out  where it is written, size bytes. @return out.
 */
const char *outcome_raw_text(struct outcome outcome, char *out, unsigned long size);

#endif

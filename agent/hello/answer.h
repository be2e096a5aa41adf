#ifndef PARALLAX_HELLO_ANSWER_H
#define PARALLAX_HELLO_ANSWER_H

#include "hello/server_hello.h"

/*
 * What a server says to a ClientHello before anything is encrypted. Strangers' bytes in, a typed result out; nothing is
 * copied or allocated, and nothing is read outside [bytes, bytes + length).
 */

/**
 * Whether a suite of TLS 1.2 or older exchanges keys on a curve (RFC 8422, 5.4) and not with a prime (RFC 5246, 7.4.3): the bytes of a
 * ServerKeyExchange do not tell.
 */
bool hello_suite_on_curve(uint16_t cipher);

/* X(symbol, name): what an answer is */
#define HELLO_ANSWERS(X)                                                                                     \
    X(HELLO_NOTHING, "nothing")           /* no byte yet */                                                  \
    X(HELLO_PARTIAL, "partial")           /* the beginning of a TLS answer */                                \
    X(HELLO_SERVER_HELLO, "server-hello") /* TLS 1.3: all that is readable of it */                          \
    X(HELLO_RETRY, "hello-retry-request")                                                                    \
    X(HELLO_FLIGHT, "flight") /* TLS 1.2 and older, to the ServerHelloDone */                                \
    X(HELLO_ALERT, "alert")                                                                                  \
    X(HELLO_TLCP, "tlcp") /* GB/T 38636: record version 0101 */                                              \
    X(HELLO_NOT_TLS, "not-tls")                                                                              \
    X(HELLO_MALFORMED, "malformed") /* and what exceeds HELLO_MAX_ANSWER_BYTES */
#define X(symbol, name) symbol,
enum hello_answer_kind { HELLO_ANSWERS(X) };
#undef X

enum { HELLO_MAX_ANSWER_BYTES = 128 * 1024, HELLO_MAX_CERTIFICATES = 16 };

struct hello_answer {
    enum hello_answer_kind kind;
    size_t at; /* of HELLO_MALFORMED: where its record begins */
    uint16_t record_version;
    uint8_t
        alert_level; /* of HELLO_ALERT; one may follow a ServerHello, which is then here as well. A warning that lets the
                            handshake go on is here too, and the answer of another kind. */
    uint8_t alert;
    bool has_hello;
    struct server_hello hello;
    size_t certificate_count; /* of TLS 1.2 and older: the chain as sent */
    struct hello_span certificates[HELLO_MAX_CERTIFICATES];
    uint32_t certificates_dropped;
    bool has_staple;
    struct hello_span staple;       /* CertificateStatus */
    struct hello_span key_exchange; /* the ServerKeyExchange message's body */
    uint16_t key_exchange_group;    /* of named_curve; 0: none */
    uint16_t signature;             /* SignatureScheme; 0: not said */
    struct hello_span parameters;   /* what is signed, with both randoms before it (RFC 8422, 5.4) */
    struct hello_span signed_bytes; /* the signature */
    bool certificate_request;
    bool done; /* ServerHelloDone came */
};

/**
 * Reads all that has come so far, from the first byte: call it again with more. Messages may be cut by records in any
 * place; then the pieces are joined in `joined`, which has room for as many bytes as were received, and spans point there.
 * @param joined  scratch of at least `length` bytes, alive as long as the answer is used.
 */
void hello_answer_read(const uint8_t *bytes, size_t length, uint8_t *joined, struct hello_answer *ret_answer);

const char *hello_answer_name(enum hello_answer_kind kind);

#endif

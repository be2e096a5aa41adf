#ifndef PARALLAX_HELLO_CLIENT_H
#define PARALLAX_HELLO_CLIENT_H

#include "hello/answer.h"
#include "hello/chain.h"
#include "hello/write.h"

#include <openssl/evp.h>

/*
 * A TLS 1.3 client (RFC 8446) on libcrypto's primitives, made to measure: bytes in, bytes out, no I/O, no clock. It shows each message
 * as it goes by. It speaks X25519, P-256 and P-384, and the three suites of the RFC's section 9.1 and their SHA-384 sibling;
 * no resumption, no early data, no renegotiation. A chain that does not verify is noted and the handshake goes on, while a
 * CertificateVerify or Finished that is wrong ends it.
 *
 *      tls_client_new -> output: ClientHello
 *      tls_client_receive(bytes)* -> output: alert, or the client's flight
 *      TLS_CLIENT_OPEN: tls_client_send(data) -> output; received data through on_data
 *      tls_client_close -> output: close_notify
 */

enum tls_client_state {
    TLS_CLIENT_HANDSHAKE,
    TLS_CLIENT_OPEN,   /* our Finished is in the output; data may go both ways */
    TLS_CLIENT_CLOSED, /* the peer sent close_notify */
    TLS_CLIENT_ALERT,  /* the peer sent a fatal alert: tls_client_alert() */
    TLS_CLIENT_FAILED, /* the peer broke the protocol: tls_client_failure(); an alert for it is in the output */
    TLS_CLIENT_OTHER, /* the server chose a version, suite or group that this engine does not speak, though it was offered */
};

/** Algorithms fetched once, and scratch memory; one per thread. */
struct tls_algorithms;
struct tls_algorithms *tls_algorithms_new(void);
void tls_algorithms_free(struct tls_algorithms *algorithms);

/** Callbacks are called from within the functions below; they may send and close, and nothing else. */
struct tls_client_options {
    struct tls_algorithms *algorithms;
    struct chain_cache *chains;
    const struct hello_profile *profile;
    const char *sni; /* "" for none */
    const char *
        name; /* that the leaf has to cover; NULL: any. Who asks chain_verify decides what comes of it; here it */
    int64_t now_s;     /* ... says with Unix time what the peer is told of a leaf whose key cannot be read. */
    X509 *certificate; /* to show when asked for one; NULL: the empty list */
    STACK_OF(X509) * certificate_chain; /* above it; may be NULL */
    EVP_PKEY *key;
    /** Monotonic: for some moments clients may say one key share, whose bounds and reasons are key_share_again's (hello/share.h).
     * 0: this one has a key pair of its own. */
    int64_t mono_us;
    /** Each message in plain text as libssl's message callback shows it: handshake messages with their header, alerts (two bytes),
     * change_cipher_spec. `content` is 20, 21 or 22. May be NULL. */
    void (*on_message)(void *arg, bool sent, int content, const uint8_t *bytes, size_t length);
    /** Application data of the peer. Never NULL. */
    void (*on_data)(void *arg, const uint8_t *bytes, size_t length);
    /** A secret by its label of the key log format (draft-ietf-tls-keylogfile). May be NULL. */
    void (*on_secret)(void *arg, const char *label, const uint8_t random[HELLO_RANDOM_BYTES],
                      const uint8_t *secret, size_t length);
    void *arg;
};

/** A struct, what is in the options, and a ClientHello: buffers come with the first bytes received. */
struct tls_client;

/** @return NULL without memory (or randomness). Options are copied; what they point to must outlive the client. */
struct tls_client *tls_client_new(const struct tls_client_options *options);
void tls_client_free(struct tls_client *client);

/** Takes bytes as they come, in any pieces. At most 64 KiB of a handshake message and of one flight are kept. */
enum tls_client_state tls_client_receive(struct tls_client *client, const uint8_t *bytes, size_t length);
enum tls_client_state tls_client_state(const struct tls_client *client);

/** What waits to be sent; the caller takes away what it has sent with tls_client_sent. Borrowed until the next call. */
const uint8_t *tls_client_output(const struct tls_client *client, size_t *ret_length);
void tls_client_sent(struct tls_client *client, size_t length);

/** Application data, encrypted, to the output. Only in TLS_CLIENT_OPEN. @return false otherwise, or without memory. */
bool tls_client_send(struct tls_client *client, const uint8_t *bytes, size_t length);

/** close_notify to the output, once. */
void tls_client_close(struct tls_client *client);

struct tls_client_facts {
    uint16_t version, cipher, group, signature; /* 0: not agreed */
    bool hello_retry, certificate_request, ticket;
    const char *alpn;           /* "" for none; at most 255 bytes, ended by NUL, raw */
    struct hello_span staple;   /* OCSP response of the leaf's entry */
    struct hello_span scts;     /* SignedCertificateTimestampList of the leaf's entry */
    struct hello_span ca_names; /* of the CertificateRequest's certificate_authorities, RFC 8446, 4.2.4 */
    struct chain *chain;        /* NULL: none came. Counted by the client. */
    uint32_t hello_bytes;       /* of the first ClientHello with its record header */
    uint8_t alert_level, alert; /* of TLS_CLIENT_ALERT */
    /** SSL_R_* of <openssl/sslerr.h> or ERR_R_*, as libssl gives it for the same fault; of TLS_CLIENT_ALERT, too (1000 and more). What
     * libcrypto said before is in OpenSSL's error queue, until the next tls_client_receive on this thread. */
    int reason;
    uint8_t alert_sent;      /* description, of TLS_CLIENT_FAILED; 0: none was sent */
    uint8_t handshake_state; /* OSSL_HANDSHAKE_STATE in which libssl would be */
};

/** Borrowed from the client. */
void tls_client_facts(const struct tls_client *client, struct tls_client_facts *ret_facts);

#endif

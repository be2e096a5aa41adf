#ifndef PARALLAX_HELLO_PROOF_H
#define PARALLAX_HELLO_PROOF_H

#include "hello/algorithms.h"
#include "hello/extensions.h"
#include "words/buf.h"

/* CertificateVerify (RFC 8446, 4.4.3): the proof that a peer has the key of its certificate. */

/** What the peer is told of a certificate for which verification gave up with this X509_V_ERR_*. */
int proof_alert(int verify_error);

/** May a key of this kind sign in TLS at all? */
bool proof_key_usable(EVP_PKEY *key, struct tls_fault *ret_fault);

/**
 * Checks the server's message.
 * @param body        of the message, without its header.
 * @param signatures  what the hello offered.
 * @param hash        of the transcript up to the Certificate.
 * @param ret_scheme  the SignatureScheme, also when the signature is wrong; 0 when there is none.
 */
bool proof_check(struct tls_algorithms *algorithms, EVP_PKEY *key, struct cursor body,
                 const struct hello_list *signatures, const uint8_t *hash, size_t hash_bytes,
                 uint16_t *ret_scheme, struct tls_fault *ret_fault);

/** The first scheme that the server takes, we offered, and the key can do. @return 0 when there is none. */
uint16_t proof_choose(EVP_PKEY *key, struct hello_span accepted, const struct hello_list *signatures);

/** Appends the body of the client's message. @return false when the key does not sign. */
bool proof_make(struct tls_algorithms *algorithms, EVP_PKEY *key, uint16_t scheme, const uint8_t *hash,
                size_t hash_bytes, struct buf *out);

#endif

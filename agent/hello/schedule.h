#ifndef PARALLAX_HELLO_SCHEDULE_H
#define PARALLAX_HELLO_SCHEDULE_H

#include "hello/algorithms.h"

#include <openssl/sha.h>

/*
 * The key schedule of RFC 8446, 7.1, by libcrypto's hash functions alone: EVP_KDF and EVP_MAC of OpenSSL 3.0 cost
 * microseconds for each call. All functions return false when libcrypto fails.
 */

union schedule_digest {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

/** A secret that more than one thing is derived from: HMAC's two hashes, begun with it. */
struct schedule_key {
    const struct tls_hash *hash;
    union schedule_digest inner, outer;
};

/** @param secret  hash->bytes. */
bool schedule_key_init(struct schedule_key *key, const struct tls_hash *hash, const uint8_t *secret);
void schedule_key_done(struct schedule_key *key);

/** HMAC (RFC 2104) with a secret of hash->bytes; it is HKDF-Extract (RFC 5869, 2.2) with the salt as secret. */
bool schedule_hmac(const struct tls_hash *hash, const uint8_t *secret, const uint8_t *bytes, size_t length,
                   uint8_t *ret_mac);

/** HKDF-Expand-Label of at most hash->bytes (RFC 8446, 7.1). @param context_bytes at most hash->bytes. */
bool schedule_expand_key(const struct schedule_key *key, const char *label, const uint8_t *context,
                         size_t context_bytes, uint8_t *ret_bytes, size_t length);

/** The same of a secret that only this is derived from. */
bool schedule_expand(const struct tls_hash *hash, const uint8_t *secret, const char *label,
                     const uint8_t *context, size_t context_bytes, uint8_t *ret_bytes, size_t length);

/** The hash of what a transcript holds so far; the transcript goes on. */
bool schedule_transcript(struct tls_hash *hash, const EVP_MD_CTX *transcript, uint8_t *ret_hash);

/** From a secret to the next with `input` mixed in: Extract(Derive(secret, "derived", ""), input).
 * @param derived  hash->derived for the first. `input` NULL: zeros. */
bool schedule_next(const struct tls_hash *hash, const uint8_t *derived, const uint8_t *input, size_t length,
                   uint8_t *ret_secret);

/** verify_data of Finished (RFC 8446, 4.4.4). @param traffic the sender's handshake traffic secret. */
bool schedule_finished(const struct tls_hash *hash, const uint8_t *traffic, const uint8_t *transcript_hash,
                       uint8_t *ret_mac);

#endif

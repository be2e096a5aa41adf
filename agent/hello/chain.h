#ifndef PARALLAX_HELLO_CHAIN_H
#define PARALLAX_HELLO_CHAIN_H

#include "words/evidence.h"

#include <openssl/x509.h>

/*
 * Chains that were seen before. A chain is keyed by the SHA-256 of what was sent (the certificates of a Certificate message in
 * their order, and nothing else: a staple that changes does not make it another chain), and belongs to one trust store and one
 * generation of it. It keeps what is the same in each connection: the parsed certificates, the leaf's key, the facts, and the
 * verdict of X509_verify_cert, which holds until the next moment at which a certificate of it begins or ends to be valid. Whether
 * the leaf covers a name is kept for each name. The signature of a handshake is never kept.
 *
 * What comes of a cached chain equals what comes of a new one, byte for byte. Not for use by two threads at once.
 */

struct chain_cache;
struct chain; /* counted: chain_release gives one back */

struct chain_cache_options {
    X509_STORE *store; /* counted up; with the parameters that X509_STORE_new gives it */
    size_t max_chains; /* the least recently used goes; 0: nothing is kept */
    size_t max_bytes;  /* of DER, over all chains */
};

/** @return NULL without memory. */
struct chain_cache *chain_cache_new(const struct chain_cache_options *options);

/** Chains that somebody still holds stay whole. NULL is fine. */
void chain_cache_free(struct chain_cache *cache);

/** The trust store has changed in place (or another takes its place): no verdict from before counts any more. */
void chain_cache_distrust(struct chain_cache *cache, X509_STORE *store);

struct chain_cache_counts {
    uint64_t chains_hit, chains_missed, verdicts_again /* time passed a bound, or the store changed */,
        names_missed;
};
void chain_cache_counts(const struct chain_cache *cache, struct chain_cache_counts *ret_counts);

struct chain_der {
    const uint8_t *bytes;
    size_t length;
};

/**
 * The chain of these certificates, leaf first.
 * @param count  at least 1.
 * @return NULL without memory (*ret_malformed false), or when a certificate does not parse (true): then libssl's reason is
 *         ERR_R_ASN1_LIB and OpenSSL's error queue says what is wrong with it, or, with bytes behind the certificate,
 *         SSL_R_CERT_LENGTH_MISMATCH, and the queue is as it was.
 */
struct chain *chain_take(struct chain_cache *cache, const struct chain_der *certificates, size_t count,
                         bool *ret_malformed);
void chain_release(struct chain *chain);

/**
 * Borrowed. The key is NULL when OpenSSL cannot read it: X509_verify_cert then gives up whatever its callback says, for which
 * libssl ends the handshake with SSL_R_CERTIFICATE_VERIFY_FAILED.
 */
EVP_PKEY *chain_leaf_key(const struct chain *chain);
X509 *chain_leaf(const struct chain *chain);
STACK_OF(X509) * chain_sent(const struct chain *chain);

/** What verification made of it, leaf to root; NULL when nothing. Borrowed, until the next chain_verify. */
STACK_OF(X509) * chain_verified(const struct chain *chain);

enum { CHAIN_MAX_SAID = 16 }; /* as many as the queue holds */

/** A set of verify errors. */
struct chain_verdict {
    size_t count;
    struct verify_error errors[EVIDENCE_MAX_VERIFY];
    int gave_up; /* X509_V_* of what was seen last when X509_verify_cert itself ended, for a key that it cannot read; X509_V_OK: not */
    size_t said_count; /* when it gave up: what it put into OpenSSL's error queue, oldest first */
    unsigned long said[CHAIN_MAX_SAID];
};

/**
 * Verifies for TLS servers, as libssl does with SSL_VERIFY_PEER and a callback that goes on after each error.
 * @param name    the leaf has to cover it: a DNS name, or an address as text; NULL: any is fine.
 * OpenSSL's error queue has to be empty before when the leaf's key cannot be read, and is as it was afterwards.
 * @param now_s   Unix time to judge validity by.
 * @return false without memory.
 */
bool chain_verify(struct chain *chain, const char *name, int64_t now_s, struct chain_verdict *ret_verdict);

/**
 * Writes into the attempt what probe/certificates.c writes of a chain: certificates with DER, hash and facts, the leaf's facts,
 * order, has_san, counts of SCTs in the certificate, abuse of names. Not the staple.
 * @return false without memory.
 */
bool chain_keep(const struct chain *chain, struct attempt *attempt);

#endif

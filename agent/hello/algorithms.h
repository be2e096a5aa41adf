#ifndef PARALLAX_HELLO_ALGORITHMS_H
#define PARALLAX_HELLO_ALGORITHMS_H

#include "hello/chain.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libcrypto has for TLS 1.3, looked up once. Only for hello/; one per thread. */

enum {
    TLS_HASH_MAX_BYTES = 48,
    TLS_TAG_BYTES = 16,
    TLS_IV_BYTES = 12,
    TLS_KEY_MAX_BYTES = 32,
    TLS_MAX_CHAIN = 512 /* in 64 KiB: no certificate has less than 128 bytes */
};

/** A hash of the key schedule, with contexts that every use of it shares. */
struct tls_hash {
    EVP_MD *md;
    size_t bytes;
    size_t block_bytes;
    EVP_MD_CTX *copy;                    /* of a transcript that goes on */
    uint8_t empty[TLS_HASH_MAX_BYTES];   /* the hash of nothing */
    uint8_t derived[TLS_HASH_MAX_BYTES]; /* of the early secret without a pre-shared key: always the same */
};

struct tls_suite {
    uint16_t id; /* IANA's */
    size_t key_bytes;
    struct tls_hash *hash;
    EVP_CIPHER *cipher;
};

enum { TLS_HASHES = 2, TLS_SUITES = 3, TLS_GROUPS = 3, TLS_X25519 = 0x001d };

struct tls_group {
    uint16_t id;
    EVP_PKEY_CTX *generator;
};

struct tls_algorithms {
    struct tls_hash hashes[TLS_HASHES];
    struct tls_suite suites[TLS_SUITES];
    struct tls_group groups[TLS_GROUPS];
    EVP_MD_CTX *verify;
    struct key_pair *pair;                 /* of X25519, that clients of the moment have said; theirs */
    struct chain_der chain[TLS_MAX_CHAIN]; /* scratch of the Certificate message that is being read */
};

/** @return NULL when it is not one that the engine speaks. Borrowed. */
const struct tls_suite *tls_suite_find(const struct tls_algorithms *algorithms, uint16_t id);
const struct tls_group *tls_group_find(const struct tls_algorithms *algorithms, uint16_t id);

/** Does OpenSSL's error queue say that memory was short? What it could not do then is no fault of the peer's. */
bool tls_lacks_memory(void);

#endif

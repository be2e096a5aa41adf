#ifndef PARALLAX_HELLO_SHARE_H
#define PARALLAX_HELLO_SHARE_H

#include "hello/algorithms.h"

/* Key shares (RFC 8446, 4.2.8): X25519, P-256 and P-384. */

enum { SHARE_MAX_PUBLIC_BYTES = 97, SHARE_MAX_SECRET_BYTES = 48 };

struct key_share {
    uint16_t group; /* 0: none */
    EVP_PKEY *key;
};

void key_share_done(struct key_share *share);

/** A new key pair. @return false without memory or randomness. */
bool key_share_init(struct key_share *share, const struct tls_group *group);

/** The public key as it goes over the wire. @return its length, 0 without memory. */
size_t key_share_public(const struct key_share *share, uint8_t ret_key[SHARE_MAX_PUBLIC_BYTES]);

enum key_share_result {
    KEY_SHARE_AGREED,
    KEY_SHARE_NO_POINT, /* the peer's key is none of this group */
    KEY_SHARE_WEAK,     /* the secret is one that everybody knows (RFC 7748, 6.1) */
    KEY_SHARE_NO_MEMORY
};

enum key_share_result key_share_agree(const struct key_share *share, const uint8_t *peer, size_t peer_bytes,
                                      uint8_t ret_secret[SHARE_MAX_SECRET_BYTES], size_t *ret_length);

#endif

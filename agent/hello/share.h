#ifndef PARALLAX_HELLO_SHARE_H
#define PARALLAX_HELLO_SHARE_H

#include "hello/algorithms.h"

/* Key shares (RFC 8446, 4.2.8): X25519, P-256 and P-384. */

enum {
    SHARE_MAX_PUBLIC_BYTES = 97,
    SHARE_MAX_SECRET_BYTES = 48,
    SHARE_MAX_USES = 64,        /* of one key pair */
    SHARE_MAX_AGE_US = 1000000, /* at which a key pair is still said again */
};

/** Counted: key pairs belong to the shares that are said with them. */
struct key_pair;

struct key_share {
    uint16_t group; /* 0: none */
    struct key_pair *pair;
};

/** The key pair goes, cleansed, with the last share of it. */
void key_share_done(struct key_share *share);

/** A new key pair. @return false without memory or randomness. */
bool key_share_init(struct key_share *share, const struct tls_group *group);

/**
 * The key pair that connections of the moment have said, or a new one. A new one is a sixth of the cost of a handshake, and what it
 * protects is a probe: a hello, certificates that anybody may read, a request without a secret. To reuse one is to give up that each
 * connection has forward secrecy of its own, and it lets a server tell that two connections are one client's, which the address says
 * anyhow (RFC 9325, 7.4). So a pair serves at most SHARE_MAX_USES connections, for at most SHARE_MAX_AGE_US, and is gone with the last
 * connection that has it: a client with one connection at a time never says one twice. It is for X25519, which takes any key of a
 * peer (RFC 7748, 6.1); elsewhere a fault in judging peers' keys would give a key away that others use.
 * @param kept    where the pair of the moment is; NULL in it: none. Not freed by its owner.
 * @param now_us  monotonic.
 * @return false without memory or randomness.
 */
bool key_share_again(struct key_share *share, const struct tls_group *group, struct key_pair **kept,
                     int64_t now_us);

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

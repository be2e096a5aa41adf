#ifndef PARALLAX_HELLO_DECOY_H
#define PARALLAX_HELLO_DECOY_H

#include "hello/write.h"

/*
 * What is new in a hello that goes no further than the server's answer: a key share is there for each group of the profile, and any
 * server takes it, but nobody holds its secret. It costs no mathematics, and is valid of X25519, P-256 and X25519MLKEM768.
 */

enum { HELLO_DECOY_RANDOM_BYTES = 96, HELLO_DECOY_KEY_BYTES = 1216 };

struct hello_decoy {
    struct hello_values values; /* for hello_write; the keys of its shares are below */
    uint8_t keys[HELLO_DECOY_KEY_BYTES];
};

/**
 * @param sni     "" for none; borrowed by `values`, as ret_decoy itself is: it must not be copied.
 * @param random  new for each hello.
 * @return false when the profile wants a share of another group, or too many; so no profile of ours does.
 */
bool hello_decoy_make(const struct hello_profile *profile, const char *sni,
                      const uint8_t random[HELLO_DECOY_RANDOM_BYTES], struct hello_decoy *ret_decoy);

#endif

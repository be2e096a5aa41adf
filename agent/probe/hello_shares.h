#ifndef PARALLAX_PROBE_HELLO_SHARES_H
#define PARALLAX_PROBE_HELLO_SHARES_H

#include "hello/write.h"

/*
 * Key shares for hellos whose handshake goes no further than the ServerHello: public halves like any other, of keys that are
 * forgotten at once.
 */

enum { HELLO_SHARE_MAX_BYTES = 1184 + 32 };

struct hello_shares {
    size_t count;
    struct hello_share shares[HELLO_MAX_SHARES]; /* they point into `keys` */
    uint8_t keys[HELLO_MAX_SHARES][HELLO_SHARE_MAX_BYTES];
};

/** One share for each group that the profile sends one of. @return false: a group is none of ours, or OpenSSL cannot. */
bool hello_shares_make(const struct hello_profile *profile, struct hello_shares *ret_shares);

#endif

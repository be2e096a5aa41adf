#ifndef PARALLAX_HELLO_WRITE_H
#define PARALLAX_HELLO_WRITE_H

#include "hello/profile.h"
#include "words/buf.h"

/*
 * A profile and what is new in each connection, in; the bytes of a ClientHello, out. No I/O, no random numbers of its own.
 */

enum {
    HELLO_RANDOM_BYTES = 32,
    HELLO_SESSION_ID_BYTES = 32,
    HELLO_MAX_SHARES = 4,
    HELLO_MAX_COOKIE_BYTES = 4096
};

struct hello_share {
    uint16_t group;
    const uint8_t *key; /* as it goes over the wire */
    size_t key_bytes;
};

/** What differs from one hello of a profile to the next. All borrowed. */
struct hello_values {
    const char *sni; /* "" for none; an address gives none either (RFC 6066, 3) */
    uint8_t random[HELLO_RANDOM_BYTES];
    uint8_t session_id[HELLO_SESSION_ID_BYTES]; /* as many as the profile says are sent */
    size_t share_count;
    struct hello_share
        shares[HELLO_MAX_SHARES]; /* in place of the profile's groups after a HelloRetryRequest */
    const uint8_t *cookie;        /* of a HelloRetryRequest; NULL: none */
    size_t cookie_bytes;
};

/**
 * Appends the handshake message, with its header of four bytes and without that of a record (RFC 8446, 4.1.2).
 * @return false without memory, or when a value does not fit its field; `out` is then as it was.
 */
bool hello_write(const struct hello_profile *profile, const struct hello_values *values, struct buf *out);

/** Appends a message in as many records as it needs (RFC 8446, 5.1). @return false without memory. */
bool hello_write_records(uint8_t content, uint16_t version, const uint8_t *message, size_t length,
                         struct buf *out);

#endif

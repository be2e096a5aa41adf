#ifndef PARALLAX_HELLO_RECORDS_H
#define PARALLAX_HELLO_RECORDS_H

#include "hello/algorithms.h"
#include "words/buf.h"

/* Record protection of TLS 1.3 (RFC 8446, 5.2): one direction of one connection. */

enum {
    RECORD_HEADER_BYTES = 5,
    RECORD_MAX_PLAIN_BYTES = 16384,
    RECORD_ALERT = 21,
    RECORD_CCS = 20,
    RECORD_HANDSHAKE = 22,
    RECORD_DATA = 23,
    RECORD_VERSION = 0x0303
};

struct record_keys {
    EVP_CIPHER_CTX *cipher; /* NULL: nothing is encrypted yet */
    uint8_t iv[TLS_IV_BYTES];
    uint64_t sequence;
};

void record_keys_done(struct record_keys *keys);

/** Key and IV of a traffic secret (RFC 8446, 7.3), in place of those that were; counting begins anew.
 * @return false without memory. */
bool record_keys_set(struct record_keys *keys, const struct tls_suite *suite, const uint8_t *secret,
                     bool sending);

/**
 * Decrypts one record.
 * @param header     its five bytes, which the tag covers.
 * @param ret_plain  room for length - TLS_TAG_BYTES bytes; only to be read when it returns true.
 * @return false when it was not made with this key.
 */
bool record_open(struct record_keys *keys, const uint8_t *header, const uint8_t *bytes, size_t length,
                 uint8_t *ret_plain);

/** Appends bytes as protected records of the content type. @return false without memory. */
bool record_seal(struct record_keys *keys, uint8_t content, const uint8_t *bytes, size_t length,
                 struct buf *out);

#endif

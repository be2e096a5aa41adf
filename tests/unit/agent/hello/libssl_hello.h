#ifndef PARALLAX_TESTS_LIBSSL_HELLO_H
#define PARALLAX_TESTS_LIBSSL_HELLO_H

#include "cmocka_all.h"
#include "hello/write.h"
#include "probe/trust.h"
#include "words/cursor.h"

#include <openssl/ssl.h>
#include <string.h>

/* Hellos that libssl really makes, and what is new in them. */

enum { LIBSSL_HELLO_BYTES = 16 * 1024 };

struct libssl_hello {
    size_t length;
    uint8_t bytes[LIBSSL_HELLO_BYTES]; /* one record with its header */
    struct hello_values values;
};

/* Takes random, session id and the first key share out of a hello. */
static inline void libssl_hello_values(struct libssl_hello *hello, const char *sni)
{
    struct hello_values *values = &hello->values;
    struct cursor cursor;
    *values = (struct hello_values){.sni = sni};
    cursor_init(&cursor, hello->bytes + 5 + 4 + 2, hello->length - 5 - 4 - 2);
    memcpy(values->random, cursor_bytes(&cursor, HELLO_RANDOM_BYTES), HELLO_RANDOM_BYTES);
    struct cursor id = cursor_block(&cursor, cursor_u8(&cursor));
    memcpy(values->session_id, id.at, cursor_left(&id));
    (void)cursor_block(&cursor, cursor_u16(&cursor));
    (void)cursor_block(&cursor, cursor_u8(&cursor));
    struct cursor extensions = cursor_block(&cursor, cursor_u16(&cursor));
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor body = cursor_block(&extensions, cursor_u16(&extensions));
        if (type != HELLO_KEY_SHARE)
            continue;
        (void)cursor_u16(&body);
        struct hello_share *share = &values->shares[values->share_count++];
        share->group = cursor_u16(&body);
        share->key_bytes = cursor_u16(&body);
        share->key = cursor_bytes(&body, share->key_bytes);
        assert_non_null(share->key);
    }
    assert_false(cursor.failed || extensions.failed);
}

static inline void libssl_hello_make(struct libssl_hello *hello, struct trust *trust, enum variant variant,
                                     const char *sni)
{
    SSL *ssl = SSL_new(trust_context(trust, variant));
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    assert_non_null(ssl);
    SSL_set_bio(ssl, in, out);
    if (sni[0] != '\0')
        assert_int_equal(SSL_set_tlsext_host_name(ssl, sni), 1);
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int length = BIO_read(out, hello->bytes, sizeof hello->bytes);
    assert_true(length > 5 && length == 5 + (hello->bytes[3] << 8 | hello->bytes[4]));
    hello->length = (size_t)length;
    SSL_free(ssl);
    libssl_hello_values(hello, sni);
}

#endif

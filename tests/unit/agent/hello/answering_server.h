#ifndef PARALLAX_TESTS_ANSWERING_SERVER_H
#define PARALLAX_TESTS_ANSWERING_SERVER_H

#include "cmocka_all.h"
#include "hello/write.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

/* A libssl server in memory that answers one hello of ours. */

enum { ANSWER_ROOM_BYTES = 64 * 1024 };

struct answering_server {
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *context;
    uint8_t answer[ANSWER_ROOM_BYTES];
    size_t length;
};

static inline X509 *answering_server_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"www.shop.example", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/** @param key  taken over. */
static inline void answering_server_init(struct answering_server *server, EVP_PKEY *key)
{
    assert_non_null(key);
    server->key = key;
    server->certificate = answering_server_certificate(key);
    server->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(server->context, 0);
    assert_int_equal(SSL_CTX_use_certificate(server->context, server->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->context, key), 1);
    SSL_CTX_set_dh_auto(server->context, 1);
}

static inline void answering_server_done(struct answering_server *server)
{
    SSL_CTX_free(server->context);
    X509_free(server->certificate);
    EVP_PKEY_free(server->key);
}

/** What it says to these records, up to the moment when it waits for more. */
static inline void answering_server_ask(struct answering_server *server, const struct buf *records)
{
    SSL *ssl = SSL_new(server->context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    assert_non_null(ssl);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    assert_int_equal(BIO_write(in, records->data, (int)records->len), (int)records->len);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int length = BIO_read(out, server->answer, sizeof server->answer);
    server->length = length < 0 ? 0 : (size_t)length;
    SSL_free(ssl);
}

#endif

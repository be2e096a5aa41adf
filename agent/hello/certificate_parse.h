#ifndef PARALLAX_HELLO_CERTIFICATE_PARSE_H
#define PARALLAX_HELLO_CERTIFICATE_PARSE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * d2i_X509 without OSSL_DECODER. OpenSSL 3.0 gathers every decoder of every provider for each public key it meets, which takes ten
 * times as long as all else in a certificate (its issues 17950 and 19119).
 *
 * Here the certificate is parsed on behalf of a library context in which no provider is loaded, so that the key stays unread. RSA keys
 * and EC keys on the curves of the Web PKI are then read by the functions that the decoders themselves end in, and given to the
 * certificate. What is written back has to be the SubjectPublicKeyInfo that was there; for every other certificate, and every other
 * kind of key, d2i_X509 is asked after all. So nobody can tell the two apart but by a clock.
 */

enum { CERTIFICATE_CURVES = 3 };

struct certificate_parser {
    OSSL_LIB_CTX *nothing;
    OSSL_PROVIDER *null;
    EVP_PKEY *curves[CERTIFICATE_CURVES]; /* keys without a point: a group is made once, and copied */
};

/** @return false without memory; done is safe then as well. */
bool certificate_parser_init(struct certificate_parser *parser);

/** Certificates may outlive the parser. */
void certificate_parser_done(struct certificate_parser *parser);

/**
 * As d2i_X509: *at moves behind the certificate.
 * @return NULL when it does not parse, or without memory; the reason is in OpenSSL's error queue.
 */
X509 *certificate_parse(struct certificate_parser *parser, const uint8_t **at, size_t length);

#endif

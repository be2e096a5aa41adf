#ifndef PARALLAX_TEST_CHAIN_PKI_H
#define PARALLAX_TEST_CHAIN_PKI_H

#include "cmocka_all.h"

#include "hello/chain.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* Certificates of every kind, made on the spot. */

enum { PKI_DAY_S = 86400, PKI_MAX_EXTENSIONS = 6, PKI_MAX_LOT = 24 };

struct pki_recipe {
    const char *name;                           /* common name */
    long from_s, to_s;                          /* from pki_now */
    const char *md;                             /* NULL: SHA256; "" for keys that bring their own */
    const char *extensions[PKI_MAX_EXTENSIONS]; /* "basicConstraints=critical,CA:TRUE" */
};

static inline time_t pki_now(void)
{
    static time_t now;
    return now != 0 ? now : (now = time(NULL));
}

static inline EVP_PKEY *pki_key(const char *type, const char *group, size_t bits)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    assert_non_null(context);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    if (group != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_group_name(context, group), 1);
    if (bits != 0)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits), 1);
    assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* A P-256 key whose curve is written out in full. */
static inline EVP_PKEY *pki_explicit_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_group_name(context, "P-256"), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE), 1);
    assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static inline void pki_extend(X509 *made, X509 *issuer, const char *text)
{
    char name[64];
    const char *value = strchr(text, '=');
    assert_non_null(value);
    (void)snprintf(name, sizeof name, "%.*s", (int)(value - text), text);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, made, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, name, value + 1);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(made, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed. */
static inline X509 *pki_sign(const struct pki_recipe *recipe, EVP_PKEY *key, X509 *issuer,
                             EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *made = X509_new(), *by = issuer == NULL ? made : issuer;
    const char *md = recipe->md == NULL ? "SHA256" : recipe->md;
    assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial), 1);
    assert_non_null(X509_time_adj_ex(X509_getm_notBefore(made), 0, recipe->from_s, &(time_t){pki_now()}));
    assert_non_null(X509_time_adj_ex(X509_getm_notAfter(made), 0, recipe->to_s, &(time_t){pki_now()}));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)recipe->name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(made, X509_get_subject_name(by)), 1);
    assert_int_equal(X509_set_pubkey(made, key), 1);
    for (size_t i = 0; i < PKI_MAX_EXTENSIONS && recipe->extensions[i] != NULL; i++)
        pki_extend(made, by, recipe->extensions[i]);
    assert_true(X509_sign(made, issuer_key == NULL ? key : issuer_key,
                          md[0] == '\0' ? NULL : EVP_get_digestbyname(md)) > 0);
    return made;
}

#define PKI_CA   "basicConstraints=critical,CA:TRUE"
#define PKI_SKI  "subjectKeyIdentifier=hash"
#define PKI_AKI  "authorityKeyIdentifier=keyid"
#define PKI_SIGN "keyUsage=critical,keyCertSign"
#define PKI_LEAF "basicConstraints=CA:FALSE"
#define PKI_WWW  "subjectAltName=DNS:www.a.test,DNS:*.wild.test,IP:192.0.2.7,IP:2001:db8::7"

/* What a server sends: DER of its own. */
struct pki_lot {
    size_t count;
    struct chain_der der[PKI_MAX_LOT];
};

static inline void pki_add_bytes(struct pki_lot *lot, const uint8_t *bytes, size_t length)
{
    assert_true(lot->count < PKI_MAX_LOT);
    uint8_t *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    lot->der[lot->count++] = (struct chain_der){copy, length};
}

static inline void pki_add(struct pki_lot *lot, X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    assert_true(length > 0);
    pki_add_bytes(lot, der, (size_t)length);
    OPENSSL_free(der);
}

static inline void pki_lot_done(struct pki_lot *lot)
{
    for (size_t i = 0; i < lot->count; i++)
        free((void *)lot->der[i].bytes);
    lot->count = 0;
}

#endif

/* The key of a certificate is read as one of the older kind, of which EVP makes another for its provider: that of a new leaf costs a
 * third of checking its signature. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hello/proof.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <string.h>

enum proof_side { PROOF_OF_SERVER, PROOF_OF_CLIENT };

struct scheme {
    uint16_t id;
    int key;            /* EVP_PKEY_*: kind of the key */
    const char *digest; /* NULL: the signature has its own */
    int curve;          /* NID; 0 for any */
    size_t hash; /* which of those of struct tls_algorithms the digest of an EC key is, from 1; 0: none */
};

/* SignatureSchemes of TLS 1.3 (RFC 8446, 4.2.3). SHA-1, SHA-224, DSA and PKCS #1 v1.5 sign nothing in it. */
static const struct scheme schemes[] = {
    {0x0403, EVP_PKEY_EC, "SHA256", NID_X9_62_prime256v1, 1},
    {0x0503, EVP_PKEY_EC, "SHA384", NID_secp384r1, 2},
    {0x0603, EVP_PKEY_EC, "SHA512", NID_secp521r1, 0},
    {0x0804, EVP_PKEY_RSA, "SHA256", 0, 0},
    {0x0805, EVP_PKEY_RSA, "SHA384", 0, 0},
    {0x0806, EVP_PKEY_RSA, "SHA512", 0, 0},
    {0x0807, EVP_PKEY_ED25519, NULL, 0, 0},
    {0x0808, EVP_PKEY_ED448, NULL, 0, 0},
    {0x0809, EVP_PKEY_RSA_PSS, "SHA256", 0, 0},
    {0x080a, EVP_PKEY_RSA_PSS, "SHA384", 0, 0},
    {0x080b, EVP_PKEY_RSA_PSS, "SHA512", 0, 0},
};

enum { CONTENT_PAD_BYTES = 64, CONTENT_TEXT_BYTES = 34, CONTENT_PAD = 0x20 };

struct content {
    uint8_t bytes[CONTENT_PAD_BYTES + CONTENT_TEXT_BYTES + TLS_HASH_MAX_BYTES];
    size_t length;
};

/* RFC 8446, 4.4.3: 64 spaces, who signs, NUL, the hash. */
static void signed_content(enum proof_side side, const uint8_t *hash, size_t hash_bytes,
                           struct content *ret_content)
{
    static const char *const texts[] = {[PROOF_OF_SERVER] = "TLS 1.3, server CertificateVerify",
                                        [PROOF_OF_CLIENT] = "TLS 1.3, client CertificateVerify"};
    memset(ret_content->bytes, CONTENT_PAD, CONTENT_PAD_BYTES);
    memcpy(ret_content->bytes + CONTENT_PAD_BYTES, texts[side], CONTENT_TEXT_BYTES);
    memcpy(ret_content->bytes + CONTENT_PAD_BYTES + CONTENT_TEXT_BYTES, hash, hash_bytes);
    ret_content->length = CONTENT_PAD_BYTES + CONTENT_TEXT_BYTES + hash_bytes;
}

static const struct scheme *find(uint16_t id)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (schemes[i].id == id)
            return &schemes[i];
    return NULL;
}

static bool offered(const struct hello_list *signatures, uint16_t id)
{
    for (size_t i = 0; i < signatures->count; i++)
        if (signatures->values[i] == id)
            return true;
    return false;
}

static int curve_of(EVP_PKEY *key)
{
    char name[80];
    if (EVP_PKEY_get_group_name(key, name, sizeof name, NULL) != 1)
        return NID_undef;
    return OBJ_txt2nid(name);
}

int proof_alert(int verify_error)
{
    static const struct {
        int error, alert;
    } rows[] = {
        {X509_V_ERR_UNSPECIFIED, SSL_AD_INTERNAL_ERROR},
        {X509_V_ERR_INVALID_CA, SSL_AD_UNKNOWN_CA},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, SSL_AD_UNKNOWN_CA},
        {X509_V_ERR_INVALID_PURPOSE, SSL_AD_UNSUPPORTED_CERTIFICATE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].error == verify_error)
            return rows[i].alert;
    return SSL_AD_BAD_CERTIFICATE;
}

bool proof_key_usable(EVP_PKEY *key, struct tls_fault *ret_fault)
{
    if (EVP_PKEY_missing_parameters(key))
        return tls_fault(ret_fault, SSL_AD_INTERNAL_ERROR, SSL_R_UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS);
    static const int kinds[] = {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_DSA,
                                EVP_PKEY_EC,  EVP_PKEY_ED25519, EVP_PKEY_ED448};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (EVP_PKEY_get_id(key) == kinds[i])
            return true;
    return tls_fault(ret_fault, SSL_AD_ILLEGAL_PARAMETER, SSL_R_UNKNOWN_CERTIFICATE_TYPE);
}

static bool scheme_fits(const struct scheme *scheme, EVP_PKEY *key, const struct hello_list *signatures,
                        struct tls_fault *ret_fault)
{
    if (scheme == NULL || EVP_PKEY_get_id(key) != scheme->key)
        return tls_fault(ret_fault, SSL_AD_ILLEGAL_PARAMETER, SSL_R_WRONG_SIGNATURE_TYPE);
    if (scheme->curve != 0 && curve_of(key) != scheme->curve)
        return tls_fault(ret_fault, SSL_AD_ILLEGAL_PARAMETER, SSL_R_WRONG_CURVE);
    if (!offered(signatures, scheme->id))
        return tls_fault(ret_fault, SSL_AD_HANDSHAKE_FAILURE, SSL_R_WRONG_SIGNATURE_TYPE);
    return true;
}

/* RFC 8446, 4.2.3: the salt is as long as the digest. */
static bool pad(const struct scheme *scheme, EVP_PKEY_CTX *context)
{
    if (scheme->key != EVP_PKEY_RSA && scheme->key != EVP_PKEY_RSA_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool verify_ec(struct tls_hash *hash, EC_KEY *key, const struct content *content,
                      struct hello_span signature, struct tls_fault *ret_fault)
{
    uint8_t digest[TLS_HASH_MAX_BYTES];
    if (EVP_DigestInit_ex2(hash->copy, hash->md, NULL) != 1 ||
        EVP_DigestUpdate(hash->copy, content->bytes, content->length) != 1 ||
        EVP_DigestFinal_ex(hash->copy, digest, NULL) != 1)
        return tls_fault(ret_fault, SSL_AD_INTERNAL_ERROR, ERR_R_EVP_LIB);
    if (ECDSA_verify(0, digest, (int)hash->bytes, signature.bytes, (int)signature.length, key) != 1)
        return tls_fault(ret_fault, SSL_AD_DECRYPT_ERROR, SSL_R_BAD_SIGNATURE);
    return true;
}

static bool verify_any(struct tls_algorithms *algorithms, EVP_PKEY *key, const struct scheme *scheme,
                       const struct content *content, struct hello_span signature,
                       struct tls_fault *ret_fault)
{
    EVP_PKEY_CTX *context = NULL; /* the hash context's own */
    EVP_MD_CTX *hash = algorithms->verify;
    (void)EVP_MD_CTX_reset(hash);
    if (EVP_DigestVerifyInit_ex(hash, &context, scheme->digest, NULL, NULL, key, NULL) != 1 ||
        !pad(scheme, context))
        return tls_fault(ret_fault, SSL_AD_INTERNAL_ERROR, ERR_R_EVP_LIB);
    if (EVP_DigestVerify(hash, signature.bytes, signature.length, content->bytes, content->length) != 1)
        return tls_fault(ret_fault, SSL_AD_DECRYPT_ERROR, SSL_R_BAD_SIGNATURE);
    return true;
}

static bool verify(struct tls_algorithms *algorithms, EVP_PKEY *key, const struct scheme *scheme,
                   const struct content *content, struct hello_span signature, struct tls_fault *ret_fault)
{
    EC_KEY *ec = scheme->hash == 0 ? NULL : EVP_PKEY_get1_EC_KEY(key);
    if (ec == NULL)
        return verify_any(algorithms, key, scheme, content, signature, ret_fault);
    bool good = verify_ec(&algorithms->hashes[scheme->hash - 1], ec, content, signature, ret_fault);
    EC_KEY_free(ec);
    return good;
}

bool proof_check(struct tls_algorithms *algorithms, EVP_PKEY *key, struct cursor body,
                 const struct hello_list *signatures, const uint8_t *hash, size_t hash_bytes,
                 uint16_t *ret_scheme, struct tls_fault *ret_fault)
{
    struct content content;
    uint16_t id = cursor_u16(&body);
    if (body.failed)
        return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_BAD_PACKET);
    *ret_scheme = id;
    const struct scheme *scheme = find(id);
    if (!scheme_fits(scheme, key, signatures, ret_fault))
        return false;
    struct cursor signature = cursor_block(&body, cursor_u16(&body));
    if (body.failed || cursor_left(&body) > 0)
        return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_LENGTH_MISMATCH);
    signed_content(PROOF_OF_SERVER, hash, hash_bytes, &content);
    struct hello_span span = {.bytes = signature.at, .length = cursor_left(&signature)};
    return verify(algorithms, key, scheme, &content, span, ret_fault);
}

/* RFC 8017, 9.1.1: room for hash, salt and two bytes. */
static bool long_enough(const struct scheme *scheme, EVP_PKEY *key)
{
    if (scheme->key != EVP_PKEY_RSA && scheme->key != EVP_PKEY_RSA_PSS)
        return true;
    const EVP_MD *digest = EVP_get_digestbyname(scheme->digest);
    return digest != NULL && EVP_PKEY_get_size(key) >= 2 * EVP_MD_get_size(digest) + 2;
}

uint16_t proof_choose(EVP_PKEY *key, struct hello_span accepted, const struct hello_list *signatures)
{
    struct cursor cursor;
    struct tls_fault unused;
    cursor_init(&cursor, accepted.bytes, accepted.length);
    while (cursor_left(&cursor) >= 2) {
        const struct scheme *scheme = find(cursor_u16(&cursor));
        if (scheme_fits(scheme, key, signatures, &unused) && long_enough(scheme, key))
            return scheme->id;
    }
    return 0;
}

bool proof_make(struct tls_algorithms *algorithms, EVP_PKEY *key, uint16_t scheme_id, const uint8_t *hash,
                size_t hash_bytes, struct buf *out)
{
    struct content content;
    EVP_PKEY_CTX *context = NULL;
    EVP_MD_CTX *signer = algorithms->verify;
    const struct scheme *scheme = find(scheme_id);
    size_t most = (size_t)EVP_PKEY_get_size(key), length = most;
    signed_content(PROOF_OF_CLIENT, hash, hash_bytes, &content);
    uint8_t *at = buf_room(out, 4 + most);
    (void)EVP_MD_CTX_reset(signer);
    if (at == NULL || scheme == NULL ||
        EVP_DigestSignInit_ex(signer, &context, scheme->digest, NULL, NULL, key, NULL) != 1 ||
        !pad(scheme, context) ||
        EVP_DigestSign(signer, at + 4, &length, content.bytes, content.length) != 1 ||
        length > most) /* without memory ECDSA says that it has signed, in (size_t)-1 bytes */
        return false;
    at[0] = (uint8_t)(scheme_id >> 8);
    at[1] = (uint8_t)scheme_id;
    at[2] = (uint8_t)(length >> 8);
    at[3] = (uint8_t)length;
    buf_grew(out, 4 + length);
    return true;
}

#include "hello/certificate_parse.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>

static const int curve_nids[CERTIFICATE_CURVES] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

/* --- keys ---------------------------------------------------------------------------------------------------------- */

/* An EC key of a curve by its ECParameters: the name of the curve (RFC 5480, 2.1.1). */
static EVP_PKEY *curve_new(int nid)
{
    unsigned char *der = NULL;
    int length = i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &der);
    const unsigned char *at = der;
    EVP_PKEY *curve = length <= 0 ? NULL : d2i_KeyParams(EVP_PKEY_EC, NULL, &at, length);
    OPENSSL_free(der);
    return curve;
}

/* @return NULL for parameters that do not name one of our curves. */
static EVP_PKEY *curve_of(const struct certificate_parser *parser, const X509_ALGOR *algorithm)
{
    int type = 0;
    const void *value = NULL;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    int nid = type == V_ASN1_OBJECT ? OBJ_obj2nid(value) : NID_undef;
    for (size_t i = 0; i < CERTIFICATE_CURVES; i++)
        if (nid == curve_nids[i])
            return parser->curves[i];
    return NULL;
}

static EVP_PKEY *read_ec(const EVP_PKEY *curve, const uint8_t *bytes, int length)
{
    EVP_PKEY *key = EVP_PKEY_new();
    if (key != NULL && EVP_PKEY_copy_parameters(key, curve) == 1 &&
        d2i_PublicKey(EVP_PKEY_EC, &key, &bytes, length) != NULL)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* @return NULL for a key that we do not read ourselves. */
static EVP_PKEY *read_key(const struct certificate_parser *parser, const X509_PUBKEY *info)
{
    ASN1_OBJECT *type = NULL;
    X509_ALGOR *algorithm = NULL;
    const unsigned char *bytes = NULL;
    int length = 0;
    if (X509_PUBKEY_get0_param(&type, &bytes, &length, &algorithm, info) != 1)
        return NULL;
    int nid = OBJ_obj2nid(type);
    if (nid == NID_rsaEncryption)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &bytes, length);
    const EVP_PKEY *curve = nid == NID_X9_62_id_ecPublicKey ? curve_of(parser, algorithm) : NULL;
    return curve == NULL ? NULL : read_ec(curve, bytes, length);
}

/* --- certificates -------------------------------------------------------------------------------------------------- */

static bool same_info(X509 *x509, const unsigned char *der, int length)
{
    unsigned char *now = NULL;
    bool same =
        i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &now) == length && memcmp(now, der, (size_t)length) == 0;
    OPENSSL_free(now);
    return same;
}

static bool give_key(const struct certificate_parser *parser, X509 *x509)
{
    X509_PUBKEY *info = X509_get_X509_PUBKEY(x509);
    EVP_PKEY *key = read_key(parser, info);
    if (key == NULL)
        return false;
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(info, &der);
    bool given = length > 0 && X509_set_pubkey(x509, key) == 1 && same_info(x509, der, length);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return given;
}

X509 *certificate_parse(struct certificate_parser *parser, const uint8_t **at, size_t length)
{
    const unsigned char *behind = *at;
    if (length > INT32_MAX)
        length = INT32_MAX;
    ERR_set_mark();
    ASN1_VALUE *made =
        ASN1_item_d2i_ex(NULL, &behind, (long)length, ASN1_ITEM_rptr(X509), parser->nothing, NULL);
    X509 *x509 = (X509 *)made;
    bool good = x509 != NULL && give_key(parser, x509);
    ERR_pop_to_mark();
    if (good) {
        *at = behind;
        return x509;
    }
    X509_free(x509);
    return d2i_X509(NULL, at, (long)length);
}

/* --- the parser ---------------------------------------------------------------------------------------------------- */

bool certificate_parser_init(struct certificate_parser *parser)
{
    *parser = (struct certificate_parser){.nothing = OSSL_LIB_CTX_new()};
    parser->null = parser->nothing == NULL ? NULL : OSSL_PROVIDER_load(parser->nothing, "null");
    bool made = parser->null != NULL;
    for (size_t i = 0; i < CERTIFICATE_CURVES && made; i++)
        made = (parser->curves[i] = curve_new(curve_nids[i])) != NULL;
    return made;
}

void certificate_parser_done(struct certificate_parser *parser)
{
    for (size_t i = 0; i < CERTIFICATE_CURVES; i++)
        EVP_PKEY_free(parser->curves[i]);
    if (parser->null != NULL)
        (void)OSSL_PROVIDER_unload(parser->null);
    OSSL_LIB_CTX_free(parser->nothing);
    *parser = (struct certificate_parser){0};
}

#include "link/pki.h"
#include "link/pki_why.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * Certificates are dated back: collectors of one database may differ in their clocks. A serial is 128 random bits, so no
 * counter has to be kept or guessed.
 */
enum { BACKDATE_S = 7 * 24 * 3600, DAY_S = 24 * 3600, SERIAL_BITS = 128, NAME_MAX_BYTES = 63 };

static const char vantage_uri[] = "parallax:vantage:";

EVP_PKEY *pki_key_new(char **ret_why)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL)
        pki_why_library(ret_why, "cannot make a key");
    return key;
}

unsigned char *pki_csr_der(EVP_PKEY *key, int *ret_length, char **ret_why)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    int length = -1;
    if (request != NULL && X509_REQ_set_version(request, 0) == 1 && X509_REQ_set_pubkey(request, key) == 1 &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0)
        length = i2d_X509_REQ(request, &der);
    X509_REQ_free(request);
    if (length < 0) {
        pki_why_library(ret_why, "cannot make a certificate request");
        return NULL;
    }
    *ret_length = length;
    return der;
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32] = "";
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

EVP_PKEY *pki_csr_key(const void *der, size_t length, char **ret_why)
{
    const unsigned char *at = der;
    X509_REQ *request = length > LONG_MAX ? NULL : d2i_X509_REQ(NULL, &at, (long)length);
    EVP_PKEY *key = NULL;
    if (request == NULL || at != (const unsigned char *)der + length) {
        pki_why(ret_why, "not a certificate request");
        goto end;
    }
    key = X509_REQ_get_pubkey(request);
    if (key == NULL || !is_p256(key))
        pki_why(ret_why, "the request's key is not a P-256 key");
    else if (X509_REQ_verify(request, key) != 1)
        pki_why(ret_why, "the request is not signed by its own key");
    else
        goto end;
    EVP_PKEY_free(key);
    key = NULL;
end:
    X509_REQ_free(request);
    return key;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    bool done = serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL;
    BN_free(serial);
    return done;
}

static bool set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                      0) == 1;
}

static bool set_time(ASN1_TIME *at, int64_t offset_s)
{
    return ASN1_TIME_set(at, time(NULL) + (time_t)offset_s) != NULL;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Built by hand, because the text form of extensions would read commas in a name as further names. */
static bool add_alternative_name(X509 *certificate, int type, const char *text)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    bool done = false;
    if (names != NULL && name != NULL && value != NULL && ASN1_STRING_set(value, text, -1) == 1) {
        GENERAL_NAME_set0_value(name, type, value);
        value = NULL;
        if (sk_GENERAL_NAME_push(names, name) > 0) {
            name = NULL;
            done = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
        }
    }
    ASN1_IA5STRING_free(value);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return done;
}

static bool fill(X509 *certificate, EVP_PKEY *subject_key, const char *name, int64_t seconds)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_time(X509_getm_notBefore(certificate), -BACKDATE_S) &&
           set_time(X509_getm_notAfter(certificate), seconds) &&
           X509_set_pubkey(certificate, subject_key) == 1 &&
           set_name(X509_get_subject_name(certificate), name);
}

X509 *pki_ca_new(EVP_PKEY *key, const char *name, int days, char **ret_why)
{
    X509 *ca = X509_new();
    if (ca != NULL && fill(ca, key, name, (int64_t)days * DAY_S) &&
        X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") && X509_sign(ca, key, EVP_sha256()) > 0)
        return ca;
    pki_why_library(ret_why, "cannot make a CA certificate");
    X509_free(ca);
    return NULL;
}

/* One conservative alphabet, so that a name means the same in a certificate, a log and a file name. */
static bool name_is_plain(const char *name, size_t length)
{
    if (length == 0 || length > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    return true;
}

static bool add_use(X509 *certificate, X509 *ca, enum pki_use use, const char *name)
{
    if (use == PKI_SERVER)
        return add_extension(certificate, ca, NID_ext_key_usage, "serverAuth") &&
               add_alternative_name(certificate, GEN_DNS, PKI_SERVER_NAME);
    char uri[sizeof vantage_uri + NAME_MAX_BYTES];
    (void)snprintf(uri, sizeof uri, "%s%s", vantage_uri, name);
    return add_extension(certificate, ca, NID_ext_key_usage, "clientAuth") &&
           add_alternative_name(certificate, GEN_URI, uri);
}

X509 *pki_sign(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *subject_key, enum pki_use use, const char *name,
               int64_t seconds, char **ret_why)
{
    if (!name_is_plain(name, strlen(name))) {
        pki_why(ret_why, "a name in a certificate is 1 to %d letters, digits, dots, hyphens and underscores",
                NAME_MAX_BYTES);
        return NULL;
    }
    X509 *certificate = X509_new();
    if (certificate != NULL && fill(certificate, subject_key, name, seconds) &&
        X509_set_issuer_name(certificate, X509_get_subject_name(ca)) == 1 &&
        add_extension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(certificate, ca, NID_subject_key_identifier, "hash") &&
        add_extension(certificate, ca, NID_authority_key_identifier, "keyid:always") &&
        add_use(certificate, ca, use, name) && X509_sign(certificate, ca_key, EVP_sha256()) > 0)
        return certificate;
    pki_why_library(ret_why, "cannot sign a certificate");
    X509_free(certificate);
    return NULL;
}

static bool uri_vantage(const GENERAL_NAME *entry, char *out, size_t size)
{
    int type = 0;
    const ASN1_STRING *uri = GENERAL_NAME_get0_value(entry, &type);
    size_t prefix = sizeof vantage_uri - 1;
    if (type != GEN_URI || (size_t)ASN1_STRING_length(uri) < prefix)
        return false;
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    size_t length = (size_t)ASN1_STRING_length(uri) - prefix;
    if (memcmp(text, vantage_uri, prefix) != 0 || length >= size || !name_is_plain(text + prefix, length))
        return false;
    memcpy(out, text + prefix, length);
    out[length] = '\0';
    return true;
}

bool pki_vantage_name(X509 *certificate, char *out, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = uri_vantage(sk_GENERAL_NAME_value(names, i), out, size);
    GENERAL_NAMES_free(names);
    return found;
}

bool pki_fingerprint(X509 *certificate, uint8_t out[32])
{
    unsigned length = 0;
    return X509_digest(certificate, EVP_sha256(), out, &length) == 1 && length == 32;
}

bool pki_key_fingerprint(EVP_PKEY *key, uint8_t out[32])
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    bool done = length > 0 && EVP_Digest(der, (size_t)length, out, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return done;
}

static bool epoch_s(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    *ret_s = timegm(&parts);
    return true;
}

bool pki_times(X509 *certificate, int64_t *ret_signed_s, int64_t *ret_ends_s)
{
    if (!epoch_s(X509_get0_notBefore(certificate), ret_signed_s) ||
        !epoch_s(X509_get0_notAfter(certificate), ret_ends_s))
        return false;
    *ret_signed_s += BACKDATE_S;
    return true;
}

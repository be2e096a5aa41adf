#include "ingest/certificate.h"

#include "store/array.h"
#include "store/command.h"
#include "words/buf.h"
#include "words/evidence.h"
#include "words/units.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* In the order of certificate_store's parameters. */
enum {
    ROW_SHA256,
    ROW_DER,
    ROW_SUBJECT,
    ROW_ISSUER,
    ROW_SERIAL,
    ROW_NOT_BEFORE,
    ROW_NOT_AFTER,
    ROW_SPKI,
    ROW_KEY_TYPE,
    ROW_KEY_BITS,
    ROW_SIGNATURE,
    ROW_NAMES,
    ROW_IS_CA,
};

/* PostgreSQL's text form of bytea. */
static char *certificate_bytea(const uint8_t *bytes, size_t length)
{
    char *text = malloc(2 * length + 3);
    if (text == NULL)
        return NULL;
    memcpy(text, "\\x", 3);
    (void)hex_text(bytes, length, text + 2);
    return text;
}

/* RFC 2253 keeps it ASCII: other bytes are escaped. */
static char *certificate_name(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *data = NULL;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long length = BIO_get_mem_data(bio, &data);
        if (length >= 0)
            text = strndup(data == NULL ? "" : data,
                           length > EVIDENCE_TEXT_MAX ? EVIDENCE_TEXT_MAX : (size_t)length);
    }
    (void)BIO_free(bio);
    return text;
}

static char *certificate_time(const ASN1_TIME *time)
{
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1 || parts.tm_year < -1899 || parts.tm_year > 8099)
        return NULL;
    return text_format("%04d-%02d-%02d %02d:%02d:%02d+00", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static char *certificate_serial(const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number == NULL ? NULL : BN_bn2hex(number);
    char *text = hex == NULL ? NULL : strndup(hex, 128);
    OPENSSL_free(hex);
    BN_free(number);
    return text;
}

static char *certificate_spki(const X509 *certificate)
{
    unsigned char *der = NULL;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0)
        return NULL;
    (void)SHA256(der, (size_t)length, digest);
    OPENSSL_free(der);
    return certificate_bytea(digest, sizeof digest);
}

static void certificate_key(struct certificate_row *row, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    const char *type = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
    if (type == NULL)
        return;
    row->values[ROW_KEY_TYPE] = strdup(type);
    row->values[ROW_KEY_BITS] = text_format("%d", EVP_PKEY_get_bits(key));
}

/* The name is a stranger's IA5String: only printable ASCII without the array's own quotes goes in. */
static void certificate_dns_name(struct buf *array, const ASN1_IA5STRING *name)
{
    char text[256];
    int length = ASN1_STRING_length(name);
    const unsigned char *data = ASN1_STRING_get0_data(name);
    if (length <= 0 || (size_t)length >= sizeof text)
        return;
    for (int i = 0; i < length; i++)
        text[i] = data[i] > 0x20 && data[i] < 0x7f ? (char)data[i] : '?';
    text[length] = '\0';
    (void)array_text(array, text);
}

static void certificate_address(struct buf *array, const ASN1_OCTET_STRING *bytes)
{
    struct address address;
    char text[ADDRESS_TEXT_BYTES];
    int length = ASN1_STRING_length(bytes);
    if (length > 0 && address_from_bytes(ASN1_STRING_get0_data(bytes), (size_t)length, &address))
        (void)array_text(array, address_text(&address, text));
}

static char *certificate_names(const X509 *certificate)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    if (names == NULL)
        return NULL;
    struct buf array;
    array_begin(&array);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < CERTIFICATE_MAX_NAMES; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            certificate_dns_name(&array, name->d.dNSName);
        else if (name->type == GEN_IPADD)
            certificate_address(&array, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    return array_take(&array);
}

static void certificate_fill(struct certificate_row *row, X509 *certificate)
{
    row->values[ROW_SUBJECT] = certificate_name(X509_get_subject_name(certificate));
    row->values[ROW_ISSUER] = certificate_name(X509_get_issuer_name(certificate));
    row->values[ROW_SERIAL] = certificate_serial(certificate);
    row->values[ROW_NOT_BEFORE] = certificate_time(X509_get0_notBefore(certificate));
    row->values[ROW_NOT_AFTER] = certificate_time(X509_get0_notAfter(certificate));
    row->values[ROW_SPKI] = certificate_spki(certificate);
    certificate_key(row, certificate);
    const char *signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
    row->values[ROW_SIGNATURE] = signature == NULL ? NULL : strdup(signature);
    row->values[ROW_NAMES] = certificate_names(certificate);
    row->values[ROW_IS_CA] = strdup(X509_check_ca(certificate) > 0 ? "true" : "false");
}

bool certificate_row_init(struct certificate_row *row, const uint8_t *der, size_t length)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    *row = (struct certificate_row){0};
    (void)SHA256(der, length, digest);
    row->values[ROW_SHA256] = certificate_bytea(digest, sizeof digest);
    row->values[ROW_DER] = certificate_bytea(der, length);
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)length);
    if (certificate != NULL)
        certificate_fill(row, certificate);
    X509_free(certificate);
    return row->values[ROW_SHA256] != NULL && row->values[ROW_DER] != NULL;
}

void certificate_row_done(struct certificate_row *row)
{
    for (size_t i = 0; i < CERTIFICATE_PARAMS; i++)
        free(row->values[i]);
}

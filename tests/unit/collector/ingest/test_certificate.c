#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Parameters of certificate_store, from zero. */
enum {
    SHA256_HEX,
    DER_HEX,
    SUBJECT,
    ISSUER,
    SERIAL,
    NOT_BEFORE,
    NOT_AFTER,
    SPKI,
    KEY_TYPE,
    KEY_BITS,
    SIGNATURE,
    NAMES,
    IS_CA
};

static unsigned char der[8192];
static size_t der_length;

static void make(const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(X509_set_version(certificate, 2));
    assert_true(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0xabcdef));
    assert_non_null(ASN1_TIME_adj(X509_getm_notBefore(certificate), 1800000000, 0, 0));
    assert_non_null(ASN1_TIME_adj(X509_getm_notAfter(certificate), 1800000000, 90, 0));
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)"shop\n\xe5\xba\x97", -1, -1, 0));
    assert_true(X509_set_issuer_name(certificate, name));
    assert_true(X509_set_pubkey(certificate, key));
    if (names != NULL) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        assert_non_null(extension);
        assert_true(X509_add_ext(certificate, extension, -1));
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, key, EVP_sha256()));
    unsigned char *out = der;
    der_length = (size_t)i2d_X509(certificate, &out);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void columns(void **arg)
{
    (void)arg;
    struct certificate_row row;
    make("DNS:shop.example,DNS:*.shop.example,IP:203.0.113.7,IP:2001:db8::1,email:a@b.example");
    assert_true(certificate_row_init(&row, der, der_length));
    assert_int_equal(strlen(row.values[SHA256_HEX]), 66);
    assert_int_equal(strlen(row.values[DER_HEX]), 2 + 2 * der_length);
    assert_string_equal(row.values[SUBJECT], "CN=shop\\0A\\E5\\BA\\97");
    assert_string_equal(row.values[SERIAL], "ABCDEF");
    assert_string_equal(row.values[NOT_BEFORE], "2027-01-15 08:00:00+00");
    assert_string_equal(row.values[NOT_AFTER], "2027-04-15 08:00:00+00");
    assert_int_equal(strlen(row.values[SPKI]), 66);
    assert_string_equal(row.values[KEY_TYPE], "EC");
    assert_string_equal(row.values[KEY_BITS], "256");
    assert_string_equal(row.values[SIGNATURE], "ecdsa-with-SHA256");
    assert_string_equal(row.values[NAMES],
                        "{\"shop.example\",\"*.shop.example\",\"203.0.113.7\",\"2001:db8::1\"}");
    assert_string_equal(row.values[IS_CA], "false");
    certificate_row_done(&row);
}

static void no_names(void **arg)
{
    (void)arg;
    struct certificate_row row;
    make(NULL);
    assert_true(certificate_row_init(&row, der, der_length));
    assert_null(row.values[NAMES]);
    certificate_row_done(&row);
}

static void what_is_no_certificate_keeps_its_bytes(void **arg)
{
    (void)arg;
    struct certificate_row row;
    assert_true(certificate_row_init(&row, (const uint8_t *)"hello", 5));
    assert_string_equal(row.values[DER_HEX], "\\x68656c6c6f");
    assert_null(row.values[SUBJECT]);
    certificate_row_done(&row);
    make("DNS:shop.example");
    for (size_t length = 0; length < der_length; length += 7) { /* cut anywhere */
        assert_true(certificate_row_init(&row, der, length));
        certificate_row_done(&row);
    }
    for (size_t at = 0; at < der_length; at++) { /* one byte changed anywhere */
        der[at] ^= 0x55;
        assert_true(certificate_row_init(&row, der, der_length));
        certificate_row_done(&row);
        der[at] ^= 0x55;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),
        cmocka_unit_test(no_names),
        cmocka_unit_test(what_is_no_certificate_keeps_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

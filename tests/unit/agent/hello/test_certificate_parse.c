#include "agent/hello/chain_pki.h"

#include "hello/certificate_parse.h"

#include <openssl/err.h>

/* The short way of reading a certificate against d2i_X509. That it is the short way shows in a key without a provider. */

static struct certificate_parser parser;

static int setup(void **state)
{
    (void)state;
    return certificate_parser_init(&parser) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    certificate_parser_done(&parser);
    return 0;
}

static X509 *leaf_with(EVP_PKEY *key, EVP_PKEY *ca)
{
    const struct pki_recipe recipe = {
        "leaf",
        -PKI_DAY_S,
        PKI_DAY_S,
        NULL,
        {PKI_LEAF, PKI_WWW, PKI_SKI, "authorityInfoAccess=OCSP;URI:http://o.test/"}};
    X509 *root =
        pki_sign(&(struct pki_recipe){"root", -PKI_DAY_S, PKI_DAY_S, NULL, {PKI_CA}}, ca, NULL, NULL);
    X509 *leaf = pki_sign(&recipe, key, root, ca);
    X509_free(root);
    return leaf;
}

static void same_certificate(X509 *ours, X509 *law)
{
    unsigned char *a = NULL, *b = NULL;
    int length = i2d_X509(law, &b);
    assert_int_equal(i2d_X509(ours, &a), length);
    assert_memory_equal(a, b, (size_t)length);
    OPENSSL_free(a);
    OPENSSL_free(b);
    a = b = NULL;
    length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(law), &b);
    assert_int_equal(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ours), &a), length);
    assert_memory_equal(a, b, (size_t)length);
    OPENSSL_free(a);
    OPENSSL_free(b);
    assert_int_equal(X509_cmp(ours, law), 0);
    assert_int_equal(X509_get_extension_flags(ours), X509_get_extension_flags(law));
}

static void same_key(EVP_PKEY *ours, EVP_PKEY *law)
{
    assert_non_null(ours);
    assert_non_null(law);
    assert_int_equal(EVP_PKEY_eq(ours, law), 1);
    assert_int_equal(EVP_PKEY_get_id(ours), EVP_PKEY_get_id(law));
    assert_string_equal(EVP_PKEY_get0_type_name(ours), EVP_PKEY_get0_type_name(law));
    assert_int_equal(EVP_PKEY_get_bits(ours), EVP_PKEY_get_bits(law));
    assert_int_equal(EVP_PKEY_get_security_bits(ours), EVP_PKEY_get_security_bits(law));
    assert_int_equal(EVP_PKEY_get_size(ours), EVP_PKEY_get_size(law));
}

/* A signature by the key itself holds under what was read, and one that is wrong does not. */
static void verifies(EVP_PKEY *read, EVP_PKEY *own, const char *md)
{
    unsigned char signature[512];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(context, NULL, md, NULL, NULL, own, NULL), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)"said", 4), 1);
    for (int wrong = 0; wrong < 2; wrong++) {
        (void)EVP_MD_CTX_reset(context);
        assert_int_equal(EVP_DigestVerifyInit_ex(context, NULL, md, NULL, NULL, read, NULL), 1);
        assert_int_equal(EVP_DigestVerify(context, signature, length,
                                          (const unsigned char *)(wrong ? "else" : "said"), 4) == 1,
                         !wrong);
    }
    EVP_MD_CTX_free(context);
    ERR_clear_error();
}

static void keys_are_read_as_d2i_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *type, *group, *md;
        size_t bits;
        bool ours; /* read the short way */
    } rows[] = {
        {"EC", "P-256", "SHA256", 0, true},
        {"EC", "P-384", "SHA384", 0, true},
        {"EC", "P-521", "SHA512", 0, true},
        {"RSA", NULL, "SHA256", 2048, true},
        {"RSA", NULL, "SHA256", 1024, true},
        {"EC", "secp256k1", "SHA256", 0, false},
        {"EC", "P-224", "SHA256", 0, false},
        {"RSA-PSS", NULL, "SHA256", 2048, false},
        {"ED25519", NULL, NULL, 0, false},
        {"ED448", NULL, NULL, 0, false},
        {"EC", "brainpoolP256r1", "SHA256", 0, false},
    };
    EVP_PKEY *ca = pki_key("EC", "P-256", 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = pki_key(rows[i].type, rows[i].group, rows[i].bits);
        X509 *made = leaf_with(key, ca);
        unsigned char *der = NULL;
        int length = i2d_X509(made, &der);
        const unsigned char *at = der;
        const uint8_t *our_at = der;
        X509 *law = d2i_X509(NULL, &at, length);
        X509 *ours = certificate_parse(&parser, &our_at, (size_t)length);
        assert_non_null(ours);
        assert_ptr_equal(our_at, at);
        same_certificate(ours, law);
        same_key(X509_get0_pubkey(ours), X509_get0_pubkey(law));
        assert_int_equal(EVP_PKEY_get0_provider(X509_get0_pubkey(ours)) == NULL, rows[i].ours);
        verifies(X509_get0_pubkey(ours), key, rows[i].md);
        assert_int_equal(X509_verify(ours, ca), 1);
        X509_free(ours);
        X509_free(law);
        X509_free(made);
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(ca);
}

static void points_in_every_form_are_read(void **state)
{
    (void)state;
    static const char *const forms[] = {"uncompressed", "compressed", "hybrid"};
    EVP_PKEY *ca = pki_key("EC", "P-256", 0);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        EVP_PKEY *key = pki_key("EC", "P-256", 0);
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", forms[i]), 1);
        X509 *made = leaf_with(key, ca);
        unsigned char *der = NULL;
        int length = i2d_X509(made, &der);
        const unsigned char *at = der;
        const uint8_t *our_at = der;
        X509 *law = d2i_X509(NULL, &at, length), *ours = certificate_parse(&parser, &our_at, (size_t)length);
        same_certificate(ours, law);
        same_key(X509_get0_pubkey(ours), X509_get0_pubkey(law));
        verifies(X509_get0_pubkey(ours), key, "SHA256");
        X509_free(ours);
        X509_free(law);
        X509_free(made);
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(ca);
}

/* rsaEncryption with parameters that are no NULL: read, but it would be written back as something else. */
static void what_would_be_written_otherwise_stays_as_it_was(void **state)
{
    (void)state;
    static const uint8_t usual[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                    0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    EVP_PKEY *key = pki_key("RSA", NULL, 1024);
    X509 *made = leaf_with(key, key);
    unsigned char *der = NULL;
    int length = i2d_X509(made, &der);
    uint8_t *place = memmem(der, (size_t)length, usual, sizeof usual);
    assert_non_null(place);
    place[sizeof usual - 2] = 0x04;
    const unsigned char *at = der;
    const uint8_t *our_at = der;
    X509 *law = d2i_X509(NULL, &at, length), *ours = certificate_parse(&parser, &our_at, (size_t)length);
    same_certificate(ours, law);
    same_key(X509_get0_pubkey(ours), X509_get0_pubkey(law));
    X509_free(ours);
    X509_free(law);
    X509_free(made);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void errors_are_those_of_d2i(void **state)
{
    (void)state;
    EVP_PKEY *key = pki_key("EC", "P-256", 0);
    X509 *made = leaf_with(key, key);
    unsigned char *der = NULL;
    int length = i2d_X509(made, &der);
    for (int cut = 0; cut < length; cut += 7) {
        const unsigned char *at = der;
        const uint8_t *our_at = der;
        assert_null(d2i_X509(NULL, &at, cut));
        unsigned long law = ERR_peek_error();
        ERR_clear_error();
        assert_null(certificate_parse(&parser, &our_at, (size_t)cut));
        assert_int_equal(ERR_peek_error(), law);
        ERR_clear_error();
    }
    OPENSSL_free(der);
    X509_free(made);
    EVP_PKEY_free(key);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_as_d2i_reads_them),
        cmocka_unit_test(points_in_every_form_are_read),
        cmocka_unit_test(what_would_be_written_otherwise_stays_as_it_was),
        cmocka_unit_test(errors_are_those_of_d2i),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

#include "agent/probe/lab_server.h"

#include "hello/certificate_facts.h"

#include <openssl/bn.h>

static EVP_PKEY *key;

static X509 *blank(void)
{
    const struct lab_certificate wanted = {"plain", "DNS:www.a.test,IP:192.0.2.7,email:x@a.test", -60, 3600};
    X509 *made = lab_sign(&wanted, key, NULL, NULL);
    lab_extension(
        made, made, NID_info_access,
        "caIssuers;URI:http://ca.test/i.der,OCSP;URI:http://ocsp.test/,caIssuers;URI:http://no.test/");
    lab_extension(made, made, NID_crl_distribution_points, "URI:http://crl.test/c.crl");
    lab_extension(made, made, NID_tlsfeature, "status_request");
    return made;
}

static void add_raw(X509 *certificate, int nid, const void *bytes, int length)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(value, bytes, length), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, nid, 0, value);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

static void a_certificate_is_read(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    struct chain_certificate facts = {0};
    X509 *x509 = blank();
    assert_true(certificate_facts(x509, &attempt->arena, &facts));
    assert_true(facts.parsed);
    assert_string_equal(facts.subject, "CN=plain");
    assert_string_equal(facts.issuer, "CN=plain");
    assert_string_equal(facts.key_type, "EC");
    assert_int_equal(facts.key_bits, 256);
    assert_string_equal(facts.key_group, "prime256v1");
    assert_string_equal(facts.signature_name, "ecdsa-with-SHA256");
    assert_int_equal(facts.not_after_s - facts.not_before_s, 3660);
    assert_true(facts.self_signed);
    assert_false(facts.ca);
    assert_int_equal(facts.san, PRESENCE_PRESENT);
    assert_int_equal(facts.tls_feature, PRESENCE_PRESENT);
    assert_int_equal(facts.key_usage, PRESENCE_ABSENT);
    assert_int_equal(facts.sct_list, PRESENCE_ABSENT);
    X509_free(x509);
    attempt_free(attempt);
}

static void absent_malformed_and_present_are_three_facts(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    struct chain_certificate facts = {0};
    X509 *x509 = blank();
    add_raw(x509, NID_key_usage, "\x30\xff", 2);              /* cut off */
    add_raw(x509, NID_tlsfeature, "\x30\x03\x02\x01\x05", 5); /* a second one */
    assert_true(certificate_facts(x509, &attempt->arena, &facts));
    assert_int_equal(facts.key_usage, PRESENCE_MALFORMED);
    assert_int_equal(facts.tls_feature, PRESENCE_MALFORMED);
    assert_int_equal(facts.san, PRESENCE_PRESENT);
    assert_int_equal(facts.ski, PRESENCE_ABSENT);
    X509_free(x509);
    attempt_free(attempt);
}

static void the_leaf_says_its_names_and_addresses(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    struct evidence_leaf *leaf = &attempt->tls.leaf;
    X509 *x509 = blank();
    assert_true(certificate_leaf_facts(x509, &attempt->arena, leaf));
    assert_int_equal(leaf->name_count, 2);
    assert_string_equal(leaf->names[0], "www.a.test");
    assert_string_equal(leaf->names[1], "192.0.2.7");
    assert_string_equal(leaf->common_name, "plain");
    assert_string_equal(leaf->issuer_url, "http://ca.test/i.der");
    assert_string_equal(leaf->ocsp_url, "http://ocsp.test/");
    assert_string_equal(leaf->crl_url, "http://crl.test/c.crl");
    assert_true(leaf->must_staple);
    assert_false(certificate_names_abused(x509));
    X509_free(x509);
    attempt_free(attempt);
}

static X509 *with_names(int count, const char *bytes, int length)
{
    X509 *x509 = X509_new();
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (int i = 0; i < count; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        assert_int_equal(ASN1_STRING_set(text, bytes, length), 1);
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    }
    assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
    return x509;
}

static void names_are_disarmed_cut_and_counted(void **state)
{
    (void)state;
    static char longest[4000];
    memset(longest, 'a', sizeof longest);
    struct attempt *attempt = attempt_new();
    struct evidence_leaf *leaf = &attempt->tls.leaf;
    X509 *evil = with_names(1, "a\0b\x1b[2J.test", 12);
    assert_true(certificate_leaf_facts(evil, &attempt->arena, leaf));
    assert_string_equal(leaf->names[0], "a\\x00b\\x1B[2J.test");
    assert_true(certificate_names_abused(evil));
    X509_free(evil);

    X509 *big = with_names(200, longest, sizeof longest);
    *leaf = (struct evidence_leaf){.common_name = "", .issuer_url = "", .ocsp_url = "", .crl_url = ""};
    assert_true(certificate_leaf_facts(big, &attempt->arena, leaf));
    assert_int_equal(leaf->name_count, EVIDENCE_MAX_SANS);
    assert_int_equal(leaf->names_dropped, 200 - EVIDENCE_MAX_SANS);
    assert_int_equal(strlen(leaf->names[63]), EVIDENCE_NAME_MAX);
    assert_true(certificate_names_abused(big));
    X509_free(big);
    attempt_free(attempt);
}

static int setup(void **state)
{
    (void)state;
    key = EVP_EC_gen("P-256");
    return key == NULL;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_read),
        cmocka_unit_test(absent_malformed_and_present_are_three_facts),
        cmocka_unit_test(the_leaf_says_its_names_and_addresses),
        cmocka_unit_test(names_are_disarmed_cut_and_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

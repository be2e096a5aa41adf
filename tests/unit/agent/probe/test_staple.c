#include "lab_server.h"

#include "hello/certificate_facts.h"
#include "probe/sct.h"
#include "probe/staple.h"

#include <openssl/ocsp.h>

/* Responses made on the spot for a leaf of a small authority, and read. */

static EVP_PKEY *ca_key, *leaf_key;
static X509 *ca, *leaf;

struct made {
    unsigned char *der;
    int length;
};

static struct made respond(int status, EVP_PKEY *signer_key, X509 *signer, X509 *about)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), about, ca);
    ASN1_TIME *revoked = status == V_OCSP_CERTSTATUS_REVOKED ? ASN1_TIME_set(NULL, 1700000000) : NULL;
    ASN1_TIME *from = ASN1_TIME_set(NULL, 1700000100), *to = ASN1_TIME_set(NULL, 1700000200);
    assert_non_null(OCSP_basic_add1_status(basic, id, status, status == V_OCSP_CERTSTATUS_REVOKED ? 1 : 0,
                                           revoked, from, to));
    assert_int_equal(OCSP_basic_sign(basic, signer, signer_key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    struct made made = {0};
    made.length = i2d_OCSP_RESPONSE(response, &made.der);
    assert_true(made.length > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return made;
}

static struct evidence_tls read_made(struct made made, X509 *issuer)
{
    struct evidence_tls tls = {.ocsp.reason = -1};
    staple_read(made.der, made.length, leaf, issuer, &tls);
    OPENSSL_free(made.der);
    return tls;
}

static void good_and_revoked_are_read(void **state)
{
    (void)state;
    struct evidence_tls tls = read_made(respond(V_OCSP_CERTSTATUS_GOOD, ca_key, ca, leaf), ca);
    assert_int_equal(tls.staple, STAPLE_PRESENT);
    assert_int_equal(tls.ocsp.status, OCSP_GOOD);
    assert_int_equal(tls.ocsp.signature, SIGNATURE_GOOD);
    assert_int_equal(tls.ocsp.this_update_s, 1700000100);
    assert_int_equal(tls.ocsp.next_update_s, 1700000200);
    assert_int_equal(tls.ocsp.revoked_s, 0);
    assert_int_equal(tls.ocsp.reason, -1);

    tls = read_made(respond(V_OCSP_CERTSTATUS_REVOKED, ca_key, ca, leaf), ca);
    assert_int_equal(tls.ocsp.status, OCSP_REVOKED);
    assert_int_equal(tls.ocsp.revoked_s, 1700000000);
    assert_int_equal(tls.ocsp.reason, 1);

    tls = read_made(respond(V_OCSP_CERTSTATUS_UNKNOWN, ca_key, ca, leaf), ca);
    assert_int_equal(tls.ocsp.status, OCSP_UNKNOWN);
}

static void a_response_signed_by_another_is_told(void **state)
{
    (void)state;
    struct evidence_tls tls = read_made(respond(V_OCSP_CERTSTATUS_GOOD, leaf_key, leaf, leaf), ca);
    assert_int_equal(tls.ocsp.status, OCSP_GOOD);
    assert_int_equal(tls.ocsp.signature, SIGNATURE_BAD);
}

static void without_an_issuer_the_signature_stays_unchecked(void **state)
{
    (void)state;
    struct evidence_tls tls = read_made(respond(V_OCSP_CERTSTATUS_GOOD, ca_key, ca, leaf), NULL);
    assert_int_equal(tls.ocsp.status, OCSP_GOOD);
    assert_int_equal(tls.ocsp.signature, SIGNATURE_UNCHECKED);
}

static void a_response_about_another_certificate_says_nothing(void **state)
{
    (void)state;
    struct evidence_tls tls = read_made(respond(V_OCSP_CERTSTATUS_GOOD, ca_key, ca, ca), ca);
    assert_int_equal(tls.staple, STAPLE_PRESENT);
    assert_int_equal(tls.ocsp.status, OCSP_NOT_SAID);
}

static void every_cut_of_a_response_is_survived(void **state)
{
    (void)state;
    struct made made = respond(V_OCSP_CERTSTATUS_GOOD, ca_key, ca, leaf);
    for (int length = 0; length < made.length; length++) {
        struct evidence_tls tls = {0};
        staple_read(made.der, length, leaf, ca, &tls);
        assert_int_equal(tls.staple, length == 0 ? STAPLE_ABSENT : STAPLE_MALFORMED);
    }
    OPENSSL_free(made.der);
}

static void proofs_are_counted(void **state)
{
    (void)state;
    assert_int_equal(sct_count_list((const unsigned char *)"\0\7\0\2ab\0\1c", 9), 2);
    assert_int_equal(sct_count_list((const unsigned char *)"\0\7\0\2ab\0\2c", 9), 0);
    assert_int_equal(sct_count_list((const unsigned char *)"\0\7", 2), 0);
    assert_int_equal(sct_count_list(NULL, 0), 0);
    assert_int_equal(certificate_sct_count(leaf), 0);
}

static int setup(void **state)
{
    (void)state;
    static const struct lab_certificate ca_wanted = {"ca", NULL, -60, 3600};
    static const struct lab_certificate leaf_wanted = {"leaf", "DNS:a.test", -60, 3600};
    ca_key = EVP_EC_gen("P-256");
    leaf_key = EVP_EC_gen("P-256");
    ca = lab_sign(&ca_wanted, ca_key, NULL, NULL);
    leaf = lab_sign(&leaf_wanted, leaf_key, ca, ca_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_revoked_are_read),
        cmocka_unit_test(a_response_signed_by_another_is_told),
        cmocka_unit_test(without_an_issuer_the_signature_stays_unchecked),
        cmocka_unit_test(a_response_about_another_certificate_says_nothing),
        cmocka_unit_test(every_cut_of_a_response_is_survived),
        cmocka_unit_test(proofs_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

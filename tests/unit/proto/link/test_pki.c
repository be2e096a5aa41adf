#include "proto/link/link_fixture.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_csr(void **state)
{
    (void)state;
    char *why = NULL;
    int length = 0;
    unsigned char *der = pki_csr_der(ours.vantage_key, &length, &why);
    assert_non_null(der);
    EVP_PKEY *key = pki_csr_key(der, (size_t)length, &why);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_eq(key, ours.vantage_key), 1);
    EVP_PKEY_free(key);
    der[length - 1] ^= 1;
    assert_null(pki_csr_key(der, (size_t)length, &why));
    assert_non_null(why);
    free(why);
    for (int cut = 0; cut < length; cut++) {
        why = NULL;
        assert_null(pki_csr_key(der, (size_t)cut, &why));
        assert_non_null(why);
        free(why);
    }
    OPENSSL_free(der);
}

static void test_names(void **state)
{
    (void)state;
    char *why = NULL;
    char name[64];
    assert_true(pki_vantage_name(ours.vantage, name, sizeof name));
    assert_string_equal(name, "hk-1");
    assert_false(pki_vantage_name(ours.vantage, name, 4)); /* no room for the NUL */
    assert_false(pki_vantage_name(ours.server, name, sizeof name));
    assert_int_equal(X509_check_host(ours.server, PKI_SERVER_NAME, 0, 0, NULL), 1);
    const char *bad[] = {"",    "a,DNS:parallax-collector",
                         "a b", "a\n",
                         "a/b", "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = NULL;
        assert_null(pki_sign(ours.ca, ours.ca_key, ours.vantage_key, PKI_VANTAGE, bad[i], 60, &why));
        assert_non_null(why);
        free(why);
    }
}

static void test_serials_differ_and_dates_reach_back(void **state)
{
    (void)state;
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(ours.vantage), X509_get0_serialNumber(ours.server)), 0);
    time_t yesterday = time(NULL) - 86400;
    X509 *all[] = {ours.ca, ours.server, ours.vantage};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(X509_cmp_time(X509_get0_notBefore(all[i]), &yesterday), -1);
}

static void test_times(void **state)
{
    (void)state;
    char *why = NULL;
    int64_t signed_s = 0, ends_s = 0, before = time(NULL);
    X509 *certificate = pki_sign(ours.ca, ours.ca_key, ours.vantage_key, PKI_VANTAGE, "hk-1", 60, &why);
    assert_true(pki_times(certificate, &signed_s, &ends_s));
    assert_in_range(signed_s, before, time(NULL));
    assert_in_range(ends_s - signed_s, 60, 61);
    X509_free(certificate);
}

static void test_key_fingerprints(void **state)
{
    (void)state;
    uint8_t first[32], again[32], other[32];
    assert_true(pki_key_fingerprint(ours.vantage_key, first));
    assert_true(pki_key_fingerprint(X509_get0_pubkey(ours.vantage), again));
    assert_true(pki_key_fingerprint(ours.ca_key, other));
    assert_memory_equal(first, again, 32);
    assert_memory_not_equal(first, other, 32);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/parallax-pki-XXXXXX";
    char path[64], *why = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key.pem", folder);
    assert_true(pki_key_write(path, ours.ca_key, &why));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    EVP_PKEY *key = pki_key_read(path, &why);
    assert_int_equal(EVP_PKEY_eq(key, ours.ca_key), 1);
    EVP_PKEY_free(key);
    assert_int_equal(chmod(path, 0640), 0);
    assert_null(pki_key_read(path, &why));
    assert_non_null(strstr(why, "others may read"));
    free(why);
    assert_null(pki_certificate_read(path, &why));
    free(why);
    size_t length = 0;
    char *pem = pki_certificate_pem(ours.ca, &length, &why);
    assert_true(pki_file_write(path, pem, length, 0644, &why));
    X509 *read = pki_certificate_read(path, &why);
    assert_int_equal(X509_cmp(read, ours.ca), 0);
    X509_free(read);
    read = pki_certificate_from_pem(pem, length, &why);
    assert_int_equal(X509_cmp(read, ours.ca), 0);
    X509_free(read);
    free(pem);
    assert_null(pki_certificate_from_pem("x", 1, &why));
    free(why);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary is left */
    assert_false(pki_file_write(path, "x", 1, 0600, &why));
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csr),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_serials_differ_and_dates_reach_back),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_key_fingerprints),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, fixtures_setup, fixtures_teardown);
}

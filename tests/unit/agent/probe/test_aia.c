#include "lab_server.h"

#include "probe/aia.h"

#include <openssl/pem.h>

static void urls_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path;
        uint16_t port;
    } rows[] = {
        {"http://ca.test/i.der", "ca.test", "/i.der", 80},
        {"HTTP://CA.test:8080/a/b?c=d#e", "ca.test", "/a/b?c=d", 8080},
        {"http://192.0.2.1", "192.0.2.1", "/", 80},
        {"http://[2001:db8::1]:81/x", "2001:db8::1", "/x", 81},
        {"http://[2001:db8::1]/x", "2001:db8::1", "/x", 80},
    };
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint endpoint;
        const char *path = NULL;
        assert_true(aia_parse(rows[i].url, &arena, &endpoint, &path));
        assert_string_equal(endpoint.host, rows[i].host);
        assert_string_equal(path, rows[i].path);
        assert_int_equal(endpoint.port, rows[i].port);
    }
    arena_done(&arena);
}

static void what_is_no_url_for_us_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "https://ca.test/",
                                       "ldap://ca.test/",
                                       "http://",
                                       "http:///x",
                                       "http://u:p@ca.test/",
                                       "http://ca.test/a b",
                                       "http://ca.test/a\r\nX: y",
                                       "http://ca.test:0/",
                                       "http://ca.test:99999/",
                                       "http://ca\x01.test/",
                                       "file:///etc/passwd"};
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct endpoint endpoint;
        const char *path = NULL;
        if (aia_parse(urls[i], &arena, &endpoint, &path))
            fail_msg("accepted: %s", urls[i]);
    }
    arena_done(&arena);
}

/* --- judging -------------------------------------------------------------------------------------------------- */

static EVP_PKEY *keys[3];
static X509 *root, *middle, *leaf;
static X509_STORE *store;
static struct attempt *about;

static enum evidence_issuer judge_der(X509 *x509, X509_STORE *trusted)
{
    unsigned char *der = NULL;
    int length = i2d_X509(x509, &der);
    enum evidence_issuer judged = aia_judge(der, (size_t)length, about, trusted);
    OPENSSL_free(der);
    return judged;
}

static void the_issuer_completes_the_chain(void **state)
{
    (void)state;
    assert_int_equal(judge_der(middle, store), ISSUER_COMPLETES);
    BIO *pem = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_X509(pem, middle), 1);
    long length = BIO_get_mem_data(pem, &text);
    assert_int_equal(aia_judge(text, (size_t)length, about, store), ISSUER_COMPLETES);
    BIO_free(pem);
}

static void what_does_not_complete_it_is_told_apart(void **state)
{
    (void)state;
    X509_STORE *empty = X509_STORE_new();
    assert_int_equal(judge_der(middle, empty), ISSUER_SIGNS);
    X509_STORE_free(empty);
    assert_int_equal(judge_der(root, store), ISSUER_OTHER);
    assert_int_equal(judge_der(leaf, store), ISSUER_OTHER);
    assert_int_equal(aia_judge("<html>", 6, about, store), ISSUER_MALFORMED);
    assert_int_equal(aia_judge("", 0, about, store), ISSUER_MALFORMED);
}

static int setup(void **state)
{
    (void)state;
    static const struct lab_certificate wanted[] = {
        {"root", NULL, -60, 3600}, {"middle", NULL, -60, 3600}, {"leaf", "DNS:a.test", -60, 3600}};
    for (size_t i = 0; i < 3; i++)
        keys[i] = EVP_EC_gen("P-256");
    root = lab_sign(&wanted[0], keys[0], NULL, NULL);
    middle = lab_sign(&wanted[1], keys[1], root, keys[0]);
    leaf = lab_sign(&wanted[2], keys[2], middle, keys[1]);
    store = X509_STORE_new();
    about = attempt_new();
    about->tls.chain = arena_array(&about->arena, 1, sizeof *about->tls.chain);
    unsigned char *der = arena_take(&about->arena, 4096), *at = der;
    about->tls.chain[0].der = der;
    about->tls.chain[0].der_length = (size_t)i2d_X509(leaf, &at);
    about->tls.chain_count = 1;
    return X509_STORE_add_cert(store, root) == 1 ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
    X509_free(root);
    X509_free(middle);
    X509_free(leaf);
    X509_STORE_free(store);
    attempt_free(about);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(what_is_no_url_for_us_is_refused),
        cmocka_unit_test(the_issuer_completes_the_chain),
        cmocka_unit_test(what_does_not_complete_it_is_told_apart),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

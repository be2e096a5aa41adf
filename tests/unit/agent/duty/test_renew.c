#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/identity.h"
#include "duty/renew.h"
#include "link/clock.h"
#include "proto/link/link_fixture.h"
#include "words/units.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VALIDITY_S = 30 * 86400 };

static struct fixture pki;
static struct state folder;

static void write_ca(const char *file, X509 *ca)
{
    char path[PATH_MAX], *why = NULL;
    size_t length = 0;
    char *pem = pki_certificate_pem(ca, &length, &why);
    assert_true(state_path(&folder, file, path));
    assert_true(pki_file_write(path, pem, length, 0644, &why));
    free(pem);
}

static int setup(void **unused)
{
    (void)unused;
    char name[] = "/tmp/parallax-renew-XXXXXX", *why = NULL;
    const char *reason = "";
    fixture_init(&pki);
    assert_non_null(mkdtemp(name));
    assert_true(state_init(&folder, name, &reason));
    write_ca("ca.pem", pki.ca);
    X509 *certificate = pki_sign(pki.ca, pki.ca_key, pki.vantage_key, PKI_VANTAGE, "hk-1", VALIDITY_S, &why);
    assert_true(identity_write(&folder, pki.vantage_key, certificate, &why));
    X509_free(certificate);
    return 0;
}

static size_t files_in_folder(bool and_unlink)
{
    size_t count = 0;
    DIR *dir = opendir(folder.folder);
    for (struct dirent *at; (at = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (at->d_name[0] == '.')
            continue;
        count++;
        assert_true(state_path(&folder, at->d_name, path));
        if (and_unlink)
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(dir);
    return count;
}

static int teardown(void **unused)
{
    (void)unused;
    (void)files_in_folder(true);
    assert_int_equal(rmdir(folder.folder), 0);
    fixture_done(&pki);
    return 0;
}

static struct renew *open_renew(void)
{
    char *why = NULL;
    struct renew *renew = renew_new(&folder, &why);
    if (renew == NULL)
        fail_msg("%s", why);
    return renew;
}

/* What a collector would answer. @return PEM that the caller frees. */
static char *sign(const struct fixture *by, const struct bytes *csr, const char *name, size_t *ret_length)
{
    char *why = NULL;
    EVP_PKEY *key = pki_csr_key(csr->data, csr->length, &why);
    assert_non_null(key);
    X509 *certificate = pki_sign(by->ca, by->ca_key, key, PKI_VANTAGE, name, VALIDITY_S, &why);
    char *pem = pki_certificate_pem(certificate, ret_length, &why);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

static void identity_fingerprint(uint8_t out[32])
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    char *why = NULL;
    assert_true(identity_read(&folder, &key, &certificate, &why));
    assert_true(pki_fingerprint(certificate, out));
    EVP_PKEY_free(key);
    X509_free(certificate);
}

/* Due while between a third and a quarter is left, in the collector's time; where, each certificate draws. */
static void test_when(void **unused)
{
    (void)unused;
    int64_t now = clock_wall_us(), whole = VALIDITY_S * US_PER_S, least = INT64_MAX, most = 0;
    for (int i = 0; i < 40; i++) {
        struct renew *renew = open_renew();
        int64_t wait = renew_wait_us(renew, now, 0);
        assert_in_range(wait, (uint64_t)(whole / 3 * 2 - 60 * US_PER_S), (uint64_t)(whole / 4 * 3));
        assert_int_equal(renew_wait_us(renew, now + whole / 4 * 3, 0), 0);
        assert_int_equal(renew_wait_us(renew, now + whole / 3 * 2 - 60 * US_PER_S, 0) > 0, 1);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
        renew_free(renew);
    }
    assert_true(most - least > 3600 * US_PER_S);
}

static void test_back_off(void **unused)
{
    (void)unused;
    struct renew *renew = open_renew();
    int64_t late = clock_wall_us() + VALIDITY_S * US_PER_S / 4 * 3, mono = 5 * US_PER_S;
    struct bytes csr;
    char *why = NULL;
    int64_t most[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        assert_int_equal(renew_wait_us(renew, late, mono), 0);
        assert_true(renew_begin(renew, late, mono, &csr, &why));
        int64_t wait = renew_wait_us(renew, late, mono);
        assert_in_range(wait, (uint64_t)(most[i] * US_PER_S / 2), (uint64_t)(most[i] * US_PER_S));
        mono += wait;
    }
    late = renew_ends_us(renew) - 8 * US_PER_S; /* never later than a quarter of what is left */
    assert_true(renew_begin(renew, late, mono, &csr, &why));
    assert_in_range(renew_wait_us(renew, late, mono), US_PER_S, 2 * US_PER_S);
    late = renew_ends_us(renew) + US_PER_S;
    assert_true(renew_begin(renew, late, mono, &csr, &why));
    assert_in_range(renew_wait_us(renew, late, mono), US_PER_S / 2, US_PER_S);
    renew_free(renew);
}

static void test_taken(void **unused)
{
    (void)unused;
    struct renew *renew = open_renew();
    SSL_CTX *before = renew_context(renew);
    struct bytes csr;
    char *why = NULL;
    uint8_t old[32], next[32];
    size_t length = 0;
    identity_fingerprint(old);
    assert_true(renew_begin(renew, clock_wall_us(), 1, &csr, &why));
    EVP_PKEY *key = pki_csr_key(csr.data, csr.length, &why);
    assert_int_equal(EVP_PKEY_eq(key, pki.vantage_key), 0); /* a new one */
    EVP_PKEY_free(key);
    char *pem = sign(&pki, &csr, "hk-1", &length);
    assert_true(SSL_CTX_up_ref(before) == 1); /* so that no other can be where it was */
    assert_true(renew_accept(renew, &(struct bytes){(const uint8_t *)pem, length}, &why));
    assert_ptr_not_equal(renew_context(renew), before);
    SSL_CTX_free(before);
    identity_fingerprint(next);
    assert_memory_not_equal(old, next, 32);
    X509 *shown = SSL_CTX_get0_certificate(renew_context(renew));
    assert_true(pki_fingerprint(shown, old));
    assert_memory_equal(old, next, 32); /* what is on disk is what is shown */
    assert_false(renew_accept(renew, &(struct bytes){(const uint8_t *)pem, length}, &why)); /* once */
    assert_non_null(strstr(why, "not asked for"));
    free(why);
    free(pem);
    renew_free(renew);
    assert_int_equal(files_in_folder(false), 2);
}

static void refuse(struct renew *renew, const char *pem, size_t length, const char *pattern)
{
    uint8_t before[32], after[32];
    char *why = NULL;
    SSL_CTX *context = renew_context(renew);
    identity_fingerprint(before);
    assert_false(renew_accept(renew, &(struct bytes){(const uint8_t *)pem, length}, &why));
    assert_non_null(why);
    if (strstr(why, pattern) == NULL)
        fail_msg("%s", why);
    free(why);
    identity_fingerprint(after);
    assert_memory_equal(before, after, 32);
    assert_ptr_equal(renew_context(renew), context);
}

static void test_refused(void **unused)
{
    (void)unused;
    struct renew *renew = open_renew();
    struct fixture other;
    struct bytes csr;
    char *why = NULL;
    size_t length = 0;
    fixture_init(&other);
    refuse(renew, "x", 1, "not asked for");

    assert_true(renew_begin(renew, 1, 1, &csr, &why));
    char *pem = sign(&pki, &csr, "hk-1", &length);
    assert_true(renew_begin(renew, 1, 1, &csr, &why)); /* the answer to an earlier request */
    refuse(renew, pem, length, "another key");
    free(pem);

    assert_true(renew_begin(renew, 1, 1, &csr, &why));
    pem = sign(&other, &csr, "hk-1", &length);
    refuse(renew, pem, length, "another CA");
    free(pem);

    assert_true(renew_begin(renew, 1, 1, &csr, &why));
    pem = sign(&pki, &csr, "hk-2", &length);
    refuse(renew, pem, length, "another vantage");
    free(pem);

    assert_true(renew_begin(renew, 1, 1, &csr, &why));
    refuse(renew, "-----BEGIN CERTIFICATE-----\nAAAA\n", 33, "not a PEM certificate");
    fixture_done(&other);
    renew_free(renew);
}

/* Killed at whatever moment of the write: what is read afterwards is one whole pair, the old or the new. */
static void test_killed_while_writing(void **unused)
{
    (void)unused;
    uint8_t first[32], now[32];
    unsigned old = 0, new = 0;
    identity_fingerprint(first);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t before[32];
        int ready[2];
        char byte;
        identity_fingerprint(before);
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
            struct renew *renew = open_renew();
            struct bytes csr;
            char *why = NULL;
            size_t length = 0;
            if (!renew_begin(renew, 1, 1, &csr, &why))
                _exit(1);
            char *pem = sign(&pki, &csr, "hk-1", &length);
            (void)!write(ready[1], "r", 1);
            (void)renew_accept(renew, &(struct bytes){(const uint8_t *)pem, length}, &why);
            (void)pause();
            _exit(0);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)usleep(i * 100);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)close(ready[0]);
        (void)close(ready[1]);
        identity_fingerprint(now); /* whole, and belonging together */
        memcmp(now, before, 32) == 0 ? old++ : new ++;
        renew_free(open_renew());
    }
    print_message("killed before the rename: %u, after it: %u\n", old, new);
    assert_int_equal(old + new, 60);
}

static void test_no_identity(void **unused)
{
    (void)unused;
    char path[PATH_MAX], *why = NULL;
    write_ca(IDENTITY_FILE, pki.ca);
    assert_null(renew_new(&folder, &why));
    assert_non_null(strstr(why, "others may read"));
    free(why);
    assert_true(identity_write(&folder, pki.server_key, pki.server, &why));
    assert_null(renew_new(&folder, &why));
    assert_non_null(strstr(why, "names no vantage"));
    free(why);
    assert_true(state_path(&folder, "ca.pem", path));
    assert_int_equal(unlink(path), 0);
    assert_null(renew_new(&folder, &why));
    assert_non_null(strstr(why, "ca.pem"));
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_when, setup, teardown),
        cmocka_unit_test_setup_teardown(test_back_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_writing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_identity, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/identity.h"
#include "proto/link/link_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    struct state state;
    char path[PATH_MAX];
    struct fixture pki;
};

static void folder_init(struct folder *folder)
{
    char name[] = "/tmp/parallax-identity-XXXXXX";
    const char *why = "";
    assert_non_null(mkdtemp(name));
    assert_true(state_init(&folder->state, name, &why));
    assert_true(state_path(&folder->state, IDENTITY_FILE, folder->path));
    fixture_init(&folder->pki);
}

static void folder_done(struct folder *folder)
{
    (void)unlink(folder->path);
    assert_int_equal(rmdir(folder->state.folder), 0); /* nothing temporary was left */
    fixture_done(&folder->pki);
}

static void refused(struct folder *folder, const char *pattern)
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    char *why = NULL;
    assert_false(identity_read(&folder->state, &key, &certificate, &why));
    assert_null(key);
    assert_null(certificate);
    assert_non_null(strstr(why, folder->path));
    assert_non_null(strstr(why, pattern));
    assert_null(strchr(why, '\n'));
    free(why);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct folder folder;
    struct stat status;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    char *why = NULL;
    folder_init(&folder);
    refused(&folder, "No such file");
    for (int i = 0; i < 2; i++) /* the second in place of the first */
        assert_true(identity_write(&folder.state, folder.pki.vantage_key, folder.pki.vantage, &why));
    assert_int_equal(stat(folder.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(identity_read(&folder.state, &key, &certificate, &why));
    assert_int_equal(EVP_PKEY_eq(key, folder.pki.vantage_key), 1);
    assert_int_equal(X509_cmp(certificate, folder.pki.vantage), 0);
    EVP_PKEY_free(key);
    X509_free(certificate);
    folder_done(&folder);
}

static void test_a_key_that_others_may_read(void **state)
{
    (void)state;
    struct folder folder;
    char *why = NULL;
    folder_init(&folder);
    assert_true(identity_write(&folder.state, folder.pki.vantage_key, folder.pki.vantage, &why));
    const mode_t modes[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(folder.path, modes[i]), 0);
        refused(&folder, "chmod 600");
    }
    folder_done(&folder);
}

static void test_a_pair_that_is_none(void **state)
{
    (void)state;
    struct folder folder;
    char *why = NULL;
    folder_init(&folder);
    assert_true(identity_write(&folder.state, folder.pki.vantage_key, folder.pki.ca, &why));
    refused(&folder, "do not belong together");
    folder_done(&folder);
}

/* However much of the file is there, it is read whole or not at all. */
static void test_a_file_that_is_cut_off(void **state)
{
    (void)state;
    struct folder folder;
    struct stat status;
    char *why = NULL;
    folder_init(&folder);
    assert_true(identity_write(&folder.state, folder.pki.vantage_key, folder.pki.vantage, &why));
    assert_int_equal(stat(folder.path, &status), 0);
    for (off_t length = status.st_size - 2; length >= 0; length -= 31) {
        assert_int_equal(truncate(folder.path, length), 0);
        refused(&folder, "no PEM private key and certificate");
    }
    folder_done(&folder);
}

static void test_a_folder_that_cannot_be_written_to(void **state)
{
    (void)state;
    struct folder folder;
    char *why = NULL;
    folder_init(&folder);
    struct state nowhere = folder.state;
    assert_true(state_path(&folder.state, "none", nowhere.folder));
    assert_false(identity_write(&nowhere, folder.pki.vantage_key, folder.pki.vantage, &why));
    assert_non_null(why);
    free(why);
    folder_done(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_key_that_others_may_read),
        cmocka_unit_test(test_a_pair_that_is_none),
        cmocka_unit_test(test_a_file_that_is_cut_off),
        cmocka_unit_test(test_a_folder_that_cannot_be_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/private.h"
#include "ingest/ca.h"

#include <string.h>
#include <sys/stat.h>

static void made_once_and_kept(void **arg)
{
    char state[32], path[64], *why = NULL;
    struct stat status;
    struct ca first, second;
    (void)arg;
    private_state(state);
    assert_true(ca_init(&first, state, &why));
    assert_true(ca_init(&second, state, &why));
    assert_memory_equal(first.fingerprint, second.fingerprint, 32);
    (void)snprintf(path, sizeof path, "%s/pki/ca.key", state);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    SSL_CTX *context = ca_server_context(&first, &why);
    assert_non_null(context);
    X509 *server = SSL_CTX_get0_certificate(context);
    assert_int_equal(X509_verify(server, X509_get0_pubkey(first.certificate)), 1);
    SSL_CTX_free(context);
    ca_done(&first);
    ca_done(&second);
    assert_true(folder_remove(state));
}

static void a_key_of_another_is_refused(void **arg)
{
    char one[32], two[32], from[64], to[64], *why = NULL;
    struct ca ca;
    (void)arg;
    private_state(one);
    private_state(two);
    assert_true(ca_init(&ca, one, &why));
    ca_done(&ca);
    assert_true(ca_init(&ca, two, &why));
    ca_done(&ca);
    (void)snprintf(from, sizeof from, "%s/pki/ca.key", one);
    (void)snprintf(to, sizeof to, "%s/pki/ca.key", two);
    assert_int_equal(rename(from, to), 0);
    assert_false(ca_init(&ca, two, &why));
    assert_non_null(strstr(why, "belong together"));
    free(why);
    why = NULL;
    assert_int_equal(chmod(to, 0644), 0); /* readable by others */
    assert_false(ca_init(&ca, two, &why));
    free(why);
    assert_true(folder_remove(one) && folder_remove(two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once_and_kept),
        cmocka_unit_test(a_key_of_another_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

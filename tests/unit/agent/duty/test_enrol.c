#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/duty/fake_collector.h"
#include "duty/enrol.h"

#include "words/units.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char secret[] = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE";

static void token_for(X509 *ca, char out[128])
{
    uint8_t fingerprint[32];
    char hex[65];
    assert_true(pki_fingerprint(ca, fingerprint));
    snprintf(out, 128, "plx1.%s.%s", hex_text(fingerprint, 32, hex), secret);
}

static void test_token_form(void **state)
{
    (void)state;
    uint8_t fingerprint[32];
    char good[128];
    snprintf(good, sizeof good, "plx1.%064d.%s", 1, secret);
    assert_true(enrol_token(good, fingerprint));
    assert_int_equal(fingerprint[31], 1);
    const char *bad[] = {"", "plx1", "plx1..", "plx2.", "plx1.00.abc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(enrol_token(bad[i], fingerprint));
    for (size_t i = 0; good[i] != '\0'; i++) {
        char kept = good[i];
        good[i] = '!';
        assert_false(enrol_token(good, fingerprint));
        good[i] = '\0';
        assert_false(enrol_token(good, fingerprint));
        good[i] = kept;
    }
}

static struct fake *fake; /* shared with the child */

/* A collector in a child of its own, since enrolling runs its own loop. @return its pid. */
static pid_t start_collector(uint16_t *ret_port, char ret_token[128], bool accepts,
                             const struct fixture *liar)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    fake = mmap(NULL, sizeof *fake, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(fake, MAP_FAILED);
    pid_t child = fork();
    if (child == 0) {
        uv_loop_t loop;
        uv_loop_init(&loop);
        fake_init(fake, &loop);
        token_for(fake->pki.ca, ret_token);
        fake->token = accepts ? ret_token : "";
        fake->liar = liar;
        if (write(told[1], &fake->port, sizeof fake->port) != sizeof fake->port ||
            write(told[1], ret_token, 128) != 128)
            _exit(1);
        uv_run(&loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    assert_int_equal(read(told[0], ret_port, sizeof *ret_port), sizeof *ret_port);
    assert_int_equal(read(told[0], ret_token, 128), 128);
    (void)close(told[0]);
    (void)close(told[1]);
    return child;
}

static void stop_collector(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(munmap(fake, sizeof *fake), 0);
}

static bool try_enrol(const char *collectors, const char *token, struct enrolment *enrolment, char **why)
{
    struct settings settings;
    const char *reason = "";
    EVP_PKEY *key = pki_key_new(why);
    settings_init(&settings);
    assert_true(settings_add_collectors(&settings, collectors, &reason));
    bool enrolled = enrol(&settings, token, key, enrolment, why);
    if (enrolled)
        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(enrolment->certificate), key), 1);
    settings_done(&settings);
    EVP_PKEY_free(key);
    return enrolled;
}

static void test_enrols(void **state)
{
    (void)state;
    uint16_t port;
    char token[128], collectors[128], *why = NULL;
    struct enrolment enrolment = {0};
    pid_t child = start_collector(&port, token, true, NULL);
    /* the first cannot be reached: the second is asked */
    snprintf(collectors, sizeof collectors, "127.0.0.1:1,127.0.0.1:%u", port);
    assert_true(try_enrol(collectors, token, &enrolment, &why));
    assert_string_equal(enrolment.name, "hk-1");
    assert_int_equal(enrolment.collector.port, port);
    assert_int_equal(fake->messages, 1);
    enrolment_done(&enrolment);
    stop_collector(child);
}

static void test_used_token(void **state)
{
    (void)state;
    uint16_t port;
    char token[128], collectors[128], *why = NULL;
    struct enrolment enrolment = {0};
    pid_t child = start_collector(&port, token, false, NULL);
    snprintf(collectors, sizeof collectors, "127.0.0.1:%u", port);
    assert_false(try_enrol(collectors, token, &enrolment, &why));
    assert_string_equal(why, "the token was used"); /* the collector's words, and nothing around them */
    free(why);
    stop_collector(child);
}

/* Somebody in between, with a CA of his own: he is found out before the token is sent. */
static void test_another_ca(void **state)
{
    (void)state;
    uint16_t port;
    char token[128], collectors[128], *why = NULL;
    struct enrolment enrolment = {0};
    struct fixture theirs;
    pid_t child = start_collector(&port, token, true, NULL);
    fixture_init(&theirs);
    token_for(theirs.ca, token);
    snprintf(collectors, sizeof collectors, "127.0.0.1:%u", port);
    assert_false(try_enrol(collectors, token, &enrolment, &why));
    assert_non_null(strstr(why, "not from the expected certificate authority"));
    assert_int_equal(fake->messages, 0);
    free(why);
    fixture_done(&theirs);
    stop_collector(child);
}

/* What the answer holds is checked as well as the connection it came over. */
static void test_answer_from_another_ca(void **state)
{
    (void)state;
    uint16_t port;
    char token[128], collectors[128], *why = NULL;
    struct enrolment enrolment = {0};
    struct fixture theirs;
    fixture_init(&theirs);
    pid_t child = start_collector(&port, token, true, &theirs);
    snprintf(collectors, sizeof collectors, "127.0.0.1:%u", port);
    assert_false(try_enrol(collectors, token, &enrolment, &why));
    assert_non_null(strstr(why, "another CA than the token names"));
    free(why);
    fixture_done(&theirs);
    stop_collector(child);
}

static void test_nobody_there(void **state)
{
    (void)state;
    char token[128], *why = NULL;
    struct enrolment enrolment = {0};
    snprintf(token, sizeof token, "plx1.%064d.%s", 1, secret);
    assert_false(try_enrol("127.0.0.1:1", token, &enrolment, &why));
    assert_string_equal(why, "127.0.0.1 port 1: connection refused");
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_form),   cmocka_unit_test(test_enrols),
        cmocka_unit_test(test_used_token),   cmocka_unit_test(test_another_ca),
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_answer_from_another_ca),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/reread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/parallax-settings-XXXXXX";

static bool read_text(struct settings *settings, const char *text, char **why)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    settings_init(settings);
    *why = NULL;
    return settings_read(settings, path, why);
}

static void test_written_is_read(void **state)
{
    (void)state;
    const char *allow[] = {"any", "*.shop.example", "127.0.0.0/8"}, *reason = "";
    const char *deny[] = {"*.bank.example"}, *ports[] = {"443,8000-8999", "any"};
    const struct settings_lists lists = {
        .allow = allow, .deny = deny, .ports = ports, .allow_count = 3, .deny_count = 1, .ports_count = 2};
    struct settings settings;
    struct buf text = {0};
    char *why = NULL;
    settings_init(&settings);
    assert_true(
        settings_add_collectors(&settings, "c.example,d.example:99,[2001:db8::1]:5,2001:db8::2", &reason));
    settings.ca_file = strdup("/tmp/a \"b\"\\c.pem");
    assert_true(settings_write(&settings, &lists, &text));
    settings_done(&settings);
    if (!read_text(&settings, (const char *)text.data, &why))
        fail_msg("%s", why);
    assert_int_equal(settings.collector_count, 4);
    assert_string_equal(settings.collectors[0].host, "c.example");
    assert_int_equal(settings.collectors[0].port, COLLECTOR_PORT);
    assert_int_equal(settings.collectors[1].port, 99);
    assert_string_equal(settings.collectors[2].host, "2001:db8::1");
    assert_int_equal(settings.collectors[2].port, 5);
    assert_string_equal(settings.collectors[3].host, "2001:db8::2");
    assert_int_equal(settings.collectors[3].port, COLLECTOR_PORT);
    assert_true(settings.policy.allow.any);
    assert_int_equal(settings.policy.allow.name_count, 1);
    assert_int_equal(settings.policy.deny.name_count, 1);
    assert_int_equal(settings.policy.port_count, 3);
    assert_int_equal(settings.policy.allow.cidr_count, 1);
    assert_string_equal(settings.ca_file, "/tmp/a \"b\"\\c.pem");
    assert_int_equal(settings.spool_mib, 256);
    settings_done(&settings);
    buf_done(&text);
}

static void test_complaints_name_the_place(void **state)
{
    (void)state;
    const struct {
        const char *text, *line, *word;
    } cases[] = {
        {"collectors: [c.example]\nallow: [any]\nspol_mib: 5\n", ":3: ", "\"spool_mib\""},
        {"collectors: [c.example]\nallow:\n  - any\n  - \"*\"\n", ":4: ", "expected a name"},
        {"collectors: [c.example]\nallow: [any]\nspool_mib: 0\n", ":3: ", "spool_mib"},
        {"collectors: [c.example]\nallow: [any]\nfetch: perhaps\n", ":3: ", "fetch"},
        {"collectors: []\nallow: [any]\n", ":1: ", "no collector"},
        {"collectors: [c.example]\nallow: [any]\ndenny: [x.example]\n", ":3: ", "\"deny\""},
        {"collectors: [c.example]\nallow: [any]\ndeny:\n  - a b\n", ":4: ", "expected a name"},
        {"collectors: [c.example]\nallow: [any]\ndeny: x.example\n", ":3: ", "deny"},
        {"collectors: [c.example]\nallow: [any]\nports: [443, 70000]\n", ":3: ", "expected a port"},
        {"collectors: [c.example]\nallow: [any]\nports: []\n", ":3: ", "no port"},
        {"collectors: [c.example]\nallow: [any]\nrate: 0\n", ":3: ", "rate"},
        {"collectors: [c.example]\nallow: [any]\naddress_concurrency: many\n", ":3: ", "address_concurrency"},
        {"allow: [any]\n", ":1: ", "collectors"},
        {"- x\n", ":1: ", "collectors"},
        {"", ":1: ", "collectors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings;
        char *why = NULL;
        assert_false(read_text(&settings, cases[i].text, &why));
        assert_non_null(why);
        if (strstr(why, cases[i].line) == NULL || strstr(why, cases[i].word) == NULL)
            fail_msg("case %zu: %s", i, why);
        free(why);
        settings_done(&settings);
    }
}

static void test_fetch_is_forbidden_by_one_word(void **state)
{
    (void)state;
    for (int forbidden = 0; forbidden < 2; forbidden++) {
        struct settings settings;
        char *why;
        assert_true(read_text(&settings,
                              forbidden ? "collectors: [c.example]\nallow: [any]\nfetch: false\n"
                                        : "collectors: [c.example]\nallow: [any]\n",
                              &why));
        assert_int_equal(settings.policy.forbids_fetching, forbidden);
        settings_done(&settings);
    }
}

static void test_engine_is_one_of_three(void **state)
{
    (void)state;
    struct settings settings;
    char *why = NULL;
    assert_true(read_text(&settings, "collectors: [c.example]\nallow: [any]\nengine: own\n", &why));
    assert_int_equal(settings.engine, PROBER_OWN);
    settings_done(&settings);
    assert_false(read_text(&settings, "collectors: [c.example]\nallow: [any]\nengine: openssl\n", &why));
    assert_non_null(strstr(why, ":3: engine: \"openssl\""));
    free(why);
    settings_done(&settings);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void test_reread_changes_the_policy_alone(void **state)
{
    (void)state;
    struct settings settings;
    char fixed[REREAD_FIXED_BYTES] = "?", *why = NULL;
    assert_true(read_text(&settings, "collectors: [c.example]\nallow: [any]\ncontact: me\n", &why));
    write_file("collectors: [d.example]\nallow: [shop.example]\ndeny: [any]\nports: [1-5, 9]\nfetch: false\n"
               "rate: 7\nconcurrency: 8\naddress_concurrency: 9\naddress_seconds: 10\naddress_burst: 11\n"
               "spool_mib: 12\nengine: auto\n");
    assert_true(settings_reread(&settings, path, fixed, &why));
    assert_string_equal(fixed, "collectors, contact, engine, spool_mib");
    assert_false(settings.policy.allow.any);
    assert_int_equal(settings.policy.allow.name_count, 1);
    assert_true(settings.policy.deny.any);
    assert_int_equal(settings.policy.port_count, 2);
    assert_true(settings.policy.forbids_fetching);
    assert_int_equal(settings.rate, 7);
    assert_int_equal(settings.concurrency, 8);
    assert_int_equal(settings.address_concurrency, 9);
    assert_int_equal(settings.address_seconds, 10);
    assert_int_equal(settings.address_burst, 11);
    assert_int_equal(settings.spool_mib, 256);
    assert_string_equal(settings.collectors[0].host, "c.example");
    assert_string_equal(settings.contact, "me");
    settings_done(&settings);
}

static void test_a_bad_file_changes_nothing(void **state)
{
    (void)state;
    struct settings settings;
    char fixed[REREAD_FIXED_BYTES], *why = NULL;
    assert_true(read_text(&settings, "collectors: [c.example]\nallow: [any]\nrate: 5\n", &why));
    write_file("collectors: [c.example]\nallow: [shop.example]\nrate: 7\ndeny: [\"*\"]\n");
    assert_false(settings_reread(&settings, path, fixed, &why));
    assert_non_null(strstr(why, ":4: "));
    free(why);
    why = NULL;
    assert_false(settings_reread(&settings, "/nonexistent/agent.yaml", fixed, &why));
    assert_non_null(why);
    free(why);
    assert_true(settings.policy.allow.any);
    assert_int_equal(settings.rate, 5);
    settings_done(&settings);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_complaints_name_the_place),
        cmocka_unit_test(test_fetch_is_forbidden_by_one_word),
        cmocka_unit_test(test_engine_is_one_of_three),
        cmocka_unit_test(test_reread_changes_the_policy_alone),
        cmocka_unit_test(test_a_bad_file_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}

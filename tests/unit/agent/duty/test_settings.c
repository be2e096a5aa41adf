#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/settings.h"

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
    const struct settings_lists lists = {.allow = allow, .allow_count = 3};
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
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}

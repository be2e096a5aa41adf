#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "proto/cli/capture.h"

#include <stdlib.h>
#include <string.h>

static char *said(struct capture *err)
{
    char *text = capture_end(err);
    char *colon = strstr(text, ": ");
    assert_non_null(colon);
    memmove(text, colon + 2, strlen(colon + 2) + 1);
    return text;
}

static void numbers_have_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "1x", " 1", "0", "65536", "99999999999999999999"};
    int64_t value = 7;
    assert_true(cli_number("port", "443", 1, 65535, &value));
    assert_int_equal(value, 443);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct capture err = capture_begin(stderr);
        bool read = cli_number("port", bad[i], 1, 65535, &value);
        char *text = said(&err);
        assert_false(read);
        assert_int_equal(value, 443);
        assert_non_null(strstr(text, "is not a number from 1 to 65535"));
        free(text);
    }
}

static void spans_have_ranges(void **state)
{
    (void)state;
    int64_t value_us = 7;
    assert_true(cli_span("timeout", "250ms", 1000, 60000000, &value_us));
    assert_int_equal(value_us, 250000);
    struct capture err = capture_begin(stderr);
    assert_false(cli_span("timeout", "soon", 1000, 60000000, &value_us));
    char *text = said(&err);
    assert_string_equal(text, "--timeout: \"soon\" is not a duration such as 250ms, 10s, 5m, 1h or 2d\n");
    free(text);
    err = capture_begin(stderr);
    assert_false(cli_span("timeout", "2m", 1000, 60000000, &value_us));
    text = said(&err);
    assert_non_null(strstr(text, "--timeout: \"2m\" is not between 1"));
    free(text);
    assert_int_equal(value_us, 250000);
}

static void choices_name_the_nearest(void **state)
{
    (void)state;
    static const char *const formats[] = {"text", "json", "ndjson"};
    assert_int_equal(cli_choice("format", "json", formats, 3), 1);
    struct capture err = capture_begin(stderr);
    int chosen = cli_choice("format", "jsno", formats, 3);
    char *text = said(&err);
    assert_int_equal(chosen, -1);
    assert_string_equal(text, "--format: \"jsno\" is none of text, json, ndjson (did you mean \"json\"?)\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_ranges),
        cmocka_unit_test(spans_have_ranges),
        cmocka_unit_test(choices_name_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

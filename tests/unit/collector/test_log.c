#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* stderr of what `say` logs. The caller frees it. */
static char *logged(void (*say)(void))
{
    char *text = NULL;
    size_t length = 0;
    FILE *usual = stderr, *memory = open_memstream(&text, &length);
    assert_non_null(memory);
    stderr = memory;
    say();
    stderr = usual;
    assert_int_equal(fclose(memory), 0);
    return text;
}

static unsigned lines_of(const char *text, const char *with)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, with)) != NULL; at++)
        count++;
    return count;
}

static void flood(void)
{
    for (int i = 0; i < 10000; i++)
        log_about(LOG_STRANGERS, "stranger number %d", i);
    log_about(LOG_VANTAGES, "hk-1 is not meant");
    log_line("nor is the collector");
    log_left_out(1);
}

/* The budget is 50 lines and one more each second, which pass slowly under a sanitizer. */
static void test_a_flood_is_cut_and_counted(void **state)
{
    (void)state;
    char *text = logged(flood);
    unsigned shown = lines_of(text, "stranger number");
    unsigned left_out = 0;
    assert_in_range(shown, 50, 500);
    const char *summary = strstr(text, "more lines about connections without a name were left out");
    assert_non_null(summary);
    while (summary > text && summary[-1] != '\n')
        summary--;
    assert_int_equal(sscanf(summary, "%*s %u", &left_out), 1);
    assert_int_equal(shown + left_out, 10000);
    assert_non_null(strstr(text, "hk-1 is not meant"));
    assert_non_null(strstr(text, "nor is the collector"));
    free(text);
}

static void say_hostile(void)
{
    static char longest[4000];
    memset(longest, 'x', sizeof longest - 1);
    log_line("name \x1b[2J\r\n\xff %s", "\xe2\x80\xae"
                                        "evil");
    log_about(LOG_VANTAGES, "%s", longest);
}

static void test_texts_are_safe_and_short(void **state)
{
    (void)state;
    char *text = logged(say_hostile);
    assert_non_null(strstr(text, "name \\x1b[2J\\x0d\\x0a\\xff \\u{202E}evil\n"));
    assert_int_equal(lines_of(text, "\n"), 2);
    assert_in_range(strlen(text), 500, 700);
    assert_non_null(strstr(text, "xxx...\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_safe_and_short),
        cmocka_unit_test(test_a_flood_is_cut_and_counted),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/csv.h"

#include <stdlib.h>
#include <string.h>

static char *written(void (*fill)(struct csv *csv))
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    struct csv csv;
    assert_non_null(stream);
    csv_begin(&csv);
    fill(&csv);
    assert_true(csv_end_row(&csv, stream));
    csv_done(&csv);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void plain(struct csv *csv)
{
    csv_text(csv, "a");
    csv_text(csv, "");
    csv_int(csv, -3);
    csv_number(csv, "");
    csv_text(csv, "b c");
}

static void quoted(struct csv *csv)
{
    csv_text(csv, "a,b");
    csv_text(csv, "say \"x\"");
    csv_text(csv, "two\nlines\x1b[2J");
}

static void formulas(struct csv *csv)
{
    csv_text(csv, "=cmd|' /C calc'!A0");
    csv_text(csv, "+1");
    csv_text(csv, "-1");
    csv_text(csv, "@SUM(A1)");
    csv_text(csv, "\tx");
    csv_text(csv, "=\"a\"");
}

static void check(void (*fill)(struct csv *csv), const char *expected)
{
    char *text = written(fill);
    assert_string_equal(text, expected);
    free(text);
}

static void test_plain(void **state)
{
    (void)state;
    check(plain, "a,,-3,,b c\r\n");
}

static void test_quotes(void **state)
{
    (void)state;
    check(quoted, "\"a,b\",\"say \"\"x\"\"\",two\\x0alines\\x1b[2J\r\n");
}

static void test_formulas_are_texts(void **state)
{
    (void)state;
    check(formulas, "\"'=cmd|' /C calc'!A0\",\"'+1\",\"'-1\",\"'@SUM(A1)\",\\x09x,\"'=\"\"a\"\"\"\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_formulas_are_texts),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"
#include "proto/cli/capture.h"

#include <pty.h>
#include <stdlib.h>
#include <string.h>

static char *printed(struct table *table, unsigned indent)
{
    struct capture capture = capture_begin(stdout);
    table_print(table, stdout, indent);
    return capture_end(&capture);
}

static void columns_line_up_by_display_width(void **state)
{
    (void)state;
    struct table *table = table_new(3);
    table_cell(table, TERM_HEAD, "%s", "探测点");
    table_cell(table, TERM_HEAD, "%s", "RTT");
    table_cell(table, TERM_HEAD, "%s", "结果");
    table_cell(table, TERM_PLAIN, "%s", "hk-1");
    table_cell(table, TERM_PLAIN, "%d", 64);
    table_cell(table, TERM_GOOD, "%s", "正常");
    table_align_right(table, 1);
    char *text = printed(table, 2);
    assert_string_equal(text, "  探测点  RTT  结果\n"
                              "  hk-1     64  正常\n");
    free(text);
    table_free(table);
}

static void no_trailing_spaces(void **state)
{
    (void)state;
    struct table *table = table_new(3);
    table_cell(table, TERM_PLAIN, "a");
    table_end_row(table);
    table_end_row(table); /* nothing to fill */
    table_cell(table, TERM_PLAIN, "long");
    table_cell(table, TERM_PLAIN, "b");
    char *text = printed(table, 0);
    assert_string_equal(text, "a\nlong  b\n");
    free(text);
    table_free(table);
}

static void a_pipe_gets_everything(void **state)
{
    (void)state;
    struct table *table = table_new(2);
    assert_int_equal(setenv("COLUMNS", "20", 1), 0);
    table_cell(table, TERM_PLAIN, "x");
    table_cell(table, TERM_PLAIN, "%s", "a text that is far longer than twenty columns");
    char *text = printed(table, 0);
    assert_string_equal(text, "x  a text that is far longer than twenty columns\n");
    free(text);
    table_free(table);
}

static void a_narrow_terminal_cuts_the_last_column(void **state)
{
    (void)state;
    int master, slave;
    char text[256] = "";
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    FILE *terminal = fdopen(slave, "w");
    assert_non_null(terminal);
    assert_int_equal(setenv("COLUMNS", "20", 1), 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    struct table *table = table_new(2);
    table_cell(table, TERM_BAD, "%s", "edge");
    table_cell(table, TERM_BAD, "%s", "服务器没有发送中间证书");
    table_print(table, terminal, 0);
    assert_int_equal(fflush(terminal), 0);
    assert_true(read(master, text, sizeof text - 1) > 0);
    assert_string_equal(text, "edge  服务器没有发…\r\n");
    table_free(table);
    (void)fclose(terminal);
    (void)close(master);
}

static void impossible_tables_are_refused(void **state)
{
    (void)state;
    assert_null(table_new(0));
    assert_null(table_new(65));
    table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_by_display_width),
        cmocka_unit_test(no_trailing_spaces),
        cmocka_unit_test(a_pipe_gets_everything),
        cmocka_unit_test(a_narrow_terminal_cuts_the_last_column),
        cmocka_unit_test(impossible_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/term.h"

#include <stdlib.h>
#include <string.h>

static void is_safe_as(const char *text, size_t length, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(text_safe(&out, text, length));
    assert_string_equal(out.len > 0 ? (const char *)out.data : "", expected);
    buf_done(&out);
}

#define SAFE(text, expected) is_safe_as(text, sizeof(text) - 1, expected)

static void printable_text_stays(void **state)
{
    (void)state;
    SAFE("", "");
    SAFE("nginx/1.22 \\ \"x\"", "nginx/1.22 \\ \"x\"");
    SAFE("证书 é ĳ 😀", "证书 é ĳ 😀");
}

static void escape_sequences_are_shown(void **state)
{
    (void)state;
    SAFE("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m");
    SAFE("\x1b]0;title\x07", "\\x1b]0;title\\x07");
    SAFE("a\r\nb\tc\x7f", "a\\x0d\\x0ab\\x09c\\x7f");
    SAFE("a\0b", "a\\x00b");
}

static void c1_in_utf8_is_shown(void **state)
{
    (void)state;
    SAFE("\xc2\x9b"
         "31m",
         "\\u{009B}31m");
    SAFE("\x9b"
         "31m",
         "\\x9b31m");
}

static void bidi_and_invisible_are_shown(void **state)
{
    (void)state;
    SAFE("a\u202eb", "a\\u{202E}b");
    SAFE("\u2066x\u2069", "\\u{2066}x\\u{2069}");
    SAFE("\u2028\u2029", "\\u{2028}\\u{2029}");
    SAFE("pay\u200bpal", "pay\\u{200B}pal");
    SAFE("\ufeff", "\\u{FEFF}");
    SAFE("\U000E0041", "\\u{E0041}");
}

static void invalid_utf8_is_shown(void **state)
{
    (void)state;
    SAFE("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    SAFE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");          /* overlong */
    SAFE("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    SAFE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    SAFE("x\xe8\xaf", "x\\xe8\\xaf");                 /* cut off */
    SAFE("\xff\xfe", "\\xff\\xfe");
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 3);
    assert_false(text_safe(&out, "abcd", 4));
    buf_done(&out);
}

static void a_copy_is_safe(void **state)
{
    (void)state;
    char *copy = text_safe_copy("a\x1b");
    assert_string_equal(copy, "a\\x1b");
    free(copy);
}

static void width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("证书"), 4);
    assert_int_equal(text_width("证书:过期"), 9);
    assert_int_equal(text_width("e\u0301"), 1);
    assert_int_equal(text_width("한글"), 4);
    assert_int_equal(text_width("\xff\xff"), 2);
    assert_int_equal(text_width("…"), 1);
}

static void is_cut_to(const char *text, unsigned columns, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(text_cut(&out, text, columns));
    assert_string_equal(out.len > 0 ? (const char *)out.data : "", expected);
    assert_true(text_width(expected) <= columns);
    buf_done(&out);
}

static void cut_keeps_within_columns(void **state)
{
    (void)state;
    is_cut_to("abc", 3, "abc");
    is_cut_to("abcd", 3, "ab…");
    is_cut_to("证书过期", 8, "证书过期");
    is_cut_to("证书过期", 7, "证书过…");
    is_cut_to("证书过期", 6, "证书…"); /* a wide character does not fit by half */
    is_cut_to("abc", 1, "…");
    is_cut_to("abc", 0, "");
    is_cut_to("e\u0301e\u0301e\u0301", 2, "e\u0301…");
}

static void is_wrapped_as(const char *text, unsigned indent, unsigned width, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(text_wrap(&out, text, indent, width));
    assert_string_equal((const char *)out.data, expected);
    buf_done(&out);
}

static void wrap_breaks_at_spaces(void **state)
{
    (void)state;
    is_wrapped_as("one two three", 0, 7, "one two\nthree\n");
    is_wrapped_as("one two three", 2, 9, "  one two\n  three\n");
    is_wrapped_as("unbreakable-word x", 0, 5, "unbreakable-word\nx\n");
    is_wrapped_as("a\nb", 2, 20, "  a\n  b\n");
    is_wrapped_as("", 2, 20, "\n");
}

static void wrap_breaks_between_wide_characters(void **state)
{
    (void)state;
    is_wrapped_as("服务器没有发送", 0, 8, "服务器没\n有发送\n");
    /* closing punctuation stays with what it closes */
    is_wrapped_as("服务器没，有", 0, 8, "服务器\n没，有\n");
    is_wrapped_as("检查 nginx 设置", 0, 10, "检查 nginx\n设置\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_text_stays),
        cmocka_unit_test(escape_sequences_are_shown),
        cmocka_unit_test(c1_in_utf8_is_shown),
        cmocka_unit_test(bidi_and_invisible_are_shown),
        cmocka_unit_test(invalid_utf8_is_shown),
        cmocka_unit_test(a_full_buffer_is_reported),
        cmocka_unit_test(a_copy_is_safe),
        cmocka_unit_test(width_counts_columns),
        cmocka_unit_test(cut_keeps_within_columns),
        cmocka_unit_test(wrap_breaks_at_spaces),
        cmocka_unit_test(wrap_breaks_between_wide_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

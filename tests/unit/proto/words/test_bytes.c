/* arena, buf, cursor and utf8: what every parser stands on. */
#include "cmocka_all.h"

#include "words/arena.h"
#include "words/buf.h"
#include "words/cursor.h"
#include "words/utf8.h"

#include <stdlib.h>
#include <string.h>

static void arena_ends_at_its_bound(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    size_t taken = 0;
    while (arena_take(&arena, 1000) != NULL)
        taken++;
    assert_int_equal(taken, 9); /* 1000 rounds up to 1008 */
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_non_null(arena_array(&arena, 0, 100));
    assert_string_equal(arena_string(&arena, NULL), "");
    arena_done(&arena);
    arena_done(&arena);
    assert_non_null(arena_take(&arena, 5000));
    arena_done(&arena);
}

static void buf_grows_to_its_ceiling_and_no_further(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_true(buf_text(&buf, "12345"));
    assert_true(buf_printf(&buf, "%d", 678));
    assert_false(buf_text(&buf, "abc"));
    assert_string_equal((char *)buf.data, "12345678");
    buf_drop(&buf, 3);
    assert_string_equal((char *)buf.data, "45678");
    buf_drop(&buf, 100);
    assert_int_equal(buf.len, 0);
    char *taken = buf_take(&buf);
    assert_string_equal(taken, "");
    free(taken);
    buf_done(&buf);
}

static void a_cursor_over_nothing_is_at_its_end(void **state)
{
    (void)state;
    struct cursor cursor, empty = {0};
    cursor_init(&cursor, empty.at, cursor_left(&empty));
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_true(cursor.failed);
}

static void cursor_fails_once_and_for_all(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    struct cursor cursor;
    cursor_init(&cursor, bytes, sizeof bytes);
    assert_int_equal(cursor_u8(&cursor), 1);
    assert_int_equal(cursor_u16(&cursor), 0x0203);
    struct cursor block = cursor_block(&cursor, 2);
    assert_int_equal(cursor_u16(&block), 0x0405);
    assert_int_equal(cursor_u8(&block), 0);
    assert_true(block.failed);
    assert_false(cursor.failed);
    assert_int_equal(cursor_u24(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_int_equal(cursor_left(&cursor), 0);
}

static void cursor_reads_lines(void **state)
{
    (void)state;
    struct cursor cursor;
    size_t length;
    cursor_init(&cursor, "a\r\n\nbc", 6);
    const char *line = cursor_line(&cursor, &length);
    assert_memory_equal(line, "a", 1);
    assert_int_equal(length, 1);
    assert_non_null(cursor_line(&cursor, &length));
    assert_int_equal(length, 0);
    assert_null(cursor_line(&cursor, &length));
    assert_int_equal(cursor_left(&cursor), 2);
}

static void cleaned(const char *in, size_t length, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    assert_true(utf8_clean(&out, in, length));
    assert_string_equal((char *)out.data, expected);
    buf_done(&out);
}

static void utf8_keeps_what_is_valid_and_escapes_the_rest(void **state)
{
    (void)state;
    cleaned("caf\xc3\xa9", 5, "caf\xc3\xa9");
    cleaned("a\0b", 3, "a\\x00b");
    cleaned("\xff\xfe", 2, "\\xff\\xfe");
    cleaned("\xc0\x80", 2, "\\xc0\\x80");                   /* overlong NUL */
    cleaned("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");          /* surrogate */
    cleaned("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    cleaned("\xe4\xbe", 2, "\\xe4\\xbe");                   /* cut off */
    cleaned("\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_ends_at_its_bound),
        cmocka_unit_test(buf_grows_to_its_ceiling_and_no_further),
        cmocka_unit_test(a_cursor_over_nothing_is_at_its_end),
        cmocka_unit_test(cursor_fails_once_and_for_all),
        cmocka_unit_test(cursor_reads_lines),
        cmocka_unit_test(utf8_keeps_what_is_valid_and_escapes_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

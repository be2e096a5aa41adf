#include "cmocka_all.h"
#include "probe/target_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct target_list list;
static char path[32];
static size_t bad_lines[TARGET_LIST_COMPLAINTS + 1];
static size_t bad_count;

static void complain(const char *file, size_t line, const char *text, const char *why)
{
    assert_non_null(file);
    assert_non_null(text);
    assert_true(strlen(why) > 0);
    bad_lines[bad_count++] = line;
}

static int setup(void **state)
{
    (void)state;
    target_list_init(&list);
    (void)strncpy(path, "/tmp/targets-XXXXXX", sizeof path);
    int fd = mkstemp(path);
    bad_count = 0;
    return fd < 0 || close(fd) != 0;
}

static int teardown(void **state)
{
    (void)state;
    target_list_done(&list);
    return unlink(path);
}

static enum target_list_result read_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return target_list_read(&list, path, complain);
}

static void reads_targets_and_skips_comments(void **state)
{
    (void)state;
    assert_int_equal(read_text("# all\n\n a.test \r\n[::1]:8443 # local\nhttps://b.test/x"),
                     TARGET_LIST_READ);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.endpoints[0].host, "a.test");
    assert_int_equal(list.endpoints[0].port, 443);
    assert_string_equal(list.endpoints[1].host, "::1");
    assert_int_equal(list.endpoints[1].port, 8443);
    assert_string_equal(list.endpoints[2].host, "b.test");
}

static void names_each_bad_line(void **state)
{
    (void)state;
    assert_int_equal(read_text("a.test\nb c\n\nd.test:0\n"), TARGET_LIST_BAD_LINES);
    assert_int_equal(bad_count, 2);
    assert_int_equal(bad_lines[0], 2);
    assert_int_equal(bad_lines[1], 4);
}

static void complains_ten_times_at_most(void **state)
{
    (void)state;
    assert_int_equal(read_text("?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n"), TARGET_LIST_BAD_LINES);
    assert_int_equal(bad_count, TARGET_LIST_COMPLAINTS);
}

static void an_endless_line_is_refused(void **state)
{
    (void)state;
    char *text = malloc(3 * TARGET_LIST_LINE_MAX);
    assert_non_null(text);
    memset(text, 'a', 3 * TARGET_LIST_LINE_MAX - 1);
    text[3 * TARGET_LIST_LINE_MAX - 1] = '\0';
    assert_int_equal(read_text(text), TARGET_LIST_BAD_LINES);
    free(text);
    assert_int_equal(bad_count, 1);
    assert_int_equal(bad_lines[0], 1);
}

static void a_missing_file_is_another_matter(void **state)
{
    (void)state;
    assert_int_equal(target_list_read(&list, "/nonexistent/targets", complain), TARGET_LIST_NO_FILE);
    assert_int_equal(bad_lines[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_targets_and_skips_comments), TEST(names_each_bad_line),
        TEST(complains_ten_times_at_most),      TEST(an_endless_line_is_refused),
        TEST(a_missing_file_is_another_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

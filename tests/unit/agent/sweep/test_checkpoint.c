#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sweep/checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/plx-checkpoint.XXXXXX";

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct checkpoint written = {.results_bytes = 123456789012, .position = {.next = 5000000000, .list_hash = ~UINT64_C(0)}};
    struct checkpoint got;
    struct sweep_undone undone[] = {{0, 0}, {7, SWEEP_ONLY_IPV4}, {4999999999, SWEEP_ONLY_IPV6}};
    const struct endpoint endpoint = {.host = "2001:db8::1", .port = 443, .sni = ""};
    written.position.undone = undone;
    written.position.undone_count = 3;
    tally_add(&written.tally, &endpoint, outcome_make(OUTCOME_HELLO_RESET, RAW_NONE, 0));
    tally_add(&written.tally, &endpoint, outcome_make(OUTCOME_OK, RAW_NONE, 0));
    assert_int_equal(checkpoint_write(&written, path), 0);
    assert_int_equal(checkpoint_read(path, &got), 0);
    assert_true(got.position.next == written.position.next);
    assert_true(got.position.list_hash == written.position.list_hash);
    assert_true(got.results_bytes == written.results_bytes);
    assert_int_equal(got.position.undone_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(got.position.undone[i].index == undone[i].index);
        assert_int_equal(got.position.undone[i].tried, undone[i].tried);
    }
    assert_int_equal(got.tally.attempts, 2);
    assert_int_equal(got.tally.counts[OUTCOME_HELLO_RESET], 1);
    assert_string_equal(got.tally.examples[OUTCOME_HELLO_RESET], "[2001:db8::1]:443");
    checkpoint_done(&got);
}

static void refused(const char *text)
{
    struct checkpoint got;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (checkpoint_read(path, &got) == 0)
        fail_msg("was read: %s", text);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    struct checkpoint got;
    refused("");
    refused("parallax-sweep 2\nend\n");
    refused("parallax-sweep 1\nnext 3 0\nresults 0\n"); /* cut off */
    refused("parallax-sweep 1\nnext -3 0\nresults 0\nend\n");
    refused("parallax-sweep 1\nnext 99999999999999999999 0\nend\n");
    refused("parallax-sweep 1\nresults 18446744073709551615\nend\n");
    refused("parallax-sweep 1\nnext 3 0\nundone 3 0\nend\n");
    refused("parallax-sweep 1\nnext 3 0\nundone 1 0\nundone 1 0\nend\n");
    refused("parallax-sweep 1\nnext 3 0\nundone 1 4\nend\n");
    refused("parallax-sweep 1\noutcome 128 1 x\nend\n");
    refused("parallax-sweep 1\nwhat\nend\n");
    assert_int_equal(checkpoint_read("/nonexistent/checkpoint", &got), ENOENT);
}

static void an_example_is_safe_to_print(void **state)
{
    (void)state;
    struct checkpoint got;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("parallax-sweep 1\noutcome 40 1 a\033[2Jb\nend\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(checkpoint_read(path, &got), 0);
    assert_string_equal(got.tally.examples[40], "a?[2Jb");
    checkpoint_done(&got);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(an_example_is_safe_to_print),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}

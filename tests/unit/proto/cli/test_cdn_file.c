#include "cmocka_all.h"

#include "cli/cdn_file.h"
#include "words/cdn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of the operator's, from its path to an answer. */

static bool read_text(const char *text)
{
    char path[] = "/tmp/cdn.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    bool good = cli_cdn_file(path);
    (void)unlink(path);
    return good;
}

static void a_file_extends_what_is_known(void **state)
{
    (void)state;
    struct http_header header = {"x-ours", "node hk7.ours"};
    struct attempt *attempt = attempt_new();
    struct cdn_match match;
    assert_non_null(attempt);
    attempt->http.headers = &header;
    attempt->http.header_count = 1;
    assert_false(cdn_identify(attempt, 0, &match));
    assert_true(read_text(""));
    assert_true(read_text("cdn Ours\nheader x-ours\npop x-ours after space until ."));
    assert_true(cdn_identify(attempt, 0, &match));
    assert_string_equal(match.name, "Ours");
    assert_string_equal(match.pop, "hk7");
    attempt_free(attempt);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_false(read_text("cdn Ours\nnonsense\n"));
    assert_false(cli_cdn_file("/nonexistent/cdn.table"));
    assert_false(cli_cdn_file("/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_extends_what_is_known),
        cmocka_unit_test(what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

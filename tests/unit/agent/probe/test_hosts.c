#include "cmocka_all.h"
#include "probe/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char path[32];
    struct hosts *hosts;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.path = "/tmp/hosts-XXXXXX"};
    int fd = mkstemp(fixture.path);
    assert_true(fd >= 0);
    (void)close(fd);
    fixture.hosts = hosts_new(fixture.path);
    assert_non_null(fixture.hosts);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    hosts_free(fixture->hosts);
    (void)unlink(fixture->path);
    return 0;
}

static size_t find(struct fixture *fixture, const char *name, int family, char first[ADDRESS_TEXT_BYTES])
{
    struct address found[4] = {{0}};
    size_t count = hosts_find(fixture->hosts, name, family, found, 4);
    (void)address_text(&found[0], first);
    return count;
}

static void finds_names_and_aliases_of_each_family(void **state)
{
    struct fixture *fixture = *state;
    char text[ADDRESS_TEXT_BYTES];
    write_file(fixture->path, "# 10.0.0.9 a.test\n10.0.0.1\tA.test alias # b.test\nbroken line\n"
                              "2001:db8::1 a.test\n10.0.0.2 a.test");
    assert_int_equal(find(fixture, "a.test", AF_INET, text), 2);
    assert_string_equal(text, "10.0.0.1");
    assert_int_equal(find(fixture, "alias", AF_INET, text), 1);
    assert_int_equal(find(fixture, "a.test", AF_INET6, text), 1);
    assert_string_equal(text, "2001:db8::1");
    assert_int_equal(find(fixture, "b.test", AF_INET, text), 0);
    assert_int_equal(find(fixture, "line", AF_INET, text), 0);
}

static void reads_the_file_again_when_it_changes(void **state)
{
    struct fixture *fixture = *state;
    char text[ADDRESS_TEXT_BYTES];
    write_file(fixture->path, "10.0.0.1 a.test\n");
    assert_int_equal(find(fixture, "a.test", AF_INET, text), 1);
    write_file(fixture->path, "10.0.0.1 other.test more.test\n");
    assert_int_equal(find(fixture, "a.test", AF_INET, text), 0);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(find(fixture, "other.test", AF_INET, text), 0);
}

static void localhost_is_loopback_without_a_line(void **state)
{
    struct fixture *fixture = *state;
    char text[ADDRESS_TEXT_BYTES];
    assert_int_equal(find(fixture, "localhost", AF_INET, text), 1);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(find(fixture, "x.localhost", AF_INET6, text), 1);
    assert_string_equal(text, "::1");
    assert_int_equal(find(fixture, "notlocalhost", AF_INET, text), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_names_and_aliases_of_each_family),
        TEST(reads_the_file_again_when_it_changes),
        TEST(localhost_is_loopback_without_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

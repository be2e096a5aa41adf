#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sweep/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/plx-list.XXXXXX";

static struct sweep_list *list_of(const char *text)
{
    struct sweep_list *list = sweep_list_new();
    FILE *file = fopen(path, "w");
    assert_non_null(list);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sweep_list_add_file(list, path), 0);
    return list;
}

static void wants(struct sweep_list *list, const char *text, const char *sni)
{
    struct endpoint endpoint;
    char got[ENDPOINT_TEXT_BYTES];
    assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_ENTRY);
    assert_string_equal(endpoint_text(&endpoint, got), text);
    assert_string_equal(endpoint.sni, sni);
}

static void wants_bad(struct sweep_list *list, size_t line, const char *why)
{
    struct endpoint endpoint;
    struct sweep_place place;
    assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_BAD);
    sweep_list_place(list, &place);
    assert_int_equal(place.line, line);
    assert_string_equal(place.name, path);
    if (strstr(place.why, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", place.why, why);
}

static void wants_end(struct sweep_list *list)
{
    struct endpoint endpoint;
    assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_END);
    assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_END);
    sweep_list_free(list);
}

static void lines_are_targets(void **state)
{
    (void)state;
    struct sweep_list *list = list_of("# a comment\n\n  Www.Shop.Example  # behind it\n203.0.113.7:8443\r\n"
                                      "[2001:db8::1]:993\nhttps://api.shop.example/x\nlast.example");
    wants(list, "www.shop.example:443", "");
    wants(list, "203.0.113.7:8443", "");
    wants(list, "[2001:db8::1]:993", "");
    wants(list, "api.shop.example:443", "");
    wants(list, "last.example:443", "");
    wants_end(list);
}

static void networks_give_every_address(void **state)
{
    (void)state;
    struct sweep_list *list = list_of("203.0.113.254/30:8443\n10.0.0.255/31\n[2001:db8::ffff/127]:993\n"
                                      "2001:db8::5/128\n192.0.2.9/32\n");
    wants(list, "203.0.113.252:8443", "");
    wants(list, "203.0.113.253:8443", "");
    wants(list, "203.0.113.254:8443", "");
    wants(list, "203.0.113.255:8443", "");
    wants(list, "10.0.0.254:443", "");
    wants(list, "10.0.0.255:443", "");
    wants(list, "[2001:db8::fffe]:993", "");
    wants(list, "[2001:db8::ffff]:993", "");
    wants(list, "[2001:db8::5]:443", "");
    wants(list, "192.0.2.9:443", "");
    wants_end(list);
}

static void addresses_carry_over_octets(void **state)
{
    (void)state;
    struct endpoint endpoint;
    struct sweep_list *list = list_of("10.1.0.0/15:1\n");
    for (int i = 0; i < 256 * 256; i++)
        assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_ENTRY);
    assert_string_equal(endpoint.host, "10.0.255.255");
    wants(list, "10.1.0.0:1", "");
    assert_int_equal(sweep_list_pass_network(list), 256 * 256 - 1);
    wants_end(list);
}

static void bad_lines_are_named_and_passed(void **state)
{
    (void)state;
    char text[3 * SWEEP_LINE_MAX];
    memset(text, 'x', sizeof text);
    memcpy(text, "good.example\n-bad.example\n203.0.113.0/33\n10.0.0.0/7\n10.0.0.0/24:0\n[::1/128\n::/103\n", 82);
    const char *tail = "\nafter.example\n";
    memcpy(text + sizeof text - strlen(tail) - 1, tail, strlen(tail) + 1);
    struct sweep_list *list = list_of(text);
    wants(list, "good.example:443", "");
    wants_bad(list, 2, "not a host name");
    wants_bad(list, 3, "not a network");
    wants_bad(list, 4, "too large a network");
    wants_bad(list, 5, "bad port");
    wants_bad(list, 6, "not a network");
    wants_bad(list, 7, "too large a network");
    wants_bad(list, 8, "too long");
    wants(list, "after.example:443", "");
    wants_end(list);
}

static void csv_is_read_by_its_columns(void **state)
{
    (void)state;
    struct endpoint endpoint;
    struct sweep_list *list =
        list_of("rank, Target ,sni,port,note\n1,203.0.113.7,www.shop.example,8443,\"a, b\"\n"
                "2,\"api.shop.example\",,,x\n3,10.0.0.0/31,,99\n4,shop.example,bad name,,\n5,shop.example,,0,\n"
                "6,10.0.0.0/31,x.example,,\n7,\"shop.example,,\n");
    wants(list, "203.0.113.7:8443", "www.shop.example");
    wants(list, "api.shop.example:443", "");
    wants(list, "10.0.0.0:99", "");
    wants(list, "10.0.0.1:99", "");
    wants_bad(list, 5, "bad sni");
    wants_bad(list, 6, "bad port");
    wants_bad(list, 7, "neither sni nor address");
    wants_bad(list, 8, "malformed CSV");
    wants_end(list);
    list = list_of("host,address\nwww.shop.example,2001:db8::7\nwww.shop.example,nowhere\n");
    assert_int_equal(sweep_list_next(list, &endpoint), SWEEP_LIST_ENTRY);
    assert_string_equal(endpoint.host, "www.shop.example");
    assert_int_equal(endpoint.address.length, 16);
    wants_bad(list, 3, "bad address");
    wants_end(list);
    list = list_of("1,google.example\n");
    wants_bad(list, 1, "names its columns");
    wants_end(list);
}

static void a_list_is_read_again(void **state)
{
    (void)state;
    struct sweep_list *list = list_of("host,port\n10.0.0.0/30,1\nb.example,2\n");
    assert_true(sweep_list_add(list, "c.example:3"));
    wants(list, "10.0.0.0:1", "");
    wants(list, "10.0.0.1:1", "");
    assert_int_equal(sweep_list_rewind(list), 0);
    wants(list, "10.0.0.0:1", "");
    assert_int_equal(sweep_list_pass_network(list), 3);
    wants(list, "b.example:2", "");
    wants(list, "c.example:3", "");
    assert_int_equal(sweep_list_rewind(list), 0);
    wants(list, "10.0.0.0:1", "");
    assert_int_equal(sweep_list_pass_network(list), 3);
    wants(list, "b.example:2", "");
    wants(list, "c.example:3", "");
    wants_end(list);
}

static void a_pipe_is_read_again(void **state)
{
    (void)state;
    char name[64];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a.example\nb.example\n", 20), 20);
    assert_int_equal(close(ends[1]), 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    struct sweep_list *list = sweep_list_new();
    assert_int_equal(sweep_list_add_file(list, name), 0);
    assert_int_equal(close(ends[0]), 0);
    wants(list, "a.example:443", "");
    assert_int_equal(sweep_list_rewind(list), 0);
    wants(list, "a.example:443", "");
    wants(list, "b.example:443", "");
    wants_end(list);
}

static void a_file_that_is_none_is_said(void **state)
{
    (void)state;
    struct sweep_list *list = sweep_list_new();
    assert_int_not_equal(sweep_list_add_file(list, "/nonexistent/list"), 0);
    assert_int_not_equal(sweep_list_add_file(list, "/"), 0);
    wants_end(list);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_targets),
        cmocka_unit_test(networks_give_every_address),
        cmocka_unit_test(addresses_carry_over_octets),
        cmocka_unit_test(bad_lines_are_named_and_passed),
        cmocka_unit_test(csv_is_read_by_its_columns),
        cmocka_unit_test(a_list_is_read_again),
        cmocka_unit_test(a_pipe_is_read_again),
        cmocka_unit_test(a_file_that_is_none_is_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}

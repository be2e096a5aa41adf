#include "cmocka_all.h"

#include "words/target.h"

#include <string.h>

static void reads_what_people_type(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool address;
    } rows[] = {
        {"www.shop.example", "www.shop.example", 443, false},
        {"WWW.Shop.Example.", "www.shop.example", 443, false},
        {"www.shop.example:8443", "www.shop.example", 8443, false},
        {"203.0.113.7", "203.0.113.7", 443, true},
        {"203.0.113.7:1", "203.0.113.7", 1, true},
        {"[2001:DB8::1]:65535", "2001:db8::1", 65535, true},
        {"[2001:db8::1]", "2001:db8::1", 443, true},
        {"2001:db8::1", "2001:db8::1", 443, true},
        {"https://www.shop.example", "www.shop.example", 443, false},
        {"HTTPS://www.shop.example:444/a/b?c#d", "www.shop.example", 444, false},
        {"https://[::1]:9443/", "::1", 9443, true},
        {"localhost", "localhost", 443, false},
        {"_dmarc.shop.example", "_dmarc.shop.example", 443, false},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", 443, false},
        {"\xe4\xbe\x8b\xe5\xad\x90.example", "xn--fsqu00a.example", 443, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct endpoint endpoint;
        const char *why = "";
        arena_init(&arena, 65536);
        if (!target_parse(rows[i].text, &arena, &endpoint, &why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_string_equal(endpoint.host, rows[i].host);
        assert_int_equal(endpoint.port, rows[i].port);
        assert_int_equal(endpoint.address.length != 0, rows[i].address);
        arena_done(&arena);
    }
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "no host"},
        {":443", "no host"},
        {"host:", "bad port"},
        {"host:0", "bad port"},
        {"host:65536", "bad port"},
        {"host:44a", "bad port"},
        {"host:000443", "bad port"},
        {"http://host", "unknown scheme"},
        {"ftp://host", "unknown scheme"},
        {"https://user@host", "user names"},
        {"[2001:db8::1", "unfinished bracket"},
        {"[2001:db8::1]x", "unfinished bracket"},
        {"[zz]", "bad IPv6"},
        {"-host", "not a host name"},
        {"host-.example", "not a host name"},
        {"ho st", "not a host name"},
        {"host..example", "not a host name"},
        {"203.0.113.999", "not a host name"},
        {"1.2.3", "not a host name"},
        {"host\x1b[31m", "not a host name"},
        {"host\xff", "not a host name"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", "not a host name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct endpoint endpoint;
        const char *why = "";
        arena_init(&arena, 65536);
        if (target_parse(rows[i].text, &arena, &endpoint, &why))
            fail_msg("%s was taken", rows[i].text);
        if (strncmp(why, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].text, why, rows[i].why);
        arena_done(&arena);
    }
}

static void bounds_the_length(void **state)
{
    (void)state;
    char longest[PLAN_NAME_MAX + 2];
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = i % 2 == 0 ? 'a' : '.';
    longest[PLAN_NAME_MAX] = '\0';
    assert_true(target_is_name(longest));
    longest[PLAN_NAME_MAX] = 'a';
    longest[PLAN_NAME_MAX + 1] = '\0';
    assert_false(target_is_name(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_type),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(bounds_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

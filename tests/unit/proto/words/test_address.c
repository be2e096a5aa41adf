#include "cmocka_all.h"

#include "words/address.h"

#include <string.h>

static struct address parsed(const char *text)
{
    struct address address;
    assert_true(address_parse(text, &address));
    return address;
}

static void parses_and_prints(void **state)
{
    (void)state;
    static const char *const same[] = {"203.0.113.7", "2001:db8::1", "::1", "0.0.0.0"};
    for (size_t i = 0; i < 4; i++) {
        char text[ADDRESS_TEXT_BYTES];
        struct address address = parsed(same[i]);
        assert_string_equal(address_text(&address, text), same[i]);
    }
    static const char *const wrong[] = {"",     "203.0.113", "203.0.113.999", "[::1]", "fe80::1%eth0",
                                        "host", "1.2.3.4 "};
    for (size_t i = 0; i < 7; i++) {
        struct address address;
        assert_false(address_parse(wrong[i], &address));
    }
}

static void survives_a_sockaddr(void **state)
{
    (void)state;
    static const char *const texts[] = {"203.0.113.7", "2001:db8::1"};
    for (size_t i = 0; i < 2; i++) {
        struct address address = parsed(texts[i]), back;
        struct sockaddr_storage storage;
        uint16_t port = 0;
        assert_int_not_equal(address_to_sockaddr(&address, 8443, &storage), 0);
        assert_true(address_from_sockaddr((const struct sockaddr *)&storage, &back, &port));
        assert_true(address_equal(&address, &back));
        assert_int_equal(port, 8443);
    }
    struct address mapped = parsed("::ffff:203.0.113.7"), back, plain = parsed("203.0.113.7");
    struct sockaddr_storage storage;
    (void)address_to_sockaddr(&mapped, 1, &storage);
    assert_true(address_from_sockaddr((const struct sockaddr *)&storage, &back, NULL));
    assert_true(address_equal(&back, &plain));
}

static void knows_special_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum address_kind kind;
    } rows[] = {
        {"203.0.113.7", ADDRESS_PUBLIC},  {"8.8.8.8", ADDRESS_PUBLIC},
        {"127.1.2.3", ADDRESS_LOOPBACK},  {"::1", ADDRESS_LOOPBACK},
        {"10.0.0.1", ADDRESS_PRIVATE},    {"172.31.255.255", ADDRESS_PRIVATE},
        {"172.32.0.0", ADDRESS_PUBLIC},   {"192.168.1.1", ADDRESS_PRIVATE},
        {"100.64.0.1", ADDRESS_PRIVATE},  {"169.254.169.254", ADDRESS_LINK_LOCAL},
        {"fe80::1", ADDRESS_LINK_LOCAL},  {"fd00::1", ADDRESS_PRIVATE},
        {"224.0.0.1", ADDRESS_MULTICAST}, {"ff02::1", ADDRESS_MULTICAST},
        {"0.0.0.0", ADDRESS_RESERVED},    {"255.255.255.255", ADDRESS_RESERVED},
        {"::", ADDRESS_RESERVED},         {"::ffff:127.0.0.1", ADDRESS_RESERVED},
        {"2606:4700::1", ADDRESS_PUBLIC},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address = parsed(rows[i].text);
        if (address_kind(&address) != rows[i].kind)
            fail_msg("%s: kind %d, expected %d", rows[i].text, address_kind(&address), rows[i].kind);
    }
}

static void matches_networks(void **state)
{
    (void)state;
    struct cidr cidr;
    assert_true(cidr_parse("203.0.113.0/25", &cidr));
    struct address inside = parsed("203.0.113.127"), outside = parsed("203.0.113.128"),
                   v6 = parsed("2001:db8::1");
    assert_true(cidr_contains(&cidr, &inside));
    assert_false(cidr_contains(&cidr, &outside));
    assert_false(cidr_contains(&cidr, &v6));
    assert_true(cidr_parse("0.0.0.0/0", &cidr));
    assert_true(cidr_contains(&cidr, &outside));
    assert_false(cidr_contains(&cidr, &v6));
    assert_true(cidr_parse("2001:db8::1", &cidr));
    assert_int_equal(cidr.bits, 128);
    static const char *const wrong[] = {"203.0.113.0/33", "203.0.113.0/",   "203.0.113.0/a",          "/8",
                                        "203.0.113.0/-1", "2001:db8::/129", "203.0.113.0/99999999999"};
    for (size_t i = 0; i < 7; i++)
        assert_false(cidr_parse(wrong[i], &cidr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints),
        cmocka_unit_test(survives_a_sockaddr),
        cmocka_unit_test(knows_special_addresses),
        cmocka_unit_test(matches_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

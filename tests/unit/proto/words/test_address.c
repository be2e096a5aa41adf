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

static void expect_kind(const char *text, enum address_kind kind)
{
    struct address address;
    if (text == NULL)
        return;
    address = parsed(text);
    if (address_kind(&address) != kind)
        fail_msg("%s: %s, expected %s", text, address_kind_name(address_kind(&address)),
                 address_kind_name(kind));
}

/* Each block by its first and last address, and what is public on either side of it. */
static void knows_special_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *first, *last;
        enum address_kind kind;
        const char *before, *after;
    } rows[] = {
        {"0.0.0.0", "0.255.255.255", ADDRESS_RESERVED, NULL, "1.0.0.0"},
        {"10.0.0.0", "10.255.255.255", ADDRESS_PRIVATE, "9.255.255.255", "11.0.0.0"},
        {"100.64.0.0", "100.127.255.255", ADDRESS_PRIVATE, "100.63.255.255", "100.128.0.0"},
        {"127.0.0.0", "127.255.255.255", ADDRESS_LOOPBACK, "126.255.255.255", "128.0.0.0"},
        {"169.254.0.0", "169.254.255.255", ADDRESS_LINK_LOCAL, "169.253.255.255", "169.255.0.0"},
        {"172.16.0.0", "172.31.255.255", ADDRESS_PRIVATE, "172.15.255.255", "172.32.0.0"},
        {"192.0.0.0", "192.0.0.255", ADDRESS_RESERVED, "191.255.255.255", "192.0.1.0"},
        {"192.0.2.0", "192.0.2.255", ADDRESS_RESERVED, "192.0.1.255", "192.0.3.0"},
        {"192.88.99.0", "192.88.99.255", ADDRESS_RESERVED, "192.88.98.255", "192.88.100.0"},
        {"192.168.0.0", "192.168.255.255", ADDRESS_PRIVATE, "192.167.255.255", "192.169.0.0"},
        {"198.18.0.0", "198.19.255.255", ADDRESS_RESERVED, "198.17.255.255", "198.20.0.0"},
        {"198.51.100.0", "198.51.100.255", ADDRESS_RESERVED, "198.51.99.255", "198.51.101.0"},
        {"203.0.113.0", "203.0.113.255", ADDRESS_RESERVED, "203.0.112.255", "203.0.114.0"},
        {"224.0.0.0", "239.255.255.255", ADDRESS_MULTICAST, "223.255.255.255", NULL},
        {"240.0.0.0", "255.255.255.255", ADDRESS_RESERVED, NULL, NULL},
        {"::1", "::1", ADDRESS_LOOPBACK, NULL, NULL},
        {"::", "::", ADDRESS_RESERVED, NULL, NULL},
        {"::2", "::255.255.255.255", ADDRESS_RESERVED, NULL, NULL},
        {"::ffff:0.0.0.0", "::ffff:0.255.255.255", ADDRESS_RESERVED, NULL, NULL},
        {"::ffff:8.8.8.8", "::ffff:1.1.1.1", ADDRESS_RESERVED, NULL, NULL},
        {"::ffff:127.0.0.1", "::ffff:127.255.255.255", ADDRESS_LOOPBACK, NULL, NULL},
        {"::ffff:10.0.0.1", "::ffff:192.168.1.1", ADDRESS_PRIVATE, NULL, NULL},
        {"64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", ADDRESS_PRIVATE, "64:ff9b::9.255.255.255",
         "64:ff9b::11.0.0.0"},
        {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED, NULL, NULL},
        {"64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED, "64:ff9b::8.8.8.8", NULL},
        {"100::", "100::ffff:ffff:ffff:ffff", ADDRESS_RESERVED, NULL, NULL},
        {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED,
         "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED,
         "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"2002:7f00::", "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_LOOPBACK, "2002:7eff:ffff::1",
         "2002:8000::"},
        {"2002:c0a8::", "2002:c0a8:ffff::1", ADDRESS_PRIVATE, "2002:c0a7:ffff::1", "2002:c0a9::"},
        {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED,
         "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        {"4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED, NULL, NULL},
        {"5f00::", "200::1", ADDRESS_RESERVED, NULL, NULL},
        {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE, NULL, NULL},
        {"fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_RESERVED, NULL, NULL},
        {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_LINK_LOCAL, NULL, NULL},
        {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE, NULL, NULL},
        {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_MULTICAST, NULL, NULL},
        {"169.254.169.254", "169.254.169.253", ADDRESS_METADATA, NULL, NULL},
        {"169.254.170.2", "169.254.170.23", ADDRESS_METADATA, NULL, NULL},
        {"169.254.0.23", "169.254.42.42", ADDRESS_METADATA, NULL, NULL},
        {"100.100.100.200", "192.0.0.192", ADDRESS_METADATA, NULL, NULL},
        {"168.63.129.16", "168.63.129.16", ADDRESS_METADATA, "168.63.129.15", "168.63.129.17"},
        {"fd00:ec2::254", "fd00:ec2::253", ADDRESS_METADATA, NULL, NULL},
        {"fd00:ec2::23", "fd20:ce::254", ADDRESS_METADATA, NULL, NULL},
        {"fd00:42::42", "fe80::a9fe:a9fe", ADDRESS_METADATA, NULL, NULL},
        {"::ffff:169.254.169.254", "64:ff9b::169.254.169.254", ADDRESS_METADATA, NULL, NULL},
        {"2002:a9fe:a9fe::1", "64:ff9b::100.100.100.200", ADDRESS_METADATA, NULL, NULL},
        {"8.8.8.8", "1.1.1.1", ADDRESS_PUBLIC, NULL, NULL},
        {"2606:4700::1", "64:ff9b::8.8.8.8", ADDRESS_PUBLIC, NULL, NULL},
        {"192.31.196.1", "192.175.48.1", ADDRESS_PUBLIC, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_kind(rows[i].first, rows[i].kind);
        expect_kind(rows[i].last, rows[i].kind);
        expect_kind(rows[i].before, ADDRESS_PUBLIC);
        expect_kind(rows[i].after, ADDRESS_PUBLIC);
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

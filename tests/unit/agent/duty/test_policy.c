#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool allows(const struct policy *policy, const char *host, const char *pinned)
{
    char why[POLICY_WHY_BYTES] = "";
    struct endpoint endpoint = {.site = "", .host = host, .port = 443, .sni = ""};
    if (pinned != NULL)
        assert_true(address_parse(pinned, &endpoint.address));
    bool allowed = policy_allows(policy, &endpoint, why);
    if (!allowed)
        assert_string_not_equal(why, "");
    return allowed;
}

static bool allows_address(const struct policy *policy, const char *text)
{
    struct address address;
    assert_true(address_parse(text, &address));
    char why[POLICY_WHY_BYTES] = "";
    bool allowed = policy_allows_address(policy, &address, why);
    assert_int_equal(allowed, why[0] == '\0');
    return allowed;
}

static void add(struct policy *policy, const char *text)
{
    const char *why = "";
    assert_true(policy_allow(policy, text, &why));
}

static void deny(struct policy *policy, const char *text)
{
    const char *why = "";
    assert_true(policy_deny(policy, text, &why));
}

static bool allows_port(const struct policy *policy, uint16_t port)
{
    char why[POLICY_WHY_BYTES] = "";
    const struct endpoint endpoint = {.site = "", .host = "shop.example", .port = port, .sni = ""};
    bool allowed = policy_allows(policy, &endpoint, why);
    assert_int_equal(!allowed, strstr(why, "ports:") != NULL);
    return allowed;
}

static void test_nothing_by_default(void **state)
{
    (void)state;
    struct policy policy = {0};
    assert_false(allows(&policy, "www.shop.example", NULL));
    assert_false(allows(&policy, "203.0.113.1", NULL));
}

static void test_any_is_public_only(void **state)
{
    (void)state;
    struct policy policy = {0};
    add(&policy, "any");
    assert_true(allows(&policy, "www.shop.example", NULL));
    assert_true(allows(&policy, "8.8.8.8", NULL));
    assert_true(allows(&policy, "www.shop.example", "8.8.8.8"));
    const char *inner[] = {"127.0.0.1",       "10.1.2.3", "192.168.1.1", "169.254.169.254", "224.0.0.1",
                           "0.0.0.0",         "::1",      "fe80::1",     "fd00::1",         "ff02::1",
                           "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        assert_false(allows(&policy, inner[i], NULL));
        assert_false(allows(&policy, "www.shop.example", inner[i]));
        assert_false(allows_address(&policy, inner[i])); /* where a name may lead to */
    }
    assert_true(allows_address(&policy, "8.8.8.8"));
    policy_done(&policy);
}

static void test_networks(void **state)
{
    (void)state;
    struct policy policy = {0};
    add(&policy, "any");
    add(&policy, "127.0.0.0/8");
    add(&policy, "fd00::5");
    assert_true(allows(&policy, "127.0.0.1", NULL));
    assert_true(allows(&policy, "www.shop.example", "127.3.2.1"));
    assert_true(allows_address(&policy, "127.3.2.1"));
    assert_true(allows_address(&policy, "fd00::5"));
    assert_false(allows_address(&policy, "fd00::6"));
    assert_false(allows_address(&policy, "10.0.0.1"));
    policy_done(&policy);
}

static void test_names(void **state)
{
    (void)state;
    struct policy policy = {0};
    add(&policy, "*.Shop.example");
    add(&policy, "other.example");
    assert_true(allows(&policy, "www.shop.example", NULL));
    assert_true(allows(&policy, "a.b.SHOP.example", NULL));
    assert_true(allows(&policy, "other.example", NULL));
    assert_false(allows(&policy, "shop.example", NULL));
    assert_false(allows(&policy, "evilshop.example", NULL));
    assert_false(allows(&policy, ".shop.example.evil.example", NULL));
    assert_false(allows(&policy, "www.other.example", NULL));
    assert_false(allows(&policy, "8.8.8.8", NULL));
    /* a name on the list does not open every address somebody pins to it */
    assert_false(allows(&policy, "www.shop.example", "8.8.8.8"));
    assert_false(allows_address(&policy, "10.0.0.1"));
    policy_done(&policy);
}

static void test_malformed(void **state)
{
    (void)state;
    struct policy policy = {0};
    const char *bad[] = {"",
                         "*",
                         "*.",
                         "10.0.0.0/33",
                         "a b",
                         "*.*.example",
                         "10.0.0.0/",
                         "/",
                         "-x.example",
                         "*shop.example",
                         "a.*.example",
                         ".shop.example",
                         "shop..example",
                         "shop.example..",
                         ".",
                         "*..",
                         "fe80::1%eth0",
                         "fe80::/10%eth0",
                         "[::1]",
                         "10.0.0.0/-1",
                         "::/129",
                         "1.2.3",
                         "0x7f.1",
                         "shop.example:443",
                         "https://shop.example",
                         "10.0.0.1-10.0.0.9",
                         " any",
                         "any ",
                         "a\tb.example",
                         "\xff\xfe.example",
                         "shop.example\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = NULL;
        if (policy_allow(&policy, bad[i], &why))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(why);
    }
    policy_done(&policy);
}

static void test_deny_wins(void **state)
{
    (void)state;
    struct policy policy = {0};
    const char *allow[] = {"any", "8.8.8.0/24", "8.8.4.4", "10.0.0.0/8", "shop.example", "64:ff9b::/96"};
    for (size_t i = 0; i < sizeof allow / sizeof *allow; i++)
        add(&policy, allow[i]);
    deny(&policy, "8.8.8.8");
    deny(&policy, "10.1.0.0/16");
    deny(&policy, "Shop.Example.");
    deny(&policy, "*.bank.example");
    assert_false(allows(&policy, "shop.example", NULL));
    assert_false(allows(&policy, "SHOP.example.", NULL));
    assert_false(allows(&policy, "shop.example", "8.8.4.4")); /* pinned to what is allowed */
    assert_true(allows(&policy, "www.shop.example", NULL));
    assert_true(allows(&policy, "bank.example", NULL));
    assert_false(allows(&policy, "www.bank.example", NULL));
    assert_false(allows(&policy, "8.8.8.8", NULL));
    assert_true(allows(&policy, "8.8.8.9", NULL));
    assert_false(allows_address(&policy, "8.8.8.8"));
    assert_true(allows_address(&policy, "10.0.0.1"));
    assert_false(allows_address(&policy, "10.1.0.1"));
    assert_false(allows_address(&policy, "64:ff9b::8.8.8.8")); /* the same host, by another road */
    assert_false(allows_address(&policy, "2002:808:808::1"));
    assert_false(allows_address(&policy, "::ffff:8.8.8.8"));
    assert_true(allows_address(&policy, "64:ff9b::8.8.4.4"));
    deny(&policy, "any");
    assert_false(allows(&policy, "www.other.example", NULL));
    assert_false(allows_address(&policy, "8.8.4.4"));
    policy_done(&policy);
}

static void test_a_denied_name_is_not_sent_either(void **state)
{
    (void)state;
    struct policy policy = {0};
    char why[POLICY_WHY_BYTES] = "";
    struct endpoint endpoint = {.site = "", .host = "8.8.8.8", .port = 443, .sni = "www.bank.example"};
    add(&policy, "any");
    assert_true(policy_allows(&policy, &endpoint, why));
    deny(&policy, "*.bank.example");
    assert_false(policy_allows(&policy, &endpoint, why));
    assert_string_equal(why, "deny: the owner's list has *.bank.example");
    policy_done(&policy);
}

static void test_metadata_needs_its_own_entry(void **state)
{
    (void)state;
    static const char *const addresses[] = {"169.254.169.254", "100.100.100.200", "192.0.0.192",
                                            "fd00:ec2::254", "168.63.129.16"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct policy policy = {0};
        const char *wide[] = {
            "any",           "0.0.0.0/0",      "::/0",     "169.254.0.0/16",    "169.254.169.254/31",
            "100.64.0.0/10", "192.0.0.192/31", "fd00::/8", "fd00:ec2::254/127", "168.63.129.0/24"};
        for (size_t j = 0; j < sizeof wide / sizeof *wide; j++)
            add(&policy, wide[j]);
        assert_false(allows_address(&policy, addresses[i]));
        assert_false(allows(&policy, addresses[i], NULL));
        assert_false(allows(&policy, "www.shop.example", addresses[i]));
        add(&policy, addresses[i]);
        assert_true(allows_address(&policy, addresses[i]));
        assert_true(allows(&policy, addresses[i], NULL));
        policy_done(&policy);
    }
}

/* All of IPv6 is allowed, whatever sort: that is no leave for what some of it embeds. */
static void test_embedded_addresses_need_both(void **state)
{
    (void)state;
    struct policy policy = {0};
    add(&policy, "any");
    add(&policy, "::/0");
    assert_true(allows_address(&policy, "fd00::1"));
    static const char *const roads[] = {"::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"};
    for (size_t i = 0; i < 3; i++)
        assert_false(allows_address(&policy, roads[i]));
    assert_false(allows_address(&policy, "64:ff9b::169.254.169.254"));
    add(&policy, "10.0.0.1");
    for (size_t i = 0; i < 3; i++)
        assert_true(allows_address(&policy, roads[i]));
    add(&policy, "169.254.169.254");
    assert_false(allows_address(&policy, "64:ff9b::169.254.169.254"));
    policy_done(&policy);
}

static void test_names_in_every_spelling(void **state)
{
    (void)state;
    struct policy policy = {0};
    add(&policy, "b\xc3\xbc"
                 "cher.example");
    add(&policy, "*.xn--fiqs8s");
    add(&policy, "Dot.Example.");
    assert_true(allows(&policy, "xn--bcher-kva.example", NULL));
    assert_true(allows(&policy, "XN--BCHER-KVA.EXAMPLE.", NULL));
    assert_true(allows(&policy, "shop.xn--fiqs8s", NULL));
    assert_false(allows(&policy, "xn--fiqs8s", NULL));
    assert_true(allows(&policy, "dot.example", NULL));
    assert_true(allows(&policy, "dot.example.", NULL));
    assert_false(allows(&policy, "dot.example..", NULL));
    assert_false(allows(&policy, "", NULL));
    assert_false(allows(&policy, ".", NULL));
    assert_false(allows(&policy, ".xn--fiqs8s.", NULL) && allows(&policy, "xn--fiqs8s.", NULL));
    policy_done(&policy);
}

static void test_ports(void **state)
{
    (void)state;
    struct policy policy = {0};
    const char *why = "";
    add(&policy, "any");
    static const uint16_t usual[] = {80, 443, 465, 853, 989, 992, 995, 8443, 9443},
                          not_usual[] = {0, 22, 25, 81, 988, 996, 5432, 6379, 65535};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        assert_true(allows_port(&policy, usual[i]));
    for (size_t i = 0; i < sizeof not_usual / sizeof *not_usual; i++)
        assert_false(allows_port(&policy, not_usual[i]));
    assert_true(policy_add_ports(&policy, "1000-2000, 65535", &why));
    assert_true(policy_add_ports(&policy, "7", &why));
    static const uint16_t in[] = {1000, 2000, 65535, 7}, out[] = {443, 999, 2001, 65534, 6, 8};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_true(allows_port(&policy, in[i]));
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        assert_false(allows_port(&policy, out[i]));
    assert_true(policy_add_ports(&policy, "any", &why));
    assert_true(allows_port(&policy, 443));
    assert_false(allows_port(&policy, 0));
    policy_done(&policy);
    static const char *const bad[] = {"",     "0",   "65536", "443-",     "-443", "9-8",   "1,",    ",1",
                                      "anyx", "1 2", "+1",    "99999999", "1--2", "https", "1-2-3", "0-5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (policy_add_ports(&policy, bad[i], &why))
            fail_msg("\"%s\" was taken", bad[i]);
    policy_done(&policy);
}

/* Whatever the bytes: what is taken matches itself and nothing that is not below it, and nothing breaks. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char letters[] = "aZ09.-*_/:%[] \t\xc3\xbcxn";
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        struct policy policy = {0};
        const char *why = NULL;
        char text[24], host[32];
        size_t length = 0;
        for (; length < sizeof text - 1 && (random = random * 1664525 + 1013904223) >> 24 > 16; length++)
            text[length] = letters[(random >> 16) % (sizeof letters - 1)];
        text[length] = '\0';
        if (!policy_allow(&policy, text, &why))
            assert_non_null(why);
        (void)policy_add_ports(&policy, text, &why);
        policy.port_count = 0;
        if (policy.allow.name_count == 1) {
            const char *name = policy.allow.names[0];
            bool below = name[0] == '*';
            (void)snprintf(host, sizeof host, "%s%s", below ? "a" : "", below ? name + 1 : name);
            assert_true(allows(&policy, host, NULL));
            (void)snprintf(host, sizeof host, "x%s", below ? name + 2 : name);
            assert_false(allows(&policy, host, NULL));
        }
        policy_done(&policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_by_default),
        cmocka_unit_test(test_any_is_public_only),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_deny_wins),
        cmocka_unit_test(test_a_denied_name_is_not_sent_either),
        cmocka_unit_test(test_metadata_needs_its_own_entry),
        cmocka_unit_test(test_embedded_addresses_need_both),
        cmocka_unit_test(test_names_in_every_spelling),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

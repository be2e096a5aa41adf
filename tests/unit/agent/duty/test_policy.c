#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/policy.h"

static bool allows(const struct policy *policy, const char *host, const char *pinned)
{
    const char *why = "";
    struct endpoint endpoint = {.site = "", .host = host, .port = 443, .sni = ""};
    if (pinned != NULL)
        assert_true(address_parse(pinned, &endpoint.address));
    bool allowed = policy_allows(policy, &endpoint, &why);
    if (!allowed)
        assert_string_not_equal(why, "");
    return allowed;
}

static bool allows_address(const struct policy *policy, const char *text)
{
    struct address address;
    assert_true(address_parse(text, &address));
    return policy_allows_address(policy, &address);
}

static void add(struct policy *policy, const char *text)
{
    const char *why = "";
    assert_true(policy_add(policy, text, &why));
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
    const char *bad[] = {"", "*", "*.", "10.0.0.0/33", "a b", "*.*.example", "10.0.0.0/", "/", "-x.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = NULL;
        if (policy_add(&policy, bad[i], &why))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(why);
    }
    policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_by_default), cmocka_unit_test(test_any_is_public_only),
        cmocka_unit_test(test_networks),           cmocka_unit_test(test_names),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/engine_memory.h"

#include <stdio.h>

static const struct endpoint shop = {.host = "www.shop.example", .port = 443};

static uint64_t key(const char *host, uint16_t port, const char *sni, const char *address_text)
{
    struct address address;
    struct endpoint endpoint = {.host = host, .port = port};
    assert_true(address_parse(address_text, &address));
    return engine_memory_key(&endpoint, sni, &address);
}

static void test_endpoints_are_told_apart(void **state)
{
    (void)state;
    const uint64_t keys[] = {
        key("www.shop.example", 443, "www.shop.example", "192.0.2.1"),
        key("www.shop.example", 443, "www.shop.example", "192.0.2.2"),
        key("www.shop.example", 443, "www.shop.example", "2001:db8::1"),
        key("www.shop.example", 443, "", "192.0.2.1"),
        key("www.shop.example", 8443, "www.shop.example", "192.0.2.1"),
        key("www.shop.examplewww", 443, ".shop.example", "192.0.2.1"),
    };
    struct engine_memory *memory = engine_memory_new();
    assert_non_null(memory);
    engine_memory_put(memory, keys[0], OPINION_OWN);
    assert_int_equal(engine_memory_get(memory, keys[0]), OPINION_OWN);
    for (size_t i = 1; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(engine_memory_get(memory, keys[i]), OPINION_NONE);
    engine_memory_free(memory);
}

static void test_what_was_refused_stays_refused(void **state)
{
    (void)state;
    struct engine_memory *memory = engine_memory_new();
    uint64_t one = key(shop.host, shop.port, shop.host, "192.0.2.1");
    assert_non_null(memory);
    engine_memory_put(memory, one, OPINION_OWN);
    engine_memory_put(memory, one, OPINION_LIBSSL);
    assert_int_equal(engine_memory_get(memory, one), OPINION_LIBSSL);
    engine_memory_put(memory, one, OPINION_OWN);
    assert_int_equal(engine_memory_get(memory, one), OPINION_LIBSSL);
    engine_memory_free(memory);
}

/* So many endpoints as a large collector has: most of them are remembered, and none is taken for another one. */
static void test_many_endpoints(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct engine_memory *memory = engine_memory_new();
    unsigned known = 0, mistaken = 0;
    char host[32];
    assert_non_null(memory);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(host, sizeof host, "host-%d.example", i);
        engine_memory_put(memory, key(host, 443, host, "192.0.2.1"), OPINION_OWN);
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(host, sizeof host, "host-%d.example", i);
        known += engine_memory_get(memory, key(host, 443, host, "192.0.2.1")) == OPINION_OWN;
        mistaken += engine_memory_get(memory, key(host, 444, host, "192.0.2.1")) != OPINION_NONE;
    }
    assert_true(known > MANY * 3 / 4);
    assert_int_equal(mistaken, 0);
    engine_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_are_told_apart),
        cmocka_unit_test(test_what_was_refused_stays_refused),
        cmocka_unit_test(test_many_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

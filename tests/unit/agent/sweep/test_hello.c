#include "cmocka_all.h"
#include "sweep/hello.h"

#include <string.h>

/* What is patched has to be, byte for byte, what is written anew. */

enum { HANDSHAKE = 22, ROUNDS = 20 };

static void fill(uint8_t random[HELLO_DECOY_RANDOM_BYTES], unsigned seed)
{
    for (size_t i = 0; i < HELLO_DECOY_RANDOM_BYTES; i++) {
        seed = seed * 1103515245U + 12345U;
        random[i] = (uint8_t)(seed >> 16);
    }
}

static void expect_as_written(const struct sweep_hello *hello, const char *sni,
                              const uint8_t random[HELLO_DECOY_RANDOM_BYTES])
{
    const struct hello_profile *profile = hello->profile;
    struct hello_decoy decoy;
    struct buf message, bytes;
    buf_init(&message, 0);
    buf_init(&bytes, 0);
    assert_true(hello_decoy_make(profile, sni, random, &decoy));
    assert_true(hello_write(profile, &decoy.values, &message));
    assert_true(hello_write_records(HANDSHAKE, profile->record_version, message.data, message.len, &bytes));
    assert_int_equal(hello->bytes.len, bytes.len);
    assert_memory_equal(hello->bytes.data, bytes.data, bytes.len);
    buf_done(&message);
    buf_done(&bytes);
}

/* One name for some time, then another one, none, and the first again. */
static const char *name_of(unsigned round)
{
    return round < 8    ? "www.shop.example"
           : round < 12 ? "m.shop.example"
           : round < 16 ? ""
                        : "www.shop.example";
}

static void a_patched_hello_is_one_that_was_written(void **state)
{
    (void)state;
    const struct hello_profile *profile;
    for (size_t i = 0; (profile = hello_profile_at(i)) != NULL; i++) {
        struct sweep_hello hello;
        sweep_hello_init(&hello, profile);
        for (unsigned round = 0; round < ROUNDS; round++) {
            uint8_t random[HELLO_DECOY_RANDOM_BYTES];
            fill(random, round + 1);
            assert_true(sweep_hello_make(&hello, name_of(round), random));
            expect_as_written(&hello, name_of(round), random);
        }
        sweep_hello_done(&hello);
    }
}

static void the_probes_hello_is_patched_and_a_browsers_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        bool patched;
    } rows[] = {{HELLO_PROFILE_NORMAL, true}, {"go", true}, {"chrome", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sweep_hello hello;
        uint8_t random[HELLO_DECOY_RANDOM_BYTES];
        sweep_hello_init(&hello, hello_profile_find(rows[i].profile));
        for (unsigned round = 0; round < 3; round++) {
            fill(random, round);
            assert_true(sweep_hello_make(&hello, "www.shop.example", random));
        }
        assert_int_equal(hello.patched, rows[i].patched);
        sweep_hello_done(&hello);
    }
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct sweep_hello hello;
    char name[SWEEP_HELLO_NAME_BYTES + 1];
    const uint8_t random[HELLO_DECOY_RANDOM_BYTES] = {0};
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    sweep_hello_init(&hello, hello_profile_find(HELLO_PROFILE_NORMAL));
    assert_false(sweep_hello_make(&hello, name, random));
    assert_true(sweep_hello_make(&hello, "www.shop.example", random));
    sweep_hello_done(&hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_patched_hello_is_one_that_was_written),
        cmocka_unit_test(the_probes_hello_is_patched_and_a_browsers_is_not),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

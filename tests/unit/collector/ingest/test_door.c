#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/door.h"

#include <string.h>

static struct door door;

static int clear(void **state)
{
    (void)state;
    memset(&door, 0, sizeof door);
    return 0;
}

static struct address from(const char *text)
{
    struct address address;
    assert_true(address_parse(text, &address));
    return address;
}

static struct address numbered(unsigned number)
{
    struct address address = from("10.0.0.0");
    address.bytes[2] = (uint8_t)(number >> 8);
    address.bytes[3] = (uint8_t)number;
    return address;
}

static void test_one_address_has_its_share(void **state)
{
    (void)state;
    struct address one = from("192.0.2.1"), two = from("192.0.2.2");
    for (unsigned i = 0; i < DOOR_STRANGERS_OF_ADDRESS; i++)
        assert_int_equal(door_enter(&door, &one), DOOR_OPEN);
    assert_int_equal(door_enter(&door, &one), DOOR_ADDRESS);
    assert_int_equal(door_enter(&door, &two), DOOR_OPEN);
    door_leave(&door, &one);
    assert_int_equal(door_enter(&door, &one), DOOR_OPEN);
    assert_int_equal(door_enter(&door, &one), DOOR_ADDRESS);
}

static void test_a_64_is_one_address(void **state)
{
    (void)state;
    struct address other = from("2001:db8:0:2::1");
    for (unsigned i = 0; i < DOOR_STRANGERS_OF_ADDRESS; i++) {
        struct address address = from("2001:db8:0:1::");
        address.bytes[15] = (uint8_t)i;
        assert_int_equal(door_enter(&door, &address), DOOR_OPEN);
    }
    struct address last = from("2001:db8:0:1:ffff::1");
    assert_int_equal(door_enter(&door, &last), DOOR_ADDRESS);
    assert_int_equal(door_enter(&door, &other), DOOR_OPEN);
}

static void test_all_strangers_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOOR_STRANGERS; i++) {
        struct address address = numbered(i);
        assert_int_equal(door_enter(&door, &address), DOOR_OPEN);
    }
    struct address late = from("192.0.2.1"), early = numbered(7);
    assert_int_equal(door_enter(&door, &late), DOOR_FULL);
    door_leave(&door, &late); /* was never in */
    assert_int_equal(door_enter(&door, &late), DOOR_FULL);
    door_leave(&door, &early);
    assert_int_equal(door_enter(&door, &late), DOOR_OPEN);
}

static void test_wrong_tokens_are_few(void **state)
{
    (void)state;
    struct address one = from("192.0.2.1"), two = from("192.0.2.2");
    for (unsigned i = 0; i < DOOR_TRIES; i++) {
        assert_true(door_may_try(&door, &one, 1000));
        door_wrong(&door, &one, 1000);
    }
    assert_false(door_may_try(&door, &one, 1000));
    assert_true(door_may_try(&door, &two, 1000));
    assert_false(door_may_try(&door, &one, 1000 + DOOR_TRY_MS - 1));
    assert_true(door_may_try(&door, &one, 1000 + DOOR_TRY_MS));
    door_wrong(&door, &one, 1000 + DOOR_TRY_MS);
    assert_false(door_may_try(&door, &one, 1000 + DOOR_TRY_MS));
    assert_true(door_may_try(&door, &one, 1000 + 2 * DOOR_TRY_MS));
}

static void test_many_addresses_push_out_the_quietest(void **state)
{
    (void)state;
    struct address one = from("192.0.2.1");
    for (unsigned i = 0; i < DOOR_TRIES; i++)
        door_wrong(&door, &one, 5000);
    for (unsigned i = 0; i + 1 < DOOR_TRIED; i++) {
        struct address address = numbered(i);
        door_wrong(&door, &address, 1000 + i);
    }
    assert_false(door_may_try(&door, &one, 5000));
    struct address more = numbered(5000);
    door_wrong(&door, &more, 5000);
    assert_false(door_may_try(&door, &one, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_address_has_its_share, clear),
        cmocka_unit_test_setup(test_a_64_is_one_address, clear),
        cmocka_unit_test_setup(test_all_strangers_are_bounded, clear),
        cmocka_unit_test_setup(test_wrong_tokens_are_few, clear),
        cmocka_unit_test_setup(test_many_addresses_push_out_the_quietest, clear),
    };
    return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}

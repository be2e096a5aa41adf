#include "cmocka_all.h"

#include "duty/asked.h"

#include <string.h>

enum { MANY = 4 * ASKED_PLACES };

static void once_in_an_hour_for_each_certificate(void **state)
{
    (void)state;
    struct asked *asked = asked_new();
    const uint8_t one[ASKED_SHA256_BYTES] = {1, 2, 3}, other[ASKED_SHA256_BYTES] = {1, 2, 4};
    assert_non_null(asked);
    assert_true(asked_is_due(asked, one, 5));
    asked_note(asked, one, 5);
    assert_false(asked_is_due(asked, one, 5));
    assert_false(asked_is_due(asked, one, 5 + ASKED_WINDOW_US - 1));
    assert_true(asked_is_due(asked, one, 5 + ASKED_WINDOW_US));
    assert_true(asked_is_due(asked, other, 5));
    asked_note(asked, other, 9);
    asked_note(asked, one, 5 + ASKED_WINDOW_US); /* in its old place */
    assert_false(asked_is_due(asked, one, 6 + ASKED_WINDOW_US));
    assert_false(asked_is_due(asked, other, 6 + ASKED_WINDOW_US));
    asked_free(asked);
}

static void the_oldest_is_forgotten(void **state)
{
    (void)state;
    struct asked *asked = asked_new();
    uint8_t sha256[ASKED_SHA256_BYTES] = {7, 7};
    assert_non_null(asked);
    for (uint32_t i = 0; i < MANY; i++) { /* all of one set */
        memcpy(sha256 + 2, &i, sizeof i);
        asked_note(asked, sha256, (int64_t)i);
        assert_false(asked_is_due(asked, sha256, (int64_t)i));
    }
    uint32_t first = 0;
    memcpy(sha256 + 2, &first, sizeof first);
    assert_true(asked_is_due(asked, sha256, MANY));
    asked_free(asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_in_an_hour_for_each_certificate),
        cmocka_unit_test(the_oldest_is_forgotten),
    };
    return cmocka_run_group_tests_name("asked", tests, NULL, NULL);
}

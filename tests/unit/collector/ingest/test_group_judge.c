#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/group_judge.h"
#include "words/units.h"

#include <string.h>

#define START_US INT64_C(1790000000000000)
#define HOUR_US  (3600 * US_PER_S)
#define ROOM_US  US_PER_S

/* Round 7 has endpoints 1 and 3, a spread of 30 s and a deadline after 60; round 9 has endpoint 2. */
static struct round_window windows[] = {{7, START_US, 30 * US_PER_S, START_US + 60 * US_PER_S},
                                        {9, START_US + HOUR_US, 0, START_US + HOUR_US + 60 * US_PER_S}};
static struct round_pair pairs[] = {{7, 1}, {7, 3}, {9, 2}};
static const struct round_book book = {windows, 2, pairs, 3};

struct case_of {
    const char *what;
    uint64_t round_id, endpoint_id;
    int64_t start_us, slot_us;
    uint64_t error_us;
    int64_t now_us; /* 0: long after */
    enum refusal refusal;
};

static const struct case_of claims[] = {
    {"an honest attempt", 7, 1, START_US + 5, START_US + 4, 900, 0, REFUSAL_NONE},
    {"another endpoint of it", 7, 3, START_US, 0, 0, 0, REFUSAL_NONE},
    {"delivered at once", 7, 1, START_US + 5, 0, 0, START_US + 6, REFUSAL_NONE},
    {"a climb that rested twice", 7, 1, START_US + 11 * 60 * US_PER_S, 0, 0, 0, REFUSAL_NONE},
    {"an agent ahead by its error", 7, 1, START_US - HOUR_US - 400000, 0, 500000, 0, REFUSAL_NONE},
    {"no round", 0, 1, START_US, 0, 0, 0, REFUSAL_NO_ROUND},
    {"no such round", 8, 1, START_US, 0, 0, 0, REFUSAL_UNKNOWN_ROUND},
    {"a round beyond all", UINT64_MAX, 1, START_US, 0, 0, 0, REFUSAL_UNKNOWN_ROUND},
    {"an endpoint of the next round", 7, 2, START_US, 0, 0, 0, REFUSAL_ENDPOINT},
    {"an endpoint beyond all", 7, UINT64_MAX, START_US, 0, 0, 0, REFUSAL_ENDPOINT},
    {"before", 7, 1, START_US - HOUR_US - ROOM_US, 0, 0, 0, REFUSAL_BEFORE},
    {"before all", 7, 1, INT64_MIN, 0, 0, 0, REFUSAL_BEFORE},
    {"after", 7, 1, START_US + 60 * US_PER_S + HOUR_US + ROOM_US, 0, 0, 0, REFUSAL_AFTER},
    {"after, but it may err", 7, 1, START_US + 60 * US_PER_S + HOUR_US + ROOM_US, 0, 2 * US_PER_S, 0,
     REFUSAL_NONE},
    {"in the future", 7, 1, START_US + HOUR_US + ROOM_US, 0, 0, START_US, REFUSAL_FUTURE},
    {"at the end of time", 7, 1, INT64_MAX, 0, 0, START_US, REFUSAL_FUTURE},
    {"an error without end", 7, 1, START_US, 0, UINT64_MAX, 0, REFUSAL_CLOCK},
    {"an error of eleven minutes", 7, 1, START_US, 0, 660 * US_PER_S, 0, REFUSAL_CLOCK},
    {"a slot after the spread", 7, 1, START_US, START_US + 32 * US_PER_S, 0, 0, REFUSAL_SLOT},
    {"a slot before the start", 7, 1, START_US, START_US - 2 * US_PER_S, 0, 0, REFUSAL_SLOT},
    {"a slot before all", 7, 1, START_US, INT64_MIN, 0, 0, REFUSAL_SLOT},
};

static void test_claims(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        const struct case_of *claim = &claims[i];
        struct claim said = {.round_id = claim->round_id,
                             .endpoint_id = claim->endpoint_id,
                             .start_us = claim->start_us,
                             .slot_us = claim->slot_us,
                             .start_error_us = claim->error_us};
        int64_t now_us = claim->now_us != 0 ? claim->now_us : START_US + 90 * 24 * HOUR_US;
        enum refusal refusal = claim_judge(&book, &said, now_us);
        if (refusal != claim->refusal)
            fail_msg("%s: %s, not %s", claim->what, refusal_id(refusal), refusal_id(claim->refusal));
    }
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        assert_string_not_equal(refusal_id((enum refusal)i), "none");
        assert_true(strlen(refusal_text((enum refusal)i)) > 10);
    }
    assert_string_equal(refusal_id(REFUSAL_COUNT), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("group_judge", tests, NULL, NULL);
}

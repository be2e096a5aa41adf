#include "path_of_paper.h"

#define BURST(f)                                                                                             \
    {                                                                                                        \
        f, VARIANT_BURST                                                                                     \
    }
#define LATE                                                                                                 \
    {                                                                                                        \
        FATE_OK, VARIANT_BURST, .late = true                                                                 \
    }
#define CONTROL(f)                                                                                           \
    {                                                                                                        \
        f, VARIANT_CONTROL_SNI                                                                               \
    }
#define RETRY(f)                                                                                             \
    {                                                                                                        \
        f, VARIANT_RETRY                                                                                     \
    }

static const struct paper_case cases[] = {
    {"no answer, and a closed port resets",
     CAUSE_CAPACITY_QUEUE_FULL,
     {{FATE_T0}, RETRY(FATE_T0), {FATE_REFUSED, VARIANT_OTHER_PORT}},
     .ruled_out = CAUSE_TCP_DROPPED},
    {"our own attempts fill the queue",
     CAUSE_CAPACITY_QUEUE_FULL,
     {{FATE_T4}, RETRY(FATE_T4), CONTROL(FATE_T0)}},
    {"silent whatever the name", CAUSE_CAPACITY_HUNG, {{FATE_T4}, RETRY(FATE_T4), CONTROL(FATE_T4)}},
    {"silent, and it does not read either",
     CAUSE_CAPACITY_HUNG,
     {{FATE_T4, .hangs = true}, RETRY(FATE_T4), CONTROL(FATE_T4)},
     CERTAINTY_CONFIRMED,
     .ruled_out = CAUSE_HELLO_SERVER_SILENT},
    {"never acknowledged in a burst",
     CAUSE_CAPACITY_BURST,
     {{FATE_OK}, BURST(FATE_OK), BURST(FATE_T3), BURST(FATE_T4)},
     CERTAINTY_CONSISTENT,
     "passed",
     "1"},
    {"closed in a burst",
     CAUSE_CAPACITY_CLOSED_UNDER_LOAD,
     {{FATE_OK}, BURST(FATE_OK), BURST(FATE_FIN), BURST(FATE_FIN)}},
    {"SYNs dropped in a burst",
     CAUSE_CAPACITY_RATE_LIMITED,
     {{FATE_OK}, BURST(FATE_OK), BURST(FATE_T0), BURST(FATE_T0)}},
    {"a second late in a burst", CAUSE_CAPACITY_RATE_LIMITED, {{FATE_OK}, BURST(FATE_OK), LATE, LATE}},
    {"one late in a burst", CAUSE_NONE, {{FATE_OK}, BURST(FATE_OK), BURST(FATE_OK), LATE}},
    {"a burst that passes", CAUSE_NONE, {{FATE_OK}, BURST(FATE_OK), BURST(FATE_OK), BURST(FATE_OK)}},
    {"from the third on none passes",
     CAUSE_CAPACITY_RATE_LIMITED,
     {{FATE_OK}, {FATE_OK, VARIANT_TLS12}, {FATE_T0, VARIANT_TLS13}, {FATE_T0, VARIANT_NO_SNI}}},
    {"closed now and then", CAUSE_CAPACITY_CLOSED_UNDER_LOAD, {{FATE_FIN}, RETRY(FATE_OK)}},
    {"reset now and then", CAUSE_CAPACITY_NOW_AND_THEN, {{FATE_RESET}, RETRY(FATE_OK)}},
    {"refused now and then", CAUSE_CAPACITY_NOW_AND_THEN, {{FATE_REFUSED}, RETRY(FATE_OK)}},
    {"unacknowledged now and then", CAUSE_CAPACITY_BURST, {{FATE_T3}, RETRY(FATE_OK)}},
};
PAPER_TEST(so_many_and_no_more, cases)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(so_many_and_no_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

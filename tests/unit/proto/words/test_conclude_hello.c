#include "path_of_paper.h"

#define RETRY(f)                                                                                             \
    {                                                                                                        \
        f, VARIANT_RETRY                                                                                     \
    }
#define EARLY(f, v)                                                                                          \
    {                                                                                                        \
        f, v, .after_ms = 20                                                                                 \
    }
#define CONTROL(f)                                                                                           \
    {                                                                                                        \
        f, VARIANT_CONTROL_SNI                                                                               \
    }
#define NO_SNI(f)                                                                                            \
    {                                                                                                        \
        f, VARIANT_NO_SNI                                                                                    \
    }
#define BOTH_CONTROLS(f) CONTROL(f), NO_SNI(f)
#define SIBLING                                                                                              \
    {                                                                                                        \
        FATE_OK, VARIANT_OTHER_ADDRESS, .elsewhere = true                                                    \
    }
#define RST FATE_RESET_UNACKED

static const struct paper_case names[] = {
    {"early, unacknowledged, this name only",
     CAUSE_HELLO_NAME_RESET,
     {EARLY(RST, VARIANT_NORMAL), EARLY(RST, VARIANT_RETRY), BOTH_CONTROLS(FATE_OK)},
     CERTAINTY_CONFIRMED,
     "when",
     "early, 20 ms of rtt 100 ms",
     CAUSE_HELLO_SERVER_RESET},
    {"a control that is told off by the server is a control",
     CAUSE_HELLO_NAME_RESET,
     {EARLY(RST, VARIANT_NORMAL), EARLY(RST, VARIANT_RETRY), CONTROL(FATE_ALERT),
      NO_SNI(FATE_BAD_CERTIFICATE)},
     CERTAINTY_CONFIRMED},
    {"the retry shows that it was early",
     CAUSE_HELLO_ADDRESS_BLOCKED,
     {{FATE_RESET}, EARLY(FATE_RESET, VARIANT_RETRY), BOTH_CONTROLS(FATE_RESET)}},
    {"not seen again", CAUSE_HELLO_NAME_RESET, {EARLY(RST, VARIANT_NORMAL), BOTH_CONTROLS(FATE_OK)}},
    {"late, but the server never had it",
     CAUSE_HELLO_NAME_RESET,
     {{RST}, RETRY(RST), BOTH_CONTROLS(FATE_OK)}},
    {"late, and in pieces it passes",
     CAUSE_HELLO_NAME_RESET,
     {{FATE_RESET}, RETRY(FATE_RESET), BOTH_CONTROLS(FATE_OK), {FATE_OK, VARIANT_SPLIT_HELLO}},
     .ruled_out = CAUSE_HELLO_SERVER_RESET},
    {"late, acknowledged, this name only",
     CAUSE_HELLO_SERVER_RESET,
     {{FATE_RESET}, RETRY(FATE_RESET), BOTH_CONTROLS(FATE_OK)}},
    {"late, every name",
     CAUSE_HELLO_SERVER_RESET,
     {{FATE_RESET}, RETRY(FATE_RESET), BOTH_CONTROLS(FATE_RESET)},
     .ruled_out = CAUSE_HELLO_NAME_RESET},
    {"early, every name",
     CAUSE_HELLO_ADDRESS_BLOCKED,
     {EARLY(RST, VARIANT_NORMAL), EARLY(RST, VARIANT_RETRY), EARLY(RST, VARIANT_CONTROL_SNI),
      EARLY(RST, VARIANT_NO_SNI)},
     .ruled_out = CAUSE_HELLO_NAME_RESET},
    {"nobody else was asked", CAUSE_HELLO_SERVER_RESET, {{FATE_RESET}}},
    {"dropped on the name",
     CAUSE_HELLO_NAME_DROPPED,
     {{FATE_T3}, RETRY(FATE_T3), BOTH_CONTROLS(FATE_OK)},
     .ruled_out = CAUSE_HELLO_NEVER_ACKED},
    {"never acknowledged",
     CAUSE_HELLO_NEVER_ACKED,
     {{FATE_T3}, RETRY(FATE_T3), BOTH_CONTROLS(FATE_T3)},
     .ruled_out = CAUSE_HELLO_NAME_DROPPED},
    {"never acknowledged here, well at a sibling",
     CAUSE_HELLO_ADDRESS_BLOCKED,
     {{FATE_T3}, RETRY(FATE_T3), BOTH_CONTROLS(FATE_T3), SIBLING}},
    {"silent on the name",
     CAUSE_HELLO_NAME_SILENT,
     {{FATE_T4}, RETRY(FATE_T4), BOTH_CONTROLS(FATE_OK)},
     .ruled_out = CAUSE_CAPACITY_HUNG},
    {"silent, but it reads",
     CAUSE_HELLO_SERVER_SILENT,
     {{FATE_T4, .reads = true}, RETRY(FATE_T4), BOTH_CONTROLS(FATE_T4)},
     .ruled_out = CAUSE_CAPACITY_HUNG},
    {"silent, and no more is known", CAUSE_HELLO_SERVER_SILENT, {{FATE_T4}}},
    {"closed on the name", CAUSE_HELLO_NAME_CLOSED, {{FATE_FIN}, RETRY(FATE_FIN), BOTH_CONTROLS(FATE_OK)}},
    {"closed on every name",
     CAUSE_HELLO_CLOSED,
     {EARLY(FATE_FIN, VARIANT_NORMAL), RETRY(FATE_FIN), BOTH_CONTROLS(FATE_FIN)},
     CERTAINTY_CONSISTENT,
     "when",
     "early, 20 ms of rtt 100 ms",
     CAUSE_HELLO_NAME_CLOSED},
    {"an alert sooner than the server's",
     CAUSE_HELLO_FORGED_ALERT,
     {EARLY(FATE_ALERT, VARIANT_NORMAL), BOTH_CONTROLS(FATE_OK)}},
    {"a block that passes",
     CAUSE_HELLO_RESIDUAL,
     {EARLY(RST, VARIANT_NORMAL),
      {FATE_T0, VARIANT_RETRY, .start_s = 1},
      {FATE_T0, VARIANT_CONTROL_SNI, .start_s = 7},
      {FATE_T0, VARIANT_NO_SNI, .start_s = 13},
      {FATE_OK, VARIANT_CONTROL_SNI, .start_s = 30, .confirms = true}},
     CERTAINTY_CONSISTENT,
     "seconds",
     "30",
     CAUSE_HELLO_ADDRESS_BLOCKED},
    {"a block that did not pass while we watched",
     CAUSE_HELLO_ADDRESS_BLOCKED,
     {EARLY(RST, VARIANT_NORMAL), RETRY(FATE_T0), BOTH_CONTROLS(FATE_T0)}},
};
PAPER_TEST(other_names_tell, names)

static const struct paper_case sizes[] = {
    {"the head of the flight is missing",
     CAUSE_HELLO_PMTU_IN,
     {{FATE_T5}, RETRY(FATE_T5), {FATE_OK, VARIANT_SMALL_MSS}},
     CERTAINTY_CONFIRMED,
     .ruled_out = CAUSE_HELLO_SERVER_SILENT},
    {"all of the flight is missing, and small segments mend it",
     CAUSE_HELLO_PMTU_IN,
     {{FATE_T4}, RETRY(FATE_T4), BOTH_CONTROLS(FATE_OK), {FATE_OK, VARIANT_SMALL_MSS}}},
    {"the head of a large hello is missing",
     CAUSE_HELLO_PMTU_OUT,
     {{FATE_OK},
      {FATE_T6, VARIANT_LARGE_HELLO},
      {FATE_OK, VARIANT_LARGE_SMALL_MSS},
      {FATE_OK, VARIANT_SPLIT_HELLO}},
     CERTAINTY_CONFIRMED,
     .ruled_out = CAUSE_HELLO_LARGE},
    {"large fails in small segments too",
     CAUSE_HELLO_LARGE,
     {{FATE_OK},
      {FATE_T3, VARIANT_LARGE_HELLO},
      {FATE_T3, VARIANT_LARGE_SMALL_MSS},
      {FATE_T3, VARIANT_SPLIT_HELLO}},
     CERTAINTY_CONFIRMED,
     .ruled_out = CAUSE_HELLO_PMTU_OUT},
    {"large is told off with an alert",
     CAUSE_HELLO_LARGE,
     {{FATE_OK}, {FATE_ALERT, VARIANT_LARGE_HELLO}, {FATE_ALERT, VARIANT_LARGE_SMALL_MSS}}},
    {"a reset is no loss",
     CAUSE_HELLO_LARGE,
     {{FATE_OK}, {FATE_RESET, VARIANT_LARGE_HELLO}, {FATE_OK, VARIANT_LARGE_SMALL_MSS}}},
    {"only the pieces fail",
     CAUSE_HELLO_SPLIT,
     {{FATE_OK}, {FATE_OK, VARIANT_LARGE_HELLO}, {FATE_RESET, VARIANT_SPLIT_HELLO}},
     .ruled_out = CAUSE_HELLO_LARGE},
    {"all sizes pass",
     CAUSE_NONE,
     {{FATE_OK}, {FATE_OK, VARIANT_LARGE_HELLO}, {FATE_OK, VARIANT_SPLIT_HELLO}}},
    {"the large one had no connection",
     CAUSE_NONE,
     {{FATE_OK}, {FATE_T0, VARIANT_LARGE_HELLO}, {FATE_OK, VARIANT_SPLIT_HELLO}}},
};
PAPER_TEST(sizes_tell, sizes)

static void the_same_is_told_at_the_depth_of_a_hello(void **state)
{
    paper_depth = DEPTH_HELLO;
    other_names_tell(state);
    sizes_tell(state);
    paper_depth = DEPTH_FULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_names_tell), cmocka_unit_test(sizes_tell),
                                       cmocka_unit_test(the_same_is_told_at_the_depth_of_a_hello)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

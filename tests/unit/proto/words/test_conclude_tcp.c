#include "path_of_paper.h"

#define OTHER(f)                                                                                             \
    {                                                                                                        \
        f, VARIANT_OTHER_PORT                                                                                \
    }
#define RETRY(f)                                                                                             \
    {                                                                                                        \
        f, VARIANT_RETRY                                                                                     \
    }
#define LOSSY(v)                                                                                             \
    {                                                                                                        \
        FATE_OK, v, .lost = true                                                                             \
    }

static const struct paper_case cases[] = {
    {"refused", CAUSE_TCP_REFUSED, {{FATE_REFUSED}, RETRY(FATE_REFUSED)}},
    {"refused at a full round trip",
     CAUSE_TCP_REFUSED,
     {{FATE_REFUSED}, RETRY(FATE_REFUSED), OTHER(FATE_PORT_OPEN)},
     CERTAINTY_CONFIRMED,
     "when",
     "late, 100 ms of rtt 100 ms",
     CAUSE_TCP_REFUSED_EARLY},
    {"refused before the other port refuses",
     CAUSE_TCP_REFUSED_EARLY,
     {{FATE_REFUSED, .after_ms = 20}, OTHER(FATE_REFUSED)},
     CERTAINTY_CONSISTENT,
     "when",
     "early, 20 ms of rtt 100 ms",
     CAUSE_TCP_REFUSED},
    {"the retry shows that it was early",
     CAUSE_TCP_REFUSED_EARLY,
     {{FATE_REFUSED}, {FATE_REFUSED, VARIANT_RETRY, .after_ms = 20}, OTHER(FATE_REFUSED)}},
    {"a little early is not early", CAUSE_TCP_REFUSED, {{FATE_REFUSED, .after_ms = 70}, OTHER(FATE_REFUSED)}},
    {"early, with nothing to measure by", CAUSE_TCP_REFUSED, {{FATE_REFUSED, .after_ms = 1}}},
    {"prohibited",
     CAUSE_TCP_REJECTED,
     {{FATE_ICMP, .icmp = 14}},
     CERTAINTY_CONFIRMED,
     "code",
     "13",
     CAUSE_TCP_HOST_ABSENT},
    {"host unreachable, at once",
     CAUSE_TCP_REJECTED,
     {{FATE_ICMP, .icmp = 2}},
     CERTAINTY_CONFIRMED,
     "offender",
     "192.0.2.1"},
    {"host unreachable, after asking for its link address",
     CAUSE_TCP_HOST_ABSENT,
     {{FATE_ICMP, .icmp = 2, .after_ms = 3050}},
     CERTAINTY_CONFIRMED,
     .ruled_out = CAUSE_TCP_REJECTED},
    {"the router was asking already",
     CAUSE_TCP_HOST_ABSENT,
     {{FATE_ICMP, .icmp = 2, .after_ms = 700}, {FATE_ICMP, VARIANT_RETRY, .icmp = 2, .after_ms = 3050}},
     CERTAINTY_CONFIRMED},
    {"prohibited, slowly",
     CAUSE_TCP_REJECTED,
     {{FATE_ICMP, .icmp = 14, .after_ms = 3050}},
     CERTAINTY_CONFIRMED},
    {"no neighbour", CAUSE_TCP_HOST_ABSENT, {{FATE_NO_NEIGHBOUR}}},
    {"no answer to anything",
     CAUSE_TCP_DROPPED,
     {{FATE_T0}, RETRY(FATE_T0), OTHER(FATE_T0)},
     .ruled_out = CAUSE_CAPACITY_QUEUE_FULL},
    {"no answer, and another port is served",
     CAUSE_TCP_DROPPED,
     {{FATE_T0}, RETRY(FATE_T0), OTHER(FATE_PORT_OPEN)}},
    {"loss",
     CAUSE_TCP_LOSS,
     {LOSSY(VARIANT_NORMAL), LOSSY(VARIANT_TLS12), {FATE_OK, VARIANT_TLS13}},
     CERTAINTY_CONSISTENT,
     "retransmits",
     "4"},
    {"one packet sent again",
     CAUSE_NONE,
     {LOSSY(VARIANT_NORMAL), {FATE_OK, VARIANT_TLS12}, {FATE_OK, VARIANT_TLS13}}},
    {"what had come was sent again",
     CAUSE_NONE,
     {{FATE_OK, VARIANT_NORMAL, .lost = true, .spurious = true},
      {FATE_OK, VARIANT_TLS12, .lost = true, .spurious = true},
      {FATE_OK, VARIANT_TLS13}}},
    {"healthy", CAUSE_NONE, {{FATE_OK}}},
};
PAPER_TEST(what_answers_the_syn, cases)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_answers_the_syn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

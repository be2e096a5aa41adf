#include "path_of_paper.h"

static const struct paper_case cases[] = {
    {"no route", CAUSE_LOCAL_NO_ROUTE, {{FATE_NO_ROUTE}}, CERTAINTY_CONFIRMED, "family", "IPv4"},
    {"policy", CAUSE_LOCAL_POLICY, {{FATE_POLICY}}, CERTAINTY_CONFIRMED},
    {"descriptors",
     CAUSE_LOCAL_RESOURCE,
     {{FATE_NO_DESCRIPTOR}},
     CERTAINTY_CONFIRMED,
     "resource",
     "file descriptors (of this process)"},
};
PAPER_TEST(what_is_our_own_matter, cases)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_our_own_matter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "collector/diff/watch_fleet.h"

static void test_quiet(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(100);
    fleet_expect(0);
}

static void test_region(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(4);
    fleet_expect(1);
    const struct event *event = &fleet.events[0];
    assert_int_equal(event->change, INCIDENT_OPENED);
    assert_int_equal(event->incident.place.kind, PLACE_REGION);
    assert_string_equal(event->region, "cn");
    assert_string_equal(event->incident.key, "fails/region/cn/hello.reset");
    assert_true(event->incident.confidence >= 0.95);
    assert_int_equal(event->incident.endpoint_count, 1);
    assert_int_equal(event->endpoint_ids[0], 1);
    assert_int_equal(event->incident.vantage_count, 4);
    fleet_quiet(9);
    fleet_expect(1);
    fleet_quiet(1);
    fleet_expect(2);
    assert_int_equal(fleet.events[1].change, INCIDENT_CLOSED);
}

static void test_endpoint(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail_region(2, NULL, OUTCOME_CERT_EXPIRED);
    fleet_rounds(3);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_ENDPOINT);
    assert_int_equal(fleet.events[0].incident.place.endpoint_id, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_quiet, fleet_stop),
        cmocka_unit_test_teardown(test_region, fleet_stop),
        cmocka_unit_test_teardown(test_endpoint, fleet_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

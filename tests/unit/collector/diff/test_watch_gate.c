#include "collector/diff/watch_fleet.h"

/* Who is shut out, why, and for how long. */

static const char *why_of(int64_t vantage, const struct watch_aside **ret_aside)
{
    static struct watch_aside asides[64];
    size_t count = watch_asides(fleet.watch, asides, 64);
    for (size_t i = 0; i < count; i++) {
        if (asides[i].vantage_id == vantage) {
            if (ret_aside != NULL)
                *ret_aside = &asides[i];
            return asides[i].why;
        }
    }
    return NULL;
}

static void assert_why(int64_t vantage, const char *part)
{
    const char *why = why_of(vantage, NULL);
    if (why == NULL || strstr(why, part) == NULL)
        fail_msg("vantage %d: \"%s\" does not say \"%s\"", (int)vantage, why == NULL ? "(valid)" : why, part);
}

static void test_sick_vantage(void **state)
{
    (void)state;
    const struct watch_aside *aside = NULL;
    fleet_start(ten, 10, 4);
    fleet_quiet(5);
    for (int64_t e = 1; e <= 4; e++)
        fleet_fail(e, 7, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(2);
    assert_why(7, "most endpoints");
    fleet_expect(0);
    fleet_rounds(10);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].round, 8);
    assert_int_equal(fleet.events[0].incident.kind, INCIDENT_VANTAGE_ASIDE);
    assert_int_equal(fleet.events[0].incident.place.vantage_id, 7);
    assert_string_equal(fleet.events[0].incident.key, "set-aside/vantage/7");
    assert_non_null(strstr(fleet.events[0].caveats, "most endpoints"));
    assert_int_equal(fleet.events[0].incident.failed, 4);
    assert_int_equal(fleet.events[0].incident.outcome.class, OUTCOME_TCP_TIMEOUT);
    assert_non_null(why_of(7, &aside));
    assert_int_equal(aside->since_us, INT64_C(1700000000000000) + INT64_C(6) * 60000000);
    assert_int_equal(aside->tried, 4);
    fleet_quiet(2);
    assert_why(7, "most endpoints");
    fleet_quiet(1);
    assert_null(why_of(7, NULL));
    fleet_quiet(10);
    fleet_expect(2);
    assert_int_equal(fleet.events[1].change, INCIDENT_CLOSED);
}

/* Half is not most, and two endpoints are too few to tell. */
static void test_half(void **state)
{
    (void)state;
    fleet_start(ten, 10, 4);
    fleet_fill();
    fleet_fail(1, 7, OUTCOME_TCP_TIMEOUT);
    fleet_fail(2, 7, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(3);
    assert_null(why_of(7, NULL));
}

static void test_two_endpoints(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_fill();
    fleet_fail(1, 7, OUTCOME_TCP_TIMEOUT);
    fleet_fail(2, 7, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(3);
    assert_null(why_of(7, NULL));
}

/* A carrier or a region that is cut off from everything is a finding, not sick vantages. */
static void test_carrier_is_not_sick(void **state)
{
    (void)state;
    fleet_start(ten, 10, 4);
    fleet_site("", 3, ROLE_PLAIN, "", true);
    fleet_quiet(5);
    for (int64_t e = 1; e <= 7; e++) {
        fleet_fail(e, 3, OUTCOME_HELLO_RESET);
        fleet_fail(e, 4, OUTCOME_HELLO_RESET);
    }
    fleet_rounds(8);
    assert_null(why_of(3, NULL));
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_ASN);
    assert_int_equal(fleet.events[0].incident.place.asn, 4837);
    assert_int_equal(fleet.events[0].incident.endpoint_count, 7);
}

static void test_endpoint_down_is_not_sick(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_fill();
    for (int64_t e = 1; e <= 3; e++)
        fleet_fail_region(e, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(3);
    for (int64_t v = 1; v <= 10; v++)
        assert_null(why_of(v, NULL));
}

static void test_sentinels(void **state)
{
    (void)state;
    fleet_start(ten, 10, 8);
    fleet_site("", 3, ROLE_PLAIN, "", true);
    fleet_fill();
    fleet_fail(9, 2, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(3);
    assert_null(why_of(2, NULL));
    fleet_fail(10, 2, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(1);
    assert_why(2, "most sentinels");
}

/* A sentinel that is down for everybody says nothing about anybody. */
static void test_dead_sentinels(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_site("", 3, ROLE_PLAIN, "", true);
    fleet_fill();
    for (int64_t e = 3; e <= 5; e++)
        fleet_fail_region(e, NULL, OUTCOME_TCP_TIMEOUT);
    fleet_rounds(2);
    for (int64_t v = 1; v <= 10; v++)
        assert_null(why_of(v, NULL));
}

static void test_clock_and_lag(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_fill();
    for (int64_t e = 1; e <= 2; e++) {
        fleet_sight(e, 1)->start_error_us = 2500000;
        fleet_sight(e, 2)->loop_lag_us = 1500000;
        fleet_sight(e, 3)->outcome = outcome_make(OUTCOME_LOCAL_RESOURCE, RAW_ERRNO, 24);
        fleet_sight(e, 4)->outcome = outcome_make(OUTCOME_LOCAL_NO_ROUTE, RAW_ERRNO, 101);
        fleet_sight(e, 5)->outcome = outcome_make(OUTCOME_LOCAL_POLICY, RAW_NONE, 0);
        fleet_sight(e, 6)->start_error_us = 1500000;
    }
    fleet_rounds(1);
    assert_why(1, "clock");
    assert_why(2, "lag");
    assert_why(3, "itself");
    assert_why(4, "itself");
    assert_null(why_of(5, NULL));
    assert_null(why_of(6, NULL));
}

/* A vantage without IPv6 is as well as any other. */
static void test_no_ipv6(void **state)
{
    (void)state;
    fleet_start(ten, 10, 1);
    fleet_fill();
    struct sight *sight = fleet_sight(1, 4);
    sight->outcome = outcome_make(OUTCOME_LOCAL_NO_ROUTE, RAW_ERRNO, 101);
    sight->address = (struct address){16, {0x20, 1, 0x0d, 0xb8}};
    fleet_rounds(3);
    assert_null(why_of(4, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_sick_vantage, fleet_stop),
        cmocka_unit_test_teardown(test_half, fleet_stop),
        cmocka_unit_test_teardown(test_two_endpoints, fleet_stop),
        cmocka_unit_test_teardown(test_carrier_is_not_sick, fleet_stop),
        cmocka_unit_test_teardown(test_endpoint_down_is_not_sick, fleet_stop),
        cmocka_unit_test_teardown(test_sentinels, fleet_stop),
        cmocka_unit_test_teardown(test_dead_sentinels, fleet_stop),
        cmocka_unit_test_teardown(test_clock_and_lag, fleet_stop),
        cmocka_unit_test_teardown(test_no_ipv6, fleet_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

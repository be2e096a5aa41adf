#include "collector/diff/watch_fleet.h"

#include <math.h>

/* Where a fault is said to be. */

static const struct event *only_event(enum place_kind kind)
{
    fleet_expect(1);
    assert_int_equal(fleet.events[0].change, INCIDENT_OPENED);
    assert_int_equal(fleet.events[0].incident.place.kind, kind);
    return &fleet.events[0];
}

static bool has_alternative(const struct incident *incident, enum place_kind kind)
{
    for (size_t i = 0; i < incident->alternative_count; i++) {
        if (incident->alternatives[i].place.kind == kind)
            return true;
    }
    return false;
}

static void test_asn(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(20);
    fleet_fail(1, 3, OUTCOME_HELLO_RESET);
    fleet_fail(1, 4, OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    const struct event *event = only_event(PLACE_ASN);
    assert_int_equal(event->incident.place.asn, 4837);
    assert_string_equal(event->incident.key, "fails/asn/4837/hello.reset");
    assert_int_equal(event->incident.outside_failed, 0);
    assert_true(event->incident.fisher_p < 0.03);
    assert_true(event->incident.significant);
    assert_true(has_alternative(&event->incident, PLACE_VANTAGE) ||
                has_alternative(&event->incident, PLACE_REGION));
}

/* Two ASNs of one region, and one of another: the product of two priors beats an endpoint that half of the fleet denies. */
static void test_two_regions(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(20);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_fail_region(1, "hk", OUTCOME_HELLO_RESET);
    fleet_rounds(8);
    fleet_expect(2);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_REGION);
    assert_int_equal(fleet.events[1].incident.place.kind, PLACE_REGION);
    assert_string_not_equal(fleet.events[0].region, fleet.events[1].region);
}

/* One vantage: path, late, never sure, and with what would settle it. */
static void test_one_vantage(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail(1, 9, OUTCOME_HELLO_SILENT);
    fleet_rounds(4);
    fleet_expect(0);
    fleet_rounds(11);
    const struct event *event = only_event(PLACE_VANTAGE);
    assert_int_equal(event->incident.place.vantage_id, 9);
    assert_true(event->incident.confidence <= 0.6);
    assert_non_null(strstr(event->caveats, "de-1 is the only valid vantage in its ASN"));
    assert_non_null(strstr(event->hints, "add a second vantage in AS24940"));
}

static void test_controlled_vantage(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail(1, 9, OUTCOME_HELLO_RESET);
    fleet_sight(1, 9)->cause = CAUSE_UNCLASSIFIED;
    fleet_sight(1, 9)->certainty = CERTAINTY_CONFIRMED;
    fleet_rounds(15);
    const struct event *event = only_event(PLACE_VANTAGE);
    assert_true(event->incident.confidence > 0.6 && event->incident.confidence <= 0.9);
    assert_int_equal(event->incident.certainty, CERTAINTY_CONFIRMED);
    assert_int_equal(event->incident.cause, CAUSE_UNCLASSIFIED);
}

static const struct matrix_vantage four[] = {{1, "cn-1", "cn", 4837},
                                             {2, "hk-1", "hk", 9304},
                                             {3, "us-1", "overseas", 14061},
                                             {4, "us-2", "overseas", 24940}};

/* One vantage in a region never claims the region; four can never be significant. */
static void test_lone_in_region(void **state)
{
    (void)state;
    fleet_start(four, 4, 2);
    fleet_quiet(20);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(30);
    const struct event *event = only_event(PLACE_VANTAGE);
    assert_true(event->incident.confidence <= 0.6);
    assert_false(event->incident.significant);
    assert_non_null(strstr(event->caveats, "cn-1 is the only valid vantage in its region"));
    assert_non_null(strstr(event->caveats, "4 valid vantages: too few"));
    assert_non_null(strstr(event->hints, "add a second vantage in region cn, in another ASN"));
    assert_false(has_alternative(&event->incident, PLACE_REGION));
}

static const struct matrix_vantage twins[] = {
    {1, "cn-1", "cn", 4837},  {2, "cn-2", "cn", 4837},  {3, "us-1", "us", 14061}, {4, "us-2", "us", 24940},
    {5, "us-3", "us", 16509}, {6, "de-1", "eu", 24940}, {7, "de-2", "eu", 24940}};

/* Two of three regions fail, one vantage each, and the third never does: it is not the endpoint, and no more can be told. */
static void test_denied(void **state)
{
    (void)state;
    fleet_start(four, 3, 2);
    fleet_quiet(20);
    fleet_fail(1, 1, OUTCOME_HELLO_RESET);
    fleet_fail(1, 2, OUTCOME_HELLO_RESET);
    fleet_rounds(16);
    const struct event *event = only_event(PLACE_SOME);
    assert_int_equal(event->incident.place.endpoint_id, 1);
    assert_true(has_alternative(&event->incident, PLACE_ENDPOINT));
    assert_int_equal(event->incident.vantage_count, 2);
}

static const struct matrix_vantage carriers[] = {
    {1, "cn-1", "cn", 4134},        {2, "cn-2", "cn", 4134},       {3, "cn-3", "cn", 4837},
    {4, "cn-4", "cn", 4837},        {5, "hk-1", "hk", 9304},       {6, "hk-2", "hk", 4760},
    {7, "us-1", "overseas", 14061}, {8, "us-2", "overseas", 20473}};

/* Both ASNs of a region are the region, also when one of them has another fault already. */
static void test_region_beside_its_asn(void **state)
{
    (void)state;
    fleet_start(carriers, 8, 6);
    fleet_quiet(20);
    fleet_fail(1, 3, OUTCOME_HELLO_RESET);
    fleet_fail(1, 4, OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    fleet_fail_region(2, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(12);
    fleet_expect(2);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_ASN);
    assert_int_equal(fleet.events[1].incident.place.kind, PLACE_REGION);
    assert_string_equal(fleet.events[1].region, "cn");
}

/* An ASN that is all of its region is the region, with a word about it. */
static void test_twin(void **state)
{
    (void)state;
    fleet_start(twins, 5, 2);
    fleet_quiet(20);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(8);
    const struct event *event = only_event(PLACE_REGION);
    assert_non_null(strstr(event->caveats, "all valid vantages of region cn are in one ASN"));
    assert_non_null(strstr(event->hints, "region cn, in another ASN"));
}

/* A fleet of one region cannot tell it from the endpoint. */
static void test_one_region(void **state)
{
    (void)state;
    fleet_start(ten, 4, 2);
    fleet_quiet(20);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(5);
    const struct event *event = only_event(PLACE_ENDPOINT);
    assert_non_null(strstr(event->caveats, "every valid vantage is in region cn"));
    assert_non_null(strstr(event->hints, "add a vantage outside of region cn"));
}

static void test_fleet_of_one(void **state)
{
    (void)state;
    fleet_start(four, 1, 2);
    fleet_fill();
    fleet_fail(1, 1, OUTCOME_CERT_EXPIRED);
    fleet_rounds(20);
    const struct event *event = only_event(PLACE_VANTAGE);
    assert_non_null(strstr(event->caveats, "one vantage only, cn-1"));
}

/* Three valid rounds, and two windows in a row: not before. */
static void test_needs_rounds(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_fill();
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(2);
    fleet_expect(0);
    fleet_rounds(1);
    only_event(PLACE_ENDPOINT);
    fleet_stop(NULL);
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(1);
    fleet_expect(0);
}

/* Failures that a retry does not see again weigh less than those it does. */
static unsigned rounds_to_open(enum sight_confirm confirm)
{
    fleet_start(ten, 10, 2);
    fleet_quiet(20);
    fleet_fail_region(1, "hk", OUTCOME_HELLO_RESET);
    fleet_sight(1, 5)->confirm = fleet_sight(1, 6)->confirm = confirm;
    unsigned rounds = 0;
    while (fleet.event_count == 0 && rounds < 15) {
        fleet_rounds(1);
        rounds++;
    }
    fleet_stop(NULL);
    return rounds;
}

static void test_confirms(void **state)
{
    (void)state;
    unsigned seen = rounds_to_open(CONFIRM_FAILED), none = rounds_to_open(CONFIRM_NOT_MADE);
    unsigned vanished = rounds_to_open(CONFIRM_PASSED);
    assert_true(seen <= none);
    assert_true(none < vanished);
    assert_true(vanished < 15);
}

/* Everybody is led to one of three addresses in turn, and one of them is stale. */
static void lead(unsigned round, unsigned stale, bool pinned)
{
    fleet_fill();
    for (unsigned v = 1; v <= 10; v++) {
        unsigned address = (v + round) % 3;
        struct sight *sight = fleet_sight(1, v);
        sight->address = fleet_address(100 + address);
        sight->pinned = pinned;
        if ((v + round) % 3 == stale)
            fleet_fail(1, v, OUTCOME_TCP_REFUSED);
    }
    fleet_rounds(1);
}

static void test_stale_address(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    for (unsigned r = 0; r < 20; r++)
        lead(r, 9, false);
    for (unsigned r = 0; r < 6; r++)
        lead(r, 2, false);
    const struct event *event = only_event(PLACE_DNS);
    struct address stale = fleet_address(102);
    assert_true(address_equal(&event->incident.place.address, &stale));
    assert_int_equal(event->incident.place.endpoint_id, 1);
    assert_string_equal(event->incident.key, "fails/dns-answer/192.0.2.102/tcp.refused");
    assert_int_equal(event->incident.outside_failed, 0);
}

/* The same addresses, known to belong to a CDN: it is the edge, not the answer. */
static void test_bad_edge(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    for (unsigned r = 0; r < 26; r++) {
        fleet_fill();
        for (unsigned v = 1; v <= 10; v++) {
            struct sight *sight = fleet_sight(1, v);
            sight->address = fleet_address(100 + (v + r) % 3);
            sight->edge = "somecdn";
            if (r >= 20 && (v + r) % 3 == 1)
                fleet_fail(1, v, OUTCOME_HELLO_RESET);
        }
        fleet_rounds(1);
    }
    const struct event *event = only_event(PLACE_EDGE);
    assert_string_equal(event->edge, "somecdn");
}

/* A pinned endpoint has no answers to blame. */
static void test_pinned(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    for (unsigned r = 0; r < 40; r++)
        lead(r, r < 20 ? 9 : 2, true);
    for (size_t i = 0; i < fleet.event_count; i++) {
        assert_int_not_equal(fleet.events[i].incident.place.kind, PLACE_DNS);
        assert_int_not_equal(fleet.events[i].incident.place.kind, PLACE_EDGE);
    }
}

/* One address for all who get one, while a region gets none: nobody is led elsewhere, so it is not the answer. */
static void test_one_address(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_fill();
    for (unsigned v = 1; v <= 10; v++)
        fleet_sight(1, v)->address = fleet_address(99);
    fleet_rounds(5);
    fleet_quiet(20);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_fail_region(1, "cn", OUTCOME_DNS_TIMEOUT);
    for (unsigned v = 1; v <= 4; v++)
        fleet_sight(1, v)->address.length = 0;
    fleet_rounds(30);
    assert_true(fleet.event_count > 0);
    for (size_t i = 0; i < fleet.event_count; i++)
        assert_int_not_equal(fleet.events[i].incident.place.kind, PLACE_DNS);
}

/* A burst of some minutes at one path is no incident; nor is a region of two that failed twice. */
static void test_bursts(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail(1, 9, OUTCOME_HELLO_SILENT);
    fleet_rounds(8);
    fleet_quiet(20);
    fleet_expect(0);
    fleet_fail_region(1, "hk", OUTCOME_HELLO_SILENT);
    fleet_rounds(2);
    fleet_quiet(5);
    fleet_expect(0);
}

/* A point of presence that some vantages of two regions come out at. */
static void test_pop(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    for (unsigned r = 0; r < 28; r++) {
        fleet_fill();
        for (unsigned v = 1; v <= 10; v++) {
            bool here = v == 2 || v == 5 || v == 9;
            fleet_sight(1, v)->pop = here ? "HKG" : "LAX";
            if (r >= 20 && here) {
                fleet_fail(1, v, OUTCOME_HTTP_GATEWAY);
                fleet_sight(1, v)->pop = "";
            }
        }
        fleet_rounds(1);
    }
    const struct event *event = only_event(PLACE_EDGE);
    assert_string_equal(event->pop, "HKG");
}

/* All of the region, and only they, are led to one address: said, not guessed. */
static void test_region_or_address(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    for (unsigned r = 0; r < 26; r++) {
        fleet_fill();
        for (unsigned v = 1; v <= 10; v++)
            fleet_sight(1, v)->address = fleet_address(v <= 4 ? 101 : 102);
        if (r >= 20)
            fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
        fleet_rounds(1);
    }
    const struct event *event = only_event(PLACE_REGION);
    assert_non_null(strstr(event->caveats, "is led to 192.0.2.101, and nobody else is"));
    assert_non_null(strstr(event->hints, "pin 192.0.2.101"));
}

/* A region whose links lose much is not down, and does not become deaf for a real fault. */
static void test_baseline(void **state)
{
    (void)state;
    double rate = 0, quiet_rate = 0;
    fleet_start(ten, 10, 4);
    for (unsigned r = 0; r < 300; r++) {
        fleet_fill();
        for (unsigned v = 1; v <= 4; v++) {
            if ((r * 7 + v * 3) % 10 == 0) {
                fleet_fail(1 + (r + v) % 4, v, OUTCOME_TCP_TIMEOUT);
                fleet_sight(1 + (r + v) % 4, v)->confirm = CONFIRM_PASSED;
            }
        }
        fleet_rounds(1);
    }
    fleet_expect(0);
    assert_true(watch_baseline_get(fleet.watch, 1, &rate));
    assert_true(watch_baseline_get(fleet.watch, 9, &quiet_rate));
    assert_true(rate > 0.02 && rate < 0.04);
    assert_true(fabs(quiet_rate - 0.01) < 1e-6);
    fleet_fail_region(1, "cn", OUTCOME_TCP_TIMEOUT);
    fleet_rounds(200);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_REGION);
    double after = 0;
    assert_true(watch_baseline_get(fleet.watch, 1, &after));
    assert_true(after <= rate + 0.005);
}

static void test_baseline_set(void **state)
{
    (void)state;
    double rate = 0;
    fleet_start(ten, 10, 1);
    assert_false(watch_baseline_get(fleet.watch, 1, &rate));
    assert_true(watch_baseline_set(fleet.watch, 1, 0.12));
    assert_true(watch_baseline_get(fleet.watch, 1, &rate));
    assert_true(fabs(rate - 0.12) < 1e-9);
    assert_false(watch_baseline_set(fleet.watch, 99, 0.12));
    assert_false(watch_baseline_set(fleet.watch, 1, NAN));
}

static void test_remark(void **state)
{
    (void)state;
    const char *msgid = NULL;
    char subject[32];
    assert_true(watch_remark("add a second vantage in AS4134", &msgid, subject, sizeof subject));
    assert_string_equal(msgid, "add a second vantage in %s");
    assert_string_equal(subject, "AS4134");
    assert_false(watch_remark("something else", &msgid, subject, sizeof subject));
    assert_false(watch_remark("", &msgid, subject, sizeof subject));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_asn, fleet_stop),
        cmocka_unit_test_teardown(test_two_regions, fleet_stop),
        cmocka_unit_test_teardown(test_one_vantage, fleet_stop),
        cmocka_unit_test_teardown(test_controlled_vantage, fleet_stop),
        cmocka_unit_test_teardown(test_lone_in_region, fleet_stop),
        cmocka_unit_test_teardown(test_denied, fleet_stop),
        cmocka_unit_test_teardown(test_twin, fleet_stop),
        cmocka_unit_test_teardown(test_region_beside_its_asn, fleet_stop),
        cmocka_unit_test_teardown(test_one_region, fleet_stop),
        cmocka_unit_test_teardown(test_fleet_of_one, fleet_stop),
        cmocka_unit_test_teardown(test_needs_rounds, fleet_stop),
        cmocka_unit_test(test_confirms),
        cmocka_unit_test_teardown(test_stale_address, fleet_stop),
        cmocka_unit_test_teardown(test_bad_edge, fleet_stop),
        cmocka_unit_test_teardown(test_pinned, fleet_stop),
        cmocka_unit_test_teardown(test_one_address, fleet_stop),
        cmocka_unit_test_teardown(test_bursts, fleet_stop),
        cmocka_unit_test_teardown(test_pop, fleet_stop),
        cmocka_unit_test_teardown(test_region_or_address, fleet_stop),
        cmocka_unit_test_teardown(test_baseline, fleet_stop),
        cmocka_unit_test_teardown(test_baseline_set, fleet_stop),
        cmocka_unit_test(test_remark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

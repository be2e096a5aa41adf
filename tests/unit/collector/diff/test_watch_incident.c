#include "collector/diff/watch_fleet.h"

/* One incident for one fault, and its life. */

static void assert_event(size_t at, enum incident_change change, const char *key, size_t endpoints)
{
    assert_true(at < fleet.event_count);
    const struct event *event = &fleet.events[at];
    if (event->change != change || strcmp(event->incident.key, key) != 0 ||
        event->incident.endpoint_count != endpoints)
        fail_msg("event %zu: %s %s with %zu endpoints", at, incident_change_name((int)event->change),
                 event->incident.key, event->incident.endpoint_count);
}

static void test_pooled_by_region(void **state)
{
    (void)state;
    fleet_start(ten, 10, 20);
    fleet_quiet(20);
    for (int64_t e = 1; e <= 12; e++)
        fleet_fail_region(e, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    fleet_expect(1);
    assert_event(0, INCIDENT_OPENED, "fails/region/cn/hello.reset", 12);
    fleet_fail_region(13, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(5);
    fleet_expect(2);
    assert_event(1, INCIDENT_UPDATED, "fails/region/cn/hello.reset", 13);
    fleet_fill();
    for (int64_t e = 2; e <= 13; e++)
        fleet_fail_region(e, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    fleet_expect(3);
    assert_event(2, INCIDENT_UPDATED, "fails/region/cn/hello.reset", 12);
    assert_int_equal(fleet.events[2].endpoint_ids[0], 2);
}

/* Endpoints of one site are down: one incident. Those of another site beside it are another one. */
static void test_pooled_by_site(void **state)
{
    (void)state;
    fleet_start(ten, 10, 0);
    fleet_site("shop", 3, ROLE_PLAIN, "", false);
    fleet_site("bank", 2, ROLE_PLAIN, "", false);
    fleet_site("other", 4, ROLE_PLAIN, "", false);
    fleet_quiet(20);
    for (int64_t e = 1; e <= 5; e++)
        fleet_fail_region(e, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(6);
    fleet_expect(2);
    assert_event(0, INCIDENT_OPENED, "fails/endpoint/1/tcp.refused", 3);
    assert_event(1, INCIDENT_OPENED, "fails/endpoint/4/tcp.refused", 2);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_ENDPOINT);
    assert_int_equal(fleet.events[0].incident.place.endpoint_id, 0);
}

static void share_edge(unsigned endpoints)
{
    for (unsigned e = 1; e <= endpoints; e++) {
        for (unsigned v = 1; v <= 10; v++) {
            fleet_sight(e, v)->address = fleet_address(200);
            fleet_sight(e, v)->edge = "somecdn";
        }
    }
}

/* Everything behind one address is down. */
static void test_pooled_by_address(void **state)
{
    (void)state;
    fleet_start(ten, 10, 20);
    fleet_fill();
    share_edge(8);
    fleet_rounds(10);
    for (int64_t e = 1; e <= 8; e++)
        fleet_fail_region(e, NULL, OUTCOME_HELLO_SILENT);
    fleet_rounds(6);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.endpoint_count, 8);
    assert_int_equal(fleet.events[0].incident.place.kind, PLACE_EDGE);
    assert_string_equal(fleet.events[0].edge, "somecdn");
    assert_int_equal(fleet.events[0].incident.place.address.length, 4);
}

/* The address is shared with endpoints that are well: it is not the address. */
static void test_address_is_well(void **state)
{
    (void)state;
    fleet_start(ten, 10, 20);
    fleet_fill();
    share_edge(8);
    fleet_rounds(10);
    for (int64_t e = 1; e <= 2; e++)
        fleet_fail_region(e, NULL, OUTCOME_CERT_EXPIRED);
    fleet_rounds(6);
    fleet_expect(2);
    assert_event(0, INCIDENT_OPENED, "fails/endpoint/1/cert.expired", 1);
    assert_event(1, INCIDENT_OPENED, "fails/endpoint/2/cert.expired", 1);
}

/* A reset in one region hides from it that the certificate expired for everybody: two faults. */
static void test_different_faults(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail_region(1, NULL, OUTCOME_CERT_EXPIRED);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(8);
    bool region = false, endpoint = false;
    for (size_t i = 0; i < fleet.event_count; i++) {
        region = region || strcmp(fleet.events[i].incident.key, "fails/region/cn/hello.reset") == 0;
        endpoint = endpoint || strcmp(fleet.events[i].incident.key, "fails/endpoint/1/cert.expired") == 0;
    }
    assert_true(region);
    assert_true(endpoint);
}

/* The same place, other endpoints, another kind of failure: not pooled. */
static void test_kinds_stay_apart(void **state)
{
    (void)state;
    fleet_start(ten, 10, 8);
    fleet_quiet(20);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_fail_region(2, "cn", OUTCOME_CERT_UNTRUSTED);
    fleet_rounds(6);
    fleet_expect(2);
    assert_event(0, INCIDENT_OPENED, "fails/region/cn/hello.reset", 1);
    assert_event(1, INCIDENT_OPENED, "fails/region/cn/cert.untrusted", 1);
}

/* One fault shows as resets and as silence: one incident. */
static void test_mixed_classes(void **state)
{
    (void)state;
    fleet_start(ten, 10, 8);
    fleet_quiet(20);
    for (unsigned r = 0; r < 8; r++) {
        fleet_fail_region(1, "cn", r % 2 == 0 ? OUTCOME_HELLO_RESET : OUTCOME_HELLO_SILENT);
        fleet_rounds(1);
    }
    assert_int_equal(fleet.events[0].change, INCIDENT_OPENED);
    for (size_t i = 1; i < fleet.event_count; i++)
        assert_int_equal(fleet.events[i].change, INCIDENT_UPDATED);
}

/* One vantage first, then all of its region: the incident moves and keeps its key. */
static void test_revised(void **state)
{
    (void)state;
    fleet_start(ten, 10, 3);
    fleet_quiet(20);
    fleet_fail(1, 1, OUTCOME_HELLO_RESET);
    fleet_rounds(14);
    fleet_expect(1);
    assert_event(0, INCIDENT_OPENED, "fails/vantage/1/hello.reset", 1);
    watch_named(fleet.watch, "fails/vantage/1/hello.reset", 77);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(15);
    for (size_t i = 1; i < fleet.event_count; i++)
        assert_event(i, INCIDENT_UPDATED, "fails/vantage/1/hello.reset", 1);
    const struct event *last = &fleet.events[fleet.event_count - 1];
    assert_int_equal(last->incident.place.kind, PLACE_REGION);
    assert_int_equal(last->incident.id, 77);
}

/* Five clean rounds are not enough before ten minutes, ten minutes not before five clean rounds. */
static void test_closing(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(4);
    fleet_quiet(9);
    fleet_expect(1);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(1);
    fleet_quiet(9);
    fleet_expect(1);
    fleet_quiet(1);
    fleet_expect(2);
    assert_event(1, INCIDENT_CLOSED, "fails/endpoint/1/tcp.refused", 1);
    assert_true(fleet.events[1].incident.closed_us > fleet.events[1].incident.opened_us);
    assert_int_equal(fleet.events[1].incident.rounds_failed, 4);
}

/* A round in which nobody inside is valid is no clean round. */
static void test_silence_is_not_clean(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    fleet_fail_region(1, "hk", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    fleet_expect(1);
    fleet_fill();
    fleet_sight(1, 5)->outcome = fleet_sight(1, 6)->outcome = outcome_make(OUTCOME_LOCAL_POLICY, RAW_NONE, 0);
    fleet_rounds(30);
    fleet_expect(1);
}

static void test_flapping(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    unsigned counts[5] = {0};
    for (unsigned cycle = 0; cycle < 8; cycle++) {
        fleet_fill();
        fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
        fleet_rounds(3);
        fleet_quiet(11);
    }
    for (size_t i = 0; i < fleet.event_count; i++)
        counts[fleet.events[i].change]++;
    if (counts[INCIDENT_FLAPPING] != 1)
        fleet_expect(0);
    assert_int_equal(counts[INCIDENT_FLAPPING], 1);
    assert_true(counts[INCIDENT_OPENED] <= 3);
    assert_true(counts[INCIDENT_CLOSED] <= 3);
    const struct event *last = &fleet.events[fleet.event_count - 1];
    assert_int_equal(last->change, INCIDENT_FLAPPING);
    assert_true(last->incident.flap_penalty >= 3000);
    assert_true(last->incident.failing_share > 0 && last->incident.failing_share < 0.6);
    size_t before = fleet.event_count;
    fleet_quiet(60);
    fleet_expect(before + 1);
    assert_int_equal(fleet.events[before].change, INCIDENT_CLOSED);
    assert_false(fleet.events[before].incident.flapping);
}

/* Back within the memory of its penalty: the same incident, with the id it had. */
static void test_back_again(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(4);
    watch_named(fleet.watch, "fails/endpoint/1/tcp.refused", 5);
    fleet_quiet(25);
    fleet_expect(2);
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    fleet_rounds(4);
    fleet_expect(3);
    assert_event(2, INCIDENT_OPENED, "fails/endpoint/1/tcp.refused", 1);
    assert_int_equal(fleet.events[2].incident.id, 5);
    assert_int_equal(fleet.events[2].incident.transitions, 3);
    assert_int_equal(fleet.events[2].incident.opened_us, fleet.events[0].incident.opened_us);
}

/* A restart: the incident goes on, and nothing is opened twice. */
static void test_resume(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_quiet(10);
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    struct event kept = fleet.events[0];
    kept.incident.id = 9;
    kept.incident.place.region = kept.region;
    kept.incident.endpoint_ids = kept.endpoint_ids;
    kept.incident.vantage_ids = kept.vantage_ids;
    fleet_stop(NULL);
    fleet_start(ten, 10, 2);
    fleet.round = 16;
    assert_true(watch_resume(fleet.watch, &kept.incident));
    fleet_fill();
    fleet_fail_region(1, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    for (size_t i = 0; i < fleet.event_count; i++)
        assert_event(i, INCIDENT_UPDATED, kept.incident.key, 1);
    fleet.event_count = 0;
    fleet_quiet(12);
    fleet_expect(1);
    assert_event(0, INCIDENT_CLOSED, kept.incident.key, 1);
    assert_int_equal(fleet.events[0].incident.id, 9);
}

static void test_learn_only(void **state)
{
    (void)state;
    fleet_start(ten, 10, 2);
    fleet_fill();
    fleet_fail_region(1, NULL, OUTCOME_TCP_REFUSED);
    for (unsigned r = 0; r < 10; r++) {
        fleet.round++;
        struct watch_round round = {.id = fleet.round,
                                    .start_us = INT64_C(1700000000000000) + (int64_t)fleet.round * 60000000,
                                    .interval_s = 60,
                                    .sight_count = fleet.sight_count,
                                    .sights = fleet.sights};
        assert_true(watch_round(fleet.watch, &round, NULL, NULL));
    }
    fleet_expect(0);
    fleet_rounds(1);
    fleet_expect(1);
}

static void test_conditions(void **state)
{
    (void)state;
    int64_t endpoints[] = {1};
    const char *hints[] = {"renew it"};
    struct incident condition = {.kind = INCIDENT_DIFFERS,
                                 .key = "differs/issuer/region/cn",
                                 .place = {.kind = PLACE_REGION, .region = "cn", .edge = "", .pop = ""},
                                 .confidence = 0.9,
                                 .endpoint_count = 1,
                                 .endpoint_ids = endpoints,
                                 .hint_count = 1,
                                 .hints = {hints[0]}};
    fleet_start(ten, 10, 2);
    fleet_fill();
    fleet_round_with(&condition, 1);
    fleet_expect(0);
    fleet_round_with(&condition, 1);
    fleet_expect(1);
    assert_event(0, INCIDENT_OPENED, "differs/issuer/region/cn", 1);
    assert_string_equal(fleet.events[0].hints, "renew it\n");
    fleet_round_with(&condition, 1);
    fleet_expect(1);
    fleet_rounds(10);
    fleet_expect(2);
    assert_int_equal(fleet.events[1].change, INCIDENT_CLOSED);
    condition.kind = INCIDENT_EXPIRES;
    snprintf(condition.key, sizeof condition.key, "certificate-expires/1");
    fleet_round_with(&condition, 1);
    fleet_expect(3);
    assert_event(2, INCIDENT_OPENED, "certificate-expires/1", 1);
}

/* Ids that nobody made known, and texts without end, do no harm. */
static void test_strangers(void **state)
{
    (void)state;
    char pop[32];
    fleet_start(ten, 10, 1);
    for (unsigned r = 0; r < 1200; r++) {
        fleet_fill();
        for (unsigned v = 1; v <= 10; v++) {
            snprintf(pop, sizeof pop, "p%u-%u", r, v);
            fleet_sight(1, v)->pop = pop;
            fleet_sight(1, v)->address = (struct address){4, {10, (uint8_t)v, (uint8_t)(r >> 8), (uint8_t)r}};
        }
        fleet.sights[fleet.sight_count] = fleet.sights[0];
        fleet.sights[fleet.sight_count++].endpoint_id = 4711;
        fleet.sights[fleet.sight_count] = fleet.sights[0];
        fleet.sights[fleet.sight_count++].vantage_id = 4711;
        fleet_rounds(1);
    }
    fleet_expect(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_pooled_by_region, fleet_stop),
        cmocka_unit_test_teardown(test_pooled_by_site, fleet_stop),
        cmocka_unit_test_teardown(test_pooled_by_address, fleet_stop),
        cmocka_unit_test_teardown(test_address_is_well, fleet_stop),
        cmocka_unit_test_teardown(test_different_faults, fleet_stop),
        cmocka_unit_test_teardown(test_kinds_stay_apart, fleet_stop),
        cmocka_unit_test_teardown(test_mixed_classes, fleet_stop),
        cmocka_unit_test_teardown(test_revised, fleet_stop),
        cmocka_unit_test_teardown(test_closing, fleet_stop),
        cmocka_unit_test_teardown(test_silence_is_not_clean, fleet_stop),
        cmocka_unit_test_teardown(test_flapping, fleet_stop),
        cmocka_unit_test_teardown(test_back_again, fleet_stop),
        cmocka_unit_test_teardown(test_resume, fleet_stop),
        cmocka_unit_test_teardown(test_learn_only, fleet_stop),
        cmocka_unit_test_teardown(test_conditions, fleet_stop),
        cmocka_unit_test_teardown(test_strangers, fleet_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "collector/diff/watch_fleet.h"

/* Edges that answer for their origin: one fault, and the origin's. */

enum { EDGE = 1, ORIGIN = 2, OTHER = 3 };

static void start(void)
{
    fleet_start(ten, 10, 0);
    fleet_site("shop", 1, ROLE_EDGE, "", false);
    fleet_site("shop", 1, ROLE_ORIGIN, "192.0.2.2", false);
    fleet_site("other", 4, ROLE_PLAIN, "", false);
    fleet_quiet(10);
}

static void answer(int64_t edge, int status)
{
    for (size_t v = 0; v < fleet.vantage_count; v++) {
        fleet_fail(edge, fleet.vantages[v].id, OUTCOME_HTTP_EDGE_ORIGIN);
        fleet_sight(edge, fleet.vantages[v].id)->outcome.raw_kind = RAW_HTTP_STATUS;
        fleet_sight(edge, fleet.vantages[v].id)->outcome.raw = status;
    }
}

static void expire(void)
{
    fleet_fail_region(ORIGIN, NULL, OUTCOME_CERT_EXPIRED);
    for (size_t v = 0; v < fleet.vantage_count; v++) {
        struct sight *sight = fleet_sight(ORIGIN, fleet.vantages[v].id);
        sight->cause = CAUSE_CERT_EXPIRED;
        sight->certainty = CERTAINTY_CONFIRMED;
    }
}

static const struct event *event_of(size_t at, enum incident_change change, const char *key)
{
    assert_true(at < fleet.event_count);
    const struct event *event = &fleet.events[at];
    if (event->change != change || strcmp(event->incident.key, key) != 0)
        fail_msg("event %zu: %s %s", at, incident_change_name((int)event->change), event->incident.key);
    return event;
}

static const char origin_key[] = "fails/endpoint/2/cert.expired",
                  edge_key[] = "fails/endpoint/1/http.edge_origin";

/* Both begin in one round; a little of the loss that delays one of them makes no difference. */
static void test_one_fault(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(8);
    fleet_expect(1);
    const struct event *opened = event_of(0, INCIDENT_OPENED, origin_key);
    assert_int_equal(opened->incident.endpoint_count, 2);
    assert_int_equal(opened->endpoint_ids[0], ORIGIN);
    assert_int_equal(opened->endpoint_ids[1], EDGE);
    assert_int_equal(opened->incident.follower_count, 1);
    assert_int_equal(opened->followers[0].endpoint_id, EDGE);
    assert_int_equal(opened->followers[0].outcome.raw, 526);
    assert_int_equal(opened->incident.place.kind, PLACE_ENDPOINT);
    assert_int_equal(opened->incident.outcome.class, OUTCOME_CERT_EXPIRED);
    assert_int_equal(opened->incident.cause, CAUSE_CERT_EXPIRED);
    assert_int_equal(opened->incident.certainty, CERTAINTY_CONFIRMED);
    assert_int_equal(opened->incident.failed, opened->incident.attempts);
    assert_true(opened->incident.attempts <= 10 * opened->round);
}

/* The numbers are those of the origin alone. */
static void test_no_say(void **state)
{
    struct incident alone;
    (void)state;
    start();
    fleet_fill();
    expire();
    fleet_rounds(3);
    fleet_expect(1);
    alone = fleet.events[0].incident;
    fleet_stop(NULL);
    start();
    fleet_fill();
    expire();
    answer(EDGE, 526);
    fleet_rounds(3);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.failed, alone.failed);
    assert_int_equal(fleet.events[0].incident.attempts, alone.attempts);
    /* what the edge shows teaches baselines a little */
    assert_true(fleet.events[0].incident.confidence > alone.confidence - 0.01);
    assert_true(fleet.events[0].incident.confidence < alone.confidence + 0.01);
    assert_true(fleet.events[0].incident.sign_p == alone.sign_p);
    assert_int_equal(fleet.events[0].incident.vantage_count, alone.vantage_count);
}

static void test_origin_is_well(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    fleet_rounds(6);
    fleet_expect(1);
    assert_int_equal(event_of(0, INCIDENT_OPENED, edge_key)->incident.follower_count, 0);
}

/* What fails elsewhere, under another name or for one region only, is not what the edge speaks of. */
static void test_not_its_origin(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    fleet_fail_region(OTHER, NULL, OUTCOME_CERT_EXPIRED);
    fleet_fail_region(ORIGIN, "cn", OUTCOME_HELLO_RESET);
    fleet_rounds(6);
    fleet_expect(3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fleet.events[i].incident.follower_count, 0);
}

static void test_fail_alike(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    answer(ORIGIN, 526);
    fleet_rounds(6);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.endpoint_count, 2);
    assert_int_equal(fleet.events[0].incident.follower_count, 0);
}

/* The edge is first to say so: its incident ends when the origin's begins, and goes on when the edge is left alone with it. */
static void test_moves_over(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    fleet_rounds(6);
    expire();
    fleet_rounds(4);
    fleet_expect(3);
    (void)event_of(0, INCIDENT_OPENED, edge_key);
    (void)event_of(1, INCIDENT_CLOSED, edge_key);
    assert_int_equal(event_of(2, INCIDENT_OPENED, origin_key)->incident.follower_count, 1);
    fleet_fill();
    answer(EDGE, 526);
    fleet_rounds(14);
    fleet_expect(5);
    assert_int_equal(event_of(3, INCIDENT_CLOSED, origin_key)->incident.endpoint_count, 2);
    (void)event_of(4, INCIDENT_OPENED, edge_key);
}

static void test_edge_recovers_first(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(4);
    fleet_fill();
    expire();
    fleet_rounds(8);
    fleet_expect(2);
    const struct event *updated = event_of(1, INCIDENT_UPDATED, origin_key);
    assert_int_equal(updated->incident.endpoint_count, 1);
    assert_int_equal(updated->incident.follower_count, 0);
    assert_int_equal(updated->endpoint_ids[0], ORIGIN);
    fleet_quiet(12);
    fleet_expect(3);
    (void)event_of(2, INCIDENT_CLOSED, origin_key);
}

/* It closes by what the origin shows. */
static void test_both_recover(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(4);
    fleet_quiet(12);
    fleet_expect(2);
    assert_int_equal(event_of(1, INCIDENT_CLOSED, origin_key)->incident.endpoint_count, 2);
}

/* The edge begins to fail in a way of its own: a fault beside the one that it followed. */
static void test_edge_fails_otherwise(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(4);
    fleet_fill();
    fleet_fail_region(EDGE, NULL, OUTCOME_TCP_REFUSED);
    expire();
    fleet_rounds(12);
    bool own = false;
    for (size_t i = 0; i < fleet.event_count; i++)
        own = own || strcmp(fleet.events[i].incident.key, "fails/endpoint/1/tcp.refused") == 0;
    assert_true(own);
    fleet.event_count = 0;
    watch_each(fleet.watch, fleet_log, NULL);
    fleet_expect(2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fleet.events[i].incident.endpoint_count, 1);
        assert_int_equal(fleet.events[i].incident.follower_count, 0);
    }
}

static void test_resume(void **state)
{
    (void)state;
    start();
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(4);
    struct event kept = fleet.events[0];
    kept.incident.id = 9;
    kept.incident.endpoint_ids = kept.endpoint_ids;
    kept.incident.vantage_ids = kept.vantage_ids;
    kept.incident.followers = kept.followers;
    kept.incident.place.region = kept.incident.place.edge = kept.incident.place.pop = "";
    fleet_stop(NULL);
    start();
    fleet.round = 15;
    assert_true(watch_resume(fleet.watch, &kept.incident));
    fleet_fill();
    answer(EDGE, 526);
    expire();
    fleet_rounds(6);
    for (size_t i = 0; i < fleet.event_count; i++)
        assert_int_equal(event_of(i, INCIDENT_UPDATED, origin_key)->incident.follower_count, 1);
    fleet.event_count = 0;
    watch_each(fleet.watch, fleet_log, NULL);
    fleet_expect(1);
    assert_int_equal(fleet.events[0].incident.id, 9);
    assert_int_equal(fleet.events[0].incident.endpoint_count, 2);
    assert_int_equal(fleet.events[0].incident.follower_count, 1);
    assert_int_equal(fleet.events[0].incident.place.endpoint_id, ORIGIN);
}

/* A certificate that was about to end has ended: what fails because of it takes over at once. */
static void test_expiry_gives_way(void **state)
{
    (void)state;
    int64_t endpoints[] = {ORIGIN};
    struct incident soon = {
        .kind = INCIDENT_EXPIRES,
        .key = "certificate-expires/1",
        .place = {.kind = PLACE_ENDPOINT, .endpoint_id = ORIGIN, .region = "", .edge = "", .pop = ""},
        .confidence = 1,
        .endpoint_count = 1,
        .endpoint_ids = endpoints};
    start();
    fleet_round_with(&soon, 1);
    fleet_expect(1);
    expire();
    fleet_rounds(4);
    fleet_expect(3);
    (void)event_of(1, INCIDENT_CLOSED, "certificate-expires/1");
    (void)event_of(2, INCIDENT_OPENED, origin_key);
    assert_int_equal(fleet.events[1].round, fleet.events[2].round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_one_fault, fleet_stop),
        cmocka_unit_test_teardown(test_no_say, fleet_stop),
        cmocka_unit_test_teardown(test_origin_is_well, fleet_stop),
        cmocka_unit_test_teardown(test_not_its_origin, fleet_stop),
        cmocka_unit_test_teardown(test_fail_alike, fleet_stop),
        cmocka_unit_test_teardown(test_moves_over, fleet_stop),
        cmocka_unit_test_teardown(test_edge_recovers_first, fleet_stop),
        cmocka_unit_test_teardown(test_both_recover, fleet_stop),
        cmocka_unit_test_teardown(test_edge_fails_otherwise, fleet_stop),
        cmocka_unit_test_teardown(test_resume, fleet_stop),
        cmocka_unit_test_teardown(test_expiry_gives_way, fleet_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

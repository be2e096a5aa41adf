#ifndef PARALLAX_TESTS_WATCH_FLEET_H
#define PARALLAX_TESTS_WATCH_FLEET_H

#include "diff/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A watch with a fleet made by table, rounds of sights made by rules, and a log of what it told. */

enum { FLEET_MAX_SIGHTS = 4096, FLEET_MAX_EVENTS = 64, FLEET_MAX_IDS = 64 };

struct event {
    enum incident_change change;
    struct incident incident;
    int64_t endpoint_ids[FLEET_MAX_IDS], vantage_ids[FLEET_MAX_IDS];
    struct follower followers[FLEET_MAX_IDS];
    char caveats[512], hints[512], region[64], edge[64], pop[64];
    unsigned round;
};

struct fleet {
    struct watch *watch;
    const struct matrix_vantage *vantages;
    size_t vantage_count;
    unsigned endpoint_count;
    unsigned round;
    struct sight sights[FLEET_MAX_SIGHTS];
    size_t sight_count;
    size_t event_count;
    struct event events[FLEET_MAX_EVENTS];
};

static struct fleet fleet;

/* cn: 1 and 2 in one ASN, 3 and 4 in another; hk: 5, 6; overseas: 7 to 10. */
static const struct matrix_vantage ten[] = {
    {1, "cn-1", "cn", 4134},        {2, "cn-2", "cn", 4134},        {3, "cn-3", "cn", 4837},
    {4, "cn-4", "cn", 4837},        {5, "hk-1", "hk", 9304},        {6, "hk-2", "hk", 4760},
    {7, "us-1", "overseas", 14061}, {8, "us-2", "overseas", 14061}, {9, "de-1", "overseas", 24940},
    {10, "jp-1", "overseas", 2516},
};

static inline void fleet_log(const struct incident *incident, enum incident_change change, void *arg)
{
    (void)arg;
    assert_true(fleet.event_count < FLEET_MAX_EVENTS);
    struct event *event = &fleet.events[fleet.event_count++];
    memset(event, 0, sizeof *event);
    event->change = change;
    event->incident = *incident;
    event->round = fleet.round;
    for (size_t i = 0; i < incident->endpoint_count && i < FLEET_MAX_IDS; i++)
        event->endpoint_ids[i] = incident->endpoint_ids[i];
    for (size_t i = 0; i < incident->vantage_count && i < FLEET_MAX_IDS; i++)
        event->vantage_ids[i] = incident->vantage_ids[i];
    for (size_t i = 0; i < incident->follower_count && i < FLEET_MAX_IDS; i++)
        event->followers[i] = incident->followers[i];
    for (size_t i = 0; i < incident->caveat_count; i++)
        snprintf(event->caveats + strlen(event->caveats), sizeof event->caveats - strlen(event->caveats),
                 "%s\n", incident->caveats[i]);
    for (size_t i = 0; i < incident->hint_count; i++)
        snprintf(event->hints + strlen(event->hints), sizeof event->hints - strlen(event->hints), "%s\n",
                 incident->hints[i]);
    snprintf(event->region, sizeof event->region, "%s", incident->place.region);
    snprintf(event->edge, sizeof event->edge, "%s", incident->place.edge);
    snprintf(event->pop, sizeof event->pop, "%s", incident->place.pop);
}

static inline void fleet_site(const char *site, unsigned endpoints, enum endpoint_role role,
                              const char *address, bool sentinel)
{
    for (unsigned i = 0; i < endpoints; i++) {
        struct matrix_endpoint endpoint = {.id = ++fleet.endpoint_count,
                                           .site = site,
                                           .role = role,
                                           .host = "host.example",
                                           .port = 443,
                                           .sni = "host.example",
                                           .address = address};
        assert_true(watch_endpoint(fleet.watch, &endpoint, sentinel));
    }
}

static inline void fleet_start(const struct matrix_vantage *vantages, size_t count, unsigned endpoints)
{
    struct watch_options options;
    memset(&fleet, 0, sizeof fleet);
    watch_defaults(&options);
    fleet.watch = watch_new(&options);
    fleet.vantages = vantages;
    fleet.vantage_count = count;
    assert_non_null(fleet.watch);
    for (size_t v = 0; v < count; v++)
        assert_true(watch_vantage(fleet.watch, &vantages[v]));
    fleet_site("", endpoints, ROLE_PLAIN, "", false);
}

static inline int fleet_stop(void **state)
{
    (void)state;
    watch_free(fleet.watch);
    fleet.watch = NULL;
    return 0;
}

static inline struct address fleet_address(unsigned number)
{
    return (struct address){4, {192, 0, 2, (uint8_t)number}};
}

/* Everybody passes everywhere. */
static inline void fleet_fill(void)
{
    fleet.sight_count = 0;
    for (unsigned e = 1; e <= fleet.endpoint_count; e++) {
        for (size_t v = 0; v < fleet.vantage_count; v++) {
            assert_true(fleet.sight_count < FLEET_MAX_SIGHTS);
            fleet.sights[fleet.sight_count++] =
                (struct sight){.endpoint_id = e,
                               .vantage_id = fleet.vantages[v].id,
                               .outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0),
                               .address = fleet_address(e),
                               .edge = "",
                               .pop = ""};
        }
    }
}

static inline struct sight *fleet_sight(int64_t endpoint, int64_t vantage)
{
    for (size_t i = 0; i < fleet.sight_count; i++) {
        if (fleet.sights[i].endpoint_id == endpoint && fleet.sights[i].vantage_id == vantage)
            return &fleet.sights[i];
    }
    fail_msg("no sight of endpoint %d from vantage %d", (int)endpoint, (int)vantage);
    return NULL;
}

static inline void fleet_fail(int64_t endpoint, int64_t vantage, enum outcome_class class)
{
    struct sight *sight = fleet_sight(endpoint, vantage);
    sight->outcome = outcome_make(class, RAW_NONE, 0);
    sight->confirm = CONFIRM_FAILED;
}

static inline void fleet_fail_region(int64_t endpoint, const char *region, enum outcome_class class)
{
    for (size_t v = 0; v < fleet.vantage_count; v++) {
        if (region == NULL || strcmp(fleet.vantages[v].region, region) == 0)
            fleet_fail(endpoint, fleet.vantages[v].id, class);
    }
}

static inline void fleet_round_with(const struct incident *conditions, size_t count)
{
    fleet.round++;
    struct watch_round round = {.id = fleet.round,
                                .start_us = INT64_C(1700000000000000) + (int64_t)fleet.round * 60000000,
                                .interval_s = 60,
                                .sight_count = fleet.sight_count,
                                .sights = fleet.sights,
                                .condition_count = count,
                                .conditions = conditions};
    assert_true(watch_round(fleet.watch, &round, fleet_log, NULL));
}

/* The round as it stands, so often. */
static inline void fleet_rounds(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fleet_round_with(NULL, 0);
}

static inline void fleet_quiet(unsigned rounds)
{
    fleet_fill();
    fleet_rounds(rounds);
}

static inline void fleet_expect(size_t events)
{
    if (fleet.event_count != events) {
        for (size_t i = 0; i < fleet.event_count; i++)
            print_message("round %u: %s %s (%s) confidence %.3f, %zu endpoints\n", fleet.events[i].round,
                          incident_change_name((int)fleet.events[i].change), fleet.events[i].incident.key,
                          place_kind_name((int)fleet.events[i].incident.place.kind),
                          fleet.events[i].incident.confidence, fleet.events[i].incident.endpoint_count);
    }
    assert_int_equal(fleet.event_count, events);
}

#endif

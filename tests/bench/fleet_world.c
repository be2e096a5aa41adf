#include "fleet_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES = 3, ROUND_S = 60, RESIDUAL_S = 90, PATH_MEMORY_ROUNDS = 10 };

/* Gilbert and Elliott: a good state, and bad ones that come and last for exponential times. */
struct burst {
    double left_rounds; /* of the bad state; at or below 0: good */
    double loss;
};

/* One vantage's way to one endpoint. */
struct path {
    struct burst burst;
    unsigned since_burst; /* rounds */
    bool port_decides;    /* inside a fault: the source port decides, else it comes and goes in runs */
    double blocked_ports; /* share */
    bool blocked;         /* the run it is in */
    double block_rate;
    int64_t residual_until_s;
    unsigned address; /* the resolver's answer now */
};

struct carrier {
    int64_t asn;
    struct burst burst;
};

enum { REGIONS = 3, MAX_CARRIERS = 24 };
static const char *const region_names[REGIONS] = {"cn", "hk", "overseas"};

struct world {
    struct world_options options;
    uint64_t random;
    int64_t now_s, round;
    size_t vantage_count, endpoint_count;
    struct matrix_vantage *vantages;
    char (*names)[16];
    unsigned *region_of, *carrier_of;
    struct burst *agents;
    struct carrier carriers[MAX_CARRIERS];
    size_t carrier_count;
    double weather[REGIONS]; /* logarithm of how bad the region's links are now */
    struct path *paths;
    struct sight *sights;
    size_t sight_count;
    enum world_fault fault;
    unsigned broken_endpoints;
    unsigned broken_region, broken_carrier, broken_vantage, broken_address;
    enum outcome_class broken_class;
    bool lingers;
};

/* --- randomness of its own (xorshift64*, Vigna 2016) ------------------------------------------------------------------ */

static uint64_t next_random(struct world *world)
{
    uint64_t x = world->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    world->random = x;
    return x * UINT64_C(2685821657736338717);
}

static double uniform(struct world *world)
{
    return (double)(next_random(world) >> 11) / 9007199254740992.0;
}

static bool chance(struct world *world, double p)
{
    return uniform(world) < p;
}

static double exponential(struct world *world, double mean)
{
    return -mean * log(1 - uniform(world));
}

static double normal(struct world *world)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += uniform(world);
    return sum - 6;
}

uint64_t world_random(struct world *world, uint64_t below)
{
    return next_random(world) % below;
}

/* --- the fleet -------------------------------------------------------------------------------------------------------- */

struct mix {
    int64_t asn;
    unsigned region;
    unsigned counts[4]; /* of 4, 10, 30, 100 */
};

static const struct mix mixes[] = {
    {4134, 0, {1, 2, 4, 12}},  {4837, 0, {1, 2, 4, 12}},  {9808, 0, {0, 0, 4, 8}},
    {4538, 0, {0, 0, 0, 8}},   {9304, 1, {1, 1, 2, 8}},   {4760, 1, {0, 1, 2, 6}},
    {9269, 1, {0, 0, 2, 6}},   {14061, 2, {1, 2, 4, 10}}, {24940, 2, {0, 1, 3, 10}},
    {16509, 2, {0, 1, 3, 10}}, {63949, 2, {0, 0, 2, 10}},
};

void world_defaults(struct world_options *options, unsigned vantages, uint64_t seed)
{
    *options = (struct world_options){.vantages = vantages,
                                      .endpoints = 6,
                                      .sentinels = 3,
                                      .cn_loss = 0.05,
                                      .hk_loss = 0.005,
                                      .overseas_loss = 0.01,
                                      .rate = 0.7,
                                      .seed = seed};
}

static void add_vantages(struct world *world, const struct mix *mix, unsigned count)
{
    if (count == 0)
        return;
    unsigned carrier = (unsigned)world->carrier_count++;
    world->carriers[carrier].asn = mix->asn;
    for (unsigned i = 0; i < count; i++) {
        size_t at = world->vantage_count++;
        snprintf(world->names[at], sizeof world->names[at], "%s-%zu", region_names[mix->region], at + 1);
        world->vantages[at] =
            (struct matrix_vantage){(int64_t)at + 1, world->names[at], region_names[mix->region], mix->asn};
        world->region_of[at] = mix->region;
        world->carrier_of[at] = carrier;
    }
}

static void make_paths(struct world *world)
{
    for (size_t p = 0; p < world->vantage_count * world->endpoint_count; p++) {
        struct path *path = &world->paths[p];
        path->since_burst = PATH_MEMORY_ROUNDS + 1;
        path->address = (unsigned)world_random(world, ADDRESSES);
    }
}

struct world *world_new(const struct world_options *options)
{
    struct world *world = calloc(1, sizeof *world);
    size_t room = options->vantages, size = options->vantages == 4    ? 0
                                            : options->vantages == 10 ? 1
                                            : options->vantages == 30 ? 2
                                                                      : 3;
    if (world == NULL)
        return NULL;
    world->options = *options;
    world->random = options->seed * UINT64_C(0x9e3779b97f4a7c15) + 88172645463325252u;
    world->now_s = 1700000000;
    world->endpoint_count = options->endpoints + options->sentinels;
    world->vantages = calloc(room, sizeof *world->vantages);
    world->names = calloc(room, sizeof *world->names);
    world->region_of = calloc(room, sizeof *world->region_of);
    world->carrier_of = calloc(room, sizeof *world->carrier_of);
    world->agents = calloc(room, sizeof *world->agents);
    world->paths = calloc(room * world->endpoint_count, sizeof *world->paths);
    world->sights = calloc(room * world->endpoint_count, sizeof *world->sights);
    if (world->vantages == NULL || world->names == NULL || world->region_of == NULL ||
        world->carrier_of == NULL || world->agents == NULL || world->paths == NULL || world->sights == NULL) {
        world_free(world);
        return NULL;
    }
    for (size_t m = 0; m < sizeof mixes / sizeof mixes[0]; m++)
        add_vantages(world, &mixes[m], mixes[m].counts[size]);
    make_paths(world);
    return world;
}

void world_free(struct world *world)
{
    if (world == NULL)
        return;
    free(world->vantages);
    free(world->names);
    free(world->region_of);
    free(world->carrier_of);
    free(world->agents);
    free(world->paths);
    free(world->sights);
    free(world);
}

bool world_introduce(const struct world *world, struct watch *watch)
{
    for (size_t v = 0; v < world->vantage_count; v++) {
        if (!watch_vantage(watch, &world->vantages[v]))
            return false;
    }
    for (size_t e = 0; e < world->endpoint_count; e++) {
        struct matrix_endpoint endpoint = {.id = (int64_t)e + 1,
                                           .site = "",
                                           .role = ROLE_PLAIN,
                                           .host = "host.example",
                                           .port = 443,
                                           .sni = "host.example",
                                           .address = ""};
        if (!watch_endpoint(watch, &endpoint, e >= world->options.endpoints))
            return false;
    }
    return true;
}

size_t world_vantage_count(const struct world *world)
{
    return world->vantage_count;
}

/* --- what goes wrong ---------------------------------------------------------------------------------------------------- */

static void turn_burst(struct world *world, struct burst *burst, double gap_days, double length_rounds,
                       double loss)
{
    double per_round = ROUND_S / (gap_days * 86400);
    burst->left_rounds -= 1;
    if (burst->left_rounds > 0 || world->options.calm || !chance(world, per_round))
        return;
    burst->left_rounds = 1 + exponential(world, length_rounds);
    burst->loss = loss * (0.7 + 0.6 * uniform(world));
    burst->loss = burst->loss > 1 ? 1 : burst->loss;
}

/* Links are worse in the evening, and better and worse for half an hour at a time; the mean over a day is the option's. */
static void turn_weather(struct world *world)
{
    for (unsigned r = 0; r < REGIONS; r++)
        world->weather[r] = 0.97 * world->weather[r] + 0.24 * 0.5 * normal(world);
}

static double link_loss(const struct world *world, unsigned region)
{
    const struct world_options *options = &world->options;
    double base = region == 0 ? options->cn_loss : region == 1 ? options->hk_loss : options->overseas_loss;
    double hour = (double)(world->now_s % 86400) / 86400 * 2 * 3.14159265358979;
    double loss = base * (1 + 0.6 * sin(hour)) * exp(world->weather[region] - 0.12);
    return loss > 0.5 ? 0.5 : loss;
}

static void turn_path(struct world *world, struct path *path)
{
    turn_burst(world, &path->burst, 5, 3, 0.7);
    path->since_burst = path->burst.left_rounds > 0 ? 0 : path->since_burst + (path->since_burst < 1000);
    if (chance(world, 0.2))
        path->address = (unsigned)world_random(world, ADDRESSES);
    /* A run of being blocked ends with one chance in three; one of passing so that the share comes out right. */
    double ends = 1.0 / 3,
           begins = path->block_rate >= 0.95 ? 1 : ends * path->block_rate / (1 - path->block_rate);
    path->blocked = path->blocked ? !chance(world, ends) || path->block_rate >= 0.95
                                  : chance(world, begins > 1 ? 1 : begins);
}

static void turn(struct world *world)
{
    world->now_s += ROUND_S;
    world->round++;
    turn_weather(world);
    for (size_t v = 0; v < world->vantage_count; v++)
        turn_burst(world, &world->agents[v], 3, 10, 0.8);
    for (size_t c = 0; c < world->carrier_count; c++)
        turn_burst(world, &world->carriers[c].burst, 7, 4, 0.25);
    for (size_t p = 0; p < world->vantage_count * world->endpoint_count; p++)
        turn_path(world, &world->paths[p]);
}

static bool is_inside(const struct world *world, size_t e, size_t v, unsigned address)
{
    if (world->fault == WORLD_SICK)
        return v == world->broken_vantage;
    if (e >= world->broken_endpoints)
        return false;
    switch (world->fault) {
    case WORLD_ENDPOINT:
        return true;
    case WORLD_REGION:
        return world->region_of[v] == world->broken_region;
    case WORLD_ASN:
        return world->carrier_of[v] == world->broken_carrier;
    case WORLD_PATH:
        return v == world->broken_vantage;
    case WORLD_ADDRESS:
        return address == world->broken_address;
    case WORLD_WELL:
    case WORLD_SICK:
    case WORLD_FAULTS:
        break;
    }
    return false;
}

static enum outcome_class lost_class(struct world *world)
{
    double u = uniform(world);
    return u < 0.6   ? OUTCOME_TCP_TIMEOUT
           : u < 0.8 ? OUTCOME_HELLO_SILENT
           : u < 0.9 ? OUTCOME_TLS_STALLED
                     : OUTCOME_HTTP_SILENT;
}

/* One connection. */
static enum outcome_class connect_once(struct world *world, size_t e, size_t v, int64_t at_s)
{
    struct path *path = &world->paths[v * world->endpoint_count + e];
    const struct burst *carrier = &world->carriers[world->carrier_of[v]].burst;
    double pass = 1 - link_loss(world, world->region_of[v]);
    pass *= world->agents[v].left_rounds > 0 ? 1 - world->agents[v].loss : 1;
    pass *= carrier->left_rounds > 0 ? 1 - carrier->loss : 1;
    pass *= path->burst.left_rounds > 0 ? 1 - path->burst.loss : 1;
    if (!chance(world, pass))
        return lost_class(world);
    if (!is_inside(world, e, v, path->address))
        return OUTCOME_OK;
    if (at_s < path->residual_until_s && chance(world, 0.5 + 0.25 * uniform(world)))
        return OUTCOME_HELLO_SILENT;
    bool blocked = path->port_decides ? chance(world, path->blocked_ports) : path->blocked;
    if (!blocked)
        return OUTCOME_OK;
    if (world->lingers)
        path->residual_until_s = at_s + RESIDUAL_S;
    return world->broken_class;
}

/* A retry follows within seconds: what lost the first is likely there still. */
static bool retry_fails(struct world *world, size_t e, size_t v, enum outcome_class first)
{
    if (first != world->broken_class && chance(world, 0.3))
        return true;
    return connect_once(world, e, v, world->now_s + 5) != OUTCOME_OK;
}

static void look(struct world *world, size_t e, size_t v)
{
    const struct path *path = &world->paths[v * world->endpoint_count + e];
    enum outcome_class class = connect_once(world, e, v, world->now_s);
    struct sight *sight = &world->sights[world->sight_count++];
    *sight = (struct sight){.endpoint_id = (int64_t)e + 1,
                            .vantage_id = (int64_t)v + 1,
                            .outcome = outcome_make(class, RAW_NONE, 0),
                            .address = {4, {203, 0, (uint8_t)e, (uint8_t)(path->address + 1)}},
                            .edge = "",
                            .pop = ""};
    if (class != OUTCOME_OK)
        sight->confirm = retry_fails(world, e, v, class) ? CONFIRM_FAILED : CONFIRM_PASSED;
}

struct watch_round world_round(struct world *world)
{
    turn(world);
    world->sight_count = 0;
    for (size_t e = 0; e < world->endpoint_count; e++) {
        for (size_t v = 0; v < world->vantage_count; v++)
            look(world, e, v);
    }
    return (struct watch_round){.id = world->round,
                                .start_us = world->now_s * 1000000,
                                .interval_s = ROUND_S,
                                .sight_count = world->sight_count,
                                .sights = world->sights};
}

/* --- faults --------------------------------------------------------------------------------------------------------------- */

static unsigned count_in(const struct world *world, const unsigned *of, unsigned value)
{
    unsigned count = 0;
    for (size_t v = 0; v < world->vantage_count; v++)
        count += of[v] == value;
    return count;
}

/* One with two vantages or more, and for a carrier not all of its region. */
static bool draw_place(struct world *world)
{
    for (unsigned tries = 0; tries < 200; tries++) {
        unsigned region = (unsigned)world_random(world, REGIONS);
        unsigned carrier = (unsigned)world_random(world, world->carrier_count);
        size_t member = 0;
        while (world->carrier_of[member] != carrier)
            member++;
        unsigned in_region = count_in(world, world->region_of, region);
        unsigned in_carrier = count_in(world, world->carrier_of, carrier);
        world->broken_region = region;
        world->broken_carrier = carrier;
        if (world->fault == WORLD_REGION
                ? in_region >= 2
                : in_carrier >= 2 && in_carrier < count_in(world, world->region_of, world->region_of[member]))
            return true;
    }
    return false;
}

/* Each path has its own share of blocked ports, or its own runs; over all of them the share is the option's. */
static void draw_blocking(struct world *world)
{
    static const double ports_decide = 0.42;
    double rate = world->options.rate, spread = rate < 0.5 ? rate : 1 - rate;
    for (size_t p = 0; p < world->vantage_count * world->endpoint_count; p++) {
        struct path *path = &world->paths[p];
        path->port_decides = chance(world, ports_decide);
        path->blocked_ports = path->block_rate = rate + spread * (2 * uniform(world) - 1);
        path->blocked = chance(world, path->block_rate);
    }
}

bool world_break(struct world *world, enum world_fault fault, unsigned count)
{
    static const enum outcome_class classes[] = {OUTCOME_HELLO_RESET,  OUTCOME_TCP_TIMEOUT,
                                                 OUTCOME_TCP_REFUSED,  OUTCOME_HELLO_SILENT,
                                                 OUTCOME_CERT_EXPIRED, OUTCOME_HTTP_GATEWAY};
    world->fault = fault;
    world->broken_endpoints = count;
    world->broken_vantage = (unsigned)world_random(world, world->vantage_count);
    world->broken_address = (unsigned)world_random(world, ADDRESSES);
    world->broken_class = classes[world_random(world, sizeof classes / sizeof classes[0])];
    world->lingers = world->broken_class == OUTCOME_HELLO_RESET;
    if (fault == WORLD_SICK)
        world->broken_class = OUTCOME_TCP_TIMEOUT;
    draw_blocking(world);
    bool found = (fault != WORLD_REGION && fault != WORLD_ASN) || draw_place(world);
    if (!found)
        world->fault = WORLD_WELL;
    return found;
}

void world_mend(struct world *world)
{
    world->fault = WORLD_WELL;
}

bool world_is_place(const struct world *world, const struct place *place, int64_t endpoint_id)
{
    switch (world->fault) {
    case WORLD_ENDPOINT:
        return place->kind == PLACE_ENDPOINT && place->endpoint_id == endpoint_id;
    case WORLD_REGION:
        return place->kind == PLACE_REGION && strcmp(place->region, region_names[world->broken_region]) == 0;
    case WORLD_ASN:
        return place->kind == PLACE_ASN && place->asn == world->carriers[world->broken_carrier].asn;
    case WORLD_PATH:
    case WORLD_SICK:
        return place->kind == PLACE_VANTAGE && place->vantage_id == (int64_t)world->broken_vantage + 1;
    case WORLD_ADDRESS:
        return (place->kind == PLACE_DNS || place->kind == PLACE_EDGE) &&
               place->address.bytes[3] == world->broken_address + 1;
    case WORLD_WELL:
    case WORLD_FAULTS:
        break;
    }
    return false;
}

bool world_path_burst(const struct world *world, int64_t endpoint_id, int64_t vantage_id)
{
    size_t at = (size_t)(vantage_id - 1) * world->endpoint_count + (size_t)(endpoint_id - 1);
    return world->paths[at].since_burst <= PATH_MEMORY_ROUNDS;
}

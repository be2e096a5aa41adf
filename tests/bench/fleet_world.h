#ifndef PARALLAX_BENCH_FLEET_WORLD_H
#define PARALLAX_BENCH_FLEET_WORLD_H

#include "diff/watch.h"

/*
 * A made-up world for a fleet: links, carriers, paths and faults, round after round. It knows nothing of how the watch
 * thinks: what fails is drawn from what networks do (bursts, carriers that suffer together, ports that decide, blocks that
 * linger), with randomness of its own, and rounds are not independent.
 */

enum world_fault {
    WORLD_WELL,
    WORLD_ENDPOINT,
    WORLD_REGION,
    WORLD_ASN,
    WORLD_PATH,    /* one vantage at one endpoint */
    WORLD_ADDRESS, /* one of the addresses that DNS gives */
    WORLD_SICK,    /* one vantage, at everything */
    WORLD_FAULTS
};

struct world_options {
    unsigned vantages;  /* 4, 10, 30 or 100 */
    unsigned endpoints; /* sentinels come on top */
    unsigned sentinels;
    double cn_loss, hk_loss, overseas_loss; /* shares of attempts, over a day */
    double rate;                            /* of attempts that fail inside a fault */
    bool calm;                              /* no bursts of agents, carriers and paths: loss alone */
    uint64_t seed;
};

struct world;

void world_defaults(struct world_options *options, unsigned vantages, uint64_t seed);
struct world *world_new(const struct world_options *options); /* NULL without memory */
void world_free(struct world *world);

/** Makes its vantages and endpoints known to a watch. @return false without memory. */
bool world_introduce(const struct world *world, struct watch *watch);

/**
 * Begins a fault at the endpoints 1..count (ids), at a place drawn at random. @return false when this fleet has no such place.
 */
bool world_break(struct world *world, enum world_fault fault, unsigned count);
void world_mend(struct world *world);
/** What the watch should say of it. */
bool world_is_place(const struct world *world, const struct place *place, int64_t endpoint_id);

/** The next round, one minute after the last; the sights belong to the world. */
struct watch_round world_round(struct world *world);

/** Was a path of this endpoint in a burst of its own within the last ten minutes? */
bool world_path_burst(const struct world *world, int64_t endpoint_id, int64_t vantage_id);

size_t world_vantage_count(const struct world *world);
uint64_t world_random(struct world *world, uint64_t below);

#endif

#ifndef PARALLAX_BENCH_FLEET_TRIAL_H
#define PARALLAX_BENCH_FLEET_TRIAL_H

#include "fleet_world.h"

/* Runs the real watch over made-up worlds, beside three rules that people use. */

enum { TRIAL_MAX_ROUNDS = 30, TRIAL_MAX = 2000 };

/* X(symbol, name): when an endpoint is called down */
#define NAIVE_RULES(X)                                                                                       \
    X(NAIVE_THREE_IN_A_ROW, "three in a row at any vantage")                                                 \
    X(NAIVE_TWO_AT_ONCE, "two vantages at once, retried")                                                    \
    X(NAIVE_SHARE, "above 20 % of vantages")
#define NAIVE_ENUM(symbol, name) symbol,
enum naive { NAIVE_RULES(NAIVE_ENUM) NAIVE_COUNT };
const char *naive_name(enum naive rule);

struct quiet {
    double endpoint_days;
    unsigned opens; /* incidents of any kind but set-aside ones */
    unsigned opens_by[PLACE_SOME + 1];
    unsigned path_bursts; /* among them: one vantage, at a path that was in a burst */
    unsigned asides;
    unsigned naive_opens[NAIVE_COUNT];
};
/** Days in which no fault is made. @return false without memory. */
bool trial_quiet(const struct world_options *options, unsigned days, struct quiet *ret_quiet);

struct score {
    unsigned trials, impossible;
    unsigned opened;  /* an incident of the broken endpoint */
    unsigned correct; /* it named the place when it opened */
    unsigned settled; /* it names the place after TRIAL_MAX_ROUNDS */
    unsigned more;    /* further incidents of the broken endpoints */
    unsigned wrong_by[PLACE_SOME + 1];
    unsigned char rounds[TRIAL_MAX]; /* to open, of those that did; ascending */
    unsigned naive_opened[NAIVE_COUNT];
};
/** One fault at a time, each in a world of its own. @param count  trials, at most TRIAL_MAX. */
bool trial_fault(const struct world_options *options, enum world_fault fault, unsigned endpoints,
                 unsigned count, struct score *ret_score);
unsigned score_percentile(const struct score *score, unsigned percent);

#endif

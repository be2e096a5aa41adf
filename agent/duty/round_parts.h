#ifndef PARALLAX_DUTY_ROUND_PARTS_H
#define PARALLAX_DUTY_ROUND_PARTS_H

#include "duty/climbs.h"
#include "duty/lists.h"
#include "duty/round.h"
#include "link/handles.h"

/* One round (round.c), for what keeps all of them (rounds.c). Times are our monotonic clock's unless they say otherwise. */

enum {
    ROUND_DUE_US = 500,     /* the timer counts milliseconds: this near is now */
    ROUNDS_REMEMBERED = 64, /* so that a plan that is sent again after a lost session is not done again */
};

static const int64_t round_never_us = INT64_MAX;

struct slot {
    int64_t at_us; /* collector time */
    uint32_t endpoint;
};

struct confirm {
    int64_t due_us; /* monotonic */
    uint32_t endpoint;
    struct address address;
    struct climb *climb; /* that the attempt belongs to; NULL: none */
};

struct round {
    struct rounds *rounds;
    struct round_plan plan;
    struct held_list *list; /* NULL: waits */
    struct slot *slots;     /* NULL: waits */
    size_t next_slot;
    struct confirm *confirms; /* as many as may become necessary are made room for one by one */
    size_t confirm_count;
    size_t running; /* jobs with the prober */
    size_t awaited; /* climbs that have not come to their rest */
    struct round_report report;
};

struct rounds {
    struct rounds_deps deps;
    struct lists lists;
    struct climbs *climbs;
    struct round *rounds[ROUNDS_MAX];
    uv_timer_t timer;
    struct handles handles;
    uint64_t done[ROUNDS_REMEMBERED]; /* ids of rounds that were reported, as a ring */
    unsigned done_next;
    bool stopping;
    void (*closed)(void *arg);
    void *closed_arg;
};

/** Makes the slots, once its list is held and the collector's clock is known. @return false without memory. */
bool round_prepare(struct round *round);

/** Starts what is due. @return when the next thing of this round is. @param offset_us  collector time minus ours. */
int64_t round_turn(struct round *round, int64_t now_us, int64_t offset_us);

/** Nothing is due and nothing is under way. */
bool round_is_over(const struct round *round);

/** Nothing new from now on. */
void round_stop(struct round *round);

/** Its report into the spool. */
void round_report(const struct round *round);

void round_free(struct round *round);

/** Does what is due in every round, forgets those that are over, and sets the timer for what comes next (rounds.c). */
void rounds_turn(struct rounds *rounds);

#endif

#ifndef PARALLAX_SWEEP_SWEEP_H
#define PARALLAX_SWEEP_SWEEP_H

#include "duty/pace.h"
#include "duty/policy.h"
#include "hello/profile.h"
#include "sweep/list.h"
#include "words/evidence.h"

#include <uv.h>

/*
 * "Does it answer?", asked of very many endpoints: one connection and one ClientHello each, and the attempt is over with the
 * ServerHello, or with what came in its place. Resets, silences and alerts are evidence as in any attempt. Nothing is verified,
 * because nothing was encrypted yet.
 *
 * The list is read as fast as endpoints are begun, so memory does not grow with it: what is under way costs a small struct each,
 * and a buffer only where an answer comes in pieces.
 *
 * Single-threaded, on one loop. What an owner forbids is not sent: a name that is refused is not resolved, and an address is
 * asked about right before it is connected to.
 */
struct sweep;

enum {
    SWEEP_CONCURRENCY_MAX = 65536,
    SWEEP_RATE_MAX = 1000000,
};

enum sweep_flags { SWEEP_ONLY_IPV4 = 1 << 0, SWEEP_ONLY_IPV6 = 1 << 1 };

/** Of an endpoint that a sweep broke off in: which families of its name have been tried. */
struct sweep_undone {
    uint64_t index; /* in the list, from 0 */
    unsigned tried; /* enum sweep_flags, as a set */
};

/** Where a sweep stands. Lists ascend. */
struct sweep_position {
    uint64_t next; /* endpoints of the list that were begun */
    uint64_t list_hash;
    size_t undone_count;
    struct sweep_undone *undone; /* begun and not over */
};

struct sweep_options {
    struct sweep_list *list; /* borrowed; read from where it stands */
    const struct hello_profile *profile;
    const char *sni;             /* for endpoints that have none of their own; NULL: none */
    const struct policy *policy; /* the owner's, borrowed; NULL: whoever asks is the owner */
    const char *resolver;        /* as prober_options.resolver */
    struct address source;       /* connections go out from; none: the kernel's choice */
    uint64_t timeout_us;         /* of a connection, to the end of its answer */
    unsigned concurrency;        /* connections open at once */
    unsigned rate;               /* new connections a second */
    struct pace_rates address_rates;
    unsigned flags; /* enum sweep_flags */

    /** One attempt is over. Both are borrowed for the call. */
    void (*attempt)(const struct endpoint *endpoint, const struct attempt *attempt, void *arg);
    /** All is over; from the loop, once, after every handle is closed. Free it with sweep_free. */
    void (*closed)(void *arg);
    void *arg;
};

struct sweep_counts {
    uint64_t begun, done; /* endpoints */
    uint64_t attempts;
    unsigned open, waiting, resolving; /* connections; those that wait for their address's turn; names */
};

/** @param ret_why  one line; the caller frees it. NULL: without memory. @return NULL on failure. */
struct sweep *sweep_new(uv_loop_t *loop, const struct sweep_options *options, char **ret_why);

/**
 * Goes on from a position: passes over what is done.
 * @return 0; -1: the list is not the one of the position; an errno.
 */
int sweep_resume(struct sweep *sweep, const struct sweep_position *position);

void sweep_start(struct sweep *sweep);

/** Ends it at once: what is under way stays undone, and no attempt comes of it. */
void sweep_stop(struct sweep *sweep);

/** Also after it is closed. */
void sweep_counts(const struct sweep *sweep, struct sweep_counts *ret_counts);

/** @return false without memory. The caller frees ret_position->undone. */
bool sweep_position(const struct sweep *sweep, struct sweep_position *ret_position);

/** Did it run out of memory, or could the list not be read to its end? */
bool sweep_failed(const struct sweep *sweep);

/** After `closed` was called, or before sweep_start. */
void sweep_free(struct sweep *sweep);

#endif

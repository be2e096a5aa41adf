#ifndef PARALLAX_WORDS_LADDER_H
#define PARALLAX_WORDS_LADDER_H

#include "words/cause.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which attempt to make next, so that the look-alikes of a failure are told apart, and none made that could cause an
 * outage of its own. Pure: a function of what was seen so far; whoever asks makes the attempts (agent/probe/climb.h) and
 * adds them to the case.
 *
 * Order: retry from a new port, which when it works ends the climb; then controls (a neutral name, no name) before the
 * name that is suspected to trigger something is sent again; after a reset or a black hole the tuple (address, port, name)
 * rests before that. A control that failed is made once more after the rest, with role ATTEMPT_CONFIRM: when it works then,
 * the block was a temporary one. But for that, no variant is made twice.
 */

enum {
    LADDER_REST_US = 180 * 1000 * 1000, /* temporary blocks have been seen to last as long */
    LADDER_MAX_ATTEMPTS = 16,
    LADDER_BURST = 8, /* connections at once of VARIANT_BURST */
};
#define LADDER_CONTROL_SNI "example.com" /* RFC 2606, 3: nobody's */

struct ladder_limits {
    unsigned max_attempts; /* of the whole case, [0] included */
    bool always;           /* climb although the first attempt succeeded (--ladder always) */
    bool has_client_cert;
    bool may_burst;                                                /* own servers only, explicit */
    bool may_fetch_issuer;                                         /* opt-in */
    bool (*may_connect)(const struct address *address, void *arg); /* another one of the name's; NULL: all */
    void *may_connect_arg;
    const char *control_sni; /* a neutral name; NULL: LADDER_CONTROL_SNI */
    int64_t rest_us;         /* before a suspected trigger is sent again */
    int64_t pause_us;        /* before any other attempt */
    int64_t elapsed_us;      /* since the first attempt began */
    int64_t budget_us;       /* for the whole case */
};

struct ladder_step {
    enum variant variant; /* BURST: LADDER_BURST of them at once */
    enum attempt_role role;
    int64_t rest_us;        /* wait this long before it */
    bool rests;             /* and that is the limits' rest, no pause */
    const char *why;        /* static English, for --verbose and documentation */
    struct address address; /* OTHER_ADDRESS, OTHER_FAMILY: which one; else none */
    const char *sni;        /* CONTROL_SNI: the neutral name; else NULL */
    uint16_t port;          /* OTHER_PORT: which one; else 0 */
};

/** @return false when nothing more would tell anything, or a limit is reached. */
bool ladder_next(const struct case_file *file, const struct ladder_limits *limits,
                 struct ladder_step *ret_step);

#endif

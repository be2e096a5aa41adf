#ifndef PARALLAX_WORDS_LADDER_H
#define PARALLAX_WORDS_LADDER_H

#include "words/cause.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which attempt to make next, so that the look-alikes of a failure are told apart, and none made that could cause an
 * outage of its own. Pure: a function of what was seen so far; whoever asks makes the attempts (agent/probe/examine.h) and
 * adds them to the case.
 *
 * Order: retry from a new port; then controls (a neutral name, no name) before the name that is suspected to trigger
 * something is sent again; after a reset or a black hole the tuple (address, port, name) rests.
 */

struct ladder_limits {
    unsigned max_attempts; /* of the whole case, [0] included */
    bool always;           /* climb although the first attempt succeeded (--ladder always) */
    bool has_client_cert;
    bool may_burst;        /* own servers only, explicit */
    bool may_fetch_issuer; /* opt-in */
    int64_t elapsed_us;    /* since the first attempt began */
    int64_t budget_us;     /* for the whole case */
};

struct ladder_step {
    enum variant variant;
    enum attempt_role role;
    int64_t rest_us;        /* wait this long before it */
    const char *why;        /* static English, for --verbose and documentation */
    struct address address; /* OTHER_ADDRESS, OTHER_FAMILY: which one; else none */
    const char *sni;        /* CONTROL_SNI: the neutral name; else NULL */
};

/** @return false when nothing more would tell anything, or a limit is reached. */
bool ladder_next(const struct case_file *file, const struct ladder_limits *limits,
                 struct ladder_step *ret_step);

#endif

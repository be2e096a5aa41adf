#ifndef PARALLAX_BENCH_CROWD_ATTEMPT_H
#define PARALLAX_BENCH_CROWD_ATTEMPT_H

#include "words/message.h"

/* Attempts that are made up: what a healthy server's first attempt looks like, with times that differ each time. */

/** Makes the chain that every endpoint serves. Ends the program when it cannot. */
void crowd_certificates(void);

/** The DER of one of the chain by its hash; length 0: it is none of it. */
struct bytes crowd_certificate(const uint8_t sha256[32]);

/** An attempt of its slot in a plan; the sequence is the caller's to give. Ends the program without memory. */
struct attempt *crowd_attempt(const struct round_plan *plan, const struct endpoint *endpoint);

#endif

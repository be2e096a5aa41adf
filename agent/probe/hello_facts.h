#ifndef PARALLAX_PROBE_HELLO_FACTS_H
#define PARALLAX_PROBE_HELLO_FACTS_H

#include "hello/answer.h"
#include "hello/profile.h"
#include "words/evidence.h"

/*
 * Evidence of an attempt that goes no further than the answer to its ClientHello: what libssl's message log says of the same bytes.
 */

/** Is there nothing more to wait for? */
bool hello_answer_is_over(const struct hello_answer *answer);

/**
 * Writes what the answer says into the attempt: version, cipher, group, alert, and for what is no TLS the error that libssl
 * gives. The first bytes of the peer are there already. An answer that is over ends the attempt; of one that is not, what is there is kept.
 * @param profile       what was offered.
 * @param hello_length  of the ClientHello with its record header.
 * @param at_us         when it was read, after the attempt's start.
 * @return how the attempt ends by it; ENDING_NONE when the answer is not over.
 */
enum evidence_ending hello_facts(struct attempt *attempt, const struct hello_profile *profile,
                                 const struct hello_answer *answer, uint32_t hello_length, int64_t at_us);

#endif

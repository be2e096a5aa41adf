#ifndef PARALLAX_SWEEP_TALLY_H
#define PARALLAX_SWEEP_TALLY_H

#include "words/outcome.h"
#include "words/plan.h"

#include <stdio.h>

/* How many attempts of a sweep ended in which way. */

enum { TALLY_CLASSES = 128 }; /* above the largest number of an outcome class */

struct tally {
    uint64_t attempts;
    uint64_t counts[TALLY_CLASSES];                    /* by enum outcome_class */
    char examples[TALLY_CLASSES][ENDPOINT_TEXT_BYTES]; /* the first endpoint of each; "" for none */
};

void tally_add(struct tally *tally, const struct endpoint *endpoint, struct outcome outcome);

/** Attempts that were answered, that failed, and that this machine kept back. */
struct tally_sums {
    uint64_t ok, failed, not_tried;
};
struct tally_sums tally_sums(const struct tally *tally);

/** The answer in one line, then a line for each outcome with an endpoint that had it. */
void tally_show(const struct tally *tally, uint64_t endpoints, FILE *out);

#endif

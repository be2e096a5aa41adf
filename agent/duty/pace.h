#ifndef PARALLAX_DUTY_PACE_H
#define PARALLAX_DUTY_PACE_H

#include "words/address.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How often one address may be connected to, whoever asks: a token bucket per address. Attempts of a plan come when the
 * plan says, so that all vantages meet, and spend a token; many of them on one address at once leave a debt, and beyond
 * PACE_MAX_DEBT tokens of it they are refused. What the agent adds by itself, a confirm attempt, waits until its token is
 * there. Beside them one bucket for all connections together, a second's worth deep. Pure: every time is given (our monotonic
 * clock, microseconds).
 */
enum { PACE_ADDRESSES = 4096, PACE_MAX_DEBT = 30 };

struct pace_rates {
    unsigned per_second_milli; /* tokens of an address in a thousand seconds (1000: one a second) */
    unsigned burst;            /* that an address keeps */
    unsigned all_per_second;   /* new connections, wherever they go; 0: no bound */
    size_t addresses;          /* that are told apart; 0: PACE_ADDRESSES. Of a new one only */
};

struct pace;

struct pace *pace_new(const struct pace_rates *rates);
void pace_free(struct pace *pace);

/** Other rates, from now on. What was spent stays spent. */
void pace_set(struct pace *pace, const struct pace_rates *rates);

/** Spends one of the tokens of all connections together. @return false when there is none: do not go. */
bool pace_spend_any(struct pace *pace, int64_t now_us);

/** Spends a token now, into debt when there is none. @return false when the debt is PACE_MAX_DEBT already: do not go. */
bool pace_spend(struct pace *pace, const struct address *address, int64_t now_us);

/**
 * Spends a token that is, or will soon be, there.
 * @param patience_us  the longest wait that makes sense. @return how long to wait, microseconds (0: go), or -1 when that
 *                     would be longer; nothing is spent then.
 */
int64_t pace_reserve(struct pace *pace, const struct address *address, int64_t now_us, int64_t patience_us);

#endif

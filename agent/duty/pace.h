#ifndef PARALLAX_DUTY_PACE_H
#define PARALLAX_DUTY_PACE_H

#include "words/address.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How often one address may be connected to, whoever asks: a token bucket per address. Attempts of a plan come when the
 * plan says, so that all vantages meet, and spend a token; many of them on one address at once leave a debt, and beyond
 * PACE_MAX_DEBT tokens of it they are refused. What the agent adds by itself, a confirm attempt, waits until its token is
 * there. Pure: every time is given (our monotonic clock, microseconds).
 */
enum { PACE_ADDRESSES = 4096, PACE_MAX_DEBT = 30 };

struct pace;

/** @param per_second_milli  tokens a thousand seconds bring (1000: one a second). @param burst  tokens kept. */
struct pace *pace_new(unsigned per_second_milli, unsigned burst);
void pace_free(struct pace *pace);

/** Spends a token now, into debt when there is none. @return false when the debt is PACE_MAX_DEBT already: do not go. */
bool pace_spend(struct pace *pace, const struct address *address, int64_t now_us);

/**
 * Spends a token that is, or will soon be, there.
 * @param patience_us  the longest wait that makes sense. @return how long to wait, microseconds (0: go), or -1 when that
 *                     would be longer; nothing is spent then.
 */
int64_t pace_reserve(struct pace *pace, const struct address *address, int64_t now_us, int64_t patience_us);

#endif

#ifndef PARALLAX_DUTY_CLIMBED_H
#define PARALLAX_DUTY_CLIMBED_H

#include "words/address.h"
#include "words/outcome.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which failures were looked into lately: a ladder for each sort of failure (outcome class) of an endpoint at an address, once
 * in CLIMBED_WINDOW_US, however long it lasts and however often it comes and goes. Bounded: when there are more, the oldest
 * are forgotten. Pure: every time is given (our monotonic clock, microseconds).
 */
enum { CLIMBED_PLACES = 4096, CLIMBED_WINDOW_US = 15 * 60 * 1000 * 1000 };

struct climbed;

struct climbed *climbed_new(void);
void climbed_free(struct climbed *climbed);

/** Is it time to look into this failure? @param address  none: its name did not resolve. */
bool climbed_is_due(const struct climbed *climbed, uint64_t endpoint_id, const struct address *address,
                    enum outcome_class class, int64_t now_us);

/** It is being looked into. */
void climbed_note(struct climbed *climbed, uint64_t endpoint_id, const struct address *address,
                  enum outcome_class class, int64_t now_us);

#endif

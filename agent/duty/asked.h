#ifndef PARALLAX_DUTY_ASKED_H
#define PARALLAX_DUTY_ASKED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * About which certificates the CA's responder was asked lately: once in ASKED_WINDOW_US for each, because an answer holds for
 * days and the responder is a third party. Bounded: when there are more, the oldest are forgotten. Pure: every time is given
 * (our monotonic clock, microseconds).
 */
enum { ASKED_PLACES = 4096, ASKED_SHA256_BYTES = 32 };
#define ASKED_WINDOW_US (INT64_C(3600) * 1000 * 1000)

struct asked;

struct asked *asked_new(void);
void asked_free(struct asked *asked);

/** Is it time to ask about this certificate? */
bool asked_is_due(const struct asked *asked, const uint8_t sha256[ASKED_SHA256_BYTES], int64_t now_us);

/** It is being asked about. */
void asked_note(struct asked *asked, const uint8_t sha256[ASKED_SHA256_BYTES], int64_t now_us);

#endif

#ifndef PARALLAX_WORDS_UNITS_H
#define PARALLAX_WORDS_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds everywhere; these turn them into text and back. Pure: no clock is read here (see
 * link/clock.h). */

#define US_PER_MS INT64_C(1000)
#define US_PER_S  INT64_C(1000000)

enum { UNITS_TIME_BYTES = 40, UNITS_SPAN_BYTES = 24 };

/** RFC 3339 UTC: "2026-11-20T10:12:44Z" (decimals 0) to "...44.123456Z" (decimals 6). @return out. */
const char *time_rfc3339(int64_t unix_us, int decimals, char out[UNITS_TIME_BYTES]);

/** Parses RFC 3339 with "Z" or a numeric offset, or a bare date. @return false when malformed. */
bool time_parse_rfc3339(const char *text, int64_t *ret_unix_us);

/** Parses "250ms", "10s", "5m", "1h", "2d", "1.5s"; a bare number is seconds. @return false when malformed or
 * negative. */
bool span_parse(const char *text, int64_t *ret_us);

/** "0.8 ms", "31 ms", "1.25 s", "3 m 20 s": three significant places, for people. @return out. */
const char *span_text(int64_t us, char out[UNITS_SPAN_BYTES]);

/** Lower-case hex of length bytes into out (2 * length + 1 bytes). @return out. */
char *hex_text(const uint8_t *bytes, size_t length, char *out);

/** Parses exactly length bytes of hex. @return false otherwise. */
bool hex_parse(const char *text, uint8_t *out, size_t length);

#endif

#ifndef PARALLAX_CLI_UTF8_H
#define PARALLAX_CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One code point at a time, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */

/**
 * Reads the code point at text[0..length).
 * @return how many bytes it takes (1 to 4), or 0 when the first byte begins no valid sequence or length is 0.
 */
size_t utf8_read(const char *text, size_t length, uint32_t *ret_point);

/** Display columns of a code point: 2 for wide, 0 for combining, -1 when it has no place on a terminal. */
int utf8_columns(uint32_t point);

/** Would it disturb a terminal or mislead its reader: controls, C1, bidi and invisible formatting,
 * unassigned. */
bool utf8_is_unsafe(uint32_t point);

#endif

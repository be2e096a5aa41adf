#ifndef PARALLAX_WORDS_UTF8_H
#define PARALLAX_WORDS_UTF8_H

#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Length of the valid UTF-8 sequence (RFC 3629: shortest form, no surrogates, up to U+10FFFF) at bytes.
 * @param ret_code  its code point; set only when valid.
 * @return 1 to 4, or 0 when it is malformed or cut off.
 */
size_t utf8_sequence(const uint8_t *bytes, size_t length, uint32_t *ret_code);

/**
 * Appends a stranger's bytes as valid UTF-8 without NUL: malformed bytes and NULs become \xNN. What a
 * database text column and a JSON string can hold. (For a terminal use text_safe, which also disarms control
 * characters.)
 * @return false without memory or at out's ceiling.
 */
bool utf8_clean(struct buf *out, const char *text, size_t length);

#endif

#ifndef PARALLAX_WORDS_CURSOR_H
#define PARALLAX_WORDS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads bytes that came from somebody else. Every read checks the bound first; the first read past it sets
 * `failed`, after which all reads give zero and change nothing, so a parser may check once at its end.
 */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/** @param bytes  NULL: none. */
void cursor_init(struct cursor *cursor, const void *bytes, size_t length);
size_t cursor_left(const struct cursor *cursor);

/** Big-endian unsigned integers. */
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u24(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);

/** @return length bytes inside the source, or NULL (and failed) when fewer are left. */
const uint8_t *cursor_bytes(struct cursor *cursor, size_t length);

/** A sub-cursor over the next length bytes, which are consumed here. Failed when fewer are left. */
struct cursor cursor_block(struct cursor *cursor, size_t length);

/**
 * The next line without its end (LF or CRLF), which is consumed.
 * @param ret_length  bytes in the line.
 * @return where it starts, or NULL when no line end is left (nothing is consumed, and it is no failure).
 */
const char *cursor_line(struct cursor *cursor, size_t *ret_length);

#endif

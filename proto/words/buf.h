#ifndef PARALLAX_WORDS_BUF_H
#define PARALLAX_WORDS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growable run of bytes with a ceiling. `data` always has a NUL after `len` bytes once anything was added,
 * so it can be read as text. A failed append changes nothing and returns false.
 */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* 0: no ceiling */
};

/** @param max  most bytes it may hold; 0 for no ceiling. */
void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);

/** Empties it and keeps the memory. */
void buf_clear(struct buf *buf);

/** @return false when the ceiling is reached or memory is out. */
bool buf_append(struct buf *buf, const void *bytes, size_t length);
bool buf_text(struct buf *buf, const char *text);
bool buf_byte(struct buf *buf, uint8_t byte);
bool buf_integer(struct buf *buf, int64_t value); /* decimal */
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Makes room for length more bytes and returns where they go; add them with buf_grew. NULL as above. */
uint8_t *buf_room(struct buf *buf, size_t length);
void buf_grew(struct buf *buf, size_t length);

/** Drops the first length bytes (at most all). */
void buf_drop(struct buf *buf, size_t length);

/** Hands the NUL-terminated memory to the caller (free it) and leaves the buffer empty. NULL only without
 * memory. */
char *buf_take(struct buf *buf);

#endif

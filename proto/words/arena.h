#ifndef PARALLAX_WORDS_ARENA_H
#define PARALLAX_WORDS_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A bounded bump allocator: everything that belongs to one attempt or one message is taken from its arena and
 * freed with it, so no error path has to know what was already built. Allocation fails (NULL) at the bound,
 * which is how a hostile peer's appetite ends. Not thread-safe; one owner.
 */

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes;
    size_t max_bytes;
};

/** Prepares an empty arena. @param max_bytes  the most it will ever hand out. Allocates nothing. */
void arena_init(struct arena *arena, size_t max_bytes);

/** Frees all that was taken. Safe on a zeroed arena. The arena may be used again. */
void arena_done(struct arena *arena);

/** Takes back all that was taken, and keeps memory for what comes next. */
void arena_clear(struct arena *arena);

/** @return size_bytes zeroed bytes aligned for any type, or NULL at the bound or without memory. Never free
 * it. */
void *arena_take(struct arena *arena, size_t size_bytes);

/** arena_take of count * size_bytes with the product checked for overflow. count 0 gives a non-NULL pointer.
 */
void *arena_array(struct arena *arena, size_t count, size_t size_bytes);

/** Copies length bytes and adds a NUL. @return NULL at the bound. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/** Copies a NUL-terminated text; NULL gives "" (never NULL unless the bound is reached). */
char *arena_string(struct arena *arena, const char *text);

/** @return how many bytes of memory it holds, what was not handed out yet included. */
size_t arena_held_bytes(const struct arena *arena);

#endif

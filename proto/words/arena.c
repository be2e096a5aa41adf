#include "words/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first is small, for who has little to say; each next is as large as all before. */
enum { ARENA_FIRST_BYTES = 168, ARENA_MOST_BYTES = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

void arena_done(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

static struct arena_block *arena_grow(struct arena *arena, size_t size)
{
    size_t room = arena->used_bytes < ARENA_FIRST_BYTES  ? ARENA_FIRST_BYTES
                  : arena->used_bytes < ARENA_MOST_BYTES ? arena->used_bytes
                                                         : ARENA_MOST_BYTES;
    if (room < size)
        room = size;
    struct arena_block *block = calloc(1, sizeof *block + room);
    if (block == NULL)
        return NULL;
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* One block stays: as large as all were together, so that the next time one is enough. */
void arena_clear(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    size_t used = arena->used_bytes;
    if (block != NULL && block->next == NULL) {
        memset(block->bytes, 0, block->used);
        block->used = 0;
        arena->used_bytes = 0;
        return;
    }
    arena_done(arena);
    if (used > 0)
        (void)arena_grow(arena, used); /* without it, the next that is taken makes one */
}

void *arena_take(struct arena *arena, size_t size_bytes)
{
    size_t align = alignof(max_align_t);
    if (size_bytes > arena->max_bytes || size_bytes > SIZE_MAX - align)
        return NULL;
    size_t size = (size_bytes + align - 1) / align * align;
    if (size > arena->max_bytes - arena->used_bytes)
        return NULL;
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size)
        block = arena_grow(arena, size);
    if (block == NULL)
        return NULL;
    void *taken = block->bytes + block->used;
    block->used += size;
    arena->used_bytes += size;
    return taken;
}

void *arena_array(struct arena *arena, size_t count, size_t size_bytes)
{
    if (size_bytes != 0 && count > SIZE_MAX / size_bytes)
        return NULL;
    return arena_take(arena, count * size_bytes);
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = arena_take(arena, length + 1);
    if (copy != NULL && length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text == NULL ? arena_text(arena, "", 0) : arena_text(arena, text, strlen(text));
}

size_t arena_held_bytes(const struct arena *arena)
{
    size_t held = 0;
    for (const struct arena_block *block = arena->blocks; block != NULL; block = block->next)
        held += sizeof *block + block->size;
    return held;
}

#include "words/cursor.h"

#include <string.h>

void cursor_init(struct cursor *cursor, const void *bytes, size_t length)
{
    /* Nothing is often a NULL, to which C17 lets nobody add even zero. */
    *cursor = (struct cursor){.at = bytes, .end = bytes == NULL ? NULL : (const uint8_t *)bytes + length};
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->failed ? 0 : (size_t)(cursor->end - cursor->at);
}

const uint8_t *cursor_bytes(struct cursor *cursor, size_t length)
{
    if (cursor->failed || length > cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += length;
    return bytes;
}

static uint32_t cursor_number(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor_bytes(cursor, length);
    uint32_t value = 0;
    for (size_t i = 0; bytes != NULL && i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    return (uint8_t)cursor_number(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
    return (uint16_t)cursor_number(cursor, 2);
}

uint32_t cursor_u24(struct cursor *cursor)
{
    return cursor_number(cursor, 3);
}

uint32_t cursor_u32(struct cursor *cursor)
{
    return cursor_number(cursor, 4);
}

struct cursor cursor_block(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor_bytes(cursor, length);
    if (bytes == NULL)
        return (struct cursor){.failed = true};
    return (struct cursor){.at = bytes, .end = bytes + length};
}

const char *cursor_line(struct cursor *cursor, size_t *ret_length)
{
    size_t left = cursor_left(cursor);
    const uint8_t *end = left == 0 ? NULL : memchr(cursor->at, '\n', left);
    if (end == NULL)
        return NULL;
    const char *line = (const char *)cursor->at;
    size_t length = (size_t)(end - cursor->at);
    cursor->at = end + 1;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    *ret_length = length;
    return line;
}

#include "words/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = 0;
}

uint8_t *buf_room(struct buf *buf, size_t length)
{
    size_t max = buf->max != 0 ? buf->max : SIZE_MAX / 2;
    if (buf->len > max || length > max - buf->len)
        return NULL;
    size_t need = buf->len + length + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap < 64 ? 64 : buf->cap;
        while (cap < need)
            cap *= 2;
        uint8_t *data = realloc(buf->data, cap);
        if (data == NULL)
            return NULL;
        buf->data = data;
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_grew(struct buf *buf, size_t length)
{
    buf->len += length;
    buf->data[buf->len] = 0;
}

bool buf_append(struct buf *buf, const void *bytes, size_t length)
{
    uint8_t *room = buf_room(buf, length);
    if (room == NULL)
        return false;
    if (length > 0)
        memcpy(room, bytes, length);
    buf_grew(buf, length);
    return true;
}

bool buf_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

bool buf_byte(struct buf *buf, uint8_t byte)
{
    return buf_append(buf, &byte, 1);
}

bool buf_integer(struct buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    return buf_append(buf, digits + at, sizeof digits - at);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *room = length < 0 ? NULL : buf_room(buf, (size_t)length);
    if (room != NULL) {
        (void)vsnprintf((char *)room, (size_t)length + 1, format, again);
        buf_grew(buf, (size_t)length);
    }
    va_end(again);
    return room != NULL;
}

void buf_drop(struct buf *buf, size_t length)
{
    if (length >= buf->len) {
        buf_clear(buf);
        return;
    }
    memmove(buf->data, buf->data + length, buf->len - length);
    buf->len -= length;
    buf->data[buf->len] = 0;
}

char *buf_take(struct buf *buf)
{
    if (buf_room(buf, 0) == NULL)
        return NULL;
    buf->data[buf->len] = 0;
    char *taken = (char *)buf->data;
    *buf = (struct buf){.max = buf->max};
    return taken;
}

#include "words/frame.h"

#include "words/cursor.h"

void frame_reader_init(struct frame_reader *reader, size_t max_payload)
{
    *reader = (struct frame_reader){.max_payload = max_payload};
    buf_init(&reader->bytes, 0);
}

void frame_reader_done(struct frame_reader *reader)
{
    buf_done(&reader->bytes);
    reader->taken = 0;
}

bool frame_feed(struct frame_reader *reader, const void *bytes, size_t length)
{
    if (reader->taken > 0) {
        buf_drop(&reader->bytes, reader->taken);
        reader->taken = 0;
    }
    return buf_append(&reader->bytes, bytes, length);
}

enum frame_result frame_next(struct frame_reader *reader, const uint8_t **ret_payload, size_t *ret_length)
{
    size_t left = reader->bytes.len - reader->taken;
    if (left < FRAME_HEADER_BYTES)
        return FRAME_MORE;
    struct cursor cursor;
    cursor_init(&cursor, reader->bytes.data + reader->taken, left);
    size_t length = cursor_u32(&cursor);
    if (length > reader->max_payload)
        return FRAME_TOO_BIG;
    if (cursor_left(&cursor) < length)
        return FRAME_MORE;
    *ret_payload = cursor.at;
    *ret_length = length;
    reader->taken += FRAME_HEADER_BYTES + length;
    return FRAME_READY;
}

size_t frame_announced(const struct frame_reader *reader)
{
    size_t left = reader->bytes.len - reader->taken;
    struct cursor cursor;
    if (left < FRAME_HEADER_BYTES)
        return 0;
    cursor_init(&cursor, reader->bytes.data + reader->taken, left);
    size_t length = cursor_u32(&cursor);
    return length > reader->max_payload ? 0 : length;
}

bool frame_write(struct buf *out, const void *payload, size_t length)
{
    if (length > FRAME_MAX_BYTES)
        return false;
    uint8_t *room = buf_room(out, FRAME_HEADER_BYTES + length);
    if (room == NULL)
        return false;
    for (int i = 0; i < FRAME_HEADER_BYTES; i++)
        room[i] = (uint8_t)(length >> (8 * (FRAME_HEADER_BYTES - 1 - i)));
    buf_grew(out, FRAME_HEADER_BYTES);
    return buf_append(out, payload, length);
}

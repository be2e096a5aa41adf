#ifndef PARALLAX_WORDS_FRAME_H
#define PARALLAX_WORDS_FRAME_H

#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Frames: a 4-byte big-endian length, then that many bytes. Fed bytes in whatever pieces they arrive, it
 * yields whole payloads. No I/O. A length above the ceiling ends the stream for good.
 */

enum {
    FRAME_HEADER_BYTES = 4,
    FRAME_MAX_BYTES = 4 * 1024 * 1024, /* the largest payload either side will make or take */
};

enum frame_result {
    FRAME_MORE,   /* no whole frame yet: feed more */
    FRAME_READY,  /* a payload is in *ret_payload */
    FRAME_TOO_BIG /* the peer announced more than the ceiling: drop the connection */
};

struct frame_reader {
    struct buf bytes;
    size_t taken; /* bytes of `bytes` already yielded */
    size_t max_payload;
};

/** @param max_payload  ceiling for one payload, at most FRAME_MAX_BYTES. */
void frame_reader_init(struct frame_reader *reader, size_t max_payload);
void frame_reader_done(struct frame_reader *reader);

/** Adds received bytes. Invalidates payloads yielded before. @return false without memory. */
bool frame_feed(struct frame_reader *reader, const void *bytes, size_t length);

/**
 * Yields the next whole payload.
 * @param ret_payload, ret_length  set on FRAME_READY; valid until the next frame_feed.
 */
enum frame_result frame_next(struct frame_reader *reader, const uint8_t **ret_payload, size_t *ret_length);

/** @return what the frame that has begun says it holds, as far as that is known and allowed; else 0. */
size_t frame_announced(const struct frame_reader *reader);

/** Appends a frame around a payload. @return false when it is too big or memory is out. */
bool frame_write(struct buf *out, const void *payload, size_t length);

#endif

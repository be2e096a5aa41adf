#include "fuzz.h"

#include "words/frame.h"

#include <string.h>

/*
 * The frame reader, fed in pieces: what it yields must not depend on where the pieces end. The first byte says how large
 * the pieces are and which ceiling holds; the rest is the stream.
 */

struct yield {
    struct buf payloads; /* each with its length in front */
    size_t count;
    bool too_big;
};

static void read_stream(const uint8_t *bytes, size_t length, size_t piece, size_t max,
                        struct yield *ret_yield)
{
    struct frame_reader reader;
    frame_reader_init(&reader, max);
    *ret_yield = (struct yield){0};
    for (size_t at = 0; at < length && !ret_yield->too_big;) {
        size_t now = length - at < piece ? length - at : piece;
        REQUIRE(frame_feed(&reader, bytes + at, now));
        at += now;
        const uint8_t *payload = NULL;
        size_t payload_length = 0;
        enum frame_result result = FRAME_MORE;
        while ((result = frame_next(&reader, &payload, &payload_length)) == FRAME_READY) {
            REQUIRE(payload_length <= max);
            REQUIRE(frame_write(&ret_yield->payloads, payload, payload_length));
            ret_yield->count++;
        }
        ret_yield->too_big = result == FRAME_TOO_BIG;
    }
    frame_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct yield whole, pieces;
    if (length < 2)
        return 0;
    size_t max = (bytes[0] & 0x80) != 0 ? FRAME_MAX_BYTES : 64;
    size_t piece = 1 + (bytes[0] & 0x0f);
    read_stream(bytes + 1, length - 1, length, max, &whole);
    read_stream(bytes + 1, length - 1, piece, max, &pieces);
    REQUIRE(whole.count == pieces.count && whole.too_big == pieces.too_big);
    REQUIRE(whole.payloads.len == pieces.payloads.len);
    REQUIRE(whole.payloads.len == 0 ||
            memcmp(whole.payloads.data, pieces.payloads.data, whole.payloads.len) == 0);
    /* Frames written are the frames that were read. */
    REQUIRE(whole.payloads.len <= length - 1);
    REQUIRE(whole.payloads.len == 0 || memcmp(whole.payloads.data, bytes + 1, whole.payloads.len) == 0);
    buf_done(&whole.payloads);
    buf_done(&pieces.payloads);
    return 0;
}

#include "fuzz.h"

#include "link/pack.h"
#include "words/frame.h"

#include <string.h>
#include <zstd.h>

/*
 * Packed batches, one after the other between two that keep what went before. The first byte says how much they keep, and what follows:
 *   - records, each with its length in two bytes, a length of 0 ending a batch: they come out as they went in;
 *   - what is under zstd, and noise, as a stranger may send them, each with its length in two bytes: what comes out is within its bound, and
 *     packs and unpacks.
 */

enum { BATCH_MAX = 1 << 18, RECORDS_MAX = 64, BATCHES_MAX = 4, STRANGER = 1 };

static struct pack sender, receiver;

static struct bytes take(struct bytes *input)
{
    size_t length = 0;
    if (input->length >= 2) {
        length = (size_t)input->data[0] << 8 | input->data[1];
        *input = (struct bytes){input->data + 2, input->length - 2};
        length = length < input->length ? length : input->length;
    }
    struct bytes taken = {input->data, length};
    *input = (struct bytes){input->data + length, input->length - length};
    return taken;
}

static void there_and_back(const struct bytes *records, size_t count)
{
    struct buf zstd, noise, wanted, back;
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    buf_init(&wanted, 0);
    buf_init(&back, 0);
    REQUIRE(message_encode_batch(records, count, &wanted));
    REQUIRE(pack(&sender, records, count, &zstd, &noise));
    const struct packed packed = {{zstd.data, zstd.len}, {noise.data, noise.len}};
    REQUIRE(unpack_batch(&receiver, &packed, FRAME_MAX_BYTES, &back));
    REQUIRE(back.len == wanted.len && memcmp(back.data, wanted.data, back.len) == 0);
    REQUIRE(sender.count == receiver.count && sender.kept_bytes == receiver.kept_bytes);
    REQUIRE(sender.shape_count == receiver.shape_count && sender.kept_bytes <= sender.most_bytes);
    buf_done(&zstd);
    buf_done(&noise);
    buf_done(&wanted);
    buf_done(&back);
}

static void honest(struct bytes input)
{
    struct bytes records[RECORDS_MAX];
    for (size_t batches = 0; batches < BATCHES_MAX && input.length > 0; batches++) {
        size_t count = 0;
        while (count < RECORDS_MAX && input.length > 0) {
            struct bytes record = take(&input);
            if (record.length == 0)
                break;
            records[count++] = record;
        }
        there_and_back(records, count);
    }
}

/* A batch that came of a stranger's bytes, packed again: its records are whatever they are. */
static void again(const struct buf *batch)
{
    struct bytes records[RECORDS_MAX];
    size_t count = 0;
    struct bytes rest = {batch->data, batch->len};
    uint64_t length = 0;
    rest = (struct bytes){rest.data + 1, rest.length - 1};
    REQUIRE(varint_take(&rest, &length) && length == rest.length);
    while (rest.length > 0 && count < RECORDS_MAX) {
        rest = (struct bytes){rest.data + 1, rest.length - 1};
        REQUIRE(varint_take(&rest, &length) && length <= rest.length);
        records[count++] = (struct bytes){rest.data, (size_t)length};
        rest = (struct bytes){rest.data + length, rest.length - (size_t)length};
    }
    pack_done(&sender);
    pack_done(&receiver);
    there_and_back(records, count);
}

static void stranger(struct bytes input)
{
    struct pack pack = {.most_bytes = receiver.most_bytes};
    struct buf zstd, batch;
    bool unpacked = true;
    for (size_t batches = 0; unpacked && batches < BATCHES_MAX && input.length > 0; batches++) {
        struct bytes stream = take(&input), noise = take(&input);
        buf_init(&zstd, 0);
        buf_init(&batch, 0);
        size_t bound = ZSTD_compressBound(stream.length);
        uint8_t *room = buf_room(&zstd, bound);
        REQUIRE(room != NULL);
        const struct packed packed = {{room, ZSTD_compress(room, bound, stream.data, stream.length, -5)},
                                      noise};
        unpacked = unpack_batch(&pack, &packed, BATCH_MAX, &batch);
        REQUIRE(pack.kept_bytes <= pack.most_bytes);
        REQUIRE(!unpacked || batch.len <= BATCH_MAX + 8 * MESSAGE_MAX_RECORDS);
        if (unpacked)
            again(&batch);
        buf_done(&zstd);
        buf_done(&batch);
    }
    pack_done(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const size_t rooms[] = {PACK_MOST_BYTES, PACK_LEAST_BYTES, 2000, 0};
    if (length < 1)
        return 0;
    sender = receiver = (struct pack){.most_bytes = rooms[(bytes[0] >> 1) % 4]};
    if ((bytes[0] & STRANGER) != 0)
        stranger((struct bytes){bytes + 1, length - 1});
    else
        honest((struct bytes){bytes + 1, length - 1});
    pack_done(&sender);
    pack_done(&receiver);
    return 0;
}

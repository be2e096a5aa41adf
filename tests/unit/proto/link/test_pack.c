#include "proto/any_record.h"

#include "link/pack.h"

#include <zstd.h>

enum { ENDPOINTS = 20, FEW_BYTES = 16 * 1024, BATCH_MAX = 1 << 20 };

static struct pack sender, receiver;

static void begin(size_t most_bytes)
{
    pack_done(&sender);
    pack_done(&receiver);
    sender = receiver = (struct pack){.most_bytes = most_bytes};
}

static struct bytes bytes_of(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}

struct batch {
    size_t count;
    struct buf records[ENDPOINTS + 1];
};

static void batch_done(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        buf_done(&batch->records[i]);
}

/* A round: an attempt at each endpoint, and the report of it. */
static struct batch round_of(uint64_t round_id)
{
    struct batch batch = {.count = ENDPOINTS + 1};
    for (size_t i = 0; i < batch.count; i++) {
        buf_init(&batch.records[i], 0);
        if (i < ENDPOINTS)
            any_attempt(i + 1, round_id, round_id * 100 + i, &batch.records[i]);
        else
            any_report(round_id, round_id * 100 + i, &batch.records[i]);
    }
    return batch;
}

static void list_of(const struct batch *batch, struct bytes *ret_records)
{
    for (size_t i = 0; i < batch->count; i++)
        ret_records[i] = bytes_of(&batch->records[i]);
}

static void packed(const struct batch *batch, struct buf *zstd, struct buf *noise)
{
    struct bytes records[ENDPOINTS + 1];
    list_of(batch, records);
    buf_clear(zstd);
    buf_clear(noise);
    assert_true(pack(&sender, records, batch->count, zstd, noise));
}

static void same_kept(void)
{
    assert_int_equal(sender.count, receiver.count);
    assert_int_equal(sender.kept_bytes, receiver.kept_bytes);
    assert_int_equal(sender.shape_count, receiver.shape_count);
    assert_true(sender.kept_bytes <= sender.most_bytes);
}

/* @return how long it was, packed. */
static size_t there_and_back(const struct batch *batch)
{
    struct bytes records[ENDPOINTS + 1];
    struct buf zstd, noise, back, wanted;
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    buf_init(&back, 0);
    buf_init(&wanted, 0);
    list_of(batch, records);
    assert_true(message_encode_batch(records, batch->count, &wanted));
    packed(batch, &zstd, &noise);
    const struct packed sent = {bytes_of(&zstd), bytes_of(&noise)};
    assert_true(unpack_batch(&receiver, &sent, BATCH_MAX, &back));
    assert_int_equal(back.len, wanted.len);
    assert_memory_equal(back.data, wanted.data, wanted.len);
    same_kept();
    size_t length = zstd.len + noise.len;
    buf_done(&zstd);
    buf_done(&noise);
    buf_done(&back);
    buf_done(&wanted);
    return length;
}

static void what_came_before_makes_the_next_small(void **state)
{
    (void)state;
    size_t first = 0;
    begin(PACK_MOST_BYTES);
    for (uint64_t round = 1; round < 30; round++) {
        struct batch batch = round_of(round);
        size_t length = there_and_back(&batch);
        first = round == 1 ? length : first;
        assert_true(round < 4 || length < ENDPOINTS * 120); /* 58 bytes of each are random */
        assert_true(round < 4 || length * 10 < first * 9);
        batch_done(&batch);
        assert_true(sender.count <= ENDPOINTS + 1); /* the last of each endpoint, and the last report */
    }
    assert_true(sender.count >= ENDPOINTS);
}

/* Damaged, of all sorts at once, and kept by two that have little room, so that much is forgotten. */
static void all_comes_back_whatever_it_is(void **state)
{
    (void)state;
    static const size_t rooms[] = {PACK_MOST_BYTES, FEW_BYTES, 3000, 100, 0};
    for (size_t r = 0; r < sizeof rooms / sizeof rooms[0]; r++) {
        begin(rooms[r]);
        for (uint64_t round = 1; round < 60; round++) {
            struct batch batch = round_of(round);
            for (size_t i = 0; i < batch.count; i++)
                if (any(3) == 0)
                    any_damage(&batch.records[i]);
            (void)there_and_back(&batch);
            batch_done(&batch);
        }
    }
}

static void nothing_is_a_batch_too(void **state)
{
    (void)state;
    struct batch none = {.count = 0}, empty = {.count = 1};
    buf_init(&empty.records[0], 0);
    assert_true(buf_append(&empty.records[0], "", 0));
    begin(FEW_BYTES);
    (void)there_and_back(&none);
    (void)there_and_back(&empty);
    batch_done(&empty);
}

/* --- strangers ------------------------------------------------------------------------------------------------------ */

static bool unpacks(struct pack *pack, const struct packed *packed, size_t max_bytes)
{
    struct buf back;
    buf_init(&back, 0);
    bool unpacked = unpack_batch(pack, packed, max_bytes, &back);
    assert_true(!unpacked || back.len <= max_bytes + 7 * ENDPOINTS);
    buf_done(&back);
    return unpacked;
}

/* A stream of numbers as it is under zstd. */
static bool takes(const uint8_t *numbers, size_t count, const char *noise)
{
    uint8_t room[256];
    struct pack pack = {.most_bytes = FEW_BYTES};
    size_t length = ZSTD_compress(room, sizeof room, numbers, count, 1);
    assert_false(ZSTD_isError(length));
    const struct packed packed = {{room, length}, {(const uint8_t *)noise, strlen(noise)}};
    bool taken = unpacks(&pack, &packed, BATCH_MAX);
    assert_true(pack.kept_bytes <= pack.most_bytes);
    pack_done(&pack);
    return taken;
}

#define TAKES(noise, ...) takes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), noise)

static void what_breaks_the_format_is_refused(void **state)
{
    (void)state;
    enum { TEXT_TAG = 1 << 3 | 2, TEXT_1 = 1 << 3 | SHAPE_TEXT, NOISE_1 = 1 << 3 | SHAPE_NOISE };
    assert_true(TAKES("", 0, 0, 0));
    assert_true(TAKES("", 1, 0, 1, 0, 0, 0, 1, 2, 0, 'a'));            /* one whole record: "a" */
    assert_true(TAKES("", 1, 0, 2, 0, 0, 0, 2, 0, 1, 2, 0, 0, 'a'));   /* the same again */
    assert_true(TAKES("a", 1, 1, 1, NOISE_1, 1, 1, 0, 0, 1, 2, 0));    /* a shape of our own */
    assert_true(TAKES("", 1, 1, 1, TEXT_1, 1, 1, 0, 0, 1, 2, 0, 'a')); /* and another */
    assert_true(TAKES("", 1, 0, 2, 0, 0, 0, 3, 0, 1, 2, 0, 0, 'a'));   /* in place of it */
    assert_false(TAKES("", 1, 0, 1, 0, 1, 0, 1, 2, 0, 'a'));           /* in place of none */
    assert_false(TAKES("", 2, 0, 0));                                  /* forget: neither yes nor no */
    assert_false(TAKES("", 0, 0, 0, 0));                               /* more than there is to read */
    assert_false(TAKES("x", 0, 0, 0));                                 /* the same of noise */
    assert_false(TAKES("", 0, 0, 0x81, 0x08));                         /* more records than a batch has */
    assert_false(TAKES("", 1, 0, 1, 1, 0, 0, 1, 2, 0, 'a'));           /* of a shape that is not there */
    assert_false(TAKES("", 1, 0, 1, 0, 2, 0, 1, 2, 0, 'a'));           /* told by one that is not there */
    assert_false(TAKES("", 1, 0, 1, 0, 0, 0, 1, 4, 0, 'a'));           /* longer than what is left */
    assert_false(TAKES("", 1, 0, 1, 0, 0, 0, 1, 2));                   /* a column that is cut off */
    assert_false(TAKES("", 1, 0, 1, 0, 0, 0, 2, 2, 0, 'a'));           /* and one that is neither */
    assert_false(
        TAKES("", 1, 1, 1, 1 << 3 | SHAPE_OPEN, 1, 0, 0, 0, 1, 2, 0, 'a')); /* a shape that is none */
    assert_false(
        TAKES("", 1, 1, 1, TEXT_1, 2, 0, 1, 0, 2, 0, 1, 2, 0, 0, 0, 0, 'a')); /* told by one of another */
    assert_false(TAKES("", 1, 1, 1, TEXT_1, 2, 0, 1, 0, 2, 0, 1, 6, 0, 0, 0, 0, TEXT_TAG, 1, 'a'));
}

static void shapes_have_a_bound(void **state)
{
    (void)state;
    enum { EACH = 200 };
    uint8_t numbers[3 + 2 * EACH + 1] = {0, (EACH & 0x7f) | 0x80, EACH >> 7}, room[1024];
    for (size_t i = 0; i < EACH; i++) {
        numbers[3 + 2 * i] = 1;
        numbers[4 + 2 * i] = 1 << 3 | SHAPE_NUMBER;
    }
    size_t length = ZSTD_compress(room, sizeof room, numbers, sizeof numbers, 1);
    const struct packed packed = {{room, length}, {(const uint8_t *)"", 0}};
    begin(PACK_MOST_BYTES);
    assert_false(unpacks(&receiver, &packed, sizeof numbers - 1)); /* longer than what may be unpacked */
    assert_true(unpacks(&receiver, &packed, sizeof numbers));
    assert_false(unpacks(&receiver, &packed, sizeof numbers));
    begin(PACK_LEAST_BYTES);
    assert_false(unpacks(&receiver, &packed, sizeof numbers));
}

static void nothing_grows_past_its_bound(void **state)
{
    (void)state;
    struct batch batch = {.count = 1};
    struct buf zstd, noise;
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    buf_init(&batch.records[0], 0);
    memset(buf_room(&batch.records[0], 1 << 19), 'a', 1 << 19);
    buf_grew(&batch.records[0], 1 << 19);
    begin(PACK_MOST_BYTES);
    packed(&batch, &zstd, &noise);
    assert_true(zstd.len < 1000);
    const struct packed sent = {bytes_of(&zstd), bytes_of(&noise)};
    assert_false(unpacks(&receiver, &sent, batch.records[0].len - 1));
    assert_false(unpacks(&receiver, &sent, 0));
    begin(PACK_MOST_BYTES);
    assert_true(unpacks(&receiver, &sent, BATCH_MAX));
    assert_int_equal(receiver.kept_bytes, 0); /* it is longer than what is kept */
    buf_done(&zstd);
    buf_done(&noise);
    batch_done(&batch);
}

/* A few bytes that say, of a long record, "the same again, and again": each time it is written out, up to the bound. */
static void what_is_told_again_and_again_has_a_bound(void **state)
{
    (void)state;
    enum { TIMES = 1000, LONG = 8000, AGAIN = 1 << 1 };
    struct batch batch = {.count = 1};
    struct buf zstd, noise, stream;
    uint8_t room[4096];
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    buf_init(&stream, 0);
    buf_init(&batch.records[0], 0);
    any_bytes(buf_room(&batch.records[0], LONG), LONG);
    buf_grew(&batch.records[0], LONG);
    begin(PACK_MOST_BYTES);
    (void)there_and_back(&batch);
    assert_true(varint_put(&stream, 0) && varint_put(&stream, 0) && varint_put(&stream, TIMES));
    for (unsigned i = 0; i < 2 * TIMES; i++)
        assert_true(varint_put(&stream, i >= TIMES ? AGAIN : 0)); /* the shapes, then the one before */
    assert_true(varint_put(&stream, 0) && varint_put(&stream, 0) && varint_put(&stream, 0));
    size_t length = ZSTD_compress(room, sizeof room, stream.data, stream.len, 1);
    assert_true(length < 200);
    const struct packed sent = {{room, length}, {(const uint8_t *)"", 0}};
    assert_false(unpacks(&receiver, &sent, BATCH_MAX));
    assert_true(receiver.kept_bytes <= receiver.most_bytes);
    buf_done(&zstd);
    buf_done(&noise);
    buf_done(&stream);
    batch_done(&batch);
}

static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    struct batch first = round_of(1), second = round_of(2);
    struct buf zstds[2], noises[2];
    begin(PACK_MOST_BYTES);
    for (size_t i = 0; i < 2; i++) {
        buf_init(&zstds[i], 0);
        buf_init(&noises[i], 0);
        packed(i == 0 ? &first : &second, &zstds[i], &noises[i]);
    }
    const struct packed before = {bytes_of(&zstds[0]), bytes_of(&noises[0])};
    for (unsigned i = 0; i < 3000; i++) {
        struct buf stream;
        struct pack pack = {.most_bytes = PACK_MOST_BYTES};
        buf_init(&stream, 0);
        uint8_t *room = buf_room(&stream, BATCH_MAX);
        size_t length = ZSTD_decompress(room, BATCH_MAX, zstds[1].data, zstds[1].len);
        assert_false(ZSTD_isError(length));
        buf_grew(&stream, length);
        any_damage(&stream);
        struct buf again;
        buf_init(&again, 0);
        size_t bound = ZSTD_compressBound(stream.len);
        buf_grew(&again, ZSTD_compress(buf_room(&again, bound), bound, stream.data, stream.len, 1));
        const struct packed damaged = {bytes_of(&again), bytes_of(&noises[1])};
        assert_true(unpacks(&pack, &before, BATCH_MAX));
        (void)unpacks(&pack, &damaged, BATCH_MAX);
        assert_true(pack.kept_bytes <= pack.most_bytes);
        pack_done(&pack);
        buf_done(&stream);
        buf_done(&again);
    }
    const struct packed text = {{(const uint8_t *)"not zstd at all", 15}, {(const uint8_t *)"", 0}};
    assert_false(unpacks(&receiver, &text, BATCH_MAX));
    for (size_t i = 0; i < 2; i++) {
        buf_done(&zstds[i]);
        buf_done(&noises[i]);
    }
    batch_done(&first);
    batch_done(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_before_makes_the_next_small),
        cmocka_unit_test(all_comes_back_whatever_it_is),
        cmocka_unit_test(nothing_is_a_batch_too),
        cmocka_unit_test(what_breaks_the_format_is_refused),
        cmocka_unit_test(shapes_have_a_bound),
        cmocka_unit_test(nothing_grows_past_its_bound),
        cmocka_unit_test(what_is_told_again_and_again_has_a_bound),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    int failed = cmocka_run_group_tests_name("pack", tests, NULL, NULL);
    begin(0);
    return failed;
}

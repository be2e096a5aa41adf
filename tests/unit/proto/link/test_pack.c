#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/pack.h"

#include <stdio.h>
#include <string.h>

static struct pack sender, receiver;

static void begin(void)
{
    pack_done(&sender);
    pack_done(&receiver);
    sender = receiver = (struct pack){.most_bytes = PACK_HISTORY_LEAST_BYTES};
}

static struct bytes bytes_of(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}

/* What an attempt is to its neighbours: the same but for a number. */
static void payload_make(struct buf *out, unsigned nth, size_t length)
{
    buf_clear(out);
    for (unsigned i = 0; out->len < length; i++)
        assert_true(buf_printf(out, "field %u of the endpoint, %u\n", i * 7919 % 10007, i == 3 ? nth : 0));
}

/* @return how long it was, packed. */
static size_t there_and_back(struct buf *payload)
{
    struct buf packed, back;
    buf_init(&packed, 0);
    buf_init(&back, 0);
    assert_true(pack(&sender, bytes_of(payload), &packed));
    assert_true(unpack_payload(&receiver, bytes_of(&packed), payload->len, &back));
    assert_int_equal(back.len, payload->len);
    assert_memory_equal(back.data, payload->data, payload->len);
    assert_int_equal(sender.history.len, receiver.history.len);
    assert_memory_equal(sender.history.data, receiver.history.data, sender.history.len);
    size_t length = packed.len;
    buf_done(&packed);
    buf_done(&back);
    return length;
}

static void what_came_before_makes_the_next_small(void **state)
{
    (void)state;
    struct buf payload;
    buf_init(&payload, 0);
    begin();
    payload_make(&payload, 1, 2000);
    size_t first = there_and_back(&payload);
    for (unsigned nth = 2; nth < 60; nth++) {
        payload_make(&payload, nth, 2000);
        assert_true(there_and_back(&payload) * 4 < first);
    }
    assert_int_equal(sender.history.len, PACK_HISTORY_LEAST_BYTES);
    assert_true(receiver.history.cap <=
                PACK_HISTORY_LEAST_BYTES + 1); /* thousands of sessions have one each */
    payload_make(&payload, 99, 300000);        /* longer than what is kept */
    (void)there_and_back(&payload);
    payload_make(&payload, 100, 10);
    (void)there_and_back(&payload);
    buf_done(&payload);
}

static void refused(struct bytes packed, size_t max_bytes)
{
    struct buf back;
    buf_init(&back, 0);
    assert_false(unpack_payload(&receiver, packed, max_bytes, &back));
    buf_done(&back);
}

static void nothing_grows_past_its_bound(void **state)
{
    (void)state;
    struct buf payload, packed;
    buf_init(&payload, 0);
    buf_init(&packed, 0);
    begin();
    memset(buf_room(&payload, 1 << 20), 'a', 1 << 20);
    buf_grew(&payload, 1 << 20);
    assert_true(pack(&sender, bytes_of(&payload), &packed));
    assert_true(packed.len < 1000);
    refused(bytes_of(&packed), payload.len - 1);
    refused(bytes_of(&packed), 0);
    struct buf back;
    buf_init(&back, 0);
    assert_true(unpack_payload(&receiver, bytes_of(&packed), payload.len, &back));
    buf_done(&back);
    buf_done(&payload);
    buf_done(&packed);
}

static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    struct buf payload, packed;
    buf_init(&payload, 0);
    buf_init(&packed, 0);
    begin();
    payload_make(&payload, 1, 3000);
    (void)there_and_back(&payload);
    assert_true(pack(&sender, bytes_of(&payload), &packed));
    for (size_t i = 0; i < packed.len; i++) {
        refused((struct bytes){packed.data, i}, 4096);
        for (unsigned bit = 0; bit < 8; bit++) {
            struct buf back;
            struct pack copy = {.most_bytes = receiver.most_bytes};
            buf_init(&back, 0);
            assert_true(buf_append(&copy.history, receiver.history.data, receiver.history.len));
            packed.data[i] ^= (uint8_t)(1U << bit);
            if (unpack_payload(&copy, bytes_of(&packed), 4096, &back))
                assert_true(back.len <= 4096);
            packed.data[i] ^= (uint8_t)(1U << bit);
            buf_done(&back);
            pack_done(&copy);
        }
    }
    refused((struct bytes){(const uint8_t *)"not zstd at all", 15}, 4096);
    buf_done(&payload);
    buf_done(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_before_makes_the_next_small),
        cmocka_unit_test(nothing_grows_past_its_bound),
        cmocka_unit_test(damaged_bytes_do_no_harm),
    };
    int failed = cmocka_run_group_tests_name("pack", tests, NULL, NULL);
    begin();
    return failed;
}

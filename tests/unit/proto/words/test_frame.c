#include "cmocka_all.h"

#include "words/frame.h"

#include <string.h>

static void feed_text(struct frame_reader *reader, const char *text, size_t length)
{
    assert_true(frame_feed(reader, text, length));
}

static void yields_payloads_fed_byte_by_byte(void **state)
{
    (void)state;
    struct buf stream;
    buf_init(&stream, 0);
    assert_true(frame_write(&stream, "hello", 5));
    assert_true(frame_write(&stream, "", 0));
    assert_true(frame_write(&stream, "world", 5));
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    const char *expected[] = {"hello", "", "world"};
    size_t seen = 0;
    for (size_t i = 0; i < stream.len; i++) {
        feed_text(&reader, (const char *)stream.data + i, 1);
        const uint8_t *payload;
        size_t length;
        while (frame_next(&reader, &payload, &length) == FRAME_READY) {
            assert_true(seen < 3);
            assert_int_equal(length, strlen(expected[seen]));
            assert_memory_equal(payload, expected[seen], length);
            seen++;
        }
    }
    assert_int_equal(seen, 3);
    frame_reader_done(&reader);
    buf_done(&stream);
}

static void yields_many_payloads_of_one_feed(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    feed_text(&reader, "\0\0\0\1a\0\0\0\2bc\0\0", 13);
    const uint8_t *payload;
    size_t length;
    assert_int_equal(frame_next(&reader, &payload, &length), FRAME_READY);
    assert_int_equal(length, 1);
    assert_int_equal(payload[0], 'a');
    assert_int_equal(frame_next(&reader, &payload, &length), FRAME_READY);
    assert_memory_equal(payload, "bc", 2);
    assert_int_equal(frame_next(&reader, &payload, &length), FRAME_MORE);
    feed_text(&reader, "\0\1z", 3);
    assert_int_equal(frame_next(&reader, &payload, &length), FRAME_READY);
    assert_int_equal(payload[0], 'z');
    frame_reader_done(&reader);
}

static void refuses_a_length_above_the_ceiling_before_its_payload_came(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    feed_text(&reader, "\0\0\0\x65", 4);
    const uint8_t *payload;
    size_t length;
    assert_int_equal(frame_next(&reader, &payload, &length), FRAME_TOO_BIG);
    frame_reader_done(&reader);
}

static void does_not_write_what_no_reader_would_take(void **state)
{
    (void)state;
    struct buf stream;
    buf_init(&stream, 0);
    assert_false(frame_write(&stream, "", (size_t)FRAME_MAX_BYTES + 1));
    assert_int_equal(stream.len, 0);
    buf_done(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yields_payloads_fed_byte_by_byte),
        cmocka_unit_test(yields_many_payloads_of_one_feed),
        cmocka_unit_test(refuses_a_length_above_the_ceiling_before_its_payload_came),
        cmocka_unit_test(does_not_write_what_no_reader_would_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

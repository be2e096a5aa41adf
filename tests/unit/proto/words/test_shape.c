#include "proto/any_record.h"

#include "words/shape.h"

#include <stdlib.h>

static struct bytes bytes_of(const struct buf *buf)
{
    static const uint8_t nothing;
    return buf->len == 0 ? (struct bytes){&nothing, 0} : (struct bytes){buf->data, buf->len};
}

static struct shape shape_made(const struct buf *record)
{
    struct shape shape;
    struct buf bytes;
    buf_init(&bytes, 0);
    assert_true(shape_of(bytes_of(record), &bytes));
    assert_true(shape_init(&shape, bytes_of(&bytes)));
    buf_done(&bytes);
    return shape;
}

/* Tells a record by another one and puts it together again. @return how many codes are not 0. */
static size_t there_and_back(struct shape *shape, struct bytes before, const struct buf *record)
{
    struct buf texts, noise, again;
    struct shape other;
    size_t told = 0;
    buf_init(&texts, 0);
    buf_init(&noise, 0);
    buf_init(&again, 0);
    assert_true(shape_init(&other, bytes_of(&shape->bytes)));
    memcpy(other.drifts, shape->drifts, sizeof other.drifts);
    uint64_t *codes = calloc(shape->codes + 1, sizeof *codes);
    assert_non_null(codes);
    assert_true(shape_tell(shape, before, bytes_of(record), codes, &texts, &noise));
    for (size_t i = 0; i < shape->codes; i++)
        told += codes[i] != 0;
    struct bytes new_texts = bytes_of(&texts), new_noise = bytes_of(&noise);
    assert_true(shape_apply(&other, before, codes, &new_texts, &new_noise, &again));
    assert_int_equal(new_texts.length + new_noise.length, 0);
    assert_int_equal(again.len, record->len);
    assert_memory_equal(again.data, record->data, record->len);
    assert_memory_equal(other.drifts, shape->drifts, sizeof other.drifts);
    free(codes);
    shape_done(&other);
    buf_done(&texts);
    buf_done(&noise);
    buf_done(&again);
    return told;
}

static void an_attempt_is_little_beside_the_last_one(void **state)
{
    (void)state;
    struct buf records[2];
    buf_init(&records[0], 0);
    buf_init(&records[1], 0);
    any_attempt(3, 1, 10, &records[0]);
    struct shape shape = shape_made(&records[0]);
    assert_true(shape.step_count > 100);
    size_t alone = there_and_back(&shape, bytes_of(&records[1]), &records[0]);
    for (uint64_t round = 2; round < 50; round++) {
        struct buf *now = &records[(round + 1) % 2], *before = &records[round % 2];
        buf_clear(now);
        any_attempt(3, round, 10 * round, now);
        struct shape same = shape_made(now);
        assert_int_equal(same.bytes.len, shape.bytes.len);
        assert_memory_equal(same.bytes.data, shape.bytes.data, shape.bytes.len);
        shape_done(&same);
        size_t told = there_and_back(&shape, bytes_of(before), now);
        assert_true(round < 4 || told * 2 < alone);
    }
    shape_done(&shape);
    buf_done(&records[0]);
    buf_done(&records[1]);
}

/* Each stamp is foreseen from the nearest one. */
static void times_that_move_together_are_told_once(void **state)
{
    (void)state;
    struct buf records[2];
    struct attempt *attempt = any_healthy(3, 1, 10);
    for (size_t i = 0; i < 2; i++) {
        struct record record = {.kind = RECORD_ATTEMPT, .attempt = attempt};
        buf_init(&records[i], 0);
        assert_true(record_encode(&record, &records[i]));
#define X(field, name) attempt->clock.field += attempt->clock.field == EVIDENCE_NEVER ? 0 : 777;
        EVIDENCE_STAMPS(X)
#undef X
        for (size_t k = 0; k < EVIDENCE_MAX_TCP_INFO; k++)
            attempt->tcp[k].at_us += 777;
        for (size_t k = 0; k < attempt->tls.record_count; k++)
            attempt->tls.records[k].at_us += 777;
    }
    struct shape shape = shape_made(&records[0]);
    (void)there_and_back(&shape, bytes_of(&records[0]), &records[0]);
    assert_int_equal(there_and_back(&shape, bytes_of(&records[0]), &records[1]), 1);
    shape_done(&shape);
    attempt_free(attempt);
    buf_done(&records[0]);
    buf_done(&records[1]);
}

/* What no schema knows goes as it is, and comes back as it went. */
static void any_bytes_come_back(void **state)
{
    (void)state;
    struct buf record, none;
    size_t whole = 0, apart = 0;
    buf_init(&none, 0);
    for (unsigned i = 0; i < 4000; i++) {
        buf_init(&record, 0);
        if (i % 3 == 0)
            any_report(i, i, &record);
        else
            any_attempt(i % 5, i, i, &record);
        if (i % 2 == 0)
            any_damage(&record);
        struct shape shape = shape_made(&record);
        (void)there_and_back(&shape, bytes_of(&none), &record);
        (void)there_and_back(&shape, bytes_of(&record), &record);
        whole += shape.step_count == 1;
        apart += shape.step_count > 1;
        shape_done(&shape);
        buf_done(&record);
    }
    assert_true(whole > 100 && apart > 2000);
}

static bool is_shape(const void *bytes, size_t length)
{
    struct shape shape;
    bool made = shape_init(&shape, (struct bytes){bytes, length});
    if (made)
        shape_done(&shape);
    return made;
}

#define STEP(number, kind) ((number) << 3 | (kind))

static void what_is_no_shape_is_refused(void **state)
{
    (void)state;
    static const uint8_t whole[] = {STEP(0, SHAPE_FIELDS)},
                         whole_and_more[] = {whole[0], STEP(1, SHAPE_NUMBER)},
                         nameless[] = {STEP(0, SHAPE_NUMBER)}, open[] = {STEP(1, SHAPE_OPEN)},
                         closed[] = {STEP(1, SHAPE_OPEN), 0}, closed_twice[] = {STEP(1, SHAPE_OPEN), 0, 0},
                         named_close[] = {STEP(1, SHAPE_OPEN), STEP(1, SHAPE_CLOSE)}, cut[] = {0x80},
                         far[] = {0x80 | SHAPE_NUMBER, 0x80, 0x01}, near[] = {0x80 | SHAPE_NUMBER, 0x7f};
    assert_true(is_shape(whole, 1) && is_shape(closed, 2) && is_shape(near, 2));
    assert_false(is_shape(whole, 0) || is_shape(whole_and_more, 2) || is_shape(nameless, 1));
    assert_false(is_shape(open, 1) || is_shape(closed_twice, 3) || is_shape(named_close, 2));
    assert_false(is_shape(cut, 1) || is_shape(far, 3));
    uint8_t many[SHAPE_MAX_BYTES + 1], deep[2 * SHAPE_MAX_DEPTH];
    memset(many, STEP(1, SHAPE_NUMBER), sizeof many);
    assert_true(is_shape(many, SHAPE_MAX_BYTES));
    assert_false(is_shape(many, SHAPE_MAX_BYTES + 1));
    memset(many, STEP(1, SHAPE_DRIFT), sizeof many);
    assert_true(is_shape(many, SHAPE_MAX_DRIFTS));
    assert_false(is_shape(many, SHAPE_MAX_DRIFTS + 1));
    memset(deep, 0, sizeof deep);
    memset(deep, STEP(1, SHAPE_OPEN), SHAPE_MAX_DEPTH);
    assert_false(is_shape(deep, sizeof deep));
    assert_true(is_shape(deep + 1, sizeof deep - 2));
}

/* A stranger's codes: no more is read than there is, and no more is written than is allowed. */
static void codes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const uint8_t text[] = {STEP(1, SHAPE_TEXT)};
    const struct bytes before = {(const uint8_t *)"\x0a\x03old", 5};
    static const struct {
        uint64_t codes[3];
        const char *out;
    } rows[] = {
        {{0, 0, 0}, "\x0a\x03old"},
        {{1, 0, 0}, "\x0a\x03oln"},
        {{3, 0, 0}, "\x0a\x03new"},
        {{0, 2, 0}, "\x0a\x04oldn"},
        {{1, 0, 1}, "\x0a\x03ond"},
        {{0, 4, 3}, "\x0a\x05neold"},
        {{3, 5, 0}, ""},
        {{4, 0, 0}, NULL},
        {{0, 1, 0}, NULL},
        {{0, 8, 0}, NULL},
        {{2, 0, 2}, NULL},
        {{0, 0, 4}, NULL},
        {{1, 0, UINT64_MAX}, NULL},
        {{UINT64_MAX, 0, 0}, NULL},
        {{UINT64_MAX, 0, 1}, NULL},
        {{0, UINT64_MAX, 0}, NULL},
        {{0, UINT64_MAX - 1, 0}, NULL},
        {{UINT64_MAX, 2, 0}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shape shape;
        struct bytes texts = {(const uint8_t *)"new", 3}, noise = {(const uint8_t *)"", 0};
        struct buf out;
        buf_init(&out, 100);
        assert_true(shape_init(&shape, (struct bytes){text, 1}));
        bool applied = shape_apply(&shape, before, rows[i].codes, &texts, &noise, &out);
        assert_int_equal(applied, rows[i].out != NULL);
        assert_true(!applied ||
                    (out.len == strlen(rows[i].out) && memcmp(out.data, rows[i].out, out.len) == 0));
        buf_done(&out);
        buf_init(&out, 10);
        assert_false(shape_apply(&shape, before, rows[0].codes, &texts, &noise, &out));
        buf_done(&out);
        shape_done(&shape);
    }
}

static void whose_an_attempt_is(void **state)
{
    (void)state;
    struct buf record;
    buf_init(&record, 0);
    any_attempt(77, 5, 6, &record);
    assert_int_equal(record_endpoint(bytes_of(&record)), 77);
    buf_clear(&record);
    any_report(5, 6, &record);
    assert_int_equal(record_endpoint(bytes_of(&record)), 0);
    buf_done(&record);
    assert_int_equal(record_endpoint((struct bytes){(const uint8_t *)"", 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_is_little_beside_the_last_one),
        cmocka_unit_test(times_that_move_together_are_told_once),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(what_is_no_shape_is_refused),
        cmocka_unit_test(codes_that_cannot_be_are_refused),
        cmocka_unit_test(whose_an_attempt_is),
    };
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}

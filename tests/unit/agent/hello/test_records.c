#include "cmocka_all.h"
#include "hello/client.h"
#include "hello/records.h"

#include <string.h>

static struct tls_algorithms *algorithms;
static uint8_t bytes[40000];

static int set_up(void **state)
{
    (void)state;
    algorithms = tls_algorithms_new();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31);
    return algorithms == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    tls_algorithms_free(algorithms);
    return 0;
}

static void pair(const struct tls_suite *suite, struct record_keys *write, struct record_keys *read)
{
    static const uint8_t secret[TLS_HASH_MAX_BYTES] = {1, 2, 3};
    *write = *read = (struct record_keys){0};
    assert_true(record_keys_set(write, suite, secret, true));
    assert_true(record_keys_set(read, suite, secret, false));
}

/* Opens all records of `sealed` and compares them. @return how many there were. */
static size_t open_all(struct record_keys *read, const struct buf *sealed, uint8_t content,
                       const uint8_t *expected, size_t length)
{
    static uint8_t plain[RECORD_MAX_PLAIN_BYTES + 1];
    size_t count = 0, total = 0;
    for (size_t at = 0; at < sealed->len; count++) {
        const uint8_t *header = sealed->data + at;
        size_t body = (size_t)header[3] << 8 | header[4], inner = body - TLS_TAG_BYTES - 1;
        assert_true(header[0] == RECORD_DATA && header[1] == 3 && header[2] == 3);
        assert_true(at + RECORD_HEADER_BYTES + body <= sealed->len && inner <= RECORD_MAX_PLAIN_BYTES);
        assert_true(record_open(read, header, header + RECORD_HEADER_BYTES, body, plain));
        assert_int_equal(plain[inner], content);
        assert_memory_equal(plain, expected + total, inner);
        total += inner;
        at += RECORD_HEADER_BYTES + body;
    }
    assert_int_equal(total, length);
    return count;
}

static void opens_what_it_sealed(void **state)
{
    static const struct {
        size_t length, records;
    } rows[] = {{0, 1}, {1, 1}, {100, 1}, {16384, 1}, {16385, 2}, {40000, 3}};
    struct record_keys write, read;
    struct buf sealed;
    (void)state;
    buf_init(&sealed, 0);
    for (size_t s = 0; s < TLS_SUITES; s++) {
        pair(&algorithms->suites[s], &write, &read);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            buf_clear(&sealed);
            assert_true(record_seal(&write, RECORD_HANDSHAKE, bytes, rows[i].length, &sealed));
            assert_int_equal(open_all(&read, &sealed, RECORD_HANDSHAKE, bytes, rows[i].length),
                             rows[i].records);
        }
        record_keys_done(&write);
        record_keys_done(&read);
    }
    buf_done(&sealed);
}

static void refuses_any_changed_bit(void **state)
{
    struct record_keys write, read;
    struct buf sealed;
    uint8_t plain[64];
    (void)state;
    buf_init(&sealed, 0);
    for (size_t s = 0; s < TLS_SUITES; s++) {
        pair(&algorithms->suites[s], &write, &read);
        assert_true(record_seal(&write, RECORD_DATA, bytes, 8, &sealed));
        for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
            read.sequence = 0;
            sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(record_open(&read, sealed.data, sealed.data + 5, sealed.len - 5, plain));
            sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t length = 0; length < sealed.len - 5; length++)
            assert_false(record_open(&read, sealed.data, sealed.data + 5, length, plain));
        read.sequence = 0;
        assert_true(record_open(&read, sealed.data, sealed.data + 5, sealed.len - 5, plain));
        assert_false(
            record_open(&read, sealed.data, sealed.data + 5, sealed.len - 5, plain)); /* played again */
        buf_clear(&sealed);
        record_keys_done(&write);
        record_keys_done(&read);
    }
    buf_done(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_it_sealed),
        cmocka_unit_test(refuses_any_changed_bit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

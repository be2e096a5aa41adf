#include "cmocka_all.h"
#include "hello/server_hello.h"

#include <stdlib.h>
#include <string.h>

/* A ServerHello is put together from its parts, and read from a heap copy of the exact size. */

static uint8_t bytes[512];
static size_t length;
static struct server_hello hello;
static uint8_t *copy; /* what spans point into */

static void begin(uint16_t version, const uint8_t random[32], uint16_t cipher)
{
    static const uint8_t id[] = {3, 0xa, 0xb, 0xc};
    length = 0;
    bytes[length++] = (uint8_t)(version >> 8);
    bytes[length++] = (uint8_t)version;
    memcpy(bytes + length, random, 32);
    length += 32;
    memcpy(bytes + length, id, sizeof id);
    length += sizeof id;
    bytes[length++] = (uint8_t)(cipher >> 8);
    bytes[length++] = (uint8_t)cipher;
    bytes[length++] = 0;
}

enum { EXTENSIONS_AT = 2 + 32 + 4 + 3 };

static void extension(uint16_t type, const void *body, size_t body_length)
{
    if (length == EXTENSIONS_AT)
        length += 2;
    uint8_t header[] = {(uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)body_length};
    memcpy(bytes + length, header, 4);
    memcpy(bytes + length + 4, body, body_length);
    length += 4 + body_length;
    bytes[EXTENSIONS_AT] = (uint8_t)((length - EXTENSIONS_AT - 2) >> 8);
    bytes[EXTENSIONS_AT + 1] = (uint8_t)(length - EXTENSIONS_AT - 2);
}
#define EXTENSION(type, ...)                                                                                 \
    extension((type), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool read_first(size_t count)
{
    free(copy);
    copy = malloc(count > 0 ? count : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    return server_hello_read(copy, count, &hello);
}

static int teardown(void **state)
{
    (void)state;
    free(copy);
    copy = NULL;
    return 0;
}

static const uint8_t random_bytes[32] = {1, 2, 3, [31] = 9};
static const uint8_t retry[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                  0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                  0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

static void hello_of_tls13(void **state)
{
    (void)state;
    begin(0x0303, random_bytes, 0x1302);
    EXTENSION(51, 0, 29, 0, 4, 5, 6, 7, 8);
    EXTENSION(43, 3, 4);
    assert_true(read_first(length));
    assert_int_equal(hello.legacy_version, 0x0303);
    assert_int_equal(hello.version, 0x0304);
    assert_false(hello.retry || hello.unoffered || hello.downgraded || hello.psk);
    assert_memory_equal(hello.random.bytes, random_bytes, 32);
    assert_int_equal(hello.session_id.length, 3);
    assert_int_equal(hello.session_id.bytes[2], 0xc);
    assert_int_equal(hello.cipher, 0x1302);
    assert_int_equal(hello.group, 29);
    assert_int_equal(hello.share.length, 4);
    assert_int_equal(hello.share.bytes[3], 8);
    assert_null(hello.cookie.bytes);
    assert_null(hello.alpn.bytes);
}

static void hello_retry_request(void **state)
{
    (void)state;
    begin(0x0303, retry, 0x1301);
    EXTENSION(43, 3, 4);
    EXTENSION(51, 0, 23);
    EXTENSION(44, 0, 2, 0xc0, 0x0c);
    assert_true(read_first(length));
    assert_true(hello.retry);
    assert_false(hello.unoffered);
    assert_int_equal(hello.group, 23);
    assert_null(hello.share.bytes);
    assert_int_equal(hello.cookie.length, 2);
    assert_int_equal(hello.cookie.bytes[0], 0xc0);
    length = EXTENSIONS_AT; /* it says nothing without them */
    assert_false(read_first(length));
    begin(0x0302, retry, 0x1301); /* that random is a random before TLS 1.2 */
    assert_true(read_first(length));
    assert_false(hello.retry);
}

static void split_says_where_it_ends(void **state)
{
    struct cursor message, block;
    (void)state;
    begin(0x0303, random_bytes, 0x1301);
    EXTENSION(43, 3, 4);
    for (size_t count = 0; count <= length; count++) {
        cursor_init(&message, bytes, count);
        enum server_hello_flaw flaw = server_hello_split(message, &hello, &block);
        assert_int_equal(flaw, count < EXTENSIONS_AT                       ? SERVER_HELLO_CUT
                               : count == EXTENSIONS_AT || count == length ? SERVER_HELLO_SOUND
                                                                           : SERVER_HELLO_BAD_BLOCK);
        assert_int_equal(hello.random.length, count < 34 ? 0 : 32);
        assert_int_equal(cursor_left(&block), count == length ? 6 : 0);
    }
    assert_int_equal(hello.version, 0x0303); /* no extension was looked into */
    bytes[34] = 33;
    cursor_init(&message, bytes, sizeof bytes);
    assert_int_equal(server_hello_split(message, &hello, &block), SERVER_HELLO_LONG_ID);
}

static void hello_of_tls12(void **state)
{
    (void)state;
    begin(0x0303, random_bytes, 0xc02f);
    assert_true(read_first(length));
    assert_int_equal(hello.version, 0x0303);
    EXTENSION(65281, 0);
    EXTENSION(16, 0, 9, 8, 'h', 't', 't', 'p', '/', '1', '.', '1');
    EXTENSION(4711, 1, 2, 3);
    assert_true(read_first(length));
    assert_int_equal(hello.version, 0x0303);
    assert_int_equal(hello.alpn.length, 8);
    assert_memory_equal(hello.alpn.bytes, "http/1.1", 8);
    assert_false(hello.unoffered);
    assert_int_equal(hello.group, 0);
}

static void sentinel_of_a_downgrade(void **state)
{
    uint8_t random[32] = {0};
    (void)state;
    for (uint8_t last = 0; last < 3; last++) {
        memcpy(random + 24, "DOWNGRD", 7);
        random[31] = last;
        begin(0x0303, random, 0xc02f);
        assert_true(read_first(length));
        assert_int_equal(hello.downgraded, last < 2);
    }
}

static void extensions_out_of_place_are_told_of(void **state)
{
    (void)state;
    begin(0x0303, random_bytes, 0x1302);
    EXTENSION(51, 0, 29, 0, 1, 5);
    assert_true(read_first(length)); /* TLS 1.2 has no key shares */
    assert_true(hello.unoffered);
    EXTENSION(43, 3, 4);
    assert_true(read_first(length));
    assert_false(hello.unoffered);
    EXTENSION(16, 0, 3, 2, 'h', '2'); /* in TLS 1.3 it is encrypted */
    assert_true(read_first(length));
    assert_true(hello.unoffered);
    begin(0x0303, random_bytes, 0x1302);
    EXTENSION(43, 3, 4);
    EXTENSION(44, 0, 1, 1); /* only a HelloRetryRequest has a cookie */
    assert_true(read_first(length));
    assert_true(hello.unoffered);
    begin(0x0303, retry, 0x1302);
    EXTENSION(43, 3, 4);
    EXTENSION(41, 0, 0);
    assert_true(read_first(length));
    assert_true(hello.unoffered && hello.psk);
}

static void cut_short_at_any_byte_is_malformed(void **state)
{
    (void)state;
    begin(0x0303, random_bytes, 0x1302);
    EXTENSION(43, 3, 4);
    EXTENSION(51, 0, 29, 0, 4, 5, 6, 7, 8);
    hello = (struct server_hello){.cipher = 0xffff};
    for (size_t count = 0; count < length; count++) {
        if (count == EXTENSIONS_AT)
            continue; /* older hellos end there */
        assert_false(read_first(count));
        assert_int_equal(hello.cipher, 0xffff);
    }
    bytes[length++] = 0;
    assert_false(read_first(length));
}

static void extensions_that_lie_are_malformed(void **state)
{
    (void)state;
    begin(0x0303, random_bytes, 0x1302);
    EXTENSION(43, 3, 4);
    EXTENSION(43, 3, 4); /* twice */
    assert_false(read_first(length));
    static const struct {
        uint16_t type;
        size_t length;
        uint8_t body[8];
    } rows[] = {
        {43, 3, {3, 4, 0}},
        {43, 1, {3}},
        {51, 2, {0, 29}},
        {51, 6, {0, 29, 0, 1, 2, 3}},
        {41, 1, {0}},
        {44, 2, {0, 0}},
        {16, 0, {0}},
        {16, 3, {0, 1, 0}},
        {44, 3, {0, 2, 1}},
        {16, 4, {0, 2, 2, 3}},
        {16, 5, {0, 3, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(0x0303, random_bytes, 0x1302);
        extension(rows[i].type, rows[i].body, rows[i].length);
        assert_false(read_first(length));
    }
    begin(0x0303, random_bytes, 0x1302);
    bytes[34] = 33; /* the session id */
    length = sizeof bytes;
    assert_false(read_first(length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(hello_of_tls13, teardown),
        cmocka_unit_test_teardown(hello_retry_request, teardown),
        cmocka_unit_test_teardown(split_says_where_it_ends, teardown),
        cmocka_unit_test_teardown(hello_of_tls12, teardown),
        cmocka_unit_test_teardown(sentinel_of_a_downgrade, teardown),
        cmocka_unit_test_teardown(extensions_out_of_place_are_told_of, teardown),
        cmocka_unit_test_teardown(cut_short_at_any_byte_is_malformed, teardown),
        cmocka_unit_test_teardown(extensions_that_lie_are_malformed, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

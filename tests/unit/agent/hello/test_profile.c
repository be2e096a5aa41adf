#include "cmocka_all.h"
#include "hello/decoy.h"
#include "words/cursor.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/*
 * Shapes of hellos under the names by which others know them: JA3 (all lists in their order) and JA4 (lists sorted, and more of
 * them). Expected are those of hellos that the clients really sent.
 */

enum { LIST_ROOM = 128 };

struct list {
    size_t count;
    uint16_t values[LIST_ROOM];
};

struct shape {
    struct list ciphers, extensions, groups, points, signatures, versions;
    char alpn[3];
};

static bool is_reserved(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void take(struct list *list, uint16_t value)
{
    assert_true(list->count < LIST_ROOM);
    if (!is_reserved(value))
        list->values[list->count++] = value;
}

static void take_block(struct list *list, struct cursor *from, size_t prefix, size_t width)
{
    struct cursor block = cursor_block(from, prefix == 2 ? cursor_u16(from) : cursor_u8(from));
    while (cursor_left(&block) > 0)
        take(list, width == 2 ? cursor_u16(&block) : cursor_u8(&block));
    assert_false(block.failed);
}

static void take_extension(struct shape *shape, uint16_t type, struct cursor *body)
{
    take(&shape->extensions, type);
    if (type == 10)
        take_block(&shape->groups, body, 2, 2);
    else if (type == 11)
        take_block(&shape->points, body, 1, 1);
    else if (type == 13)
        take_block(&shape->signatures, body, 2, 2);
    else if (type == 43)
        take_block(&shape->versions, body, 1, 2);
    else if (type == 16 && cursor_u16(body) > 0) {
        struct cursor name = cursor_block(body, cursor_u8(body));
        shape->alpn[0] = (char)name.at[0];
        shape->alpn[1] = (char)name.end[-1];
    }
}

static struct shape shape_of(const struct buf *message)
{
    struct shape shape = {.alpn = "00"};
    struct cursor cursor;
    cursor_init(&cursor, message->data, message->len);
    (void)cursor_block(&cursor, 4 + 2 + 32);
    (void)cursor_block(&cursor, cursor_u8(&cursor));
    take_block(&shape.ciphers, &cursor, 2, 2);
    (void)cursor_block(&cursor, cursor_u8(&cursor));
    struct cursor extensions = cursor_block(&cursor, cursor_u16(&cursor));
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor body = cursor_block(&extensions, cursor_u16(&extensions));
        take_extension(&shape, type, &body);
    }
    assert_false(cursor.failed || extensions.failed || cursor_left(&cursor) > 0);
    return shape;
}

static void say(struct buf *text, const struct list *list, const char *format, const char *between)
{
    for (size_t i = 0; i < list->count; i++) {
        assert_true(i == 0 || buf_text(text, between));
        char number[8];
        (void)snprintf(number, sizeof number, strcmp(format, "x") == 0 ? "%04x" : "%u", list->values[i]);
        assert_true(buf_text(text, number));
    }
}

static void say_digest(struct buf *out, struct buf *text, const EVP_MD *kind, size_t bytes)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    assert_int_equal(EVP_Digest(text->data, text->len, digest, NULL, kind, NULL), 1);
    for (size_t i = 0; i < bytes; i++)
        assert_true(buf_printf(out, "%02x", digest[i]));
    buf_clear(text);
}

static void say_ja3(const struct shape *shape, struct buf *out)
{
    struct buf text;
    const struct list *const lists[] = {&shape->ciphers, &shape->extensions, &shape->groups, &shape->points};
    buf_init(&text, 0);
    assert_true(buf_text(&text, "771"));
    for (size_t i = 0; i < 4; i++) {
        assert_true(buf_text(&text, ","));
        say(&text, lists[i], "u", "-");
    }
    say_digest(out, &text, EVP_md5(), 16);
    buf_done(&text);
}

static int by_value(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Of extensions neither name nor ALPN go into the digest, for they depend on the server. */
static struct list sorted(const struct list *list, bool extensions)
{
    struct list copy = {0};
    for (size_t i = 0; i < list->count; i++)
        if (!extensions || (list->values[i] != 0 && list->values[i] != 16))
            take(&copy, list->values[i]);
    qsort(copy.values, copy.count, sizeof copy.values[0], by_value);
    return copy;
}

static void say_ja4(const struct shape *shape, struct buf *out)
{
    struct buf text;
    struct list ciphers = sorted(&shape->ciphers, false), extensions = sorted(&shape->extensions, true);
    buf_init(&text, 0);
    assert_true(buf_printf(out, "t%sd%02zu%02zu%s_", shape->versions.count > 0 ? "13" : "12",
                           shape->ciphers.count, shape->extensions.count, shape->alpn));
    say(&text, &ciphers, "x", ",");
    say_digest(out, &text, EVP_sha256(), 6);
    say(&text, &extensions, "x", ",");
    assert_true(buf_text(&text, "_") && buf_text(out, "_"));
    say(&text, &shape->signatures, "x", ",");
    say_digest(out, &text, EVP_sha256(), 6);
    buf_done(&text);
}

static void write_as(const char *name, uint8_t seed, struct buf *message)
{
    static struct hello_decoy decoy;
    uint8_t random[HELLO_DECOY_RANDOM_BYTES];
    memset(random, seed, sizeof random);
    assert_true(hello_decoy_make(hello_profile_find(name), "www.shop.example", random, &decoy));
    buf_clear(message);
    assert_true(hello_write(hello_profile_find(name), &decoy.values, message));
}

static void shapes_are_those_of_well_known_clients(void **state)
{
    static const struct {
        const char *name, *ja3, *ja4;
        size_t bytes; /* with the header of its record, and this name; 0: not known */
    } rows[] = {
        {"chrome", NULL, "t13d1517h2_8daaf6152771_cb7bf5808d99", 1988},
        {"firefox", "6f7889b9fb1a62a9577e685c1fcfa919", "t13d1717h2_5b57614c22b0_3cbfd9057e0d", 0},
        {"safari", "773906b0efdefa24a7f2b8eb6985bf37", "t13d2014h2_a09f3c656075_14788d8d241b", 517},
        {"curl", "0149f47eabf9a20d0893e2a44e5a6323", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", 517},
        {"go", "3fed133de60c35724739b913924b6c24", "t13d1910h2_9dc949149365_97f8aa674fd9", 282},
    };
    struct buf message, ja3, ja4;
    (void)state;
    buf_init(&message, 0);
    buf_init(&ja3, 0);
    buf_init(&ja4, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_as(rows[i].name, (uint8_t)(i * 77), &message);
        struct shape shape = shape_of(&message);
        buf_clear(&ja3);
        buf_clear(&ja4);
        say_ja3(&shape, &ja3);
        say_ja4(&shape, &ja4);
        assert_string_equal(ja4.data, rows[i].ja4);
        if (rows[i].ja3 != NULL)
            assert_string_equal(ja3.data, rows[i].ja3);
        if (rows[i].bytes > 0)
            assert_int_equal(5 + message.len, rows[i].bytes);
    }
    buf_done(&message);
    buf_done(&ja3);
    buf_done(&ja4);
}

/* RFC 8701: in their places, of the right form, and never twice among the extensions. */
static void reserved_values_are_in_their_places(void **state)
{
    struct buf message;
    (void)state;
    buf_init(&message, 0);
    for (unsigned seed = 0; seed < 256; seed += 5) {
        write_as("chrome", (uint8_t)seed, &message);
        const uint8_t *bytes = message.data;
        size_t ciphers = 4 + 2 + 32 + 33 + 2, extensions = ciphers + 32 + 2 + 2;
        size_t last = message.len - 5;
        uint16_t first_cipher = (uint16_t)(bytes[ciphers] << 8 | bytes[ciphers + 1]);
        uint16_t first = (uint16_t)(bytes[extensions] << 8 | bytes[extensions + 1]);
        uint16_t second = (uint16_t)(bytes[last] << 8 | bytes[last + 1]);
        assert_true(is_reserved(first_cipher) && is_reserved(first) && is_reserved(second));
        assert_int_equal(first_cipher, 0x0a0a + (seed & 15) * 0x1010);
        assert_int_not_equal(first, second);
        assert_memory_equal(bytes + extensions + 2, "\0\0", 2);
        assert_memory_equal(bytes + last + 2, "\0\1\0", 3);
    }
    buf_done(&message);
}

static bool is_in(const struct hello_list *list, uint16_t value)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value)
            return true;
    return false;
}

static void profiles_are_sound(void **state)
{
    const struct hello_profile *profile;
    size_t count = 0;
    (void)state;
    for (; (profile = hello_profile_at(count)) != NULL; count++) {
        assert_ptr_equal(hello_profile_find(profile->name), profile); /* so no name is there twice */
        assert_true(strlen(profile->name) < 64);
        assert_true(profile->session_id_bytes == 0 || profile->session_id_bytes == 32);
        assert_int_equal(profile->versions.count > 0, profile->shares.count > 0);
        assert_int_equal(profile->versions.count > 0, profile->oldest_version == 0);
        for (size_t i = 0; i < profile->shares.count; i++)
            assert_true(is_in(&profile->groups, profile->shares.values[i]));
        assert_int_equal(profile->alpn != NULL || strcmp(profile->name, "openssl-no-alpn") == 0, true);
        assert_int_equal(is_in(&profile->extensions, HELLO_FILLER), profile->filler_bytes > 0);
        assert_int_equal(is_in(&profile->extensions, HELLO_ENCRYPTED), profile->encrypted_bytes > 0);
    }
    assert_true(count >= 14);
    assert_string_equal(hello_profile_at(0)->name, HELLO_PROFILE_NORMAL);
    assert_null(hello_profile_find("netscape"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_those_of_well_known_clients),
        cmocka_unit_test(reserved_values_are_in_their_places),
        cmocka_unit_test(profiles_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

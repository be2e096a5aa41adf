#include "libssl_hello.h"

#include <stdlib.h>

static struct trust *trust;
static struct buf message, records;

static int setup(void **state)
{
    char *why = NULL;
    const struct trust_files files = {0};
    (void)state;
    trust = trust_new(&files, &why);
    assert_non_null(trust);
    buf_init(&message, 0);
    buf_init(&records, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    trust_free(trust);
    buf_done(&message);
    buf_done(&records);
    return 0;
}

static void write_hello(const struct hello_profile *profile, const struct hello_values *values)
{
    buf_clear(&message);
    buf_clear(&records);
    assert_true(hello_write(profile, values, &message));
    assert_true(hello_write_records(22, profile->record_version, message.data, message.len, &records));
}

static void assert_equals_libssl(enum variant variant, const char *name, const char *sni)
{
    static struct libssl_hello theirs;
    const struct hello_profile *profile = hello_profile_find(name);
    assert_non_null(profile);
    libssl_hello_make(&theirs, trust, variant, sni);
    write_hello(profile, &theirs.values);
    if (records.len != theirs.length || memcmp(records.data, theirs.bytes, theirs.length) != 0) {
        print_error("%s with the name \"%s\"\n", name, sni);
        assert_int_equal(records.len, theirs.length);
        assert_memory_equal(records.data, theirs.bytes, theirs.length);
    }
}

static void hellos_equal_those_of_libssl(void **state)
{
    static const struct {
        enum variant variant;
        const char *name;
    } rows[] = {
        {VARIANT_NORMAL, HELLO_PROFILE_NORMAL},   {VARIANT_RETRY, "openssl-default"},
        {VARIANT_TLS12, "openssl-tls12"},         {VARIANT_TLS13, "openssl-tls13"},
        {VARIANT_LEGACY, "openssl-legacy"},       {VARIANT_RSA_ONLY, "openssl-rsa"},
        {VARIANT_ECDSA_ONLY, "openssl-ecdsa"},    {VARIANT_LARGE_HELLO, "openssl-large"},
        {VARIANT_NO_ALPN, "openssl-no-alpn"},     {VARIANT_WIDE, "openssl-wide"},
        {VARIANT_CLIENT_CERT, "openssl-default"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_equals_libssl(rows[i].variant, rows[i].name, "www.shop.example");
        assert_equals_libssl(rows[i].variant, rows[i].name, "");
    }
}

static const uint8_t key[32] = {1, 2, 3};
static const struct hello_values plain = {
    .sni = "a.example", .share_count = 1, .shares = {{.group = 29, .key = key, .key_bytes = sizeof key}}};

static bool contains(const struct buf *where, const void *what, size_t length)
{
    return memmem(where->data, where->len, what, length) != NULL;
}

static void address_is_no_name(void **state)
{
    struct hello_values values = plain;
    (void)state;
    write_hello(hello_profile_at(0), &values);
    assert_true(contains(&message, "a.example", 9));
    size_t with_name = message.len;
    const char *const addresses[] = {"192.0.2.7", "2001:db8::7"};
    for (size_t i = 0; i < 2; i++) {
        values.sni = addresses[i];
        write_hello(hello_profile_at(0), &values);
        assert_false(contains(&message, addresses[i], strlen(addresses[i])));
        assert_int_equal(message.len, with_name - 4 - 2 - 1 - 2 - 9);
    }
}

static void second_hello_brings_the_cookie_and_one_share(void **state)
{
    static const uint8_t cookie[] = {0xc0, 0x0c, 0x1e};
    static const uint8_t wanted[] = {0, 51, 0, 38, 0, 36, 0, 23, 0, 32, 1, 2, 3};
    static const uint8_t wanted_cookie[] = {0, 44, 0, 5, 0, 3, 0xc0, 0x0c, 0x1e};
    struct hello_values values = plain;
    (void)state;
    values.shares[0].group = 23;
    values.cookie = cookie;
    values.cookie_bytes = sizeof cookie;
    write_hello(hello_profile_at(0), &values);
    assert_true(contains(&message, wanted, sizeof wanted));
    assert_memory_equal(message.data + message.len - sizeof wanted_cookie, wanted_cookie,
                        sizeof wanted_cookie);
}

static void what_does_not_fit_leaves_nothing_behind(void **state)
{
    static uint8_t large[70000];
    char name[300];
    struct buf out;
    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct hello_values wrong[4] = {plain, plain, plain, plain};
    wrong[0].sni = name;
    wrong[1].cookie = large;
    wrong[1].cookie_bytes = HELLO_MAX_COOKIE_BYTES + 1;
    wrong[2].shares[0] = (struct hello_share){.group = 29, .key = large, .key_bytes = sizeof large};
    wrong[3].share_count = HELLO_MAX_SHARES + 1;
    buf_init(&out, 0);
    assert_true(buf_text(&out, "kept"));
    for (size_t i = 0; i < 4; i++) {
        assert_false(hello_write(hello_profile_at(0), &wrong[i], &out));
        assert_string_equal(out.data, "kept");
        assert_int_equal(out.len, 4);
    }
    buf_done(&out);
}

static void no_room_at_any_byte_leaves_nothing_behind(void **state)
{
    struct buf out;
    (void)state;
    write_hello(hello_profile_find("openssl-large"), &plain);
    for (size_t max = 1; max < records.len; max++) {
        buf_init(&out, max);
        bool wrote = hello_write(hello_profile_find("openssl-large"), &plain, &out);
        assert_int_equal(wrote, max >= message.len);
        assert_int_equal(out.len, wrote ? message.len : 0);
        buf_clear(&out);
        assert_false(hello_write_records(22, 0x0301, message.data, message.len, &out));
        assert_int_equal(out.len, 0);
        buf_done(&out);
    }
}

static void long_messages_go_in_several_records(void **state)
{
    static uint8_t long_message[16384 + 1];
    (void)state;
    buf_clear(&records);
    long_message[16384] = 0x77;
    assert_true(hello_write_records(22, 0x0303, long_message, sizeof long_message, &records));
    assert_int_equal(records.len, sizeof long_message + 2 * 5);
    static const uint8_t first[] = {22, 3, 3, 0x40, 0}, second[] = {22, 3, 3, 0, 1, 0x77};
    assert_memory_equal(records.data, first, sizeof first);
    assert_memory_equal(records.data + 5 + 16384, second, sizeof second);
    buf_clear(&records);
    assert_true(hello_write_records(22, 0x0303, long_message, 16384, &records));
    assert_int_equal(records.len, 16384 + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellos_equal_those_of_libssl),
        cmocka_unit_test(address_is_no_name),
        cmocka_unit_test(second_hello_brings_the_cookie_and_one_share),
        cmocka_unit_test(what_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(no_room_at_any_byte_leaves_nothing_behind),
        cmocka_unit_test(long_messages_go_in_several_records),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

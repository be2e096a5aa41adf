#include "answering_server.h"
#include "hello/answer.h"
#include "hello/decoy.h"

#include <string.h>

static struct answering_server server;
static struct buf message, records;
static uint8_t joined[ANSWER_ROOM_BYTES];

static int setup(void **state)
{
    (void)state;
    answering_server_init(&server, EVP_RSA_gen(2048));
    assert_int_equal(SSL_CTX_set_cipher_list(server.context, "ALL:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(server.context, TLS1_VERSION), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    answering_server_done(&server);
    buf_done(&message);
    buf_done(&records);
    return 0;
}

static void fill(uint8_t random[HELLO_DECOY_RANDOM_BYTES], uint8_t seed)
{
    for (size_t i = 0; i < HELLO_DECOY_RANDOM_BYTES; i++)
        random[i] = (uint8_t)(seed * 31 + i * 7);
}

static void write_decoy(const struct hello_profile *profile, uint8_t seed)
{
    static struct hello_decoy decoy;
    uint8_t random[HELLO_DECOY_RANDOM_BYTES];
    fill(random, seed);
    buf_clear(&message);
    buf_clear(&records);
    assert_true(hello_decoy_make(profile, "www.shop.example", random, &decoy));
    assert_true(hello_write(profile, &decoy.values, &message));
    assert_true(hello_write_records(22, profile->record_version, message.data, message.len, &records));
}

static struct hello_answer ask(const struct hello_profile *profile)
{
    struct hello_answer answer;
    write_decoy(profile, 3);
    answering_server_ask(&server, &records);
    hello_answer_read(server.answer, server.length, joined, &answer);
    return answer;
}

static bool offers(const struct hello_list *list, uint16_t value)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value)
            return true;
    return false;
}

static void servers_answer_every_profile(void **state)
{
    const struct hello_profile *profile;
    (void)state;
    for (size_t i = 0; (profile = hello_profile_at(i)) != NULL; i++) {
        if (strcmp(profile->name, "openssl-ecdsa") == 0)
            continue; /* of suites of TLS 1.3 as well it takes no RSA key */
        struct hello_answer answer = ask(profile);
        if (!answer.has_hello)
            print_error("%s\n", profile->name);
        assert_string_equal(hello_answer_name(answer.kind),
                            profile->versions.count > 0 ? "server-hello" : "flight");
        assert_true(offers(&profile->ciphers, answer.hello.cipher));
        assert_false(answer.hello.unoffered);
    }
}

static void keys_of_other_curves_are_valid(void **state)
{
    (void)state;
    assert_int_equal(SSL_CTX_set1_groups_list(server.context, "P-256"), 1);
    struct hello_answer answer = ask(hello_profile_find("firefox"));
    assert_string_equal(hello_answer_name(answer.kind), "server-hello");
    assert_int_equal(answer.hello.group, 23);
    answer = ask(hello_profile_find("chrome")); /* offers the group, and no share of it */
    assert_string_equal(hello_answer_name(answer.kind), "hello-retry-request");
    assert_int_equal(SSL_CTX_set1_groups_list(server.context, "X25519:P-256"), 1);
}

/* FIPS 203, 7.2: a server refuses a key with a number that is not below the prime. */
static void hybrid_key_is_valid(void **state)
{
    static struct hello_decoy decoy;
    uint8_t random[HELLO_DECOY_RANDOM_BYTES];
    (void)state;
    fill(random, 9);
    assert_true(hello_decoy_make(hello_profile_find("chrome"), "", random, &decoy));
    const struct hello_share *share = &decoy.values.shares[1], *alone = &decoy.values.shares[2];
    assert_int_equal(share->group, 0x11ec);
    assert_int_equal(share->key_bytes, 1216);
    unsigned above = 0;
    for (size_t i = 0; i < 1152; i += 3) {
        unsigned first = share->key[i] | (share->key[i + 1] & 15u) << 8;
        unsigned second = share->key[i + 1] >> 4 | (unsigned)share->key[i + 2] << 4;
        assert_true(first < 3329 && second < 3329);
        above += (first > 1664) + (second > 1664);
    }
    assert_true(above > 300 && above < 468);
    assert_memory_equal(share->key + 1184, alone->key, 32);
    assert_memory_equal(alone->key, random + 64, 32);
}

static void hellos_differ(void **state)
{
    struct buf first;
    (void)state;
    buf_init(&first, 0);
    write_decoy(hello_profile_at(0), 1);
    assert_true(buf_append(&first, message.data, message.len));
    write_decoy(hello_profile_at(0), 2);
    assert_int_equal(message.len, first.len);
    assert_memory_not_equal(message.data + 6, first.data + 6, 32);   /* random */
    assert_memory_not_equal(message.data + 39, first.data + 39, 32); /* session id */
    size_t end = message.len - 32;
    assert_memory_not_equal(message.data + end, first.data + end, 32); /* key */
    buf_done(&first);
}

static void unknown_group_has_no_decoy(void **state)
{
    static struct hello_decoy decoy;
    static const uint16_t x448 = 30;
    const struct hello_profile profile = {.name = "", .shares = {&x448, 1}};
    uint8_t random[HELLO_DECOY_RANDOM_BYTES] = {0};
    (void)state;
    assert_false(hello_decoy_make(&profile, "", random, &decoy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_answer_every_profile), cmocka_unit_test(keys_of_other_curves_are_valid),
        cmocka_unit_test(hybrid_key_is_valid),          cmocka_unit_test(hellos_differ),
        cmocka_unit_test(unknown_group_has_no_decoy),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

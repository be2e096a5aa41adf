#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "words/carry.h"

#include <openssl/ec.h>
#include <string.h>

static void base64_there_and_back(void **state)
{
    (void)state;
    static const char *const known[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}}; /* RFC 4648 section 10 */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct buf text, bytes;
        buf_init(&text, 0);
        buf_init(&bytes, 0);
        assert_true(base64_text(&text, known[i][0], strlen(known[i][0])));
        assert_int_equal(text.len, strlen(known[i][1]));
        assert_memory_equal(text.data, known[i][1], text.len + 1);
        assert_true(base64_parse(&bytes, known[i][1], strlen(known[i][1])));
        assert_int_equal(bytes.len, strlen(known[i][0]));
        if (bytes.len > 0)
            assert_memory_equal(bytes.data, known[i][0], bytes.len);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9!", "Zm 9", "Zm9v\n", "=m9v", "Zm=v"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf bytes;
        buf_init(&bytes, 0);
        if (base64_parse(&bytes, wrong[i], strlen(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(bytes.len, 0);
        buf_done(&bytes);
    }
}

static void a_signature_is_of_one_hash_and_one_key(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    uint8_t sha256[32] = {1, 2, 3};
    struct buf signature;
    buf_init(&signature, 0);
    assert_true(carry_sign(key, sha256, &signature));
    assert_true(carry_verify(key, sha256, signature.data, signature.len));
    assert_false(carry_verify(other, sha256, signature.data, signature.len));
    assert_false(carry_verify(key, sha256, signature.data, signature.len - 1));
    assert_false(carry_verify(key, sha256, "", 0));
    sha256[31] ^= 1;
    assert_false(carry_verify(key, sha256, signature.data, signature.len));
    buf_done(&signature);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_there_and_back),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(a_signature_is_of_one_hash_and_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

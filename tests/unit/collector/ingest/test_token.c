#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/token.h"

#include <string.h>

static void made_tokens_are_known_again(void **arg)
{
    (void)arg;
    uint8_t fingerprint[32] = {0xab, 1}, made[32], read[32];
    char token[TOKEN_TEXT_BYTES], other[TOKEN_TEXT_BYTES];
    assert_true(token_make(fingerprint, token, made));
    assert_int_equal(strlen(token), TOKEN_TEXT_BYTES - 1);
    assert_memory_equal(token, "plx1.ab01", 9);
    assert_true(token_secret_sha256(token, read));
    assert_memory_equal(made, read, 32);
    assert_true(token_make(fingerprint, other, made));
    assert_string_not_equal(token, other);
}

static void others_are_refused(void **arg)
{
    (void)arg;
    uint8_t fingerprint[32] = {0}, hash[32];
    char token[TOKEN_TEXT_BYTES];
    assert_true(token_make(fingerprint, token, hash));
    assert_false(token_secret_sha256("", hash));
    assert_false(token_secret_sha256("plx1.", hash));
    token[TOKEN_TEXT_BYTES - 2] = '\0'; /* one short */
    assert_false(token_secret_sha256(token, hash));
    assert_true(token_make(fingerprint, token, hash));
    token[TOKEN_TEXT_BYTES - 3] = '+';
    assert_false(token_secret_sha256(token, hash));
    assert_true(token_make(fingerprint, token, hash));
    token[3] = '2';
    assert_false(token_secret_sha256(token, hash));
}

static void names(void **arg)
{
    (void)arg;
    char longest[65];
    memset(longest, 'a', 64);
    longest[64] = '\0';
    assert_false(vantage_name_valid(longest));
    longest[63] = '\0';
    assert_true(vantage_name_valid(longest));
    assert_true(vantage_name_valid("hk-1.shop"));
    assert_false(vantage_name_valid(""));
    assert_false(vantage_name_valid("-hk"));
    assert_false(vantage_name_valid(".hk"));
    assert_false(vantage_name_valid("hk 1"));
    assert_false(vantage_name_valid("hk/1"));
    assert_false(vantage_name_valid("\xe9\xa6\x99"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_tokens_are_known_again),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

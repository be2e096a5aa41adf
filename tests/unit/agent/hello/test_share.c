#include "cmocka_all.h"
#include "hello/client.h"
#include "hello/share.h"

#include <openssl/err.h>
#include <string.h>

static struct tls_algorithms *algorithms;

static int set_up(void **state)
{
    (void)state;
    algorithms = tls_algorithms_new();
    return algorithms == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    tls_algorithms_free(algorithms);
    return 0;
}

static void both_ends_agree(void **state)
{
    static const size_t public_bytes[TLS_GROUPS] = {32, 65, 97}, secret_bytes[TLS_GROUPS] = {32, 32, 48};
    (void)state;
    for (size_t i = 0; i < TLS_GROUPS; i++) {
        struct key_share a, b;
        uint8_t a_key[SHARE_MAX_PUBLIC_BYTES], b_key[SHARE_MAX_PUBLIC_BYTES],
            secrets[2][SHARE_MAX_SECRET_BYTES];
        size_t lengths[2];
        assert_true(key_share_init(&a, &algorithms->groups[i]) && key_share_init(&b, &algorithms->groups[i]));
        assert_int_equal(key_share_public(&a, a_key), public_bytes[i]);
        assert_int_equal(key_share_public(&b, b_key), public_bytes[i]);
        assert_memory_not_equal(a_key, b_key, public_bytes[i]);
        assert_int_equal(key_share_agree(&a, b_key, public_bytes[i], secrets[0], &lengths[0]),
                         KEY_SHARE_AGREED);
        assert_int_equal(key_share_agree(&b, a_key, public_bytes[i], secrets[1], &lengths[1]),
                         KEY_SHARE_AGREED);
        assert_int_equal(lengths[0], secret_bytes[i]);
        assert_int_equal(lengths[1], secret_bytes[i]);
        assert_memory_equal(secrets[0], secrets[1], secret_bytes[i]);
        key_share_done(&a);
        key_share_done(&b);
    }
}

static void refuses_what_is_no_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < TLS_GROUPS; i++) {
        struct key_share ours, other;
        uint8_t key[SHARE_MAX_PUBLIC_BYTES + 1] = {0}, secret[SHARE_MAX_SECRET_BYTES];
        size_t length;
        assert_true(key_share_init(&ours, &algorithms->groups[i]) &&
                    key_share_init(&other, &algorithms->groups[i]));
        size_t key_bytes = key_share_public(&other, key);
        for (size_t wrong = 1; wrong < sizeof key; wrong++)
            if (wrong != key_bytes)
                assert_int_equal(key_share_agree(&ours, key, wrong, secret, &length), KEY_SHARE_NO_POINT);
        if (key_bytes > 32) {
            key[key_bytes - 1] ^= 1; /* not on the curve any more */
            assert_int_equal(key_share_agree(&ours, key, key_bytes, secret, &length), KEY_SHARE_NO_POINT);
            key[key_bytes - 1] ^= 1;
            for (int form = 0; form < 8; form += form == 3 ? 2 : 1) { /* infinity, compressed, hybrid */
                key[0] = (uint8_t)form;
                assert_int_equal(key_share_agree(&ours, key, key_bytes, secret, &length), KEY_SHARE_NO_POINT);
            }
        } else {
            memset(key, 0, sizeof key);
            assert_int_equal(key_share_agree(&ours, key, key_bytes, secret, &length), KEY_SHARE_WEAK);
            key[0] = 1;
            assert_int_equal(key_share_agree(&ours, key, key_bytes, secret, &length), KEY_SHARE_WEAK);
        }
        key_share_done(&ours);
        key_share_done(&other);
        ERR_clear_error();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_agree),
        cmocka_unit_test(refuses_what_is_no_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

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

static bool same_key(const struct key_share *a, const struct key_share *b)
{
    uint8_t keys[2][SHARE_MAX_PUBLIC_BYTES];
    assert_int_equal(key_share_public(a, keys[0]), 32);
    assert_int_equal(key_share_public(b, keys[1]), 32);
    return memcmp(keys[0], keys[1], 32) == 0;
}

static void says_a_key_again_for_a_moment(void **state)
{
    const struct tls_group *group = tls_group_find(algorithms, TLS_X25519);
    struct key_pair *kept = NULL;
    struct key_share first, again, late;
    (void)state;
    assert_true(key_share_again(&first, group, &kept, 5));
    assert_non_null(kept);
    assert_true(key_share_again(&again, group, &kept, 5 + SHARE_MAX_AGE_US - 1));
    assert_true(same_key(&first, &again));
    assert_true(key_share_again(&late, group, &kept, 5 + SHARE_MAX_AGE_US));
    assert_false(same_key(&first, &late));
    key_share_done(&late);
    assert_null(kept);
    assert_true(key_share_again(&late, group, &kept, 6 + SHARE_MAX_AGE_US));
    assert_false(same_key(&first, &late));
    key_share_done(&first);
    key_share_done(&again);
    assert_non_null(kept); /* theirs was forgotten before */
    key_share_done(&late);
}

static void says_a_key_no_more_than_so_often(void **state)
{
    const struct tls_group *group = tls_group_find(algorithms, TLS_X25519);
    struct key_pair *kept = NULL;
    struct key_share shares[SHARE_MAX_USES + 1];
    (void)state;
    for (size_t i = 0; i <= SHARE_MAX_USES; i++)
        assert_true(key_share_again(&shares[i], group, &kept, 1));
    assert_true(same_key(&shares[0], &shares[SHARE_MAX_USES - 1]));
    assert_false(same_key(&shares[0], &shares[SHARE_MAX_USES]));
    for (size_t i = 0; i <= SHARE_MAX_USES; i++)
        key_share_done(&shares[i]);
    assert_null(kept);
}

static void forgets_a_key_with_its_last_connection(void **state)
{
    const struct tls_group *group = tls_group_find(algorithms, TLS_X25519);
    struct key_pair *kept = NULL;
    struct key_share share;
    uint8_t before[SHARE_MAX_PUBLIC_BYTES], after[SHARE_MAX_PUBLIC_BYTES];
    (void)state;
    assert_true(key_share_again(&share, group, &kept, 1));
    assert_int_equal(key_share_public(&share, before), 32);
    key_share_done(&share);
    assert_null(kept);
    assert_true(key_share_again(&share, group, &kept, 1));
    assert_int_equal(key_share_public(&share, after), 32);
    assert_memory_not_equal(before, after, 32);
    key_share_done(&share);
}

/* What the first peer left behind is not what comes of the second. */
static void agrees_with_each_peer_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < TLS_GROUPS; i++) {
        struct key_share ours, peers[3];
        uint8_t our_key[SHARE_MAX_PUBLIC_BYTES], key[SHARE_MAX_PUBLIC_BYTES];
        uint8_t secrets[2][SHARE_MAX_SECRET_BYTES], nothing[SHARE_MAX_PUBLIC_BYTES] = {0};
        size_t length, other;
        assert_true(key_share_init(&ours, &algorithms->groups[i]));
        size_t our_bytes = key_share_public(&ours, our_key);
        for (size_t k = 0; k < 3; k++) {
            assert_true(key_share_init(&peers[k], &algorithms->groups[i]));
            size_t bytes = key_share_public(&peers[k], key);
            assert_int_equal(key_share_agree(&ours, key, bytes, secrets[0], &length), KEY_SHARE_AGREED);
            assert_int_equal(key_share_agree(&peers[k], our_key, our_bytes, secrets[1], &other),
                             KEY_SHARE_AGREED);
            assert_int_equal(length, other);
            assert_memory_equal(secrets[0], secrets[1], length);
            assert_int_not_equal(key_share_agree(&ours, nothing, bytes, secrets[0], &length),
                                 KEY_SHARE_AGREED);
            key_share_done(&peers[k]);
        }
        key_share_done(&ours);
        ERR_clear_error();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_agree),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(says_a_key_again_for_a_moment),
        cmocka_unit_test(says_a_key_no_more_than_so_often),
        cmocka_unit_test(forgets_a_key_with_its_last_connection),
        cmocka_unit_test(agrees_with_each_peer_anew),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "cmocka_all.h"
#include "hello/client.h"
#include "hello/schedule.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
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

static void read_hex(const char *hex, uint8_t *ret_bytes, size_t length)
{
    assert_int_equal(strlen(hex), 2 * length);
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        ret_bytes[i] = (uint8_t)value;
    }
}

static void assert_hex(const uint8_t *bytes, const char *hex, size_t length)
{
    uint8_t expected[TLS_HASH_MAX_BYTES];
    read_hex(hex, expected, length);
    assert_memory_equal(bytes, expected, length);
}

/* RFC 8448, 3: a simple handshake of one round trip. */
static void agrees_with_the_trace_of_the_rfc(void **state)
{
    struct tls_hash *hash = tls_suite_find(algorithms, 0x1301)->hash;
    uint8_t shared[32], transcript[32], secret[32], client[32], key[16], iv[12];
    (void)state;
    assert_hex(hash->derived, "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba", 32);
    read_hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d", shared, 32);
    read_hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8", transcript, 32);
    assert_true(schedule_next(hash, hash->derived, shared, sizeof shared, secret));
    assert_hex(secret, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac", 32);
    assert_true(schedule_expand(hash, secret, "c hs traffic", transcript, 32, client, 32));
    assert_hex(client, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", 32);
    assert_true(schedule_expand(hash, client, "key", NULL, 0, key, sizeof key));
    assert_hex(key, "dbfaa693d1762c5b666af5d950258d01", sizeof key);
    assert_true(schedule_expand(hash, client, "iv", NULL, 0, iv, sizeof iv));
    assert_hex(iv, "5bd3c71b836e0b76bb73265f", sizeof iv);
}

static void derive_by_libcrypto(const struct tls_hash *hash, const uint8_t *secret, const char *label,
                                const uint8_t *context, size_t context_bytes, uint8_t *ret_bytes,
                                size_t length)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *derivation = EVP_KDF_CTX_new(kdf);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)EVP_MD_get0_name(hash->md), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, hash->bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, (void *)context, context_bytes),
        OSSL_PARAM_construct_end()};
    if (context_bytes == 0)
        params[5] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_KDF_derive(derivation, ret_bytes, length, params), 1);
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);
}

static void agrees_with_the_slow_one_of_libcrypto(void **state)
{
    static const char *const labels[] = {"c hs traffic", "s ap traffic", "traffic upd", "key", "finished"};
    uint8_t secret[48], context[48], ours[48], theirs[48];
    (void)state;
    for (size_t h = 0; h < TLS_HASHES; h++)
        for (size_t i = 0; i < sizeof context; i++) {
            struct tls_hash *hash = &algorithms->hashes[h];
            size_t context_bytes = i % 2 == 0 ? 0 : hash->bytes, length = 1 + i % hash->bytes;
            const char *label = labels[i % 5];
            RAND_bytes(secret, sizeof secret);
            RAND_bytes(context, sizeof context);
            assert_true(schedule_expand(hash, secret, label, context, context_bytes, ours, length));
            derive_by_libcrypto(hash, secret, label, context, context_bytes, theirs, length);
            assert_memory_equal(ours, theirs, length);
            assert_true(schedule_hmac(hash, secret, context, i, ours));
            assert_non_null(HMAC(hash->md, secret, (int)hash->bytes, context, i, theirs, NULL));
            assert_memory_equal(ours, theirs, hash->bytes);
        }
}

static void refuses_what_does_not_fit(void **state)
{
    struct tls_hash *hash = &algorithms->hashes[0];
    uint8_t secret[48] = {0}, out[64];
    (void)state;
    assert_false(schedule_expand(hash, secret, "a label of too many letters", NULL, 0, out, 32));
    assert_false(schedule_expand(hash, secret, "key", secret, TLS_HASH_MAX_BYTES + 1, out, 32));
    assert_false(schedule_expand(hash, secret, "key", NULL, 0, out, 33));
}

static void lets_a_transcript_go_on(void **state)
{
    struct tls_hash *hash = &algorithms->hashes[1];
    uint8_t once[48], whole[48];
    EVP_MD_CTX *transcript = EVP_MD_CTX_new();
    (void)state;
    EVP_DigestInit_ex2(transcript, hash->md, NULL);
    EVP_DigestUpdate(transcript, "one", 3);
    assert_true(schedule_transcript(hash, transcript, once));
    EVP_DigestUpdate(transcript, "two", 3);
    assert_true(schedule_transcript(hash, transcript, once));
    assert_int_equal(EVP_Digest("onetwo", 6, whole, NULL, hash->md, NULL), 1);
    assert_memory_equal(once, whole, hash->bytes);
    EVP_MD_CTX_free(transcript);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_trace_of_the_rfc),
        cmocka_unit_test(agrees_with_the_slow_one_of_libcrypto),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(lets_a_transcript_go_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

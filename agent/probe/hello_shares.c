#include "probe/hello_shares.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    P256 = 23,
    P384 = 24,
    P521 = 25,
    X25519 = 29,
    X25519_MLKEM768 = 4588, /* draft-ietf-tls-ecdhe-mlkem: the encapsulation key, then X25519 */
    MLKEM_COEFFICIENTS = 768,
    MLKEM_Q = 3329,
    MLKEM_SEED_BYTES = 32,
};

static size_t make_x25519(uint8_t *out)
{
    size_t length = 32;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    bool made = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &length) == 1;
    EVP_PKEY_free(key);
    return made ? length : 0;
}

static size_t make_curve(const char *name, uint8_t *out)
{
    unsigned char *point = NULL;
    EVP_PKEY *key = EVP_EC_gen(name);
    size_t length = key == NULL ? 0 : EVP_PKEY_get1_encoded_public_key(key, &point);
    EVP_PKEY_free(key);
    if (length > HELLO_SHARE_MAX_BYTES)
        length = 0;
    if (length > 0)
        memcpy(out, point, length);
    OPENSSL_free(point);
    return length;
}

/*
 * What a server can tell of an encapsulation key is that its coefficients are below q (FIPS 203, 7.2). So it takes any that are,
 * 12 bits each, two in three bytes, and a seed; that nobody could decapsulate, nobody sees.
 */
static size_t make_mlkem(uint8_t *out)
{
    uint8_t *at = out;
    uint16_t random[MLKEM_COEFFICIENTS];
    if (RAND_bytes((unsigned char *)random, sizeof random) != 1)
        return 0;
    for (size_t i = 0; i < MLKEM_COEFFICIENTS; i += 2) {
        unsigned low = random[i] % MLKEM_Q, high = random[i + 1] % MLKEM_Q;
        *at++ = (uint8_t)low;
        *at++ = (uint8_t)(low >> 8 | high << 4);
        *at++ = (uint8_t)(high >> 4);
    }
    if (RAND_bytes(at, MLKEM_SEED_BYTES) != 1 || make_x25519(at + MLKEM_SEED_BYTES) != 32)
        return 0;
    return HELLO_SHARE_MAX_BYTES;
}

static size_t make_share(uint16_t group, uint8_t *out)
{
    switch (group) {
    case X25519:
        return make_x25519(out);
    case X25519_MLKEM768:
        return make_mlkem(out);
    case P256:
        return make_curve("P-256", out);
    case P384:
        return make_curve("P-384", out);
    case P521:
        return make_curve("P-521", out);
    default:
        return 0;
    }
}

bool hello_shares_make(const struct hello_profile *profile, struct hello_shares *ret_shares)
{
    if (profile->shares.count > HELLO_MAX_SHARES)
        return false;
    ret_shares->count = profile->shares.count;
    for (size_t i = 0; i < profile->shares.count; i++) {
        uint8_t *key = ret_shares->keys[i];
        ret_shares->shares[i] =
            (struct hello_share){profile->shares.values[i], key, make_share(profile->shares.values[i], key)};
        if (ret_shares->shares[i].key_bytes == 0)
            return false;
    }
    return true;
}

#include "hello/decoy.h"
#include "hello/noise.h"

#include <string.h>

/*
 * keys: the share of X25519MLKEM768, which is the key of ML-KEM-768 (FIPS 203, algorithm 13: 768 numbers below 3,329 of twelve bits
 * each, then 32 bytes) and after it that of X25519, which goes alone as well, as browsers do it.
 */
enum {
    GROUP_P256 = 0x0017,
    GROUP_X25519 = 0x001d,
    GROUP_X25519_MLKEM768 = 0x11ec,
    MLKEM_NUMBERS = 768,
    MLKEM_PRIME = 3329,
    MLKEM_BYTES = MLKEM_NUMBERS * 3 / 2 + 32,
    X25519_BYTES = 32
};
_Static_assert(HELLO_DECOY_KEY_BYTES == MLKEM_BYTES + X25519_BYTES, "both keys");

/* A point that is certainly on the curve is its base point (FIPS 186-5, SP 800-186, 3.2.1.3), uncompressed. */
static const uint8_t p256_base[] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static void make_mlkem(const uint8_t random[HELLO_DECOY_RANDOM_BYTES], uint8_t key[MLKEM_BYTES])
{
    struct noise noise;
    noise_init(&noise, random, HELLO_DECOY_RANDOM_BYTES);
    for (size_t i = 0; i < MLKEM_NUMBERS / 2; i++) {
        uint32_t first = noise_next(&noise) % MLKEM_PRIME, second = noise_next(&noise) % MLKEM_PRIME;
        uint32_t both = first | second << 12;
        for (size_t k = 0; k < 3; k++)
            key[3 * i + k] = (uint8_t)(both >> 8 * k);
    }
    for (size_t i = MLKEM_NUMBERS / 2 * 3; i < MLKEM_BYTES; i++)
        key[i] = (uint8_t)noise_next(&noise);
}

static bool make_share(struct hello_decoy *decoy, const uint8_t random[HELLO_DECOY_RANDOM_BYTES],
                       uint16_t group, struct hello_share *ret_share)
{
    switch (group) {
    case HELLO_GREASE:
        *ret_share = (struct hello_share){.group = group, .key = (const uint8_t *)"", .key_bytes = 1};
        return true;
    case GROUP_X25519:
        *ret_share = (struct hello_share){group, decoy->keys + MLKEM_BYTES, X25519_BYTES};
        return true;
    case GROUP_X25519_MLKEM768:
        make_mlkem(random, decoy->keys);
        *ret_share = (struct hello_share){group, decoy->keys, HELLO_DECOY_KEY_BYTES};
        return true;
    case GROUP_P256:
        *ret_share = (struct hello_share){group, p256_base, sizeof p256_base};
        return true;
    default:
        return false;
    }
}

bool hello_decoy_make(const struct hello_profile *profile, const char *sni,
                      const uint8_t random[HELLO_DECOY_RANDOM_BYTES], struct hello_decoy *ret_decoy)
{
    struct hello_values *values = &ret_decoy->values;
    if (profile->shares.count > HELLO_MAX_SHARES)
        return false;
    *values = (struct hello_values){.sni = sni, .share_count = profile->shares.count};
    memcpy(values->random, random, HELLO_RANDOM_BYTES);
    memcpy(values->session_id, random + HELLO_RANDOM_BYTES, HELLO_SESSION_ID_BYTES);
    memcpy(ret_decoy->keys + MLKEM_BYTES, random + HELLO_RANDOM_BYTES + HELLO_SESSION_ID_BYTES, X25519_BYTES);
    for (size_t i = 0; i < values->share_count; i++)
        if (!make_share(ret_decoy, random, profile->shares.values[i], &values->shares[i]))
            return false;
    return true;
}

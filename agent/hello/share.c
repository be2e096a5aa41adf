#include "hello/share.h"

#include <openssl/crypto.h>
#include <string.h>

void key_share_done(struct key_share *share)
{
    EVP_PKEY_free(share->key);
    *share = (struct key_share){0};
}

bool key_share_init(struct key_share *share, const struct tls_group *group)
{
    *share = (struct key_share){.group = group->id};
    return EVP_PKEY_generate(group->generator, &share->key) == 1;
}

size_t key_share_public(const struct key_share *share, uint8_t ret_key[SHARE_MAX_PUBLIC_BYTES])
{
    unsigned char *encoded = NULL;
    size_t length = EVP_PKEY_get1_encoded_public_key(share->key, &encoded);
    if (length > SHARE_MAX_PUBLIC_BYTES)
        length = 0;
    if (length > 0)
        memcpy(ret_key, encoded, length);
    OPENSSL_free(encoded);
    return length;
}

static EVP_PKEY *peer_key(const struct key_share *share, const uint8_t *peer, size_t peer_bytes)
{
    EVP_PKEY *key = EVP_PKEY_new();
    if (key == NULL || EVP_PKEY_copy_parameters(key, share->key) <= 0 ||
        EVP_PKEY_set1_encoded_public_key(key, peer, peer_bytes) <= 0) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool well_formed(uint16_t group, const uint8_t *peer, size_t peer_bytes)
{
    enum { X25519 = 0x001d, P256 = 0x0017, UNCOMPRESSED = 4 };
    if (group == X25519)
        return peer_bytes == 32;
    return peer_bytes == (group == P256 ? 65 : 97) && peer[0] == UNCOMPRESSED;
}

enum key_share_result key_share_agree(const struct key_share *share, const uint8_t *peer, size_t peer_bytes,
                                      uint8_t ret_secret[SHARE_MAX_SECRET_BYTES], size_t *ret_length)
{
    if (!well_formed(share->group, peer, peer_bytes))
        return KEY_SHARE_NO_POINT;
    EVP_PKEY *key = peer_key(share, peer, peer_bytes);
    if (key == NULL)
        return KEY_SHARE_NO_POINT;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, share->key, NULL);
    enum key_share_result result = KEY_SHARE_NO_MEMORY;
    *ret_length = SHARE_MAX_SECRET_BYTES;
    /* A point is on its curve by now; checking it again is what the _ex form without validation leaves out. */
    if (context != NULL && EVP_PKEY_derive_init(context) == 1 &&
        EVP_PKEY_derive_set_peer_ex(context, key, 0) == 1)
        result = EVP_PKEY_derive(context, ret_secret, ret_length) == 1 ? KEY_SHARE_AGREED : KEY_SHARE_WEAK;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return result;
}

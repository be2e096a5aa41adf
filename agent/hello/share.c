#include "hello/share.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct key_pair {
    unsigned references;
    EVP_PKEY *key;
    EVP_PKEY_CTX *agreement; /* with this peer; both are made for the first */
    EVP_PKEY *peer;
    struct key_pair **kept; /* where it is found to be said again; NULL: no more */
    unsigned uses;
    int64_t made_us;
};

static void forget(struct key_pair *pair)
{
    if (pair->kept != NULL)
        *pair->kept = NULL;
    pair->kept = NULL;
}

static void pair_release(struct key_pair *pair)
{
    if (pair == NULL || --pair->references > 0)
        return;
    forget(pair);
    EVP_PKEY_CTX_free(pair->agreement);
    EVP_PKEY_free(pair->peer);
    EVP_PKEY_free(pair->key);
    free(pair);
}

void key_share_done(struct key_share *share)
{
    pair_release(share->pair);
    *share = (struct key_share){0};
}

bool key_share_init(struct key_share *share, const struct tls_group *group)
{
    struct key_pair *pair = calloc(1, sizeof *pair);
    *share = (struct key_share){.group = group->id, .pair = pair};
    if (pair == NULL)
        return false;
    pair->references = 1;
    pair->uses = 1;
    return EVP_PKEY_generate(group->generator, &pair->key) == 1;
}

static bool may_be_said(const struct key_pair *pair, int64_t now_us)
{
    return pair != NULL && pair->uses < SHARE_MAX_USES && now_us - pair->made_us < SHARE_MAX_AGE_US;
}

bool key_share_again(struct key_share *share, const struct tls_group *group, struct key_pair **kept,
                     int64_t now_us)
{
    if (may_be_said(*kept, now_us)) {
        *share = (struct key_share){.group = group->id, .pair = *kept};
        share->pair->references++;
        share->pair->uses++;
        return true;
    }
    if (*kept != NULL)
        forget(*kept);
    if (!key_share_init(share, group))
        return false;
    share->pair->made_us = now_us;
    share->pair->kept = kept;
    *kept = share->pair;
    return true;
}

size_t key_share_public(const struct key_share *share, uint8_t ret_key[SHARE_MAX_PUBLIC_BYTES])
{
    unsigned char *encoded = NULL;
    size_t length = EVP_PKEY_get1_encoded_public_key(share->pair->key, &encoded);
    if (length > SHARE_MAX_PUBLIC_BYTES)
        length = 0;
    if (length > 0)
        memcpy(ret_key, encoded, length);
    OPENSSL_free(encoded);
    return length;
}

static bool prepare(struct key_pair *pair)
{
    if (pair->agreement != NULL)
        return true;
    pair->peer = EVP_PKEY_new();
    if (pair->peer == NULL || EVP_PKEY_copy_parameters(pair->peer, pair->key) <= 0)
        return false;
    pair->agreement = EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
    return pair->agreement != NULL && EVP_PKEY_derive_init(pair->agreement) == 1;
}

static bool well_formed(uint16_t group, const uint8_t *peer, size_t peer_bytes)
{
    enum { P256 = 0x0017, UNCOMPRESSED = 4 };
    if (group == TLS_X25519)
        return peer_bytes == 32;
    return peer_bytes == (group == P256 ? 65 : 97) && peer[0] == UNCOMPRESSED;
}

enum key_share_result key_share_agree(const struct key_share *share, const uint8_t *peer, size_t peer_bytes,
                                      uint8_t ret_secret[SHARE_MAX_SECRET_BYTES], size_t *ret_length)
{
    if (!well_formed(share->group, peer, peer_bytes))
        return KEY_SHARE_NO_POINT;
    struct key_pair *pair = share->pair;
    if (!prepare(pair))
        return KEY_SHARE_NO_MEMORY;
    if (EVP_PKEY_set1_encoded_public_key(pair->peer, peer, peer_bytes) <= 0)
        return KEY_SHARE_NO_POINT;
    *ret_length = SHARE_MAX_SECRET_BYTES;
    /* A point is on its curve by now; checking it again is what the _ex form without validation leaves out. */
    if (EVP_PKEY_derive_set_peer_ex(pair->agreement, pair->peer, 0) != 1)
        return KEY_SHARE_NO_MEMORY;
    return EVP_PKEY_derive(pair->agreement, ret_secret, ret_length) == 1 ? KEY_SHARE_AGREED : KEY_SHARE_WEAK;
}

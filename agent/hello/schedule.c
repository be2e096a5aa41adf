#include "hello/schedule.h"

#include <openssl/crypto.h>
#include <string.h>

enum { MAX_BLOCK_BYTES = 128, INNER_PAD = 0x36, OUTER_PAD = 0x5c, MAX_LABEL_BYTES = 18 };

static bool pass(struct tls_hash *hash, const uint8_t *key, uint8_t pad_byte, const uint8_t *bytes,
                 size_t length, uint8_t *ret_hash)
{
    uint8_t pad[MAX_BLOCK_BYTES];
    memset(pad, pad_byte, hash->block_bytes);
    for (size_t i = 0; i < hash->bytes; i++)
        pad[i] ^= key[i];
    bool good = EVP_DigestInit_ex2(hash->scratch, hash->md, NULL) == 1 &&
                EVP_DigestUpdate(hash->scratch, pad, hash->block_bytes) == 1 &&
                EVP_DigestUpdate(hash->scratch, bytes, length) == 1 &&
                EVP_DigestFinal_ex(hash->scratch, ret_hash, NULL) == 1;
    OPENSSL_cleanse(pad, sizeof pad);
    return good;
}

bool schedule_hmac(struct tls_hash *hash, const uint8_t *key, const uint8_t *bytes, size_t length,
                   uint8_t *ret_mac)
{
    uint8_t inner[TLS_HASH_MAX_BYTES];
    return pass(hash, key, INNER_PAD, bytes, length, inner) &&
           pass(hash, key, OUTER_PAD, inner, hash->bytes, ret_mac);
}

bool schedule_expand(struct tls_hash *hash, const uint8_t *secret, const char *label, const uint8_t *context,
                     size_t context_bytes, uint8_t *ret_bytes, size_t length)
{
    static const char prefix[] = "tls13 ";
    uint8_t info[2 + 1 + MAX_LABEL_BYTES + 1 + TLS_HASH_MAX_BYTES + 1];
    uint8_t mac[TLS_HASH_MAX_BYTES];
    size_t prefix_bytes = sizeof prefix - 1, label_bytes = strlen(label), at = 0;
    if (prefix_bytes + label_bytes > MAX_LABEL_BYTES || context_bytes > TLS_HASH_MAX_BYTES ||
        length > hash->bytes)
        return false;
    info[at++] = (uint8_t)(length >> 8);
    info[at++] = (uint8_t)length;
    info[at++] = (uint8_t)(prefix_bytes + label_bytes);
    memcpy(info + at, prefix, prefix_bytes);
    at += prefix_bytes;
    for (size_t i = 0; i < label_bytes; i++)
        info[at++] = (uint8_t)label[i];
    info[at++] = (uint8_t)context_bytes;
    if (context_bytes > 0)
        memcpy(info + at, context, context_bytes);
    at += context_bytes;
    info[at++] = 1; /* RFC 5869, 2.3: the first block, and the only one */
    bool good = schedule_hmac(hash, secret, info, at, mac);
    if (good)
        memcpy(ret_bytes, mac, length);
    OPENSSL_cleanse(mac, sizeof mac);
    return good;
}

bool schedule_transcript(struct tls_hash *hash, const EVP_MD_CTX *transcript, uint8_t *ret_hash)
{
    return EVP_MD_CTX_copy_ex(hash->copy, transcript) == 1 &&
           EVP_DigestFinal_ex(hash->copy, ret_hash, NULL) == 1;
}

bool schedule_next(struct tls_hash *hash, const uint8_t *derived, const uint8_t *input, size_t length,
                   uint8_t *ret_secret)
{
    static const uint8_t zeros[TLS_HASH_MAX_BYTES];
    return schedule_hmac(hash, derived, input != NULL ? input : zeros, input != NULL ? length : hash->bytes,
                         ret_secret);
}

bool schedule_finished(struct tls_hash *hash, const uint8_t *traffic, const uint8_t *transcript_hash,
                       uint8_t *ret_mac)
{
    uint8_t key[TLS_HASH_MAX_BYTES];
    bool good = schedule_expand(hash, traffic, "finished", NULL, 0, key, hash->bytes) &&
                schedule_hmac(hash, key, transcript_hash, hash->bytes, ret_mac);
    OPENSSL_cleanse(key, sizeof key);
    return good;
}

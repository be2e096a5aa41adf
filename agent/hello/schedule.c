/* EVP's wrapper of a hash costs more than the hash itself of so few bytes, forty times in a handshake. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hello/schedule.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

enum { MAX_BLOCK_BYTES = 128, INNER_PAD = 0x36, OUTER_PAD = 0x5c, MAX_LABEL_BYTES = 18 };

/* --- SHA-256 and SHA-384, which is SHA-512 with another beginning -------------------------------------------------------- */

static bool is_large(const struct tls_hash *hash)
{
    return hash->bytes == SHA384_DIGEST_LENGTH;
}

static bool begin(const struct tls_hash *hash, union schedule_digest *ret_digest)
{
    return is_large(hash) ? SHA384_Init(&ret_digest->sha384) == 1 : SHA256_Init(&ret_digest->sha256) == 1;
}

static bool add(const struct tls_hash *hash, union schedule_digest *digest, const uint8_t *bytes,
                size_t length)
{
    return is_large(hash) ? SHA384_Update(&digest->sha384, bytes, length) == 1
                          : SHA256_Update(&digest->sha256, bytes, length) == 1;
}

static bool finish(const struct tls_hash *hash, union schedule_digest *digest, uint8_t *ret_hash)
{
    return is_large(hash) ? SHA384_Final(ret_hash, &digest->sha384) == 1
                          : SHA256_Final(ret_hash, &digest->sha256) == 1;
}

/* --- HMAC ------------------------------------------------------------------------------------------------------------ */

static bool begin_padded(const struct tls_hash *hash, const uint8_t *key, uint8_t pad_byte,
                         union schedule_digest *ret_digest)
{
    uint8_t pad[MAX_BLOCK_BYTES];
    memset(pad, pad_byte, hash->block_bytes);
    for (size_t i = 0; i < hash->bytes; i++)
        pad[i] ^= key[i];
    bool good = begin(hash, ret_digest) && add(hash, ret_digest, pad, hash->block_bytes);
    OPENSSL_cleanse(pad, sizeof pad);
    return good;
}

bool schedule_key_init(struct schedule_key *key, const struct tls_hash *hash, const uint8_t *secret)
{
    key->hash = hash;
    return begin_padded(hash, secret, INNER_PAD, &key->inner) &&
           begin_padded(hash, secret, OUTER_PAD, &key->outer);
}

void schedule_key_done(struct schedule_key *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

static bool authenticate(const struct schedule_key *key, const uint8_t *bytes, size_t length,
                         uint8_t *ret_mac)
{
    uint8_t inner[TLS_HASH_MAX_BYTES];
    union schedule_digest digest = key->inner;
    bool good = add(key->hash, &digest, bytes, length) && finish(key->hash, &digest, inner);
    digest = key->outer;
    good = good && add(key->hash, &digest, inner, key->hash->bytes) && finish(key->hash, &digest, ret_mac);
    OPENSSL_cleanse(&digest, sizeof digest);
    return good;
}

bool schedule_hmac(const struct tls_hash *hash, const uint8_t *secret, const uint8_t *bytes, size_t length,
                   uint8_t *ret_mac)
{
    struct schedule_key key;
    bool good = schedule_key_init(&key, hash, secret) && authenticate(&key, bytes, length, ret_mac);
    schedule_key_done(&key);
    return good;
}

/* --- the schedule ---------------------------------------------------------------------------------------------------- */

bool schedule_expand_key(const struct schedule_key *key, const char *label, const uint8_t *context,
                         size_t context_bytes, uint8_t *ret_bytes, size_t length)
{
    static const char prefix[] = "tls13 ";
    uint8_t info[2 + 1 + MAX_LABEL_BYTES + 1 + TLS_HASH_MAX_BYTES + 1];
    uint8_t mac[TLS_HASH_MAX_BYTES];
    size_t prefix_bytes = sizeof prefix - 1, label_bytes = strlen(label), at = 0;
    if (prefix_bytes + label_bytes > MAX_LABEL_BYTES || context_bytes > TLS_HASH_MAX_BYTES ||
        length > key->hash->bytes)
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
    bool good = authenticate(key, info, at, mac);
    if (good)
        memcpy(ret_bytes, mac, length);
    OPENSSL_cleanse(mac, sizeof mac);
    return good;
}

bool schedule_expand(const struct tls_hash *hash, const uint8_t *secret, const char *label,
                     const uint8_t *context, size_t context_bytes, uint8_t *ret_bytes, size_t length)
{
    struct schedule_key key;
    bool good = schedule_key_init(&key, hash, secret) &&
                schedule_expand_key(&key, label, context, context_bytes, ret_bytes, length);
    schedule_key_done(&key);
    return good;
}

bool schedule_transcript(struct tls_hash *hash, const EVP_MD_CTX *transcript, uint8_t *ret_hash)
{
    return EVP_MD_CTX_copy_ex(hash->copy, transcript) == 1 &&
           EVP_DigestFinal_ex(hash->copy, ret_hash, NULL) == 1;
}

bool schedule_next(const struct tls_hash *hash, const uint8_t *derived, const uint8_t *input, size_t length,
                   uint8_t *ret_secret)
{
    static const uint8_t zeros[TLS_HASH_MAX_BYTES];
    return schedule_hmac(hash, derived, input != NULL ? input : zeros, input != NULL ? length : hash->bytes,
                         ret_secret);
}

bool schedule_finished(const struct tls_hash *hash, const uint8_t *traffic, const uint8_t *transcript_hash,
                       uint8_t *ret_mac)
{
    uint8_t key[TLS_HASH_MAX_BYTES];
    bool good = schedule_expand(hash, traffic, "finished", NULL, 0, key, hash->bytes) &&
                schedule_hmac(hash, key, transcript_hash, hash->bytes, ret_mac);
    OPENSSL_cleanse(key, sizeof key);
    return good;
}

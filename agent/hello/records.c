#include "hello/records.h"

#include "hello/schedule.h"

#include <openssl/crypto.h>
#include <string.h>

void record_keys_done(struct record_keys *keys)
{
    EVP_CIPHER_CTX_free(keys->cipher);
    OPENSSL_cleanse(keys, sizeof *keys);
}

bool record_keys_set(struct record_keys *keys, const struct tls_suite *suite, const uint8_t *secret,
                     bool sending)
{
    uint8_t key[TLS_KEY_MAX_BYTES];
    struct schedule_key from;
    if (keys->cipher == NULL)
        keys->cipher = EVP_CIPHER_CTX_new();
    keys->sequence = 0;
    bool good = keys->cipher != NULL && schedule_key_init(&from, suite->hash, secret) &&
                schedule_expand_key(&from, "key", NULL, 0, key, suite->key_bytes) &&
                schedule_expand_key(&from, "iv", NULL, 0, keys->iv, TLS_IV_BYTES) &&
                EVP_CipherInit_ex2(keys->cipher, suite->cipher, key, NULL, sending, NULL) == 1;
    OPENSSL_cleanse(key, sizeof key);
    schedule_key_done(&from);
    return good;
}

/* RFC 8446, 5.3. */
static bool next_nonce(struct record_keys *keys)
{
    uint8_t nonce[TLS_IV_BYTES];
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < sizeof keys->sequence; i++)
        nonce[TLS_IV_BYTES - 1 - i] ^= (uint8_t)(keys->sequence >> (8 * i));
    keys->sequence++;
    return EVP_CipherInit_ex2(keys->cipher, NULL, NULL, nonce, -1, NULL) == 1;
}

bool record_open(struct record_keys *keys, const uint8_t *header, const uint8_t *bytes, size_t length,
                 uint8_t *ret_plain)
{
    uint8_t tag[TLS_TAG_BYTES];
    int written = 0;
    if (length <= TLS_TAG_BYTES)
        return false;
    size_t plain_bytes = length - TLS_TAG_BYTES;
    memcpy(tag, bytes + plain_bytes, sizeof tag);
    return next_nonce(keys) &&
           EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_SET_TAG, TLS_TAG_BYTES, tag) == 1 &&
           EVP_CipherUpdate(keys->cipher, NULL, &written, header, RECORD_HEADER_BYTES) == 1 &&
           EVP_CipherUpdate(keys->cipher, ret_plain, &written, bytes, (int)plain_bytes) == 1 &&
           EVP_CipherFinal_ex(keys->cipher, ret_plain + plain_bytes, &written) == 1;
}

static bool seal_one(struct record_keys *keys, uint8_t content, const uint8_t *bytes, size_t length,
                     struct buf *out)
{
    size_t body_bytes = length + 1 + TLS_TAG_BYTES;
    uint8_t *at = buf_room(out, RECORD_HEADER_BYTES + body_bytes);
    int written = 0;
    if (at == NULL)
        return false;
    const uint8_t header[RECORD_HEADER_BYTES] = {RECORD_DATA, RECORD_VERSION >> 8, RECORD_VERSION & 0xff,
                                                 (uint8_t)(body_bytes >> 8), (uint8_t)body_bytes};
    memcpy(at, header, sizeof header);
    uint8_t *body = at + RECORD_HEADER_BYTES;
    bool good =
        next_nonce(keys) &&
        EVP_CipherUpdate(keys->cipher, NULL, &written, header, RECORD_HEADER_BYTES) == 1 &&
        (length == 0 || EVP_CipherUpdate(keys->cipher, body, &written, bytes, (int)length) == 1) &&
        EVP_CipherUpdate(keys->cipher, body + length, &written, &content, 1) == 1 &&
        EVP_CipherFinal_ex(keys->cipher, body + length + 1, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_GET_TAG, TLS_TAG_BYTES, body + length + 1) == 1;
    if (good)
        buf_grew(out, RECORD_HEADER_BYTES + body_bytes);
    return good;
}

bool record_seal(struct record_keys *keys, uint8_t content, const uint8_t *bytes, size_t length,
                 struct buf *out)
{
    bool good = true;
    do {
        size_t now = length < RECORD_MAX_PLAIN_BYTES ? length : RECORD_MAX_PLAIN_BYTES;
        good = seal_one(keys, content, bytes, now, out);
        bytes += now;
        length -= now;
    } while (good && length > 0);
    return good;
}

#include "words/carry.h"

#include "words/units.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What is signed says what it is, so that the signature cannot stand for anything else that the key may sign. */
enum { SIGNED_BYTES = 128 };

static size_t signed_text(const uint8_t sha256[32], char out[SIGNED_BYTES])
{
    char hex[65];
    int length = snprintf(out, SIGNED_BYTES, CARRY_KIND " %d %s\n", CARRY_SCHEMA, hex_text(sha256, 32, hex));
    return length > 0 ? (size_t)length : 0;
}

bool carry_sign(EVP_PKEY *key, const uint8_t sha256[32], struct buf *out)
{
    char text[SIGNED_BYTES];
    size_t length = signed_text(sha256, text), size = CARRY_SIGNATURE_MAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t *room = buf_room(out, size);
    bool done = context != NULL && room != NULL &&
                EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(context, room, &size, (const unsigned char *)text, length) == 1;
    if (done)
        buf_grew(out, size);
    EVP_MD_CTX_free(context);
    return done;
}

bool carry_verify(EVP_PKEY *key, const uint8_t sha256[32], const void *signature, size_t length)
{
    char text[SIGNED_BYTES];
    size_t text_length = signed_text(sha256, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, length, (const unsigned char *)text, text_length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool base64_text(struct buf *out, const void *bytes, size_t length)
{
    size_t size = (length + 2) / 3 * 4;
    uint8_t *room = length > INT_MAX / 2 ? NULL : buf_room(out, size + 1);
    if (room == NULL)
        return false;
    (void)EVP_EncodeBlock(room, bytes, (int)length);
    buf_grew(out, size);
    return true;
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

bool base64_parse(struct buf *out, const char *text, size_t length)
{
    size_t padding = 0;
    if (length % 4 != 0)
        return false;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    size_t digits = length - padding;
    uint8_t *room = buf_room(out, length / 4 * 3 + 1);
    if (room == NULL)
        return false;
    uint32_t bits = 0;
    size_t done = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = digit(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            room[done++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    buf_grew(out, done);
    return true;
}

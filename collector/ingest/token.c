#include "ingest/token.h"

#include "words/units.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; /* RFC 4648, 5 */
static const char prefix[] = "plx1.";

enum { TOKEN_PREFIX_CHARS = sizeof prefix - 1, TOKEN_SECRET_AT = TOKEN_PREFIX_CHARS + 65 };

/* 32 bytes are 43 characters: six bits each, the last one padded with zero bits. */
static void token_base64(const uint8_t bytes[32], char out[TOKEN_SECRET_CHARS + 1])
{
    for (unsigned i = 0; i < TOKEN_SECRET_CHARS; i++) {
        unsigned bit = i * 6;
        unsigned pair = (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < 32 ? bytes[bit / 8 + 1] : 0U);
        out[i] = alphabet[pair >> (10 - bit % 8) & 63];
    }
    out[TOKEN_SECRET_CHARS] = '\0';
}

bool token_make(const uint8_t fingerprint[32], char out[TOKEN_TEXT_BYTES], uint8_t ret_secret_sha256[32])
{
    uint8_t secret[32];
    if (RAND_bytes(secret, sizeof secret) != 1)
        return false;
    memcpy(out, prefix, TOKEN_PREFIX_CHARS);
    (void)hex_text(fingerprint, 32, out + TOKEN_PREFIX_CHARS);
    out[TOKEN_SECRET_AT - 1] = '.';
    token_base64(secret, out + TOKEN_SECRET_AT);
    return token_secret_sha256(out, ret_secret_sha256);
}

bool token_secret_sha256(const char *token, uint8_t ret_sha256[32])
{
    if (strlen(token) != TOKEN_TEXT_BYTES - 1 || strncmp(token, prefix, TOKEN_PREFIX_CHARS) != 0 ||
        token[TOKEN_SECRET_AT - 1] != '.' || strspn(token + TOKEN_SECRET_AT, alphabet) != TOKEN_SECRET_CHARS)
        return false;
    (void)SHA256((const unsigned char *)token + TOKEN_SECRET_AT, TOKEN_SECRET_CHARS, ret_sha256);
    return true;
}

bool vantage_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length >= 1 && length <= 63 && strspn(name, "-.") == 0 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

#ifndef PARALLAX_COLLECTOR_INGEST_TOKEN_H
#define PARALLAX_COLLECTOR_INGEST_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A token is "plx1." + the hex of the CA's fingerprint + "." + a secret of 32 random bytes in base64url. The agent
 * uses the fingerprint to know the collector; the collector keeps only the SHA-256 of the secret's text.
 */

enum { TOKEN_SECRET_CHARS = 43, TOKEN_TEXT_BYTES = 5 + 64 + 1 + TOKEN_SECRET_CHARS + 1 };

/** Makes a token. @return false when there is no randomness. */
bool token_make(const uint8_t fingerprint[32], char out[TOKEN_TEXT_BYTES], uint8_t ret_secret_sha256[32]);

/** The SHA-256 that a presented token's secret is kept under. @return false when the text is no token. */
bool token_secret_sha256(const char *token, uint8_t ret_sha256[32]);

/** May a vantage be called this: letters, digits, dot and hyphen, 1 to 63 of them, a letter or digit first? */
bool vantage_name_valid(const char *name);

#endif

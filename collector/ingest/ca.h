#ifndef PARALLAX_COLLECTOR_INGEST_CA_H
#define PARALLAX_COLLECTOR_INGEST_CA_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* The collector's own certificate authority, in STATE/pki. Its key never leaves the folder. */
struct ca {
    EVP_PKEY *key;
    X509 *certificate;
    uint8_t fingerprint[32];
};

enum { CA_SERVER_DAYS = 1826, CA_DAYS = 7305 };

/** Reads the authority, or makes it at the first use. @return false with *ret_why set (the caller frees it). */
bool ca_init(struct ca *ca, const char *state, char **ret_why);
void ca_done(struct ca *ca);

/** A TLS context with a server key and certificate made now; they live in memory only. NULL with *ret_why set. */
SSL_CTX *ca_server_context(const struct ca *ca, char **ret_why);

#endif

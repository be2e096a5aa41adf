#ifndef PARALLAX_PROBE_TRUST_H
#define PARALLAX_PROBE_TRUST_H

#include "hello/client.h"
#include "words/plan.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The certificates trusted and the TLS contexts that use them, shared by all probes of a prober so that one
 * probe costs an SSL object and no more. What is offered does not depend on the machine's openssl.cnf: every
 * vantage says the same hello.
 */
struct trust;

#define TRUST_HELLO_PROFILE HELLO_PROFILE_NORMAL

/** PEM files; NULL: none, and for the CA the system's. A certificate file begins with the leaf; the key may be in it too. */
struct trust_files {
    const char *ca;
    const char *client_cert; /* shown by VARIANT_CLIENT_CERT alone */
    const char *client_key;
};

/** @param ret_why one line; the caller frees it. */
struct trust *trust_new(const struct trust_files *files, char **ret_why);
void trust_free(struct trust *trust);

/** SHA-256 of the bundle file; zeroes when the system has no bundle and its folder is used. */
const uint8_t *trust_sha256(const struct trust *trust);

/** The certificates that are trusted. Borrowed. */
X509_STORE *trust_store(const struct trust *trust);

/** What our own engine works with; made when first asked for. Borrowed. NULL without memory. */
struct chain_cache *trust_chains(struct trust *trust);
struct tls_algorithms *trust_algorithms(struct trust *trust);

/** What the hello of a variant offers, whoever says it. */
const struct hello_profile *trust_hello(enum variant variant);

/** The same where our own engine goes on with the answer; NULL: that is libssl's alone. */
const struct hello_profile *trust_profile(enum variant variant);

/** What VARIANT_CLIENT_CERT shows, as libssl does; all of it NULL: nothing. Borrowed. */
struct trust_identity {
    X509 *certificate;
    STACK_OF(X509) * chain; /* above it; may be NULL */
    EVP_PKEY *key;
};
const struct trust_identity *trust_identity(struct trust *trust);

/** The context for what a variant offers. Borrowed; made when first asked for. NULL without memory. */
SSL_CTX *trust_context(struct trust *trust, enum variant variant);

#endif

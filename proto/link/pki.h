#ifndef PARALLAX_LINK_PKI_H
#define PARALLAX_LINK_PKI_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keys, requests and certificates of our own link (not of probed servers): P-256 keys, one private CA per
 * collector, TLS 1.3 only. Errors: NULL or false with *ret_why set to one line that may be printed; the caller frees it.
 */

EVP_PKEY *pki_key_new(char **ret_why);

/** Reads a PEM private key; refuses a file that others may read (mode & 077). */
EVP_PKEY *pki_key_read(const char *path, char **ret_why);
X509 *pki_certificate_read(const char *path, char **ret_why);

/** Writes atomically (temporary file, fsync, rename). @param mode  0600 for keys. */
bool pki_file_write(const char *path, const void *bytes, size_t length, unsigned mode, char **ret_why);
bool pki_key_write(const char *path, EVP_PKEY *key, char **ret_why);

/**
 * A key and its certificate in one file (PEM, key first), so that no end of a process can part them. Writing is as
 * pki_file_write, 0600. Reading refuses a file that others may read, and a pair that does not belong together.
 * @param ret_key, ret_certificate  set only on success; the caller frees both.
 */
bool pki_pair_write(const char *path, EVP_PKEY *key, X509 *certificate, char **ret_why);
bool pki_pair_read(const char *path, EVP_PKEY **ret_key, X509 **ret_certificate, char **ret_why);

/** PEM of a certificate into memory the caller frees. */
char *pki_certificate_pem(X509 *certificate, size_t *ret_length, char **ret_why);
X509 *pki_certificate_from_pem(const void *pem, size_t length, char **ret_why);

/** DER of a CSR for this key, subject empty. Caller frees with OPENSSL_free. */
unsigned char *pki_csr_der(EVP_PKEY *key, int *ret_length, char **ret_why);

/** A new self-signed CA certificate. @param name  its common name. */
X509 *pki_ca_new(EVP_PKEY *key, const char *name, int days, char **ret_why);

enum pki_use { PKI_SERVER, PKI_VANTAGE };

/**
 * Signs a certificate.
 * @param name  the vantage (CN, and SAN URI "parallax:vantage:NAME"), or the server's name (CN, SAN DNS "parallax-collector").
 */
X509 *pki_sign(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *subject_key, enum pki_use use, const char *name,
               int64_t seconds, char **ret_why);

/** The public key of a CSR whose self-signature verifies. @return NULL otherwise. */
EVP_PKEY *pki_csr_key(const void *der, size_t length, char **ret_why);

/** The vantage a certificate names, into out. @return false when it names none. */
bool pki_vantage_name(X509 *certificate, char *out, size_t size);

/** SHA-256 of the certificate's DER. */
bool pki_fingerprint(X509 *certificate, uint8_t out[32]);

/** SHA-256 of the key's SubjectPublicKeyInfo (RFC 5280, 4.1). */
bool pki_key_fingerprint(EVP_PKEY *key, uint8_t out[32]);

/**
 * When one of pki_sign's certificates was signed, and when it ends, in seconds since 1970. (Its notBefore is earlier than
 * the signing: see pki.c.)
 */
bool pki_times(X509 *certificate, int64_t *ret_signed_s, int64_t *ret_ends_s);

enum { PKI_SERVER_NAME_BYTES = 32 };
#define PKI_SERVER_NAME "parallax-collector"

/** TLS 1.3 context of a collector: asks for a client certificate of `ca`, lets clients without one in (to enrol). */
SSL_CTX *pki_server_context(X509 *certificate, EVP_PKEY *key, X509 *ca, char **ret_why);

/** TLS 1.3 context of an agent that trusts `ca` alone. certificate and key NULL: none is presented. */
SSL_CTX *pki_client_context(X509 *ca, X509 *certificate, EVP_PKEY *key, char **ret_why);

/** TLS 1.3 context that accepts a server whose chain holds a CA certificate with this fingerprint (enrolment). */
SSL_CTX *pki_pinned_context(const uint8_t ca_sha256[32], char **ret_why);

#endif

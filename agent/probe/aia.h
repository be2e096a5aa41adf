#ifndef PARALLAX_PROBE_AIA_H
#define PARALLAX_PROBE_AIA_H

#include "words/issuer.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/* The issuers that certificates name (RFC 5280, 4.2.2.1): where they are, and what they are worth. No I/O. */

enum { AIA_MAX_BYTES = 64 * 1024 };

/**
 * Where to fetch from: an http URL without user part (RFC 5280 wants certificates served without TLS).
 * @param arena         owns the texts.
 * @param ret_endpoint  host, port (80 by default), address when the host is one; nothing else.
 * @param ret_path      path and query, "/" at least.
 * @return false when it is no such URL, or without memory.
 */
bool aia_parse(const char *url, struct arena *arena, struct endpoint *ret_endpoint, const char **ret_path);

/**
 * The URL of the issuer to fetch next (words/issuer.h), into the arena; "" when none is named. NULL without memory.
 */
const char *aia_next_url(const struct case_file *file, struct arena *arena);

/**
 * What was fetched, against the chain that was sent and the issuers that were fetched before.
 * @param bytes   a certificate in DER or PEM, or a PKCS #7 of certificates.
 * @param file    the case as it was before this fetch, with the DER of its certificates.
 * @param ret_issuer  the issuer that was looked for, which the caller frees; NULL when it is not there.
 */
enum evidence_issuer aia_judge(const void *bytes, size_t length, const struct case_file *file,
                               X509_STORE *store, X509 **ret_issuer);

/**
 * Who issued the first attempt's leaf: among what was sent, what was fetched, and what is trusted.
 * @return NULL when none of it did; the caller frees it.
 */
X509 *aia_issuer_of_leaf(const struct case_file *file, X509_STORE *store);

/** A certificate of an attempt, parsed; NULL when it is not there. The caller frees it. */
X509 *aia_certificate(const struct attempt *attempt, size_t index);

#endif

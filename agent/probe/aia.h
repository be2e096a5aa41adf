#ifndef PARALLAX_PROBE_AIA_H
#define PARALLAX_PROBE_AIA_H

#include "words/evidence.h"
#include "words/plan.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/* The issuer that a certificate names (RFC 5280, 4.2.2.1): where it is, and what it is worth. No I/O. */

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
 * What was fetched, against the chain that was sent.
 * @param bytes  a certificate in DER or PEM, or a PKCS #7 of certificates.
 * @param about  the attempt whose chain it is, with its DER.
 */
enum evidence_issuer aia_judge(const void *bytes, size_t length, const struct attempt *about,
                               X509_STORE *store);

#endif

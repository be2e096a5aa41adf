#ifndef PARALLAX_PROBE_OCSP_H
#define PARALLAX_PROBE_OCSP_H

#include "words/buf.h"
#include "words/cause.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/* Asking an OCSP responder about the leaf of a case (RFC 6960): the question, and what its answer is worth. No I/O. */

/**
 * Appends an OCSPRequest about the first attempt's leaf, in DER: one certificate, SHA-1 (which every responder knows, RFC
 * 5019, 2.1.1), no nonce (so that answers may be made beforehand).
 * @return false when the issuer is not known, or without memory.
 */
bool ocsp_request(const struct case_file *file, X509_STORE *store, struct buf *out);

/** What was answered. @param tls  gets ocsp. */
enum evidence_responder ocsp_judge(const void *bytes, size_t length, const struct case_file *file,
                                   X509_STORE *store, struct evidence_tls *tls);

#endif

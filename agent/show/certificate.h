#ifndef PARALLAX_SHOW_CERTIFICATE_H
#define PARALLAX_SHOW_CERTIFICATE_H

#include "show/rows.h"
#include "words/buf.h"
#include "words/evidence.h"

#include <openssl/x509.h>

/** A certificate of the chain as sent. Free with X509_free. NULL when it has no DER or does not parse. */
X509 *certificate_read(const struct chain_certificate *kept);

/** A name as one line of text, RFC 2253 order when short is wanted, openssl's "CN = x, O = y" otherwise; safe to print. */
bool certificate_name(struct buf *out, const X509_NAME *name, unsigned long flags);

/** Days from a moment to the certificate's end; negative when it is over. */
bool certificate_days_left(const X509 *certificate, int64_t from_us, int *ret_days);

/** Rows: what the leaf says, the chain as sent, and every verify error. */
void certificate_rows(struct rows *rows, const struct attempt *attempt);

/** Appends the URL of the issuer that a leaf names, and what came of fetching it. */
void certificate_issuer(struct buf *out, const struct evidence_tls *tls);

/** "URL  good", of an attempt that asked the OCSP responder. */
void certificate_responder(struct buf *out, const struct evidence_tls *tls);

#endif

#ifndef PARALLAX_HELLO_CERTIFICATE_FACTS_H
#define PARALLAX_HELLO_CERTIFICATE_FACTS_H

#include "words/evidence.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* What certificates say, as text and numbers of our own. No I/O; the bytes are a stranger's. */

/**
 * Fills everything but hash and DER of *certificate.
 * @return false without memory (arena at its bound): the facts are then marked as not parsed.
 */
bool certificate_facts(X509 *x509, struct arena *arena, struct chain_certificate *certificate);

/** Fills all of *ret_kept: DER, its hash, and the facts. @return false without memory. */
bool certificate_keep(X509 *x509, struct arena *arena, struct chain_certificate *ret_kept);

/** Fills the leaf's own facts. @return false without memory. */
bool certificate_leaf_facts(X509 *x509, struct arena *arena, struct evidence_leaf *leaf);

/** How many Certificate Transparency proofs (RFC 6962, 3.3) the certificate itself carries. */
uint32_t certificate_sct_count(X509 *leaf);

/** Are there names in it that no certificate may have: control bytes, or DNS names longer than any name? */
bool certificate_names_abused(X509 *x509);

/** A name as RFC 2253 text of at most EVIDENCE_NAME_MAX bytes, control bytes escaped. "" without memory. */
const char *certificate_name_text(const X509_NAME *name, struct arena *arena);

/** Unix seconds; 0 for NULL or what is no time. */
int64_t certificate_time_s(const ASN1_TIME *time);

#endif

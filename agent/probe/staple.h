#ifndef PARALLAX_PROBE_STAPLE_H
#define PARALLAX_PROBE_STAPLE_H

#include "words/evidence.h"

#include <openssl/x509.h>

/**
 * Reads an OCSP response (RFC 6960) about a certificate. No I/O.
 * @param issuer  who issued the leaf, when known; NULL: the response is matched by serial number and its signature
 *                stays unchecked.
 * @param ocsp    gets what it says.
 * @param scts    gets how many transparency proofs are in it.
 * @return false when it is no response.
 */
bool ocsp_read(const unsigned char *der, long length, X509 *leaf, X509 *issuer, struct evidence_ocsp *ocsp,
               uint32_t *scts);

/**
 * Reads what a server stapled.
 * @param der     the response; NULL or length 0: none came.
 * @param issuer  who issued the leaf, as above.
 * @param tls     gets staple, ocsp and sct_staple.
 */
void staple_read(const unsigned char *der, long length, X509 *leaf, X509 *issuer, struct evidence_tls *tls);

#endif

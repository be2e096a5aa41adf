#ifndef PARALLAX_PROBE_SCT_H
#define PARALLAX_PROBE_SCT_H

#include "words/evidence.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/*
 * Certificate Transparency proofs (RFC 6962): counted, not verified; which logs count is the browsers' own matter.
 */

/**
 * Makes a context ask for proofs in the TLS extension (RFC 6962, 3.3.1). What comes is counted into the attempt of the
 * probe that is the SSL object's app data. @return false without memory.
 */
bool sct_offer(SSL_CTX *context);

/** How many are in a SignedCertificateTimestampList; 0 when it is malformed. No I/O. */
uint32_t sct_count_list(const unsigned char *bytes, size_t length);

#endif

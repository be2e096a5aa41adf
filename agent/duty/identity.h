#ifndef PARALLAX_DUTY_IDENTITY_H
#define PARALLAX_DUTY_IDENTITY_H

#include "duty/state.h"

#include <openssl/x509.h>
#include <stdbool.h>

/*
 * Who this vantage is: its private key and the certificate that its collector signed for it, in one file of the state
 * folder. One file, replaced by rename, so that whatever ends the process, the key there is the certificate's.
 */

#define IDENTITY_FILE "identity.pem"

/**
 * Reads the identity in force.
 * @param ret_key, ret_certificate  set only on success; the caller frees both.
 * @param ret_why  on failure (not there, others may read it, key and certificate do not belong together) one line that
 *                 names the file; the caller frees it; NULL without memory.
 */
bool identity_read(const struct state *state, EVP_PKEY **ret_key, X509 **ret_certificate, char **ret_why);

/** Puts an identity in force, on disk when it returns true. @param ret_why  as above; the one before is then kept. */
bool identity_write(const struct state *state, EVP_PKEY *key, X509 *certificate, char **ret_why);

#endif

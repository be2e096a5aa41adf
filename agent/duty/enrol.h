#ifndef PARALLAX_DUTY_ENROL_H
#define PARALLAX_DUTY_ENROL_H

#include "duty/settings.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Becoming a vantage: a one-time token and a certificate request against a certificate. */

/** Reads "plx1.<64 hex>.<43 base64url>". @return false when it is malformed. */
bool enrol_token(const char *text, uint8_t ret_ca_sha256[32]);

struct enrolment {
    X509 *certificate;
    X509 *ca;
    char name[64]; /* of the vantage */
    struct collector_address collector;
};

void enrolment_done(struct enrolment *enrolment);

/**
 * Asks the collectors in order, until one answers; runs a loop of its own. What comes back is checked: the CA is the one the
 * token names, and the certificate is for our key, from that CA, and names a vantage.
 * @param key      the private key; never leaves this process.
 * @param ret_why  on failure one line; the caller frees it.
 */
bool enrol(const struct settings *settings, const char *token, EVP_PKEY *key, struct enrolment *ret_enrolment,
           char **ret_why);

#endif

#ifndef PARALLAX_DUTY_RENEW_H
#define PARALLAX_DUTY_RENEW_H

#include "duty/state.h"
#include "words/message.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The identity in force, and how the next one takes its place: a new key and a certificate for it, asked for while a third
 * of the certificate's time is left. Without I/O but for the state folder's; when and over what it is asked is the
 * uplink's (uplink_renew.c). Errors: false or NULL with *ret_why one line that the caller frees, or NULL without memory.
 */
struct renew;

/** Reads identity.pem and ca.pem of the state folder. @param state  outlives it. */
struct renew *renew_new(const struct state *state, char **ret_why);
void renew_free(struct renew *renew);

/** The TLS context of the identity in force, for the next connection. Borrowed until renew_accept or renew_free. */
SSL_CTX *renew_context(const struct renew *renew);

/** When the certificate in force ends, in collector time, microseconds since 1970. */
int64_t renew_ends_us(const struct renew *renew);

/**
 * How long until the next request is due, microseconds; 0: it is.
 * @param collector_us  the collector's time now; never this machine's, which may be anything.
 * @param mono_us       the monotonic clock, which the back-off goes by.
 */
int64_t renew_wait_us(const struct renew *renew, int64_t collector_us, int64_t mono_us);

/**
 * Makes a key and a request for it, and puts the next request off; the key of an earlier request is forgotten.
 * @param ret_csr  DER, valid until the next renew_begin, renew_accept or renew_free.
 */
bool renew_begin(struct renew *renew, int64_t collector_us, int64_t mono_us, struct bytes *ret_csr,
                 char **ret_why);

/**
 * Takes the answer: a certificate for that key, of our CA, that names this vantage; writes identity.pem, and only then puts
 * it in force here. On failure all is as before.
 */
bool renew_accept(struct renew *renew, const struct bytes *certificate_pem, char **ret_why);

#endif

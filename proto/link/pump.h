#ifndef PARALLAX_LINK_PUMP_H
#define PARALLAX_LINK_PUMP_H

#include "words/buf.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A TLS byte pump: ciphertext in, plaintext out and the other way round, over memory BIOs. No socket and no loop, so
 * that it can be tested and fuzzed. One function per operation clears the OpenSSL queue, calls, and keeps what went
 * wrong in `error`.
 */
struct pump;

enum pump_state { PUMP_HANDSHAKING, PUMP_OPEN, PUMP_CLOSED /* close_notify came */, PUMP_FAILED };

/** @param name  SNI and the name checked in the peer's certificate; NULL for none (server, or pinned by CA alone). */
struct pump *pump_new(SSL_CTX *context, bool server, const char *name);
void pump_free(struct pump *pump);

enum pump_state pump_state(const struct pump *pump);
const char *pump_error(const struct pump *pump); /* "" unless failed: library text, verify error named */

/** The TLS alert (RFC 8446, 6) with which the peer ended it; -1: none. */
int pump_alert(const struct pump *pump);

/** Feeds received ciphertext and advances; plaintext that came out is appended to plain. @return state after. */
enum pump_state pump_feed(struct pump *pump, const void *bytes, size_t length, struct buf *plain);

/** Starts the handshake (client) or lets it go on. */
enum pump_state pump_advance(struct pump *pump);

/** Encrypts plaintext. Only when open. @return false on failure. */
bool pump_send(struct pump *pump, const void *bytes, size_t length);

/** Adds close_notify to what is to be sent. */
void pump_shutdown(struct pump *pump);

/** Appends ciphertext that must go out and forgets it. @return false without memory. */
bool pump_take(struct pump *pump, struct buf *out);

/** The SSL object, for the peer's certificate and the like. Borrowed. */
SSL *pump_ssl(struct pump *pump);

#endif

#ifndef PARALLAX_PROBE_TLS_LOG_H
#define PARALLAX_PROBE_TLS_LOG_H

#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the handshake as it goes by: each message with its time, and the numbers that are chosen in plain
 * sight (version, cipher, group, signature scheme) as IANA wrote them down, whatever the TLS library calls
 * them. Bytes in, evidence out; no I/O.
 */

enum tls_content { TLS_CONTENT_CCS = 20, TLS_CONTENT_ALERT = 21, TLS_CONTENT_HANDSHAKE = 22 };

enum tls_handshake_type {
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_NEW_SESSION_TICKET = 4,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_SERVER_KEY_EXCHANGE = 12,
    TLS_CERTIFICATE_REQUEST = 13,
    TLS_SERVER_HELLO_DONE = 14,
    TLS_CERTIFICATE_VERIFY = 15,
    TLS_FINISHED = 20,
};

/** Room for one more message, all zero. @return NULL when there is none, and it is counted as dropped: tls.records is full, or without memory. */
struct tls_record *tls_log_record(struct attempt *attempt);

/**
 * Notes one message.
 * @param content  enum tls_content; others are ignored.
 * @param bytes    the message as OpenSSL's message callback gives it: with its 4-byte header for handshake
 * messages.
 * @param at_us    after the attempt's start.
 */
void tls_log_message(struct attempt *attempt, bool received, int content, const uint8_t *bytes, size_t length,
                     int64_t at_us);

#endif

#ifndef PARALLAX_WORDS_CONCLUDE_NEGOTIATION_H
#define PARALLAX_WORDS_CONCLUDE_NEGOTIATION_H

#include "words/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between the files that conclude about the negotiation; others use cause.h. */

/* Alert descriptions, RFC 8446 section 6. */
enum {
    ALERT_CLOSE_NOTIFY = 0,
    ALERT_BAD_RECORD_MAC = 20,
    ALERT_DECRYPTION_FAILED = 21,
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_DECRYPT_ERROR = 51,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_INSUFFICIENT_SECURITY = 71,
    ALERT_UNRECOGNIZED_NAME = 112,
    ALERT_CERTIFICATE_REQUIRED = 116,
    ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/** "40 handshake_failure" as the fact "alert", when this attempt received an alert. @return false without memory. */
bool negotiation_alert_fact(const struct attempt *attempt, struct arena *arena,
                            struct conclusion *conclusion);

/** The version in the record that begins with a ServerHello (RFC 8446, 4.1.3: 1.2 stands for 1.3 as well); 0: none came. */
uint16_t negotiation_hello_version(const struct attempt *attempt);

/* conclude_negotiation_alert.c: the server refused with an alert. */
conclude_fn negotiation_alert;

/* conclude_negotiation_client.c: a client certificate was asked for. */
bool negotiation_asked_certificate(const struct attempt *attempt);
conclude_fn negotiation_client_certificate;

/* conclude_negotiation_foreign.c: what answers is not TLS, or not ours. */
bool negotiation_is_tlcp(const struct attempt *attempt);
conclude_fn negotiation_plaintext, negotiation_tlcp;

/* conclude_negotiation_offer.c: does the normal hello offer this IANA number? */
bool negotiation_offers_cipher(uint16_t cipher);
bool negotiation_offers_group(uint16_t group);
bool negotiation_offers_signature(uint16_t signature);
/** RSA key transport: the server proves its key by decrypting, not by signing. */
bool negotiation_static_rsa(uint16_t cipher);

#endif

#include "probe/abuse.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

/*
 * What a hostile server costs is bounded where it is spent: time by the attempt's deadline, bytes by the wire, one message
 * by the TLS library (and by the length of a certificate list that it is told), texts by the arena. Here the bound
 * that was reached gets its name.
 */

enum {
    CERTIFICATES_MAX = 32, /* whoever sends more sends something else than a chain */
    MESSAGES_MAX = 512,
    DRIP_READS_MIN = 3,
    DRIP_BYTES_A_READ = 8,
};

static const struct {
    int reason;
    enum evidence_abuse abuse;
} reasons[] = {
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, ABUSE_SIZE},      {SSL_R_TOO_MANY_WARN_ALERTS, ABUSE_ALERTS},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, ABUSE_RECORD}, {SSL_R_DATA_LENGTH_TOO_LONG, ABUSE_RECORD},
    {SSL_R_PACKET_LENGTH_TOO_LONG, ABUSE_RECORD},    {SSL_R_RECORD_TOO_SMALL, ABUSE_MESSAGES},
};

static enum evidence_abuse abuse_by_error(const struct evidence_tls *tls)
{
    for (size_t i = 0; i < tls->error_count; i++) {
        unsigned long error = (unsigned long)tls->errors[i];
        for (size_t row = 0; row < sizeof reasons / sizeof reasons[0]; row++)
            if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reasons[row].reason)
                return reasons[row].abuse;
    }
    return ABUSE_NONE;
}

/* A handshake that ran into the deadline although bytes kept coming, a few at a time. */
static bool drips(const struct attempt *attempt, const struct wire *wire)
{
    return attempt->end.how == ENDING_TIMEOUT && attempt->clock.handshake_us == EVIDENCE_NEVER &&
           wire->reads >= DRIP_READS_MIN && wire->received_bytes <= wire->reads * DRIP_BYTES_A_READ;
}

enum evidence_abuse abuse_of(const struct attempt *attempt, const struct wire *wire)
{
    const struct evidence_tls *tls = &attempt->tls;
    enum evidence_abuse by_error = abuse_by_error(tls);
    if (attempt->end.abuse != ABUSE_NONE)
        return attempt->end.abuse;
    if (by_error != ABUSE_NONE)
        return by_error;
    if (tls->chain_count + tls->chain_dropped > CERTIFICATES_MAX)
        return ABUSE_CHAIN;
    if (tls->record_count + tls->records_dropped > MESSAGES_MAX)
        return ABUSE_MESSAGES;
    if (wire->flooded)
        return ABUSE_FLOOD;
    return drips(attempt, wire) ? ABUSE_DRIP : ABUSE_NONE;
}

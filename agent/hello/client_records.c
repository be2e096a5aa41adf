#include "hello/client_internal.h"

#include <string.h>

/*
 * Records (RFC 8446, 5) with the bounds, and the order of checking, of libssl 3.0: a fault has to have the same name whichever engine
 * meets it. Until the ServerHello nothing says that this is TLS 1.3, and rules of older versions hold.
 */

enum {
    MAX_PROTECTED_BYTES = RECORD_MAX_PLAIN_BYTES + 256, /* RFC 8446, 5.2 */
    MAX_OLDER_BYTES = RECORD_MAX_PLAIN_BYTES + 320,     /* what older versions may add */
    MAX_BUFFERED_BYTES = MAX_OLDER_BYTES + 3, /* libssl's buffer ends here, with a fault of its own */
    MAX_EMPTY_RECORDS = 32,
    MAX_WARNINGS = 5,
    ALERT_BYTES = 2
};

struct record {
    const uint8_t *header;
    const uint8_t *bytes;
    size_t length;
    uint8_t content;
};

static bool is_13(const struct tls_client *client)
{
    return client->version != 0;
}

/* RFC 8446, D.4: for middleboxes, and without meaning. */
static bool ignores_ccs(const struct tls_client *client)
{
    return (is_13(client) || client->retried) && client->state == TLS_CLIENT_HANDSHAKE;
}

/* The first bytes of a peer that does not speak TLS at all. */
static bool fail_foreign(struct tls_client *client, const uint8_t *header)
{
    static const char *const http[] = {"GET ", "POST ", "HEAD ", "PUT "};
    if (!client->first_record)
        return client_fail(client, SSL_AD_PROTOCOL_VERSION, SSL_R_WRONG_VERSION_NUMBER);
    for (size_t i = 0; i < sizeof http / sizeof http[0]; i++)
        if (memcmp(header, http[i], strlen(http[i])) == 0)
            return client_fail(client, TLS_NO_ALERT, SSL_R_HTTP_REQUEST);
    bool proxy = memcmp(header, "CONNE", RECORD_HEADER_BYTES) == 0;
    return client_fail(client, TLS_NO_ALERT, proxy ? SSL_R_HTTPS_PROXY_REQUEST : SSL_R_WRONG_VERSION_NUMBER);
}

static bool judge_header(struct tls_client *client, const struct record *record)
{
    uint16_t version = (uint16_t)(record->header[1] << 8 | record->header[2]);
    if (record->header[1] != RECORD_VERSION >> 8)
        return fail_foreign(client, record->header);
    if (client->read.cipher != NULL) {
        if (record->content != RECORD_DATA && !(record->content == RECORD_CCS && ignores_ccs(client)))
            return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
        if (version != RECORD_VERSION)
            return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_WRONG_VERSION_NUMBER);
    }
    if (record->length > MAX_BUFFERED_BYTES)
        return client_fail(client, SSL_AD_RECORD_OVERFLOW, SSL_R_PACKET_LENGTH_TOO_LONG);
    if (record->length > (is_13(client) ? MAX_PROTECTED_BYTES : MAX_OLDER_BYTES))
        return client_fail(client, SSL_AD_RECORD_OVERFLOW, SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
    return true;
}

static bool count_empty(struct tls_client *client, int reason)
{
    if (++client->empty_records > MAX_EMPTY_RECORDS)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, reason);
    return true;
}

static bool take_ccs(struct tls_client *client, const struct record *record)
{
    if (record->length != 1 || record->bytes[0] != 1)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_INVALID_CCS_MESSAGE);
    return count_empty(client, SSL_R_UNEXPECTED_CCS_MESSAGE);
}

static bool take_fatal(struct tls_client *client, uint8_t level, uint8_t description)
{
    client->alert_level = level;
    client->alert = description;
    client->fault = (struct tls_fault){.alert = TLS_NO_ALERT, .reason = SSL_AD_REASON_OFFSET + description};
    client->state = TLS_CLIENT_ALERT;
    return false;
}

/* TLS 1.3 knows no warnings but close_notify and user_canceled (RFC 8446, 6); TLS 1.2 ignores most. */
static bool take_alert(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    if (length != ALERT_BYTES)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_INVALID_ALERT);
    uint8_t level = bytes[0], description = bytes[1];
    bool canceled = is_13(client) && description == SSL_AD_USER_CANCELLED;
    client_show(client, false, RECORD_ALERT, bytes, length);
    if ((level == SSL3_AL_WARNING || canceled) && ++client->warnings == MAX_WARNINGS)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_TOO_MANY_WARN_ALERTS);
    if (canceled)
        return true;
    if (description == SSL_AD_CLOSE_NOTIFY && (is_13(client) || level == SSL3_AL_WARNING)) {
        client->state = TLS_CLIENT_CLOSED;
        return false;
    }
    if (level == SSL3_AL_FATAL || is_13(client))
        return take_fatal(client, level, description);
    if (description == SSL_AD_NO_RENEGOTIATION)
        return client_fail(client, SSL_AD_HANDSHAKE_FAILURE, SSL_R_NO_RENEGOTIATION);
    if (level == SSL3_AL_WARNING)
        return true;
    return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_UNKNOWN_ALERT_TYPE);
}

static bool take_data(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    if (client->state != TLS_CLIENT_OPEN || client->in_message)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_RECORD);
    if (length > 0)
        client->options.on_data(client->options.arg, bytes, length);
    return true;
}

/* What the record holds is at the end of `messages`, where that of a handshake stays. */
static bool take_content(struct tls_client *client, uint8_t content, size_t length)
{
    const uint8_t *bytes = client->messages.data + client->messages.len;
    bool cut = client->state == TLS_CLIENT_OPEN && client->messages.len > 0 && !client->in_message;
    if (cut && content != RECORD_HANDSHAKE)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA);
    if (content != RECORD_ALERT && length > 0)
        client->warnings = 0;
    if (content == RECORD_ALERT)
        return take_alert(client, bytes, length);
    if (content == RECORD_DATA)
        return take_data(client, bytes, length);
    buf_grew(&client->messages, length);
    return length == 0 || client_messages_take(client);
}

static bool judge_length(struct tls_client *client, uint8_t content, size_t length)
{
    if (is_13(client) && length == 0 && content != RECORD_DATA)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_LENGTH);
    if (length > RECORD_MAX_PLAIN_BYTES)
        return client_fail(client, SSL_AD_RECORD_OVERFLOW, SSL_R_DATA_LENGTH_TOO_LONG);
    if (length == 0)
        return count_empty(client, SSL_R_RECORD_TOO_SMALL);
    client->empty_records = 0;
    return true;
}

static bool take_protected(struct tls_client *client, const struct record *record, uint8_t *plain)
{
    if (!record_open(&client->read, record->header, record->bytes, record->length, plain))
        return client_fail(client, SSL_AD_BAD_RECORD_MAC, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    size_t end = record->length - TLS_TAG_BYTES - 1; /* where the content's type is, but for padding */
    while (end > 0 && plain[end] == 0)
        end--;
    uint8_t content = plain[end];
    if (content != RECORD_DATA && content != RECORD_ALERT && content != RECORD_HANDSHAKE)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
    return judge_length(client, content, end) && take_content(client, content, end);
}

/* TLS 1.2 reads a ChangeCipherSpec as a message, and nobody waits for one. */
static bool take_older_ccs(struct tls_client *client, const struct record *record)
{
    bool alone = client->messages.len == 0 && record->length == 1 && record->bytes[0] == 1;
    if (record->length == 0 && !client->in_message)
        return true;
    return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE,
                       alone || client->in_message ? SSL_R_UNEXPECTED_MESSAGE : SSL_R_BAD_CHANGE_CIPHER_SPEC);
}

static bool take_plain(struct tls_client *client, const struct record *record, uint8_t *plain)
{
    if (!judge_length(client, record->content, record->length))
        return false;
    if (record->content == RECORD_CCS)
        return take_older_ccs(client, record);
    if (record->content != RECORD_HANDSHAKE && record->content != RECORD_ALERT)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE);
    if (record->length > 0)
        memcpy(plain, record->bytes, record->length);
    return take_content(client, record->content, record->length);
}

static bool take_record(struct tls_client *client, const struct record *record)
{
    client->first_record = false;
    if (record->content == RECORD_CCS && ignores_ccs(client))
        return take_ccs(client, record);
    uint8_t *plain = buf_room(&client->messages, record->length);
    if (plain == NULL)
        return client_no_memory(client);
    return client->read.cipher != NULL ? take_protected(client, record, plain)
                                       : take_plain(client, record, plain);
}

size_t client_records_take(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (length - at >= RECORD_HEADER_BYTES) {
        const uint8_t *header = bytes + at;
        struct record record = {.header = header,
                                .bytes = header + RECORD_HEADER_BYTES,
                                .length = (size_t)header[3] << 8 | header[4],
                                .content = header[0]};
        if (!judge_header(client, &record) || length - at < RECORD_HEADER_BYTES + record.length)
            break;
        at += RECORD_HEADER_BYTES + record.length;
        if (!take_record(client, &record))
            break;
    }
    return at;
}

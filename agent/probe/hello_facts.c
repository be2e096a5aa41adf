#include "probe/hello_facts.h"

#include "probe/tls_log.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { ALERT_CLOSE_NOTIFY = 0, RECORD_HEADER_BYTES = 5, HANDSHAKE_HEADER_BYTES = 4 };

bool hello_answer_is_over(const struct hello_answer *answer)
{
    switch (answer->kind) {
    case HELLO_NOTHING:
        return false;
    case HELLO_PARTIAL: /* of a flight whose rest only a whole handshake needs */
        return answer->has_hello;
    case HELLO_ALERT: /* fatal, or close_notify */
    case HELLO_SERVER_HELLO:
    case HELLO_RETRY:
    case HELLO_FLIGHT:
    case HELLO_TLCP:
    case HELLO_NOT_TLS:
    case HELLO_MALFORMED:
        return true;
    }
    return true;
}

static bool offered(const struct hello_list *list, uint16_t value)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value)
            return true;
    return false;
}

static bool takes_version(const struct hello_profile *profile, uint16_t version)
{
    if (profile->versions.count > 0)
        return offered(&profile->versions, version);
    return version >= profile->oldest_version && version <= profile->legacy_version;
}

static bool takes_group(const struct hello_profile *profile, const struct server_hello *hello)
{
    bool shared = offered(&profile->shares, hello->group);
    return hello->retry ? offered(&profile->groups, hello->group) && !shared : shared;
}

/* RFC 8446, 4.1.3: whoever offers TLS 1.3 must not let itself be talked out of it by a server that speaks it. */
static bool is_fallback(const struct hello_profile *profile, const struct server_hello *hello)
{
    return hello->downgraded && hello->version < TLS1_3_VERSION && takes_version(profile, TLS1_3_VERSION);
}

static bool is_suite_of_13(uint16_t cipher)
{
    return cipher >> 8 == 0x13;
}

/* In the order in which libssl looks. */
static int reason_of_hello(const struct hello_profile *profile, const struct server_hello *hello)
{
    bool of_13 = hello->retry || hello->version == TLS1_3_VERSION;
    if (hello->selects && hello->version != TLS1_3_VERSION)
        return SSL_R_BAD_PROTOCOL_VERSION_NUMBER;
    if (!takes_version(profile, hello->version) && !hello->retry)
        return SSL_R_UNSUPPORTED_PROTOCOL;
    if (is_fallback(profile, hello))
        return SSL_R_INAPPROPRIATE_FALLBACK;
    if (of_13 && hello->compression != 0)
        return SSL_R_INVALID_COMPRESSION_ALGORITHM;
    if (hello->unoffered)
        return SSL_R_BAD_EXTENSION;
    if (tls_cipher_name(hello->cipher)[0] == '\0')
        return SSL_R_UNKNOWN_CIPHER_RETURNED;
    if (!offered(&profile->ciphers, hello->cipher) || of_13 != is_suite_of_13(hello->cipher))
        return SSL_R_WRONG_CIPHER_RETURNED;
    if (hello->compression != 0)
        return SSL_R_COMPRESSION_DISABLED;
    if (hello->psk)
        return SSL_R_UNSOLICITED_EXTENSION;
    return of_13 && hello->group != 0 && !takes_group(profile, hello) ? SSL_R_BAD_KEY_SHARE : 0;
}

/* @return SSL_R_* that libssl would give for it; 0: nothing is wrong. */
static int reason_of(const struct hello_profile *profile, const struct hello_answer *answer)
{
    if (answer->kind == HELLO_TLCP || answer->kind == HELLO_NOT_TLS)
        return SSL_R_WRONG_VERSION_NUMBER;
    if (answer->kind == HELLO_MALFORMED)
        return SSL_R_LENGTH_MISMATCH;
    if (!answer->has_hello || answer->kind == HELLO_ALERT)
        return 0;
    return reason_of_hello(profile, &answer->hello);
}

static void add_record(struct evidence_tls *tls, bool received, uint8_t content, uint8_t type, uint8_t level,
                       uint32_t length, int64_t at_us)
{
    if (tls->records == NULL || tls->record_count == EVIDENCE_MAX_RECORDS)
        return;
    tls->records[tls->record_count++] = (struct tls_record){.received = received,
                                                            .content = content,
                                                            .type = type,
                                                            .level = level,
                                                            .length = length,
                                                            .at_us = at_us};
}

/* Of the ServerHello with its header; 0 where an alert stands before it. */
static uint32_t message_length(const struct evidence_end *end)
{
    const uint8_t *header = end->first_bytes + RECORD_HEADER_BYTES;
    if (end->first_byte_count < RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES || header[0] != TLS_SERVER_HELLO)
        return 0;
    return ((uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3]) + HANDSHAKE_HEADER_BYTES;
}

static void keep_hello(struct attempt *attempt, const struct hello_answer *answer, int64_t at_us)
{
    struct evidence_tls *tls = &attempt->tls;
    const struct server_hello *hello = &answer->hello;
    tls->version = hello->version;
    tls->cipher = hello->cipher;
    tls->group = hello->group != 0 ? hello->group : answer->key_exchange_group;
    tls->signature = answer->signature;
    tls->hello_retry = hello->retry;
    tls->certificate_request = answer->certificate_request;
    if (hello->alpn.bytes != NULL) {
        const char *alpn = arena_text(&attempt->arena, (const char *)hello->alpn.bytes, hello->alpn.length);
        tls->alpn = alpn == NULL ? "" : alpn;
    }
    add_record(tls, true, TLS_CONTENT_HANDSHAKE, TLS_SERVER_HELLO, 0, message_length(&attempt->end), at_us);
}

static void keep_error(struct attempt *attempt, int reason)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->errors = arena_array(&attempt->arena, 1, sizeof *tls->errors);
    if (tls->errors == NULL)
        return;
    tls->errors[0] = ERR_PACK(ERR_LIB_SSL, 0, reason);
    tls->error_count = 1;
}

enum evidence_ending hello_facts(struct attempt *attempt, const struct hello_profile *profile,
                                 const struct hello_answer *answer, uint32_t hello_length, int64_t at_us)
{
    struct evidence_tls *tls = &attempt->tls;
    if (tls->records == NULL)
        tls->records = arena_array(&attempt->arena, EVIDENCE_MAX_RECORDS, sizeof *tls->records);
    tls->hello_length = hello_length;
    add_record(tls, false, TLS_CONTENT_HANDSHAKE, TLS_CLIENT_HELLO, 0, hello_length - RECORD_HEADER_BYTES,
               attempt->clock.hello_sent_us);
    if (answer->has_hello)
        keep_hello(attempt, answer, at_us);
    if (answer->kind == HELLO_ALERT)
        add_record(tls, true, TLS_CONTENT_ALERT, answer->alert, answer->alert_level, 2, at_us);
    if (!hello_answer_is_over(answer))
        return ENDING_NONE;
    int reason = reason_of(profile, answer);
    if (reason != 0)
        keep_error(attempt, reason);
    if (answer->kind == HELLO_ALERT)
        return answer->alert == ALERT_CLOSE_NOTIFY ? ENDING_CLOSE_NOTIFY : ENDING_ALERT;
    return reason != 0 ? ENDING_ERROR : ENDING_BY_US;
}

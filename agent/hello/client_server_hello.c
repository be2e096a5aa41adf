#include "hello/client_internal.h"

#include "hello/schedule.h"

#include <stdlib.h>
#include <string.h>

/*
 * ServerHello and HelloRetryRequest (RFC 8446, 4.1.3 and 4.1.4): what the server chose, and the handshake's keys. What is there is
 * read by server_hello.h; here it is judged: no is said where libssl says it, and with its words, so in libssl's order.
 */

enum { VERSION_13 = 0x0304 };

struct choice {
    struct server_hello hello;
    struct cursor block; /* of extensions */
    struct tls_extensions extensions;
};

static bool in_list(const struct hello_list *list, uint16_t value)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value)
            return true;
    return false;
}

static bool read_head(struct tls_client *client, struct cursor body, struct choice *ret_choice)
{
    const struct server_hello *hello = &ret_choice->hello;
    enum server_hello_flaw flaw = server_hello_split(body, &ret_choice->hello, &ret_choice->block);
    if (hello->retry && client->retried)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE);
    client->retried |= hello->retry;
    switch (flaw) {
    case SERVER_HELLO_SOUND:
        return true;
    case SERVER_HELLO_LONG_ID:
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_SSL3_SESSION_ID_TOO_LONG);
    case SERVER_HELLO_BAD_BLOCK:
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_LENGTH);
    case SERVER_HELLO_CUT:
        break;
    }
    return client_fail_length(client);
}

static bool read_extensions(struct tls_client *client, struct choice *choice, unsigned places)
{
    const struct tls_client_options *options = &client->options;
    struct tls_fault fault;
    return extensions_read(choice->block, places, options->profile, options->sni, &choice->extensions,
                           &fault) ||
           client_fail(client, fault.alert, fault.reason);
}

static bool read_version(struct tls_client *client, struct choice *choice)
{
    if (!server_hello_take_version(&choice->extensions, &choice->hello))
        return client_fail_length(client);
    if (choice->hello.selects && choice->hello.version != VERSION_13)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
    return true;
}

static bool offers_version(const struct hello_profile *profile, uint16_t version)
{
    if (profile->versions.count > 0)
        return in_list(&profile->versions, version);
    return version >= profile->oldest_version && version <= profile->legacy_version;
}

static bool choose_version(struct tls_client *client, struct choice *choice)
{
    if (!read_version(client, choice))
        return false;
    if (client->retried && choice->hello.version != VERSION_13)
        return client_fail(client, SSL_AD_PROTOCOL_VERSION, SSL_R_WRONG_SSL_VERSION);
    if (!offers_version(client->options.profile, choice->hello.version))
        return client_fail(client, SSL_AD_PROTOCOL_VERSION, SSL_R_UNSUPPORTED_PROTOCOL);
    if (choice->hello.version != VERSION_13)
        return client_leave(client);
    client->version = choice->hello.version;
    return true;
}

static bool judge_echo(struct tls_client *client, const struct choice *choice)
{
    if (choice->hello.compression != 0)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_INVALID_COMPRESSION_ALGORITHM);
    if (choice->hello.session_id.length != client->options.profile->session_id_bytes ||
        memcmp(choice->hello.session_id.bytes, client->session_id, choice->hello.session_id.length) != 0)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_INVALID_SESSION_ID);
    return true;
}

/* Suites that libssl 3.0 has a name for; choosing another is another fault than choosing one that was not offered. */
static bool is_known_suite(uint16_t cipher)
{
    static const uint16_t ranges[][2] = {
        {0x0001, 0x0002}, {0x0007, 0x0007}, {0x002c, 0x002f}, {0x0032, 0x0035}, {0x0038, 0x003d},
        {0x0040, 0x0041}, {0x0044, 0x0046}, {0x0067, 0x0067}, {0x006a, 0x006d}, {0x0081, 0x0081},
        {0x0083, 0x0084}, {0x0087, 0x0089}, {0x008c, 0x008d}, {0x0090, 0x0091}, {0x0094, 0x0096},
        {0x0099, 0x009f}, {0x00a2, 0x00a3}, {0x00a6, 0x00ba}, {0x00bd, 0x00c0}, {0x00c3, 0x00c5},
        {0x1301, 0x1305}, {0xc006, 0xc006}, {0xc009, 0xc00a}, {0xc010, 0xc010}, {0xc013, 0xc015},
        {0xc018, 0xc019}, {0xc01d, 0xc024}, {0xc027, 0xc028}, {0xc02b, 0xc02c}, {0xc02f, 0xc030},
        {0xc035, 0xc03b}, {0xc050, 0xc053}, {0xc056, 0xc057}, {0xc05c, 0xc05d}, {0xc060, 0xc061},
        {0xc06a, 0xc06f}, {0xc072, 0xc073}, {0xc076, 0xc077}, {0xc094, 0xc0af}, {0xc100, 0xc102},
        {0xcca8, 0xccae}, {0xff85, 0xff85}, {0xff87, 0xff87}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (cipher >= ranges[i][0] && cipher <= ranges[i][1])
            return true;
    return false;
}

static bool choose_suite(struct tls_client *client, const struct choice *choice)
{
    bool offered = in_list(&client->options.profile->ciphers, choice->hello.cipher);
    bool of_13 = choice->hello.cipher >> 8 == 0x13;
    const struct tls_suite *suite = tls_suite_find(client->options.algorithms, choice->hello.cipher);
    if (!is_known_suite(choice->hello.cipher))
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_UNKNOWN_CIPHER_RETURNED);
    if (!offered || (!of_13 && !choice->hello.retry) || (client->suite != NULL && client->suite != suite))
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_WRONG_CIPHER_RETURNED);
    if (suite == NULL)
        return client_leave(client);
    client->suite = suite;
    return true;
}

static bool start_transcript(struct tls_client *client)
{
    client->transcript = EVP_MD_CTX_new();
    bool good = client->transcript != NULL &&
                EVP_DigestInit_ex2(client->transcript, client->suite->hash->md, NULL) == 1 &&
                EVP_DigestUpdate(client->transcript, client->hello.data, client->hello.len) == 1;
    buf_done(&client->hello);
    return good;
}

/* --- HelloRetryRequest --------------------------------------------------------------------------------------- */

/* RFC 8446, 4.4.1: the first hello is in the transcript as its hash. */
static bool restart_transcript(struct tls_client *client, const struct cursor *message)
{
    const struct tls_hash *hash = client->suite->hash;
    uint8_t synthetic[MESSAGE_HEADER_BYTES + TLS_HASH_MAX_BYTES] = {MESSAGE_HASH, 0, 0, (uint8_t)hash->bytes};
    return start_transcript(client) &&
           EVP_DigestFinal_ex(client->transcript, synthetic + MESSAGE_HEADER_BYTES, NULL) == 1 &&
           EVP_DigestInit_ex2(client->transcript, hash->md, NULL) == 1 &&
           EVP_DigestUpdate(client->transcript, synthetic, MESSAGE_HEADER_BYTES + hash->bytes) == 1 &&
           EVP_DigestUpdate(client->transcript, message->at, cursor_left(message)) == 1;
}

static bool sent_share_of(const struct tls_client *client, uint16_t group)
{
    for (size_t i = 0; i < client->share_count; i++)
        if (client->shares[i].group == group)
            return true;
    return false;
}

static bool change_share(struct tls_client *client, struct choice *choice)
{
    if (!server_hello_take_share(&choice->extensions, &choice->hello))
        return client_fail_length(client);
    uint16_t id = choice->hello.group;
    if (sent_share_of(client, id) || !in_list(&client->options.profile->groups, id))
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_SHARE);
    const struct tls_group *group = tls_group_find(client->options.algorithms, id);
    if (group == NULL)
        return client_leave(client);
    for (size_t i = 0; i < client->share_count; i++)
        key_share_done(&client->shares[i]);
    client->share_count = 1;
    return key_share_init(&client->shares[0], group) || client_no_memory(client);
}

static bool read_cookie(struct tls_client *client, struct choice *choice)
{
    return server_hello_take_cookie(&choice->extensions, &choice->hello) || client_fail_length(client);
}

static bool take_retry(struct tls_client *client, struct choice *choice, const struct cursor *message)
{
    const struct hello_span *cookie = &choice->hello.cookie;
    if (!read_extensions(client, choice, IN_HELLO_RETRY) || !read_version(client, choice))
        return false;
    bool changed = choice->extensions.of[EXTENSION_KEY_SHARE].bytes != NULL;
    if ((changed && !change_share(client, choice)) || !read_cookie(client, choice))
        return false;
    if (!changed && cookie->length == 0)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_NO_CHANGE_FOLLOWING_HRR);
    if (!restart_transcript(client, message))
        return client_no_memory(client);
    return client_say_hello(client, cookie->bytes, cookie->length) || client_no_memory(client);
}

/* --- ServerHello ----------------------------------------------------------------------------------------------- */

static const struct key_share *share_of(const struct tls_client *client, uint16_t group)
{
    for (size_t i = 0; i < client->share_count; i++)
        if (client->shares[i].group == group)
            return &client->shares[i];
    return NULL;
}

static bool agree(struct tls_client *client, struct choice *choice,
                  uint8_t ret_secret[SHARE_MAX_SECRET_BYTES], size_t *ret_length)
{
    const struct hello_span *extension = &choice->extensions.of[EXTENSION_KEY_SHARE];
    if (extension->bytes == NULL)
        return client_fail(client, SSL_AD_MISSING_EXTENSION, SSL_R_NO_SUITABLE_KEY_SHARE);
    bool whole = server_hello_take_share(&choice->extensions, &choice->hello);
    if (extension->length < sizeof choice->hello.group)
        return client_fail_length(client);
    const struct key_share *share = share_of(client, choice->hello.group);
    if (share == NULL)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_SHARE);
    if (!whole)
        return client_fail_length(client);
    const struct hello_span *peer = &choice->hello.share;
    client->group = choice->hello.group;
    switch (key_share_agree(share, peer->bytes, peer->length, ret_secret, ret_length)) {
    case KEY_SHARE_AGREED:
        return true;
    case KEY_SHARE_NO_POINT:
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_ECPOINT);
    case KEY_SHARE_WEAK:
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_SHARE);
    case KEY_SHARE_NO_MEMORY:
        break;
    }
    return client_no_memory(client);
}

/* RFC 8446, 7.1, down to the handshake's traffic secrets. The client writes in plain text until its own flight. */
static bool start_keys(struct tls_client *client, const uint8_t *shared, size_t shared_bytes)
{
    struct tls_hash *hash = client->suite->hash;
    uint8_t transcript[TLS_HASH_MAX_BYTES];
    client->secrets = calloc(1, sizeof *client->secrets);
    bool good = client->secrets != NULL &&
                schedule_next(hash, hash->derived, shared, shared_bytes, client->secrets->secret) &&
                schedule_transcript(hash, client->transcript, transcript) &&
                schedule_expand(hash, client->secrets->secret, "c hs traffic", transcript, hash->bytes,
                                client->secrets->client, hash->bytes) &&
                schedule_expand(hash, client->secrets->secret, "s hs traffic", transcript, hash->bytes,
                                client->secrets->server, hash->bytes) &&
                record_keys_set(&client->read, client->suite, client->secrets->server, false);
    if (good) {
        client_tell_secret(client, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", client->secrets->client);
        client_tell_secret(client, "SERVER_HANDSHAKE_TRAFFIC_SECRET", client->secrets->server);
    }
    return good;
}

static bool take_choice(struct tls_client *client, struct choice *choice, const struct cursor *message)
{
    uint8_t shared[SHARE_MAX_SECRET_BYTES];
    size_t shared_bytes = 0;
    if (!extensions_fit(&choice->extensions, IN_SERVER_HELLO))
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_EXTENSION);
    if (message->end != client->messages.data + client->messages.len)
        return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_NOT_ON_RECORD_BOUNDARY);
    if (!choose_suite(client, choice) || !agree(client, choice, shared, &shared_bytes))
        return false;
    bool good = (client->transcript != NULL || start_transcript(client)) &&
                EVP_DigestUpdate(client->transcript, message->at, cursor_left(message)) == 1 &&
                start_keys(client, shared, shared_bytes);
    OPENSSL_cleanse(shared, sizeof shared);
    return good || client_no_memory(client);
}

bool client_take_server_hello(struct tls_client *client, struct cursor body)
{
    struct choice choice;
    struct cursor message = {.at = body.at - MESSAGE_HEADER_BYTES, .end = body.end};
    if (!read_head(client, body, &choice))
        return false;
    if (!choice.hello.retry && (!read_extensions(client, &choice, IN_SERVER_HELLO | IN_SERVER_HELLO_12) ||
                                !choose_version(client, &choice)))
        return false;
    if (!judge_echo(client, &choice))
        return false;
    if (choice.hello.retry)
        return choose_suite(client, &choice) && take_retry(client, &choice, &message);
    return take_choice(client, &choice, &message);
}

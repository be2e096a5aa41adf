#include "hello/client_internal.h"

#include "hello/proof.h"
#include "hello/schedule.h"

#include <string.h>

/* What the client says: hellos, its flight after the server's Finished (RFC 8446, 4.4), KeyUpdate, alerts. */

/* RFC 8446, D.4: once, before the second thing said. */
static bool say_ccs(struct tls_client *client)
{
    static const uint8_t record[] = {RECORD_CCS, RECORD_VERSION >> 8, RECORD_VERSION & 0xff, 0, 1, 1};
    if (client->ccs_sent || client->options.profile->session_id_bytes == 0)
        return true;
    client->ccs_sent = buf_append(&client->output, record, sizeof record);
    client_show(client, true, RECORD_CCS, record + RECORD_HEADER_BYTES, 1);
    return client->ccs_sent;
}

/* @return false without memory: a share without a key would be the server's to refuse. */
static bool describe_hello(const struct tls_client *client, struct hello_values *values,
                           uint8_t keys[HELLO_MAX_SHARES][SHARE_MAX_PUBLIC_BYTES])
{
    bool good = true;
    values->sni = client->options.sni;
    values->share_count = client->share_count;
    memcpy(values->random, client->random, sizeof values->random);
    memcpy(values->session_id, client->session_id, sizeof values->session_id);
    for (size_t i = 0; i < client->share_count; i++) {
        size_t length = key_share_public(&client->shares[i], keys[i]);
        values->shares[i] =
            (struct hello_share){.group = client->shares[i].group, .key = keys[i], .key_bytes = length};
        good = good && length > 0;
    }
    return good;
}

static bool say_first_hello(struct tls_client *client, const struct buf *hello)
{
    uint16_t version = client->options.profile->record_version;
    if (!hello_write_records(RECORD_HANDSHAKE, version, hello->data, hello->len, &client->output))
        return false;
    client->hello_bytes = (uint32_t)client->output.len;
    return true;
}

static bool say_second_hello(struct tls_client *client, const struct buf *hello)
{
    return EVP_DigestUpdate(client->transcript, hello->data, hello->len) == 1 &&
           hello_write_records(RECORD_HANDSHAKE, RECORD_VERSION, hello->data, hello->len, &client->output);
}

bool client_say_hello(struct tls_client *client, const uint8_t *cookie, size_t cookie_bytes)
{
    uint8_t keys[HELLO_MAX_SHARES][SHARE_MAX_PUBLIC_BYTES];
    struct hello_values values = {.cookie = cookie, .cookie_bytes = cookie_bytes};
    bool first = client->transcript == NULL;
    if (!describe_hello(client, &values, keys) || (!first && !say_ccs(client)))
        return false;
    bool good = hello_write(client->options.profile, &values, &client->hello) &&
                (first ? say_first_hello(client, &client->hello) : say_second_hello(client, &client->hello));
    if (good)
        client_show(client, true, RECORD_HANDSHAKE, client->hello.data, client->hello.len);
    if (!first)
        buf_done(&client->hello);
    client->handshake_state = TLS_ST_CW_CLNT_HELLO;
    return good;
}

/* A message whose body begins at `message`[4]: header, transcript, record. */
static bool say(struct tls_client *client, uint8_t type, struct buf *message)
{
    size_t length = message->len - MESSAGE_HEADER_BYTES;
    message->data[0] = type;
    message->data[1] = (uint8_t)(length >> 16);
    message->data[2] = (uint8_t)(length >> 8);
    message->data[3] = (uint8_t)length;
    bool good = (client->transcript == NULL ||
                 EVP_DigestUpdate(client->transcript, message->data, message->len) == 1) &&
                record_seal(&client->write, RECORD_HANDSHAKE, message->data, message->len, &client->output);
    if (good)
        client_show(client, true, RECORD_HANDSHAKE, message->data, message->len);
    return good;
}

static bool begin(struct buf *message)
{
    static const uint8_t header[MESSAGE_HEADER_BYTES];
    buf_clear(message);
    return buf_append(message, header, sizeof header);
}

static bool put_u24(struct buf *buf, size_t at, size_t value)
{
    buf->data[at] = (uint8_t)(value >> 16);
    buf->data[at + 1] = (uint8_t)(value >> 8);
    buf->data[at + 2] = (uint8_t)value;
    return value < 1 << 24;
}

static bool add_entry(X509 *certificate, struct buf *message)
{
    static const uint8_t blank[3];
    int length = i2d_X509(certificate, NULL);
    size_t at = message->len;
    if (length <= 0 || !buf_append(message, blank, sizeof blank))
        return false;
    unsigned char *room = buf_room(message, (size_t)length);
    if (room == NULL || i2d_X509(certificate, &room) != length)
        return false;
    buf_grew(message, (size_t)length);
    return put_u24(message, at, (size_t)length) && buf_append(message, blank, 2); /* no extensions */
}

static bool say_certificate(struct tls_client *client, bool empty, struct buf *message)
{
    static const uint8_t blank[3];
    const struct tls_client_options *options = &client->options;
    const uint8_t *context = client->kept.data + client->request_context.at;
    size_t context_bytes = client->request_context.length;
    if (!begin(message) || !buf_byte(message, (uint8_t)context_bytes) ||
        !buf_append(message, context_bytes > 0 ? context : blank, context_bytes))
        return false;
    size_t at = message->len;
    bool good =
        buf_append(message, blank, sizeof blank) && (empty || add_entry(options->certificate, message));
    for (int i = 0; good && !empty && i < sk_X509_num(options->certificate_chain); i++)
        good = add_entry(sk_X509_value(options->certificate_chain, i), message);
    return good && put_u24(message, at, message->len - at - sizeof blank) &&
           say(client, MESSAGE_CERTIFICATE, message);
}

static bool say_proof(struct tls_client *client, uint16_t scheme, struct buf *message)
{
    uint8_t hash[TLS_HASH_MAX_BYTES];
    const struct tls_hash *kind = client->suite->hash;
    return schedule_transcript(client->suite->hash, client->transcript, hash) && begin(message) &&
           proof_make(client->options.algorithms, client->options.key, scheme, hash, kind->bytes, message) &&
           say(client, MESSAGE_CERTIFICATE_VERIFY, message);
}

/* What was asked for: the certificate when there is one that the server can check, else the empty list. */
static bool say_identity(struct tls_client *client, struct buf *message)
{
    const struct tls_client_options *options = &client->options;
    uint16_t scheme = 0;
    if (options->certificate != NULL && options->key != NULL) {
        struct hello_span accepted = {.bytes = client->kept.data + client->accepted.at,
                                      .length = client->accepted.length};
        scheme = proof_choose(options->key, accepted, &options->profile->signatures);
    }
    return say_certificate(client, scheme == 0, message) &&
           (scheme == 0 || say_proof(client, scheme, message));
}

static bool say_finished(struct tls_client *client, struct buf *message)
{
    struct tls_hash *hash = client->suite->hash;
    uint8_t transcript[TLS_HASH_MAX_BYTES], mac[TLS_HASH_MAX_BYTES];
    return schedule_transcript(hash, client->transcript, transcript) &&
           schedule_finished(hash, client->secrets->client, transcript, mac) && begin(message) &&
           buf_append(message, mac, hash->bytes) && say(client, MESSAGE_FINISHED, message);
}

bool client_say_flight(struct tls_client *client)
{
    struct buf message;
    buf_init(&message, 0);
    bool good = say_ccs(client) &&
                record_keys_set(&client->write, client->suite, client->secrets->client, true) &&
                (!client->asked || say_identity(client, &message)) && say_finished(client, &message);
    buf_done(&message);
    return good;
}

bool client_say_update(struct tls_client *client)
{
    struct tls_hash *hash = client->suite->hash;
    uint8_t next[TLS_HASH_MAX_BYTES];
    struct buf message;
    buf_init(&message, 0);
    bool good = begin(&message) && buf_byte(&message, 0) && say(client, MESSAGE_KEY_UPDATE, &message) &&
                schedule_expand(hash, client->secrets->client, "traffic upd", NULL, 0, next, hash->bytes);
    buf_done(&message);
    if (!good)
        return client_no_memory(client);
    memcpy(client->secrets->client, next, sizeof next);
    OPENSSL_cleanse(next, sizeof next);
    client->update_owed = false;
    client_tell_secret(client, "CLIENT_TRAFFIC_SECRET_N", client->secrets->client);
    return record_keys_set(&client->write, client->suite, client->secrets->client, true) ||
           client_no_memory(client);
}

bool client_say_alert(struct tls_client *client, uint8_t level, uint8_t description)
{
    const uint8_t alert[] = {level, description};
    bool first = client->handshake_state == TLS_ST_CW_CLNT_HELLO && !client->retried;
    uint16_t version = first ? client->options.profile->record_version : RECORD_VERSION;
    bool said = client->write.cipher != NULL
                    ? record_seal(&client->write, RECORD_ALERT, alert, sizeof alert, &client->output)
                    : hello_write_records(RECORD_ALERT, version, alert, sizeof alert, &client->output);
    if (said)
        client_show(client, true, RECORD_ALERT, alert, sizeof alert);
    return said;
}

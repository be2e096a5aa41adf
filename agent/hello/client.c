#include "hello/client_internal.h"

#include <openssl/rand.h>
#include <stdlib.h>

/*
 *   client.c               what the caller sees
 *   client_records.c       records: bounds, decryption, alerts, data
 *   client_messages.c      which message may come when, and all of them but the first
 *   client_server_hello.c  ServerHello and HelloRetryRequest: agreement, keys of the handshake
 *   client_flight.c        what the client says
 *   extensions, proof, schedule, share, algorithms: one thing each, and nothing of a connection
 *
 * Where bytes go: received bytes are read where they are; only a record that is not whole is copied (input). A record is decrypted to
 * the end of `messages`; what it holds of the handshake stays there until its message is whole, anything else is used there and
 * then overwritten. No record costs an allocation once the buffers have grown.
 */

bool client_alive(const struct tls_client *client)
{
    return client->state == TLS_CLIENT_HANDSHAKE || client->state == TLS_CLIENT_OPEN;
}

void client_show(const struct tls_client *client, bool sent, int content, const uint8_t *bytes, size_t length)
{
    const struct tls_client_options *options = &client->options;
    if (options->on_message != NULL)
        options->on_message(options->arg, sent, content, bytes, length);
}

void client_tell_secret(const struct tls_client *client, const char *label, const uint8_t *secret)
{
    const struct tls_client_options *options = &client->options;
    if (options->on_secret != NULL)
        options->on_secret(options->arg, label, client->random, secret, client->suite->hash->bytes);
}

void client_end(struct tls_client *client, int alert, int reason)
{
    if (!client_alive(client))
        return;
    if (tls_lacks_memory()) {
        alert = SSL_AD_INTERNAL_ERROR;
        reason = ERR_R_MALLOC_FAILURE;
    }
    client->fault = (struct tls_fault){.alert = alert, .reason = reason};
    if (alert != TLS_NO_ALERT)
        (void)client_say_alert(client, SSL3_AL_FATAL, (uint8_t)alert);
    client->state = TLS_CLIENT_FAILED;
}

static bool draw(struct tls_client *client)
{
    uint8_t bytes[HELLO_RANDOM_BYTES + HELLO_SESSION_ID_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < HELLO_RANDOM_BYTES; i++)
        client->random[i] = bytes[i];
    for (size_t i = 0; i < HELLO_SESSION_ID_BYTES; i++)
        client->session_id[i] = bytes[HELLO_RANDOM_BYTES + i];
    return true;
}

static bool make_share(struct tls_client *client, const struct tls_group *group)
{
    const struct tls_client_options *options = &client->options;
    struct key_share *share = &client->shares[client->share_count++];
    if (options->mono_us != 0 && group->id == TLS_X25519)
        return key_share_again(share, group, &options->algorithms->pair, options->mono_us);
    return key_share_init(share, group);
}

/* A profile may say shares of groups that are not spoken here: those are left out, and asking again is the server's right. */
static bool make_shares(struct tls_client *client)
{
    const struct hello_list *shares = &client->options.profile->shares;
    for (size_t i = 0; i < shares->count && client->share_count < HELLO_MAX_SHARES; i++) {
        const struct tls_group *group = tls_group_find(client->options.algorithms, shares->values[i]);
        if (group != NULL && !make_share(client, group))
            return false;
    }
    return true;
}

struct tls_client *tls_client_new(const struct tls_client_options *options)
{
    struct tls_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    client->options = *options;
    client->alpn = "";
    client->first_record = true;
    if (draw(client) && make_shares(client) && client_say_hello(client, NULL, 0))
        return client;
    tls_client_free(client);
    ERR_clear_error();
    return NULL;
}

void tls_client_free(struct tls_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->share_count; i++)
        key_share_done(&client->shares[i]);
    EVP_MD_CTX_free(client->transcript);
    record_keys_done(&client->read);
    record_keys_done(&client->write);
    chain_release(client->chain);
    buf_done(&client->output);
    buf_done(&client->hello);
    buf_done(&client->input);
    buf_done(&client->messages);
    buf_done(&client->kept);
    if (client->secrets != NULL)
        OPENSSL_cleanse(client->secrets, sizeof *client->secrets);
    free(client->secrets);
    OPENSSL_cleanse(client, sizeof *client);
    free(client);
}

/* Of `bytes`, what the record that has begun still needs. @return how many; at least one of what is there. */
static size_t complete_input(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    const uint8_t *head = client->input.data;
    size_t have = client->input.len, need = RECORD_HEADER_BYTES;
    if (have >= RECORD_HEADER_BYTES)
        need += (size_t)head[3] << 8 | head[4];
    size_t now = need - have < length ? need - have : length;
    if (!buf_append(&client->input, bytes, now))
        (void)client_no_memory(client);
    return now;
}

static void take_with_input(struct tls_client *client, const uint8_t **bytes, size_t *length)
{
    size_t now = complete_input(client, *bytes, *length);
    *bytes += now;
    *length -= now;
    if (client_alive(client) && client_records_take(client, client->input.data, client->input.len) > 0)
        buf_clear(&client->input);
}

enum tls_client_state tls_client_receive(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    ERR_clear_error();
    while (client_alive(client) && client->input.len > 0 && length > 0)
        take_with_input(client, &bytes, &length);
    if (client_alive(client) && length > 0) {
        size_t taken = client_records_take(client, bytes, length);
        if (client_alive(client) && taken < length &&
            !buf_append(&client->input, bytes + taken, length - taken))
            (void)client_no_memory(client);
    }
    return client->state;
}

enum tls_client_state tls_client_state(const struct tls_client *client)
{
    return client->state;
}

const uint8_t *tls_client_output(const struct tls_client *client, size_t *ret_length)
{
    *ret_length = client->output.len;
    return client->output.data;
}

void tls_client_sent(struct tls_client *client, size_t length)
{
    if (length < client->output.len)
        buf_drop(&client->output, length);
    else
        buf_done(&client->output); /* an answer may never come */
}

/* However many updates of its key the server has asked for, one before the next data answers them (RFC 8446, 4.6.3). */
bool tls_client_send(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    if (client->state != TLS_CLIENT_OPEN || client->close_sent)
        return false;
    if (client->update_owed && !client_say_update(client))
        return false;
    return length == 0 || record_seal(&client->write, RECORD_DATA, bytes, length, &client->output);
}

void tls_client_close(struct tls_client *client)
{
    bool opened = client->handshake_state == TLS_ST_OK &&
                  (client->state == TLS_CLIENT_OPEN || client->state == TLS_CLIENT_CLOSED);
    if (opened && !client->close_sent)
        client->close_sent = client_say_alert(client, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
}

static struct hello_span kept(const struct tls_client *client, const struct client_piece *piece)
{
    static const uint8_t nothing[1];
    if (!piece->there)
        return (struct hello_span){0};
    return (struct hello_span){.bytes = piece->length > 0 ? client->kept.data + piece->at : nothing,
                               .length = piece->length};
}

void tls_client_facts(const struct tls_client *client, struct tls_client_facts *ret_facts)
{
    *ret_facts = (struct tls_client_facts){
        .version = client->version,
        .cipher = client->version != 0 && client->suite != NULL ? client->suite->id : 0,
        .group = client->group,
        .signature = client->signature,
        .hello_retry = client->retried,
        .certificate_request = client->asked,
        .ticket = client->ticket,
        .alpn = client->alpn,
        .staple = kept(client, &client->staple),
        .scts = kept(client, &client->scts),
        .ca_names = kept(client, &client->ca_names),
        .chain = client->chain,
        .hello_bytes = client->hello_bytes,
        .alert_level = client->alert_level,
        .alert = client->alert,
        .reason = client->fault.reason,
        .alert_sent = client->fault.alert > 0 ? (uint8_t)client->fault.alert : 0,
        .handshake_state = (uint8_t)client->handshake_state,
    };
}

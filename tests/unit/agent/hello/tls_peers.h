#ifndef PARALLAX_TESTS_TLS_PEERS_H
#define PARALLAX_TESTS_TLS_PEERS_H

#include "cmocka_all.h"
#include "hello/client.h"
#include "probe/trust.h"
#include "words/buf.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both ends of a connection in memory: certificates of every kind, libssl servers, our client, and a log of what it showed. */

static inline EVP_PKEY *peers_key(const char *kind)
{
    EVP_PKEY *key = NULL;
    if (strcmp(kind, "ED25519") == 0 || strcmp(kind, "ED448") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    else if (strcmp(kind, "RSA") == 0 || strcmp(kind, "RSA-PSS") == 0) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
        assert_int_equal(EVP_PKEY_keygen_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
        assert_int_equal(EVP_PKEY_generate(context, &key), 1);
        EVP_PKEY_CTX_free(context);
    } else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    assert_non_null(key);
    return key;
}

/* Signed by issuer_key, or by itself. */
static inline X509 *peers_certificate(EVP_PKEY *key, EVP_PKEY *issuer_key, const char *name)
{
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);
    EVP_PKEY *signer = issuer_key != NULL ? issuer_key : key;
    bool bare = EVP_PKEY_get_id(signer) == EVP_PKEY_ED25519 || EVP_PKEY_get_id(signer) == EVP_PKEY_ED448;
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 7);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, subject);
    X509_gmtime_adj(X509_getm_notBefore(made), -86400);
    X509_gmtime_adj(X509_getm_notAfter(made), 86400L * 30);
    X509_set_pubkey(made, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:site.example");
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(made, signer, bare ? NULL : EVP_sha256()) > 0);
    return made;
}

/* --- what was shown ---------------------------------------------------------------------------------------------- */

enum { PEERS_LOG_LINES = 64, PEERS_LINE_BYTES = 48 };

struct peers_log {
    size_t count;
    char lines[PEERS_LOG_LINES][PEERS_LINE_BYTES];
};

static inline void peers_log_add(struct peers_log *log, bool sent, int content, const uint8_t *bytes,
                                 size_t length)
{
    if (content != 20 && content != 21 && content != 22)
        return;
    assert_true(log->count < PEERS_LOG_LINES);
    char *line = log->lines[log->count++];
    if (content == 22 && bytes[0] == 15)
        length = 0; /* signatures with ECDSA differ in length */
    int second = content == 21 && length > 1 ? bytes[1] : -1;
    (void)snprintf(line, PEERS_LINE_BYTES, "%c%d:%d:%d:%zu", sent ? '>' : '<', content, bytes[0], second,
                   length);
}

static inline void peers_log_equal(const struct peers_log *ours, const struct peers_log *theirs,
                                   const char *what)
{
    bool equal = ours->count == theirs->count;
    for (size_t i = 0; equal && i < ours->count; i++)
        equal = strcmp(ours->lines[i], theirs->lines[i]) == 0;
    if (equal)
        return;
    for (size_t i = 0; i < ours->count || i < theirs->count; i++)
        print_error("%s: ours %s, libssl %s\n", what, i < ours->count ? ours->lines[i] : "-",
                    i < theirs->count ? theirs->lines[i] : "-");
    fail();
}

/* --- our client ---------------------------------------------------------------------------------------------------- */

struct peers_client {
    struct tls_algorithms *algorithms;
    struct chain_cache *chains;
    X509_STORE *store;
    struct tls_client *client;
    struct peers_log log;
    struct buf data;
    struct buf shown;   /* the Certificate that the client sent */
    struct buf secrets; /* lines of a key log, without the random */
};

static inline void peers_on_message(void *arg, bool sent, int content, const uint8_t *bytes, size_t length)
{
    struct peers_client *client = arg;
    peers_log_add(&client->log, sent, content, bytes, length);
    if (sent && content == 22 && bytes[0] == 11) {
        buf_clear(&client->shown);
        assert_true(buf_append(&client->shown, bytes, length));
    }
}

static inline void peers_on_data(void *arg, const uint8_t *bytes, size_t length)
{
    struct peers_client *client = arg;
    assert_true(buf_append(&client->data, bytes, length));
}

static inline void peers_on_secret(void *arg, const char *label, const uint8_t random[HELLO_RANDOM_BYTES],
                                   const uint8_t *secret, size_t length)
{
    struct peers_client *client = arg;
    (void)random;
    (void)buf_printf(&client->secrets, "%s ", label);
    for (size_t i = 0; i < length; i++)
        (void)buf_printf(&client->secrets, "%02x", secret[i]);
    (void)buf_text(&client->secrets, "\n");
}

static inline void peers_client_init(struct peers_client *client)
{
    *client = (struct peers_client){.algorithms = tls_algorithms_new(), .store = X509_STORE_new()};
    client->chains = chain_cache_new(
        &(struct chain_cache_options){.store = client->store, .max_chains = 16, .max_bytes = 1 << 20});
    assert_non_null(client->algorithms);
    assert_non_null(client->chains);
    buf_init(&client->data, 0);
    buf_init(&client->shown, 0);
    buf_init(&client->secrets, 0);
}

static inline struct tls_client_options peers_options(struct peers_client *client)
{
    return (struct tls_client_options){.algorithms = client->algorithms,
                                       .chains = client->chains,
                                       .profile = hello_profile_find(HELLO_PROFILE_NORMAL),
                                       .sni = "site.example",
                                       .on_message = peers_on_message,
                                       .on_data = peers_on_data,
                                       .on_secret = peers_on_secret,
                                       .arg = client};
}

static inline void peers_client_start(struct peers_client *client, const struct tls_client_options *options)
{
    tls_client_free(client->client);
    client->log.count = 0;
    buf_clear(&client->data);
    buf_clear(&client->secrets);
    client->client = tls_client_new(options);
    assert_non_null(client->client);
}

static inline void peers_client_done(struct peers_client *client)
{
    tls_client_free(client->client);
    chain_cache_free(client->chains);
    X509_STORE_free(client->store);
    tls_algorithms_free(client->algorithms);
    buf_done(&client->data);
    buf_done(&client->shown);
    buf_done(&client->secrets);
}

/* --- libssl servers ------------------------------------------------------------------------------------------------ */

static inline SSL_CTX *peers_server_context(const char *kind)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = peers_key(kind);
    X509 *certificate = peers_certificate(key, NULL, "site.example");
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

static inline SSL *peers_server(SSL_CTX *context)
{
    SSL *server = SSL_new(context);
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(server), -1);
    SSL_set_accept_state(server);
    return server;
}

/* What the client has to say, to the server. */
static inline void peers_to_server(struct tls_client *client, SSL *server)
{
    size_t length = 0;
    const uint8_t *bytes = tls_client_output(client, &length);
    if (length > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(server), bytes, (int)length), length);
    tls_client_sent(client, length);
}

/* What the server has said, to the client in pieces. @return the client's state. */
static inline enum tls_client_state peers_to_client(SSL *server, struct tls_client *client, size_t piece)
{
    BIO *out = SSL_get_wbio(server);
    uint8_t bytes[4096];
    int length;
    if (piece > sizeof bytes)
        piece = sizeof bytes;
    while ((length = BIO_read(out, bytes, (int)piece)) > 0)
        (void)tls_client_receive(client, bytes, (size_t)length);
    return tls_client_state(client);
}

/* Until neither end has anything to say. */
static inline enum tls_client_state peers_shake(struct tls_client *client, SSL *server, size_t piece)
{
    for (int turn = 0; turn < 8; turn++) {
        peers_to_server(client, server);
        if (!SSL_is_init_finished(server))
            (void)SSL_do_handshake(server);
        (void)peers_to_client(server, client, piece);
    }
    return tls_client_state(client);
}

#endif

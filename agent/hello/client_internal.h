#ifndef PARALLAX_HELLO_CLIENT_INTERNAL_H
#define PARALLAX_HELLO_CLIENT_INTERNAL_H

#include "hello/algorithms.h"
#include "hello/client.h"
#include "hello/extensions.h"
#include "hello/records.h"
#include "hello/share.h"

#include <openssl/err.h>
#include <openssl/ssl.h> /* numbers of alerts, reasons and handshake states; none of its functions */

/* Only for client*.c. Who calls whom: client.c -> client_records.c -> client_messages.c, client_server_hello.c -> client_flight.c. */

enum {
    CLIENT_MAX_MESSAGE_BYTES = 65607, /* body; libssl's bound of a ServerHello, which is its largest */
    CLIENT_MAX_LIST_BYTES = 65536,    /* of certificates, and of the names in a request for one */
    MESSAGE_HEADER_BYTES = 4
};

/** Handshake messages (RFC 8446, 4; the first is of RFC 5246). */
enum {
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_TICKET = 4,
    MESSAGE_ENCRYPTED_EXTENSIONS = 8,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_CERTIFICATE_REQUEST = 13,
    MESSAGE_CERTIFICATE_VERIFY = 15,
    MESSAGE_FINISHED = 20,
    MESSAGE_KEY_UPDATE = 24,
    MESSAGE_HASH = 254
};

/** A place in client->kept, which moves as it grows. */
struct client_piece {
    bool there;
    uint32_t at;
    uint32_t length;
};

struct client_secrets {
    uint8_t secret[TLS_HASH_MAX_BYTES]; /* of the handshake */
    uint8_t client[TLS_HASH_MAX_BYTES];
    uint8_t server[TLS_HASH_MAX_BYTES];
    uint8_t certificate_hash[TLS_HASH_MAX_BYTES]; /* of the transcript up to the Certificate */
    uint8_t verify_hash[TLS_HASH_MAX_BYTES];      /* ... to the CertificateVerify */
};

struct tls_client {
    struct tls_client_options options;
    enum tls_client_state state;
    OSSL_HANDSHAKE_STATE handshake_state;
    struct tls_fault fault;
    struct buf output;

    struct buf hello; /* the first ClientHello, until a suite says how to hash it */
    uint8_t random[HELLO_RANDOM_BYTES];
    uint8_t session_id[HELLO_SESSION_ID_BYTES];
    struct key_share shares[HELLO_MAX_SHARES];
    size_t share_count;

    struct buf input;       /* the beginning of a record */
    struct buf messages;    /* plain text of handshake records, from the first message that is not whole */
    bool in_message;        /* its header was judged */
    bool first_record;      /* none was whole yet */
    unsigned empty_records; /* in a row */
    unsigned warnings;      /* alerts, in a row */

    const struct tls_suite *suite; /* once agreed */
    EVP_MD_CTX *transcript;
    struct client_secrets *secrets; /* NULL up to the ServerHello, which may never come */
    struct record_keys read, write;

    uint16_t version, group, signature;
    bool retried, asked, ticket, ccs_sent, close_sent;
    bool update_owed; /* a KeyUpdate, before the next data */
    const char *alpn; /* one of the profile's */
    struct chain *chain;
    struct buf kept; /* what the pieces point into */
    struct client_piece staple, scts, ca_names, request_context, accepted;
    uint32_t hello_bytes;
    uint8_t alert_level, alert;
};

/* --- client_records.c --- */

/** Takes what is whole of the bytes. @return how many it took; fewer than all when the rest is no record yet, or when it is over. */
size_t client_records_take(struct tls_client *client, const uint8_t *bytes, size_t length);

/* --- client_messages.c --- */

/** Works on the messages that are whole. */
bool client_messages_take(struct tls_client *client);

/* --- client_server_hello.c --- */

bool client_take_server_hello(struct tls_client *client, struct cursor body);

/* --- client_flight.c: what the client says --- */

bool client_say_hello(struct tls_client *client, const uint8_t *cookie, size_t cookie_bytes);
bool client_say_flight(struct tls_client *client);
bool client_say_update(struct tls_client *client);
bool client_say_alert(struct tls_client *client, uint8_t level, uint8_t description);

/* --- client.c --- */

/** Ends it, with an alert to the peer if there is one. */
void client_end(struct tls_client *client, int alert, int reason);

/* These say no to whoever calls. */

static inline bool client_fail(struct tls_client *client, int alert, int reason)
{
    client_end(client, alert, reason);
    return false;
}

static inline bool client_fail_length(struct tls_client *client)
{
    return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_LENGTH_MISMATCH);
}

static inline bool client_no_memory(struct tls_client *client)
{
    return client_fail(client, SSL_AD_INTERNAL_ERROR, ERR_R_MALLOC_FAILURE);
}

/** The server wants what is libssl's. */
static inline bool client_leave(struct tls_client *client)
{
    client->state = TLS_CLIENT_OTHER;
    return false;
}

void client_show(const struct tls_client *client, bool sent, int content, const uint8_t *bytes,
                 size_t length);
void client_tell_secret(const struct tls_client *client, const char *label, const uint8_t *secret);

/** Is it still a connection? */
bool client_alive(const struct tls_client *client);

#endif

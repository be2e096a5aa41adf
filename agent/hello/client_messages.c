#include "hello/client_internal.h"

#include "hello/proof.h"
#include "hello/schedule.h"

#include <openssl/x509.h>
#include <string.h>

/*
 * Messages after the ServerHello (RFC 8446, 4.3 to 4.6), and which may come when:
 *
 *      ServerHello, EncryptedExtensions, [CertificateRequest,] Certificate, CertificateVerify, Finished
 *      then, in any order: NewSessionTicket, KeyUpdate
 *
 * A message that is not expected is not shown: libssl judges a header before it reads what follows.
 */

static bool fail_as(struct tls_client *client, const struct tls_fault *fault)
{
    return client_fail(client, fault->alert, fault->reason);
}

static bool read_extensions(struct tls_client *client, struct cursor block, enum extension_place place,
                            struct tls_extensions *ret_extensions)
{
    struct tls_fault fault;
    const struct tls_client_options *options = &client->options;
    return extensions_read(block, place, options->profile, options->sni, ret_extensions, &fault) ||
           fail_as(client, &fault);
}

static bool keep(struct tls_client *client, const uint8_t *bytes, size_t length,
                 struct client_piece *ret_piece)
{
    *ret_piece =
        (struct client_piece){.there = true, .at = (uint32_t)client->kept.len, .length = (uint32_t)length};
    return length == 0 || buf_append(&client->kept, bytes, length) || client_no_memory(client);
}

/* --- EncryptedExtensions -------------------------------------------------------------------------------------- */

static bool take_alpn(struct tls_client *client, const struct tls_extensions *extensions)
{
    struct cursor list;
    bool whole = extension_list(extensions, EXTENSION_ALPN, &list);
    struct cursor name = cursor_block(&list, cursor_u8(&list));
    if (whole && !list.failed && cursor_left(&list) == 0)
        for (const char *const *offer = client->options.profile->alpn; *offer != NULL; offer++)
            if (strlen(*offer) == cursor_left(&name) && memcmp(*offer, name.at, cursor_left(&name)) == 0) {
                client->alpn = *offer;
                return true;
            }
    return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
}

static bool take_encrypted_extensions(struct tls_client *client, struct cursor body)
{
    struct tls_extensions extensions;
    struct cursor block = cursor_block(&body, cursor_u16(&body));
    if (body.failed || cursor_left(&body) > 0)
        return client_fail_length(client);
    if (!read_extensions(client, block, IN_ENCRYPTED_EXTENSIONS, &extensions))
        return false;
    if (extensions.of[EXTENSION_SERVER_NAME].length > 0)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
    return extensions.of[EXTENSION_ALPN].bytes == NULL || take_alpn(client, &extensions);
}

/* --- CertificateRequest ---------------------------------------------------------------------------------------- */

static bool judge_schemes(struct tls_client *client, const struct tls_extensions *extensions,
                          enum tls_extension which)
{
    struct cursor list;
    if (extensions->of[which].bytes == NULL)
        return true;
    bool whole = extension_list(extensions, which, &list);
    if (whole && cursor_left(&list) > 0 && cursor_left(&list) % 2 == 0)
        return true;
    return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
}

static bool judge_name(struct tls_client *client, const struct cursor *name)
{
    const uint8_t *at = name->at;
    X509_NAME *parsed = d2i_X509_NAME(NULL, &at, (long)cursor_left(name));
    X509_NAME_free(parsed);
    if (parsed == NULL)
        return client_fail(client, SSL_AD_DECODE_ERROR, ERR_R_ASN1_LIB);
    if (at != name->end)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_CA_DN_LENGTH_MISMATCH);
    return true;
}

static bool take_authorities(struct tls_client *client, const struct tls_extensions *extensions)
{
    const struct hello_span *span = &extensions->of[EXTENSION_AUTHORITIES];
    if (span->bytes == NULL)
        return true;
    struct cursor cursor = extension_cursor(extensions, EXTENSION_AUTHORITIES);
    struct cursor list = cursor_block(&cursor, cursor_u16(&cursor));
    if (cursor.failed)
        return client_fail_length(client);
    while (cursor_left(&list) > 0) {
        struct cursor name = cursor_block(&list, cursor_u16(&list));
        if (list.failed)
            return client_fail_length(client);
        if (!judge_name(client, &name))
            return false;
    }
    if (cursor_left(&cursor) > 0)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
    return keep(client, span->bytes, span->length, &client->ca_names);
}

static bool take_certificate_request(struct tls_client *client, struct cursor body)
{
    struct tls_extensions extensions;
    struct cursor context = cursor_block(&body, cursor_u8(&body));
    if (body.failed)
        return client_fail_length(client);
    struct cursor block = cursor_block(&body, cursor_u16(&body));
    if (body.failed)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_LENGTH);
    if (!read_extensions(client, block, IN_CERTIFICATE_REQUEST, &extensions) ||
        !judge_schemes(client, &extensions, EXTENSION_SIGNATURES_CERT) ||
        !judge_schemes(client, &extensions, EXTENSION_SIGNATURES) || !take_authorities(client, &extensions))
        return false;
    const struct hello_span *schemes = &extensions.of[EXTENSION_SIGNATURES];
    if (schemes->bytes == NULL)
        return client_fail(client, SSL_AD_MISSING_EXTENSION, SSL_R_MISSING_SIGALGS_EXTENSION);
    if (cursor_left(&body) > 0)
        return client_fail_length(client);
    client->asked = true;
    return keep(client, context.at, cursor_left(&context), &client->request_context) &&
           keep(client, schemes->bytes + 2, schemes->length - 2, &client->accepted);
}

/* --- Certificate ------------------------------------------------------------------------------------------------ */

/* Of the leaf's entry: an OCSP response (RFC 8446, 4.4.2.1), and SCTs as they are. */
static bool take_proofs(struct tls_client *client, const struct tls_extensions *extensions,
                        struct tls_fault *ret_fault)
{
    enum { OCSP = 1 };
    const struct hello_span *scts = &extensions->of[EXTENSION_SCTS];
    if (extensions->of[EXTENSION_STATUS].bytes != NULL) {
        struct cursor cursor = extension_cursor(extensions, EXTENSION_STATUS);
        if (cursor_u8(&cursor) != OCSP)
            return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_UNSUPPORTED_STATUS_TYPE);
        struct cursor response = cursor_block(&cursor, cursor_u24(&cursor));
        if (cursor.failed || cursor_left(&cursor) > 0)
            return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_LENGTH_MISMATCH);
        /* libssl takes an allocation of nothing for one that failed. */
        if (cursor_left(&response) == 0 ||
            !keep(client, response.at, cursor_left(&response), &client->staple))
            return tls_fault(ret_fault, SSL_AD_INTERNAL_ERROR, ERR_R_MALLOC_FAILURE);
    }
    return scts->bytes == NULL || keep(client, scts->bytes, scts->length, &client->scts) ||
           tls_fault(ret_fault, SSL_AD_INTERNAL_ERROR, ERR_R_MALLOC_FAILURE);
}

/* What comes after the certificate in its entry. */
static bool take_entry_extensions(struct tls_client *client, struct cursor *list, bool leaf,
                                  struct tls_fault *ret_fault)
{
    enum { SCTS = 18 };
    struct tls_extensions extensions;
    const struct tls_client_options *options = &client->options;
    struct cursor block = cursor_block(list, cursor_u16(list));
    if (list->failed)
        return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_BAD_LENGTH);
    if (!extensions_read(block, IN_CERTIFICATE, options->profile, options->sni, &extensions, ret_fault))
        return false;
    if (extensions.of[EXTENSION_SCTS].bytes != NULL &&
        !extension_offered(options->profile, options->sni, SCTS))
        return tls_fault(ret_fault, SSL_AD_UNSUPPORTED_EXTENSION, SSL_R_BAD_EXTENSION);
    return !leaf || take_proofs(client, &extensions, ret_fault);
}

/* Reads entries up to the first that is wrong. @param ret_count  certificates read, also when it returns false. */
static bool take_entries(struct tls_client *client, struct cursor *list, struct chain_der *certificates,
                         size_t *ret_count, struct tls_fault *ret_fault)
{
    for (*ret_count = 0; cursor_left(list) > 0;) {
        struct cursor certificate = cursor_block(list, cursor_u24(list));
        if (list->failed)
            return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_CERT_LENGTH_MISMATCH);
        if (*ret_count == TLS_MAX_CHAIN)
            return tls_fault(ret_fault, SSL_AD_BAD_CERTIFICATE, ERR_R_ASN1_LIB);
        certificates[(*ret_count)++] =
            (struct chain_der){.bytes = certificate.at, .length = cursor_left(&certificate)};
        if (!take_entry_extensions(client, list, *ret_count == 1, ret_fault))
            return false;
    }
    return true;
}

/* How long a DER element is by its own header, at most as long as what there is of it. */
static size_t der_length(const struct chain_der *der)
{
    struct cursor cursor;
    cursor_init(&cursor, der->bytes, der->length);
    (void)cursor_u8(&cursor);
    size_t length = cursor_u8(&cursor), count = 0;
    if (length >= 0x80)
        for (count = length & 0x7f, length = 0; count > 0 && length <= UINT16_MAX && !cursor.failed; count--)
            length = length << 8 | cursor_u8(&cursor);
    if (cursor.failed || count > 0 || length > cursor_left(&cursor))
        return der->length;
    return (size_t)(cursor.at - der->bytes) + length;
}

static bool take_chain(struct tls_client *client, struct chain_der *certificates, size_t count)
{
    bool malformed = false, longer = false;
    for (size_t i = 0; i < count; i++) {
        size_t length = der_length(&certificates[i]);
        longer |= length < certificates[i].length;
        certificates[i].length = length;
    }
    client->chain = chain_take(client->options.chains, certificates, count, &malformed);
    if (client->chain == NULL && !malformed)
        return client_no_memory(client);
    if (client->chain == NULL)
        return client_fail(client, SSL_AD_BAD_CERTIFICATE, ERR_R_ASN1_LIB);
    return !longer || client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_CERT_LENGTH_MISMATCH);
}

/* A key that cannot be read ends X509_verify_cert itself, which is where libssl meets it. */
static bool refuse_key(struct tls_client *client)
{
    const struct tls_client_options *options = &client->options;
    struct chain_verdict verdict;
    if (!chain_verify(client->chain, options->name, options->now_s, &verdict))
        return client_no_memory(client);
    for (size_t i = 0; i < verdict.said_count; i++)
        ERR_raise(ERR_GET_LIB(verdict.said[i]), ERR_GET_REASON(verdict.said[i]));
    return client_fail(client, proof_alert(verdict.gave_up), SSL_R_CERTIFICATE_VERIFY_FAILED);
}

/* libssl parses each certificate before it reads on, so a wrong one comes before what is wrong behind it. */
static bool take_certificate(struct tls_client *client, struct cursor body)
{
    struct chain_der *certificates = client->options.algorithms->chain;
    struct tls_fault fault;
    size_t count = 0;
    bool context = cursor_u8(&body) != 0;
    struct cursor list = cursor_block(&body, cursor_u24(&body));
    if (context || body.failed || cursor_left(&body) > 0 || cursor_left(&list) == 0)
        return client_fail_length(client);
    bool whole = take_entries(client, &list, certificates, &count, &fault);
    bool parsed = count == 0 || take_chain(client, certificates, count);
    if (!whole || !parsed) {
        chain_release(client->chain);
        client->chain = NULL;
        return parsed && fail_as(client, &fault);
    }
    if (chain_leaf_key(client->chain) == NULL)
        return refuse_key(client);
    if (!proof_key_usable(chain_leaf_key(client->chain), &fault))
        return fail_as(client, &fault);
    return schedule_transcript(client->suite->hash, client->transcript, client->secrets->certificate_hash) ||
           client_no_memory(client);
}

static bool take_certificate_verify(struct tls_client *client, struct cursor body)
{
    const struct tls_client_options *options = &client->options;
    struct tls_hash *hash = client->suite->hash;
    struct tls_fault fault;
    if (!proof_check(options->algorithms, chain_leaf_key(client->chain), body, &options->profile->signatures,
                     client->secrets->certificate_hash, hash->bytes, &client->signature, &fault))
        return fail_as(client, &fault);
    return schedule_transcript(hash, client->transcript, client->secrets->verify_hash) ||
           client_no_memory(client);
}

/* --- Finished --------------------------------------------------------------------------------------------------- */

/* RFC 8446, 7.1: the application's secrets take the place of the handshake's, of which the client's is still needed. */
static bool advance_keys(struct tls_client *client, uint8_t *ret_client_secret)
{
    struct tls_hash *hash = client->suite->hash;
    uint8_t derived[TLS_HASH_MAX_BYTES], master[TLS_HASH_MAX_BYTES], finished[TLS_HASH_MAX_BYTES],
        exporter[TLS_HASH_MAX_BYTES];
    struct schedule_key key;
    bool good =
        schedule_expand(hash, client->secrets->secret, "derived", hash->empty, hash->bytes, derived,
                        hash->bytes) &&
        schedule_next(hash, derived, NULL, 0, master) && schedule_key_init(&key, hash, master) &&
        schedule_transcript(hash, client->transcript, finished) &&
        schedule_expand_key(&key, "c ap traffic", finished, hash->bytes, ret_client_secret, hash->bytes) &&
        schedule_expand_key(&key, "s ap traffic", finished, hash->bytes, client->secrets->server,
                            hash->bytes) &&
        record_keys_set(&client->read, client->suite, client->secrets->server, false);
    if (good && client->options.on_secret != NULL &&
        schedule_expand_key(&key, "exp master", finished, hash->bytes, exporter, hash->bytes)) {
        client_tell_secret(client, "CLIENT_TRAFFIC_SECRET_0", ret_client_secret);
        client_tell_secret(client, "SERVER_TRAFFIC_SECRET_0", client->secrets->server);
        client_tell_secret(client, "EXPORTER_SECRET", exporter);
    }
    schedule_key_done(&key);
    OPENSSL_cleanse(master, sizeof master);
    OPENSSL_cleanse(client->secrets->secret, sizeof client->secrets->secret);
    return good;
}

static bool open_up(struct tls_client *client)
{
    uint8_t next[TLS_HASH_MAX_BYTES];
    bool good = advance_keys(client, next) && client_say_flight(client);
    memcpy(client->secrets->client, next, sizeof next);
    OPENSSL_cleanse(next, sizeof next);
    if (!good || !record_keys_set(&client->write, client->suite, client->secrets->client, true))
        return client_no_memory(client);
    EVP_MD_CTX_free(client->transcript);
    client->transcript = NULL;
    client->handshake_state = TLS_ST_OK;
    client->state = TLS_CLIENT_OPEN;
    return true;
}

static bool on_boundary(struct tls_client *client, const struct cursor *body)
{
    if (body->end == client->messages.data + client->messages.len)
        return true;
    return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_NOT_ON_RECORD_BOUNDARY);
}

static bool take_finished(struct tls_client *client, struct cursor body)
{
    struct tls_hash *hash = client->suite->hash;
    uint8_t expected[TLS_HASH_MAX_BYTES];
    if (!on_boundary(client, &body))
        return false;
    if (cursor_left(&body) != hash->bytes)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_DIGEST_LENGTH);
    if (!schedule_finished(hash, client->secrets->server, client->secrets->verify_hash, expected))
        return client_no_memory(client);
    if (CRYPTO_memcmp(body.at, expected, hash->bytes) != 0)
        return client_fail(client, SSL_AD_DECRYPT_ERROR, SSL_R_DIGEST_CHECK_FAILED);
    return open_up(client);
}

/* --- after the handshake ------------------------------------------------------------------------------------- */

static bool take_ticket(struct tls_client *client, struct cursor body)
{
    struct tls_extensions extensions;
    (void)cursor_u32(&body); /* lifetime */
    (void)cursor_u32(&body); /* age_add */
    (void)cursor_block(&body, cursor_u8(&body));
    struct cursor ticket = cursor_block(&body, cursor_u16(&body));
    bool empty = cursor_left(&ticket) == 0;
    struct cursor block = cursor_block(&body, cursor_u16(&body));
    if (body.failed || empty || cursor_left(&body) > 0)
        return client_fail_length(client);
    if (!read_extensions(client, block, IN_TICKET, &extensions))
        return false;
    const struct hello_span *early = &extensions.of[EXTENSION_EARLY_DATA];
    if (early->bytes != NULL && early->length != sizeof(uint32_t))
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_INVALID_MAX_EARLY_DATA);
    client->ticket = true;
    return true;
}

static bool take_key_update(struct tls_client *client, struct cursor body)
{
    enum { NOT_REQUESTED, REQUESTED };
    struct tls_hash *hash = client->suite->hash;
    uint8_t next[TLS_HASH_MAX_BYTES];
    if (!on_boundary(client, &body))
        return false;
    uint8_t request = cursor_u8(&body);
    if (body.failed || cursor_left(&body) > 0)
        return client_fail(client, SSL_AD_DECODE_ERROR, SSL_R_BAD_KEY_UPDATE);
    if (request != NOT_REQUESTED && request != REQUESTED)
        return client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_UPDATE);
    if (!schedule_expand(hash, client->secrets->server, "traffic upd", NULL, 0, next, hash->bytes))
        return client_no_memory(client);
    memcpy(client->secrets->server, next, sizeof next);
    OPENSSL_cleanse(next, sizeof next);
    client_tell_secret(client, "SERVER_TRAFFIC_SECRET_N", client->secrets->server);
    if (!record_keys_set(&client->read, client->suite, client->secrets->server, false))
        return client_no_memory(client);
    client->update_owed |= request == REQUESTED;
    return true;
}

/* --- which when ---------------------------------------------------------------------------------------------- */

static const struct expectation {
    OSSL_HANDSHAKE_STATE before;
    uint8_t message;
    OSSL_HANDSHAKE_STATE then;
    size_t max_bytes;
    bool (*take)(struct tls_client *client, struct cursor body);
} expectations[] = {
    {TLS_ST_CW_CLNT_HELLO, MESSAGE_SERVER_HELLO, TLS_ST_CR_SRVR_HELLO, CLIENT_MAX_MESSAGE_BYTES,
     client_take_server_hello},
    {TLS_ST_CR_SRVR_HELLO, MESSAGE_ENCRYPTED_EXTENSIONS, TLS_ST_CR_ENCRYPTED_EXTENSIONS, 20000,
     take_encrypted_extensions},
    {TLS_ST_CR_ENCRYPTED_EXTENSIONS, MESSAGE_CERTIFICATE_REQUEST, TLS_ST_CR_CERT_REQ, CLIENT_MAX_LIST_BYTES,
     take_certificate_request},
    {TLS_ST_CR_ENCRYPTED_EXTENSIONS, MESSAGE_CERTIFICATE, TLS_ST_CR_CERT, CLIENT_MAX_LIST_BYTES,
     take_certificate},
    {TLS_ST_CR_CERT_REQ, MESSAGE_CERTIFICATE, TLS_ST_CR_CERT, CLIENT_MAX_LIST_BYTES, take_certificate},
    {TLS_ST_CR_CERT, MESSAGE_CERTIFICATE_VERIFY, TLS_ST_CR_CERT_VRFY, RECORD_MAX_PLAIN_BYTES,
     take_certificate_verify},
    {TLS_ST_CR_CERT_VRFY, MESSAGE_FINISHED, TLS_ST_CR_FINISHED, 64, take_finished},
    {TLS_ST_OK, MESSAGE_TICKET, TLS_ST_CR_SESSION_TICKET, CLIENT_MAX_MESSAGE_BYTES, take_ticket},
    {TLS_ST_OK, MESSAGE_KEY_UPDATE, TLS_ST_CR_KEY_UPDATE, 1, take_key_update},
};

static const struct expectation *in_state(OSSL_HANDSHAKE_STATE state, uint8_t message)
{
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++)
        if (expectations[i].then == state && expectations[i].message == message)
            return &expectations[i];
    return NULL;
}

static bool judge_message(struct tls_client *client, uint8_t message, size_t length)
{
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *row = &expectations[i];
        if (row->before != client->handshake_state || row->message != message)
            continue;
        client->handshake_state = row->then;
        client->in_message = true;
        return length <= row->max_bytes ||
               client_fail(client, SSL_AD_ILLEGAL_PARAMETER, SSL_R_EXCESSIVE_MESSAGE_SIZE);
    }
    return client_fail(client, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE);
}

/* The ServerHello finds the transcript itself; what comes after the handshake is not in it. */
static bool add_to_transcript(struct tls_client *client, uint8_t message, const uint8_t *bytes, size_t length)
{
    if (message == MESSAGE_SERVER_HELLO || client->transcript == NULL)
        return true;
    return EVP_DigestUpdate(client->transcript, bytes, length) == 1 || client_no_memory(client);
}

static bool take_message(struct tls_client *client, const uint8_t *bytes, size_t length)
{
    struct cursor body;
    const struct expectation *row = in_state(client->handshake_state, bytes[0]);
    client->in_message = false;
    client_show(client, false, RECORD_HANDSHAKE, bytes, length);
    cursor_init(&body, bytes + MESSAGE_HEADER_BYTES, length - MESSAGE_HEADER_BYTES);
    if (row == NULL || !add_to_transcript(client, bytes[0], bytes, length) || !row->take(client, body))
        return false;
    if (client->state == TLS_CLIENT_OPEN)
        client->handshake_state = TLS_ST_OK;
    return true;
}

/* A relic that a client ignores while it is shaking hands (RFC 5246, 7.4.1.1). */
static bool is_hello_request(const struct tls_client *client, const uint8_t *bytes)
{
    static const uint8_t request[MESSAGE_HEADER_BYTES] = {MESSAGE_HELLO_REQUEST};
    return client->state == TLS_CLIENT_HANDSHAKE && !client->in_message &&
           memcmp(bytes, request, sizeof request) == 0;
}

bool client_messages_take(struct tls_client *client)
{
    size_t at = 0;
    bool good = true;
    while (good && client->messages.len - at >= MESSAGE_HEADER_BYTES) {
        const uint8_t *bytes = client->messages.data + at;
        size_t length = (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
        if (is_hello_request(client, bytes)) {
            client_show(client, false, RECORD_HANDSHAKE, bytes, MESSAGE_HEADER_BYTES);
            at += MESSAGE_HEADER_BYTES;
            continue;
        }
        if (!client->in_message && !judge_message(client, bytes[0], length))
            return false;
        if (client->messages.len - at - MESSAGE_HEADER_BYTES < length)
            break;
        good = take_message(client, bytes, MESSAGE_HEADER_BYTES + length);
        at += MESSAGE_HEADER_BYTES + length;
    }
    buf_drop(&client->messages, at);
    return good;
}

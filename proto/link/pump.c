#include "link/pump.h"

#include <limits.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PUMP_ERROR_BYTES = 256,
    PUMP_READ_BYTES = 16384,
    PUMP_KEEP_BYTES = 4096,   /* of a buffer that is empty */
    ALERT_REASON_BASE = 1000, /* SSL_AD_REASON_OFFSET */
    PUMP_MAX_LATE = 32, /* handshake messages after the handshake: ours sends none, and each costs a key */
};

struct pump {
    SSL *ssl;
    BIO *in;  /* ciphertext from the peer; owned by ssl */
    BIO *out; /* ciphertext to the peer; owned by ssl */
    enum pump_state state;
    int alert;     /* the peer's; -1: none */
    unsigned late; /* handshake messages that came after the handshake */
    char error[PUMP_ERROR_BYTES];
};

static bool pump_set_name(SSL *ssl, const char *name)
{
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static void on_tls_message(int written, int version, int content, const void *bytes, size_t length, SSL *ssl,
                           void *arg)
{
    struct pump *pump = arg;
    (void)version, (void)bytes, (void)length, (void)ssl;
    if (written == 0 && content == SSL3_RT_HANDSHAKE && pump->state == PUMP_OPEN)
        pump->late++;
}

struct pump *pump_new(SSL_CTX *context, bool server, const char *name)
{
    struct pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL)
        return NULL;
    pump->alert = -1;
    pump->ssl = SSL_new(context);
    pump->in = BIO_new(BIO_s_mem());
    pump->out = BIO_new(BIO_s_mem());
    if (pump->ssl == NULL || pump->in == NULL || pump->out == NULL) {
        BIO_free(pump->in);
        BIO_free(pump->out);
        goto fail;
    }
    SSL_set_bio(pump->ssl, pump->in, pump->out);
    SSL_set_msg_callback(pump->ssl, on_tls_message);
    SSL_set_msg_callback_arg(pump->ssl, pump);
    if (name != NULL && !pump_set_name(pump->ssl, name))
        goto fail;
    if (server)
        SSL_set_accept_state(pump->ssl);
    else
        SSL_set_connect_state(pump->ssl);
    return pump;
fail:
    SSL_free(pump->ssl);
    free(pump);
    ERR_clear_error();
    return NULL;
}

void pump_free(struct pump *pump)
{
    if (pump == NULL)
        return;
    SSL_free(pump->ssl);
    free(pump);
}

enum pump_state pump_state(const struct pump *pump)
{
    return pump->state;
}

const char *pump_error(const struct pump *pump)
{
    return pump->error;
}

int pump_alert(const struct pump *pump)
{
    return pump->alert;
}

SSL *pump_ssl(struct pump *pump)
{
    return pump->ssl;
}

/* Only a pinned context answers with "application verification"; see pki_context.c. */
static const char *verify_text(long result)
{
    if (result == X509_V_ERR_APPLICATION_VERIFICATION)
        return "it is not from the expected certificate authority";
    return X509_verify_cert_error_string(result);
}

/* Names what failed: the peer's alert, our verdict on its certificate, or what the library says. */
static void pump_describe(struct pump *pump, unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    long verify = SSL_get_verify_result(pump->ssl);
    const char *text = ERR_reason_error_string(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= ALERT_REASON_BASE) {
        pump->alert = reason - ALERT_REASON_BASE;
        (void)snprintf(pump->error, sizeof pump->error, "the peer refused: TLS alert %d (%s)", pump->alert,
                       SSL_alert_desc_string_long(pump->alert));
    } else if (verify != X509_V_OK)
        (void)snprintf(pump->error, sizeof pump->error, "the peer's certificate does not verify: %s",
                       verify_text(verify));
    else
        (void)snprintf(pump->error, sizeof pump->error, "TLS: %s", text != NULL ? text : "unknown error");
}

/* Classifies what an SSL call answered, once, with the queue that this call filled. */
static enum pump_state pump_classify(struct pump *pump, int result)
{
    switch (SSL_get_error(pump->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        pump->state = PUMP_CLOSED;
        break;
    default:
        pump->state = PUMP_FAILED;
        pump_describe(pump, ERR_peek_error());
        break;
    }
    ERR_clear_error();
    return pump->state;
}

enum pump_state pump_advance(struct pump *pump)
{
    if (pump->state != PUMP_HANDSHAKING)
        return pump->state;
    ERR_clear_error();
    int result = SSL_do_handshake(pump->ssl);
    if (result == 1)
        pump->state = PUMP_OPEN;
    return pump_classify(pump, result);
}

static enum pump_state pump_out_of_memory(struct pump *pump)
{
    pump->state = PUMP_FAILED;
    (void)snprintf(pump->error, sizeof pump->error, "out of memory");
    return pump->state;
}

static enum pump_state pump_too_late(struct pump *pump)
{
    ERR_clear_error();
    pump->state = PUMP_FAILED;
    (void)snprintf(pump->error, sizeof pump->error, "more than %d TLS key updates", PUMP_MAX_LATE);
    return pump->state;
}

/* Decrypts all that is complete. Ends because every turn consumes fed bytes. */
static enum pump_state pump_read(struct pump *pump, struct buf *plain)
{
    while (pump->state == PUMP_OPEN) {
        uint8_t *room = buf_room(plain, PUMP_READ_BYTES);
        if (room == NULL)
            return pump_out_of_memory(pump);
        size_t got = 0;
        ERR_clear_error();
        int result = SSL_read_ex(pump->ssl, room, PUMP_READ_BYTES, &got);
        if (pump->late > PUMP_MAX_LATE)
            return pump_too_late(pump);
        if (result != 1)
            return pump_classify(pump, result);
        buf_grew(plain, got);
    }
    return pump->state;
}

enum pump_state pump_feed(struct pump *pump, const void *bytes, size_t length, struct buf *plain)
{
    const uint8_t *at = bytes;
    while (length > 0 && (pump->state == PUMP_HANDSHAKING || pump->state == PUMP_OPEN)) {
        int part = length > PUMP_READ_BYTES ? PUMP_READ_BYTES : (int)length; /* what waits stays small */
        if (BIO_write(pump->in, at, part) != part)
            return pump_out_of_memory(pump);
        at += part;
        length -= (size_t)part;
        (void)pump_advance(pump);
        (void)pump_read(pump, plain);
    }
    return pump->state;
}

bool pump_send(struct pump *pump, const void *bytes, size_t length)
{
    if (pump->state != PUMP_OPEN)
        return false;
    if (length == 0)
        return true;
    size_t written = 0;
    ERR_clear_error();
    int result = SSL_write_ex(pump->ssl, bytes, length, &written);
    if (result == 1)
        return true;
    (void)pump_classify(pump, result);
    return false;
}

void pump_shutdown(struct pump *pump)
{
    if (pump->state != PUMP_OPEN && pump->state != PUMP_CLOSED)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(pump->ssl);
    ERR_clear_error();
}

/* A memory BIO keeps the most that it ever held. @return a small one in its place; NULL: it may stay. */
static BIO *bio_slim(BIO *bio)
{
    BUF_MEM *memory = NULL;
    if (BIO_ctrl_pending(bio) > 0 || BIO_get_mem_ptr(bio, &memory) <= 0 || memory == NULL ||
        memory->max <= PUMP_KEEP_BYTES)
        return NULL;
    return BIO_new(BIO_s_mem());
}

void pump_slim(struct pump *pump)
{
    if (pump->state != PUMP_OPEN)
        return;
    BIO *in = bio_slim(pump->in), *out = bio_slim(pump->out);
    if (in != NULL)
        SSL_set0_rbio(pump->ssl, pump->in = in);
    if (out != NULL)
        SSL_set0_wbio(pump->ssl, pump->out = out);
}

bool pump_take(struct pump *pump, struct buf *out)
{
    size_t pending = BIO_ctrl_pending(pump->out);
    if (pending == 0)
        return true;
    uint8_t *room = pending > INT_MAX ? NULL : buf_room(out, pending);
    if (room == NULL)
        return false;
    int got = BIO_read(pump->out, room, (int)pending);
    if (got > 0)
        buf_grew(out, (size_t)got);
    return got == (int)pending;
}

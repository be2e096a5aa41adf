#include "hello/client.h"
#include "link/clock.h"
#include "probe/engine.h"
#include "probe/keylog.h"
#include "probe/probe.h"
#include "probe/sct.h"
#include "probe/tls_log.h"
#include "words/cursor.h"
#include "words/units.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/*
 * TLS by our own client (agent/hello), which has no I/O: here its bytes meet the wire. What it finds is told in libssl's
 * numbers, so that nobody who reads the evidence needs to know who has found it.
 *
 *   wire ──> tls_client_receive ──> on_message: the log
 *                │                  on_data: `data`, until a stage asks for it
 *   wire <── tls_client_output
 *
 * One read of the wire may bring the end of a handshake, data and an alert at once. The stages hear of them one after the other.
 */

enum { READ_BYTES = 16 * 1024, DATA_MAX_BYTES = 128 * 1024, READS_A_TURN = 32 };

struct own {
    struct tls_client *client;
    struct buf data; /* of the peer, not asked for yet */
    size_t sending;  /* bytes of application data that are encrypted and not all written */
    bool no_memory;
};

static void on_message(void *arg, bool sent, int content, const uint8_t *bytes, size_t length)
{
    struct probe *probe = arg;
    if (sent && (probe->wire.ended || probe->wire.mute))
        return;
    tls_log_message(probe->attempt, !sent, content, bytes, length, probe_now_us(probe));
}

static void on_data(void *arg, const uint8_t *bytes, size_t length)
{
    struct probe *probe = arg;
    struct own *own = probe->session;
    own->no_memory |= !buf_append(&own->data, bytes, length);
}

static bool append_hex(struct buf *line, const uint8_t *bytes, size_t length)
{
    bool appended = true;
    for (size_t i = 0; appended && i < length; i++)
        appended = buf_printf(line, "%02x", bytes[i]);
    return appended;
}

static void on_secret(void *arg, const char *label, const uint8_t random[HELLO_RANDOM_BYTES],
                      const uint8_t *secret, size_t length)
{
    const struct probe *probe = arg;
    struct buf line;
    buf_init(&line, 0);
    if (buf_printf(&line, "%s ", label) && append_hex(&line, random, HELLO_RANDOM_BYTES) &&
        buf_byte(&line, ' ') && append_hex(&line, secret, length))
        keylog_line(probe->prober->options.keylog, (const char *)line.data);
    OPENSSL_cleanse(line.data, line.len);
    buf_done(&line);
}

static bool start(struct probe *probe, const char *sni)
{
    struct own *own = calloc(1, sizeof *own);
    struct trust *trust = probe->prober->trust;
    probe->session = own;
    if (own == NULL)
        return false;
    buf_init(&own->data, DATA_MAX_BYTES);
    enum variant variant = probe->task->job.variant;
    const struct trust_identity none = {NULL, NULL, NULL};
    const struct trust_identity *identity = variant == VARIANT_CLIENT_CERT ? trust_identity(trust) : &none;
    struct tls_client_options options = {
        .algorithms = trust_algorithms(trust),
        .chains = trust_chains(trust),
        .profile = trust_profile(variant),
        .sni = sni,
        .name = probe_expected_name(probe, sni),
        .now_s = clock_wall_us() / US_PER_S,
        .certificate = identity->certificate,
        .certificate_chain = identity->chain,
        .key = identity->key,
        .mono_us = clock_mono_us(),
        .on_message = on_message,
        .on_data = on_data,
        .on_secret = probe->prober->options.keylog != NULL ? on_secret : NULL,
        .arg = probe,
    };
    if (options.algorithms != NULL && options.chains != NULL)
        own->client = tls_client_new(&options);
    return own->client != NULL;
}

/* @return false while something waits that the wire does not take. */
static bool flush(struct probe *probe)
{
    struct own *own = probe->session;
    for (;;) {
        size_t length = 0;
        const uint8_t *bytes = tls_client_output(own->client, &length);
        if (length == 0)
            return true;
        int sent = wire_write(&probe->wire, bytes, length);
        if (sent < 0)
            return false;
        tls_client_sent(own->client, (size_t)sent);
    }
}

static enum engine_step failed_for(struct probe *probe, int reason)
{
    ERR_raise(ERR_LIB_SSL, reason);
    return engine_failed(probe, SSL_ERROR_SSL);
}

/* The peer has gone, as libssl tells it. */
static enum engine_step gone(struct probe *probe)
{
    return probe->wire.eof ? failed_for(probe, SSL_R_UNEXPECTED_EOF_WHILE_READING)
                           : engine_failed(probe, SSL_ERROR_SYSCALL);
}

/* After it nothing more comes of the client. */
static enum engine_step ended(struct probe *probe)
{
    const struct own *own = probe->session;
    struct tls_client_facts facts;
    tls_client_facts(own->client, &facts);
    switch (tls_client_state(own->client)) {
    case TLS_CLIENT_CLOSED:
        return engine_failed(probe, SSL_ERROR_ZERO_RETURN);
    case TLS_CLIENT_ALERT:
        return failed_for(probe, SSL_AD_REASON_OFFSET + facts.alert);
    case TLS_CLIENT_FAILED:
        return failed_for(probe, facts.reason);
    case TLS_CLIENT_OTHER:
        return STEP_OTHER;
    case TLS_CLIENT_HANDSHAKE:
    case TLS_CLIENT_OPEN:
        break;
    }
    return failed_for(probe, ERR_R_MALLOC_FAILURE);
}

/* Reads once. STEP_DONE: the client has had bytes, and may be in another state. */
static enum engine_step take_in(struct probe *probe)
{
    uint8_t bytes[READ_BYTES];
    struct own *own = probe->session;
    int got = wire_read(&probe->wire, bytes, sizeof bytes);
    if (got < 0)
        return STEP_WANT_READ;
    if (got == 0)
        return gone(probe);
    (void)tls_client_receive(own->client, bytes, (size_t)got);
    return own->no_memory ? failed_for(probe, ERR_R_MALLOC_FAILURE) : STEP_DONE;
}

/* The handshake is over when our Finished has been made, whatever came after it. */
static bool handshake_is_over(const struct own *own)
{
    struct tls_client_facts facts;
    tls_client_facts(own->client, &facts);
    return facts.handshake_state == TLS_ST_OK;
}

static enum engine_step handshake(struct probe *probe)
{
    const struct own *own = probe->session;
    ERR_clear_error();
    for (int i = 0; i < READS_A_TURN; i++) {
        bool flushed = flush(probe);
        enum tls_client_state state = tls_client_state(own->client);
        if (flushed && handshake_is_over(own))
            return STEP_DONE;
        if (state != TLS_CLIENT_HANDSHAKE && state != TLS_CLIENT_OPEN)
            return ended(probe);
        if (!flushed)
            return STEP_WANT_WRITE;
        enum engine_step step = take_in(probe);
        if (step != STEP_DONE)
            return step;
    }
    return STEP_WANT_READ;
}

/* The distinguished names of a CertificateRequest, RFC 8446, 4.2.4. */
static STACK_OF(X509_NAME) * read_ca_names(struct hello_span span)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    struct cursor cursor;
    cursor_init(&cursor, span.bytes, span.length);
    struct cursor list = cursor_block(&cursor, cursor_u16(&cursor));
    while (names != NULL && !list.failed && cursor_left(&list) > 0) {
        struct cursor one = cursor_block(&list, cursor_u16(&list));
        const unsigned char *at = one.at;
        X509_NAME *name = one.failed ? NULL : d2i_X509_NAME(NULL, &at, (long)cursor_left(&one));
        if (name == NULL || sk_X509_NAME_push(names, name) <= 0) {
            X509_NAME_free(name);
            break;
        }
    }
    return names;
}

static void keep_ca_names(struct hello_span span, struct attempt *attempt)
{
    if (span.bytes == NULL)
        return;
    STACK_OF(X509_NAME) *names = read_ca_names(span);
    certificates_keep_ca_names(names, attempt);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}

static void keep_chain(struct probe *probe, const struct tls_client_facts *facts)
{
    struct attempt *attempt = probe->attempt;
    struct chain_verdict verdict;
    const char *name = probe_expected_name(probe, attempt->tls.sni);
    if (!chain_verify(facts->chain, name, clock_wall_us() / US_PER_S, &verdict))
        return;
    for (size_t i = 0; i < verdict.count; i++)
        certificates_verify_error(attempt, verdict.errors[i].code, (int)verdict.errors[i].depth);
    attempt->tls.sct_tls =
        facts->scts.bytes == NULL ? 0 : sct_count_list(facts->scts.bytes, facts->scts.length);
    if (chain_keep(facts->chain, attempt))
        certificates_keep_staple(chain_sent(facts->chain), chain_verified(facts->chain), facts->staple.bytes,
                                 (long)facts->staple.length, attempt);
}

static void observe(struct probe *probe)
{
    const struct own *own = probe->session;
    struct attempt *attempt = probe->attempt;
    struct tls_client_facts facts;
    tls_client_facts(own->client, &facts);
    attempt->tls.state = facts.handshake_state;
    const char *alpn = arena_text(&attempt->arena, facts.alpn, strlen(facts.alpn));
    attempt->tls.alpn = alpn == NULL ? "" : alpn;
    keep_ca_names(facts.ca_names, attempt);
    if (facts.chain != NULL)
        keep_chain(probe, &facts);
    ERR_clear_error();
}

static enum engine_step send_data(struct probe *probe, const void *bytes, size_t length, size_t *ret_sent)
{
    struct own *own = probe->session;
    if (own->sending == 0) {
        /* What the peer has said already is read before anybody hears that nothing goes out any more. */
        if (tls_client_state(own->client) == TLS_CLIENT_OPEN && !tls_client_send(own->client, bytes, length))
            return failed_for(probe, ERR_R_MALLOC_FAILURE);
        own->sending = length;
    }
    if (!flush(probe))
        return STEP_WANT_WRITE;
    *ret_sent = own->sending;
    own->sending = 0;
    return STEP_DONE;
}

static size_t take_data(struct buf *data, void *bytes, size_t room)
{
    size_t length = data->len < room ? data->len : room;
    memcpy(bytes, data->data, length);
    buf_drop(data, length);
    return length;
}

static enum engine_step receive_data(struct probe *probe, void *bytes, size_t room, size_t *ret_got)
{
    struct own *own = probe->session;
    for (int i = 0; i < READS_A_TURN; i++) {
        if (own->data.len > 0) {
            *ret_got = take_data(&own->data, bytes, room);
            return STEP_DONE;
        }
        (void)flush(probe); /* answers to the peer's KeyUpdate: they may wait */
        if (tls_client_state(own->client) != TLS_CLIENT_OPEN)
            return ended(probe);
        enum engine_step step = take_in(probe);
        if (step != STEP_DONE)
            return step;
    }
    return STEP_WANT_READ;
}

static void goodbye(struct probe *probe)
{
    struct own *own = probe->session;
    enum tls_client_state state = tls_client_state(own->client);
    if (state == TLS_CLIENT_OPEN || state == TLS_CLIENT_CLOSED)
        tls_client_close(own->client);
    (void)flush(probe);
}

static void free_session(struct probe *probe)
{
    struct own *own = probe->session;
    if (own == NULL)
        return;
    tls_client_free(own->client);
    buf_done(&own->data);
    free(own);
}

const struct engine engine_own = {
    .id = ENGINE_OWN,
    .start = start,
    .handshake = handshake,
    .observe = observe,
    .send = send_data,
    .receive = receive_data,
    .goodbye = goodbye,
    .free = free_session,
};

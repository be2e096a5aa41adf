#include "probe/keylog.h"
#include "probe/probe.h"
#include "probe/tcp.h"
#include "probe/tls_log.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/*
 * TLS over our own BIO. OpenSSL decides nothing here that could end the attempt early: a chain that does not
 * verify is noted and the handshake goes on.
 */

enum { ACK_WATCH_MIN_US = 5000, ACK_WATCH_MAX_US = 1000000, PIECE_GAP_US = 5000 };

static void note_ack(struct probe *probe, const struct tcp_snapshot *now)
{
    const struct evidence_tls *tls = &probe->attempt->tls;
    if (now->taken && tls->hello_length > 0 && now->bytes_acked > tls->hello_length)
        probe_stamp(probe, &probe->attempt->clock.hello_acked_us);
}

/* TCP_INFO as the first answer to the hello is there, at best before it is read. */
static void snapshot_hello(struct probe *probe)
{
    probe_snapshot(probe, MOMENT_HELLO);
    note_ack(probe, &probe->attempt->tcp[MOMENT_HELLO]);
}

static void on_hello_sent(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.hello_sent_us);
}

static void on_first_byte(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.first_byte_us);
    snapshot_hello(probe); /* the answer may have been there before anybody waited for it */
}

static void on_end(void *arg)
{
    struct probe *probe = arg;
    probe_snapshot(probe, MOMENT_END);
    probe_stamp(probe, &probe->attempt->clock.closed_us);
}

static void on_message(int sent, int version, int content, const void *bytes, size_t length, SSL *ssl,
                       void *arg)
{
    (void)version;
    (void)ssl;
    struct probe *probe = arg;
    /* The alert libssl makes of a peer that went away never leaves: the wire lets nothing out any more. */
    if (sent && (probe->wire.ended || probe->wire.mute))
        return;
    tls_log_message(probe->attempt, !sent, content, bytes, length, probe_now_us(probe));
}

static int on_verify(int verified, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct probe *probe = ssl == NULL ? NULL : SSL_get_app_data(ssl);
    if (!verified && probe != NULL)
        certificates_verify_error(probe->attempt, X509_STORE_CTX_get_error(store),
                                  X509_STORE_CTX_get_error_depth(store));
    return 1;
}

/* The certificate has to cover the name sent; without one the host, be it a name or an address. */
static bool set_expected_name(SSL *ssl, const struct endpoint *endpoint, const char *sni)
{
    struct address address;
    const char *name = sni[0] != '\0' ? sni : endpoint->host;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (address_parse(name, &address))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address.bytes, address.length) == 1;
    return SSL_set1_host(ssl, name) == 1;
}

static bool take_room(struct attempt *attempt)
{
    struct arena *arena = &attempt->arena;
    struct evidence_tls *tls = &attempt->tls;
    tls->records = arena_array(arena, EVIDENCE_MAX_RECORDS, sizeof *tls->records);
    tls->errors = arena_array(arena, EVIDENCE_MAX_ERRORS, sizeof *tls->errors);
    tls->verify_errors = arena_array(arena, EVIDENCE_MAX_VERIFY, sizeof *tls->verify_errors);
    return tls->records != NULL && tls->errors != NULL && tls->verify_errors != NULL;
}

static bool dress(struct probe *probe)
{
    const struct probe_job *job = &probe->task->job;
    const char *sni = job->variant == VARIANT_NO_SNI ? "" : endpoint_sni(&job->endpoint);
    const char *sni_kept = arena_string(&probe->attempt->arena, sni);
    SSL_CTX *context = trust_context(probe->prober->trust, job->variant);
    probe->ssl = context == NULL || sni_kept == NULL ? NULL : SSL_new(context);
    BIO *bio = probe->ssl == NULL ? NULL : wire_bio(&probe->wire);
    if (bio == NULL)
        return false;
    SSL_set_bio(probe->ssl, bio, bio);
    SSL_set_connect_state(probe->ssl);
    SSL_set_app_data(probe->ssl, probe);
    if (probe->prober->options.keylog != NULL)
        keylog_watch(context);
    SSL_set_verify(probe->ssl, SSL_VERIFY_PEER, on_verify);
    SSL_set_msg_callback(probe->ssl, on_message);
    SSL_set_msg_callback_arg(probe->ssl, probe);
    probe->attempt->tls.sni = sni_kept;
    return (sni[0] == '\0' || SSL_set_tlsext_host_name(probe->ssl, sni) == 1) &&
           set_expected_name(probe->ssl, &job->endpoint, sni);
}

static bool start(struct probe *probe)
{
    probe->wire.on_sent = on_hello_sent;
    probe->wire.on_received = on_first_byte;
    probe->wire.on_end = on_end;
    probe->wire.arg = probe;
    probe->wire.in_pieces = probe->task->job.variant == VARIANT_SPLIT_HELLO;
    return take_room(probe->attempt) && dress(probe);
}

/* Until the peer answers, look now and then whether its kernel at least took the hello. @return when to look
 * again. */
static int64_t watch_ack(struct probe *probe)
{
    const struct evidence_clock *clock = &probe->attempt->clock;
    struct tcp_snapshot now = {0};
    if (clock->hello_acked_us != EVIDENCE_NEVER || probe->wire.received_bytes > 0)
        return 0;
    if (!tcp_snapshot_take(probe->wire.fd, probe_now_us(probe), &now))
        return 0;
    note_ack(probe, &now);
    if (clock->hello_acked_us != EVIDENCE_NEVER)
        return 0;
    int64_t waited_us = probe_now_us(probe) - clock->hello_sent_us;
    int64_t step_us = waited_us < ACK_WATCH_MIN_US   ? ACK_WATCH_MIN_US
                      : waited_us > ACK_WATCH_MAX_US ? ACK_WATCH_MAX_US
                                                     : waited_us;
    return probe_now_us(probe) + step_us;
}

static enum probe_stage wait_for_peer(struct probe *probe, int error)
{
    if (error == SSL_ERROR_WANT_READ)
        return probe_wait_for(probe, WANT_READ, watch_ack(probe));
    if (!probe->wire.between)
        return probe_wait_for(probe, WANT_WRITE, 0);
    /* A gap between the pieces of a hello, so that no stack joins them. */
    probe->wire.between = false;
    return probe_wait_for(probe, WANT_NOTHING, probe_now_us(probe) + PIECE_GAP_US);
}

enum probe_stage probe_stage_handshake(struct probe *probe)
{
    if (probe->ssl == NULL && !start(probe)) {
        ERR_clear_error();
        return probe_local(probe, LOCAL_RESOURCE, 0, "TLS setup");
    }
    if (probe->ready && probe->want == WANT_READ)
        snapshot_hello(probe);
    ERR_clear_error();
    int result = SSL_do_handshake(probe->ssl);
    if (result == 1) {
        probe_stamp(probe, &probe->attempt->clock.handshake_us);
        return PROBE_OBSERVE;
    }
    int error = SSL_get_error(probe->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        probe_tls_failed(probe, error);
        return PROBE_OBSERVE;
    }
    if (!probe_expired(probe))
        return wait_for_peer(probe, error);
    probe_end_as(probe, ENDING_TIMEOUT);
    return PROBE_OBSERVE;
}

#include "probe/engine.h"
#include "probe/keylog.h"
#include "probe/probe.h"
#include "probe/tls_log.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/*
 * TLS by libssl, over our own BIO. It decides nothing here that could end the attempt early: a chain that does not verify is
 * noted and the handshake goes on. The session is the SSL object, whose app data is the probe.
 */

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

static void on_secret(const SSL *ssl, const char *line)
{
    const struct probe *probe = SSL_get_app_data(ssl);
    if (probe != NULL)
        keylog_line(probe->prober->options.keylog, line);
}

/* The certificate has to cover the name sent; without one the host, be it a name or an address. */
static bool set_expected_name(SSL *ssl, const char *name)
{
    struct address address;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (address_parse(name, &address))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address.bytes, address.length) == 1;
    return SSL_set1_host(ssl, name) == 1;
}

static bool start(struct probe *probe, const char *sni)
{
    SSL_CTX *context = trust_context(probe->prober->trust, probe->task->job.variant);
    SSL *ssl = context == NULL ? NULL : SSL_new(context);
    BIO *bio = ssl == NULL ? NULL : wire_bio(&probe->wire);
    probe->session = ssl;
    if (bio == NULL)
        return false;
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    SSL_set_app_data(ssl, probe);
    if (probe->prober->options.keylog != NULL)
        SSL_CTX_set_keylog_callback(context, on_secret);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, probe);
    return (sni[0] == '\0' || SSL_set_tlsext_host_name(ssl, sni) == 1) &&
           set_expected_name(ssl, probe_expected_name(probe, sni));
}

/* @param result  of the call on the session; the error queue was empty before. */
static enum engine_step step_of(struct probe *probe, int result)
{
    if (result > 0)
        return STEP_DONE;
    int error = SSL_get_error(probe->session, result);
    if (error == SSL_ERROR_WANT_READ)
        return STEP_WANT_READ;
    return error == SSL_ERROR_WANT_WRITE ? STEP_WANT_WRITE : engine_failed(probe, error);
}

static enum engine_step handshake(struct probe *probe)
{
    ERR_clear_error();
    return step_of(probe, SSL_do_handshake(probe->session));
}

static void keep_alpn(SSL *ssl, struct attempt *attempt)
{
    const unsigned char *alpn = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &length);
    const char *text = arena_text(&attempt->arena, (const char *)alpn, length);
    attempt->tls.alpn = text == NULL ? "" : text;
}

static void observe(struct probe *probe)
{
    SSL *ssl = probe->session;
    struct attempt *attempt = probe->attempt;
    attempt->tls.state = (uint8_t)SSL_get_state(ssl);
    attempt->tls.resumed = SSL_session_reused(ssl) == 1;
    keep_alpn(ssl, attempt);
    certificates_keep_ca_names(SSL_get0_peer_CA_list(ssl), attempt);
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    const unsigned char *staple = NULL;
    long length = SSL_get_tlsext_status_ocsp_resp(ssl, &staple);
    certificates_keep(sent, attempt);
    certificates_keep_staple(sent, SSL_get0_verified_chain(ssl), staple, length, attempt);
    ERR_clear_error();
}

static enum engine_step send_data(struct probe *probe, const void *bytes, size_t length, size_t *ret_sent)
{
    ERR_clear_error();
    return step_of(probe, SSL_write_ex(probe->session, bytes, length, ret_sent));
}

static enum engine_step receive_data(struct probe *probe, void *bytes, size_t room, size_t *ret_got)
{
    ERR_clear_error();
    return step_of(probe, SSL_read_ex(probe->session, bytes, room, ret_got));
}

static void goodbye(struct probe *probe)
{
    ERR_clear_error();
    (void)SSL_shutdown(probe->session);
    ERR_clear_error();
}

static void free_session(struct probe *probe)
{
    SSL_free(probe->session);
}

const struct engine engine_libssl = {
    .id = ENGINE_LIBSSL,
    .start = start,
    .handshake = handshake,
    .observe = observe,
    .send = send_data,
    .receive = receive_data,
    .goodbye = goodbye,
    .free = free_session,
};

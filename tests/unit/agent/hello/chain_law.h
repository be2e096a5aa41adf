#ifndef PARALLAX_TEST_CHAIN_LAW_H
#define PARALLAX_TEST_CHAIN_LAW_H

#include "agent/hello/chain_pki.h"

#include "probe/probe.h"

#include <openssl/err.h>

/*
 * What libssl makes of a chain, with the settings of a probe. Server and client talk TLS 1.2 in memory, where the server's
 * certificates go in the clear: its Certificate message is replaced on the way by whatever is to be judged. The client verifies
 * that before it notices that the rest of the handshake belongs to another key, and by then all is known.
 */

struct law {
    struct attempt *attempt;
    SSL *ssl;
    bool gave_up, unparsed, length_mismatch;
    size_t said_count; /* of its error queue, but for the last */
    unsigned long said[CHAIN_MAX_SAID];
    int alert; /* that the peer is told when it gives up; -1: none */
};

static inline int law_on_verify(int verified, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct probe *probe = SSL_get_app_data(ssl);
    if (!verified)
        certificates_verify_error(probe->attempt, X509_STORE_CTX_get_error(store),
                                  X509_STORE_CTX_get_error_depth(store));
    return 1;
}

static inline void law_expect(SSL *ssl, const char *name)
{
    struct address address;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (address_parse(name, &address))
        assert_int_equal(X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address.bytes, address.length), 1);
    else
        assert_int_equal(SSL_set1_host(ssl, name), 1);
}

static inline void law_put24(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 16);
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)value;
}

/* The Certificate message (RFC 5246, 7.4.2) of a lot. @return its length. */
static inline size_t law_message(const struct pki_lot *lot, uint8_t *out, size_t room)
{
    size_t length = 7;
    for (size_t i = 0; i < lot->count; i++) {
        assert_true(length + 3 + lot->der[i].length <= room);
        law_put24(out + length, lot->der[i].length);
        memcpy(out + length + 3, lot->der[i].bytes, lot->der[i].length);
        length += 3 + lot->der[i].length;
    }
    out[0] = SSL3_MT_CERTIFICATE;
    law_put24(out + 1, length - 4);
    law_put24(out + 4, length - 7);
    return length;
}

/* A message in records of at most 16 KiB. */
static inline void law_records(BIO *to, const uint8_t *message, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t piece = length - at < 16384 ? length - at : 16384;
        uint8_t header[5] = {22, 3, 3, (uint8_t)(piece >> 8), (uint8_t)piece};
        assert_int_equal(BIO_write(to, header, sizeof header), sizeof header);
        assert_int_equal(BIO_write(to, message + at, (int)piece), (int)piece);
        at += piece;
    }
}

/* The server's flight with its Certificate replaced. */
static inline void law_forward(BIO *from, BIO *to, const struct pki_lot *lot)
{
    static uint8_t flight[1 << 16], plain[1 << 16], message[1 << 18];
    int got = BIO_read(from, flight, sizeof flight);
    size_t joined = 0;
    for (int at = 0; at + 5 <= got;) {
        size_t length = (size_t)flight[at + 3] << 8 | flight[at + 4];
        assert_int_equal(flight[at], 22);
        memcpy(plain + joined, flight + at + 5, length);
        joined += length;
        at += 5 + (int)length;
    }
    for (size_t at = 0; at < joined;) {
        size_t length = 4 + ((size_t)plain[at + 1] << 16 | (size_t)plain[at + 2] << 8 | plain[at + 3]);
        if (plain[at] == SSL3_MT_CERTIFICATE)
            law_records(to, message, law_message(lot, message, sizeof message));
        else
            law_records(to, plain + at, length);
        at += length;
    }
}

static inline SSL *law_server(SSL_CTX *context, BIO *in, BIO *out)
{
    SSL *server = SSL_new(context);
    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(server, in, out);
    SSL_set_accept_state(server);
    return server;
}

/* @param now_s  0: the current time, as in a probe. */
static inline void law_ask(struct law *law, struct trust *trust, SSL_CTX *server_context,
                           const struct pki_lot *lot, const char *name, int64_t now_s)
{
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem()), *changed = BIO_new(BIO_s_mem());
    struct probe probe = {.attempt = attempt_new()};
    *law = (struct law){.attempt = probe.attempt, .ssl = SSL_new(trust_context(trust, VARIANT_NORMAL))};
    struct evidence_tls *tls = &law->attempt->tls;
    tls->verify_errors = arena_array(&law->attempt->arena, EVIDENCE_MAX_VERIFY, sizeof *tls->verify_errors);
    SSL *server = law_server(server_context, up, down);
    BIO_up_ref(up);
    SSL_set_bio(law->ssl, changed, up);
    SSL_set_connect_state(law->ssl);
    SSL_set_app_data(law->ssl, &probe);
    SSL_set_verify(law->ssl, SSL_VERIFY_PEER, law_on_verify);
    law_expect(law->ssl, name);
    if (now_s != 0)
        X509_VERIFY_PARAM_set_time(SSL_get0_param(law->ssl), (time_t)now_s);
    assert_int_equal(SSL_do_handshake(law->ssl), -1);
    assert_int_equal(SSL_do_handshake(server), -1);
    law_forward(down, changed, lot);
    ERR_clear_error();
    int result = SSL_do_handshake(law->ssl);
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    law->gave_up = result == -1 && reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
    law->unparsed = result == -1 && reason == ERR_R_ASN1_LIB;
    law->length_mismatch = result == -1 && reason == SSL_R_CERT_LENGTH_MISMATCH;
    for (unsigned long error, next = ERR_get_error(); law->gave_up && (error = next) != 0;) {
        next = ERR_get_error();
        assert_true(next == 0 || law->said_count < CHAIN_MAX_SAID);
        if (next != 0)
            law->said[law->said_count++] = error;
    }
    law->alert = -1;
    uint8_t said[64];
    if (law->gave_up && BIO_read(up, said, sizeof said) == 7 && said[0] == 21)
        law->alert = said[6];
    ERR_clear_error();
    certificates_keep(SSL_get_peer_cert_chain(law->ssl), law->attempt);
    ERR_clear_error();
    SSL_set_app_data(law->ssl, NULL);
    SSL_free(server);
    BIO_free(up);
    BIO_free(down);
}

static inline void law_done(struct law *law)
{
    SSL_free(law->ssl);
    attempt_free(law->attempt);
}

static inline SSL_CTX *law_server_context(EVP_PKEY *key, X509 *certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    return context;
}

#endif

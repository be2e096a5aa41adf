#ifndef PARALLAX_TEST_LINK_FIXTURE_H
#define PARALLAX_TEST_LINK_FIXTURE_H

#include "cmocka_all.h"
#include "link/pki.h"

#include <openssl/x509.h>

/* A collector's CA and server certificate, and a vantage "hk-1" of it, with the contexts made from them. */
struct fixture {
    EVP_PKEY *ca_key, *server_key, *vantage_key;
    X509 *ca, *server, *vantage;
    SSL_CTX *server_context, *client_context, *bare_context, *pinned_context;
};

static inline void fixture_init(struct fixture *f)
{
    char *why = NULL;
    uint8_t fingerprint[32];
    *f = (struct fixture){
        .ca_key = pki_key_new(&why), .server_key = pki_key_new(&why), .vantage_key = pki_key_new(&why)};
    f->ca = pki_ca_new(f->ca_key, "Test CA", 3650, &why);
    f->server = pki_sign(f->ca, f->ca_key, f->server_key, PKI_SERVER, "collector", 86400, &why);
    f->vantage = pki_sign(f->ca, f->ca_key, f->vantage_key, PKI_VANTAGE, "hk-1", 86400, &why);
    assert_non_null(f->vantage);
    assert_true(pki_fingerprint(f->ca, fingerprint));
    f->server_context = pki_server_context(f->server, f->server_key, f->ca, &why);
    f->client_context = pki_client_context(f->ca, f->vantage, f->vantage_key, &why);
    f->bare_context = pki_client_context(f->ca, NULL, NULL, &why);
    f->pinned_context = pki_pinned_context(fingerprint, &why);
    assert_non_null(f->server_context);
    assert_non_null(f->client_context);
    assert_non_null(f->bare_context);
    assert_non_null(f->pinned_context);
}

static inline void fixture_done(struct fixture *f)
{
    SSL_CTX_free(f->server_context);
    SSL_CTX_free(f->client_context);
    SSL_CTX_free(f->bare_context);
    SSL_CTX_free(f->pinned_context);
    X509_free(f->ca);
    X509_free(f->server);
    X509_free(f->vantage);
    EVP_PKEY_free(f->ca_key);
    EVP_PKEY_free(f->server_key);
    EVP_PKEY_free(f->vantage_key);
}

/* Two collectors that know nothing of each other; group setup and teardown of the tests that use them. */
static struct fixture ours, theirs;

static inline int fixtures_setup(void **state)
{
    (void)state;
    fixture_init(&ours);
    fixture_init(&theirs);
    return 0;
}

static inline int fixtures_teardown(void **state)
{
    (void)state;
    fixture_done(&ours);
    fixture_done(&theirs);
    return 0;
}

/* A vantage of theirs that comes to our collector. */
static inline SSL_CTX *stranger_context(void)
{
    char *why = NULL;
    SSL_CTX *stranger = pki_client_context(ours.ca, theirs.vantage, theirs.vantage_key, &why);
    assert_non_null(stranger);
    return stranger;
}

#endif

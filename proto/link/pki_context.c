#include "link/pki.h"
#include "link/pki_why.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/*
 * The three contexts of the link. No session tickets and no session cache: every connection is a full
 * handshake, so that each one shows its certificate again and a revoked vantage has nothing to resume.
 *
 * Dates are the collector's to judge. It refuses a vantage whose certificate has ended. An agent does not look at the
 * dates of a collector's certificate: its own clock may be wrong by years, which must not lock it out, and there is nothing
 * to gain, since a collector makes that certificate anew at each start and keeps its key in memory only.
 */

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

static bool use_certificate(SSL_CTX *context, X509 *certificate, EVP_PKEY *key)
{
    return SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

static SSL_CTX *context_or_why(SSL_CTX *context, bool complete, char **ret_why)
{
    if (complete)
        return context;
    pki_why_library(ret_why, "cannot set up TLS");
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *pki_server_context(X509 *certificate, EVP_PKEY *key, X509 *ca, char **ret_why)
{
    SSL_CTX *context = context_new(TLS_server_method());
    bool complete = context != NULL && use_certificate(context, certificate, key) &&
                    SSL_CTX_add1_chain_cert(context, ca) == 1 &&
                    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) == 1 &&
                    SSL_CTX_add_client_CA(context, ca) == 1;
    if (complete)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context_or_why(context, complete, ret_why);
}

SSL_CTX *pki_client_context(X509 *ca, X509 *certificate, EVP_PKEY *key, char **ret_why)
{
    SSL_CTX *context = context_new(TLS_client_method());
    bool complete =
        context != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) == 1 &&
        X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context), PKI_SERVER_NAME, 0) == 1 &&
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME) == 1 &&
        (certificate == NULL || use_certificate(context, certificate, key));
    if (complete)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context_or_why(context, complete, ret_why);
}

static void pin_free(void *parent, void *pin, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    free(pin);
}

static int pin_index(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, pin_free);
    return index;
}

static X509 *chain_find(STACK_OF(X509) * chain, const uint8_t sha256[32])
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        uint8_t fingerprint[32];
        X509 *certificate = sk_X509_value(chain, i);
        if (pki_fingerprint(certificate, fingerprint) && memcmp(fingerprint, sha256, 32) == 0)
            return certificate;
    }
    return NULL;
}

/* The ordinary verification of the leaf, with the pinned CA as the only anchor. @return an X509_V_ code. */
static int verify_under(X509 *ca, X509 *leaf)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    int result = X509_V_ERR_OUT_OF_MEM;
    if (store != NULL && check != NULL && X509_STORE_add_cert(store, ca) == 1 &&
        X509_STORE_CTX_init(check, store, leaf, NULL) == 1 &&
        X509_STORE_CTX_set_purpose(check, X509_PURPOSE_SSL_SERVER) == 1 &&
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(check), X509_V_FLAG_NO_CHECK_TIME) == 1 &&
        X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(check), PKI_SERVER_NAME, 0) == 1) {
        int verified = X509_verify_cert(check);
        result = X509_STORE_CTX_get_error(check);
        if (verified != 1 && result == X509_V_OK)
            result = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_free(check);
    X509_STORE_free(store);
    return result;
}

/* The pin says which CA; what that CA must have done, sign a leaf for a collector, is checked as ever. */
static int verify_pinned(X509_STORE_CTX *offered, void *arg)
{
    (void)arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(offered, SSL_get_ex_data_X509_STORE_CTX_idx());
    const uint8_t *pin = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), pin_index());
    X509 *leaf = X509_STORE_CTX_get0_cert(offered);
    X509 *ca = pin == NULL ? NULL : chain_find(X509_STORE_CTX_get0_untrusted(offered), pin);
    int result = X509_V_ERR_APPLICATION_VERIFICATION;
    if (ca != NULL && X509_cmp(ca, leaf) != 0 && X509_check_ca(ca) == 1)
        result = verify_under(ca, leaf);
    X509_STORE_CTX_set_error(offered, result);
    return result == X509_V_OK;
}

SSL_CTX *pki_pinned_context(const uint8_t ca_sha256[32], char **ret_why)
{
    SSL_CTX *context = context_new(TLS_client_method());
    uint8_t *pin = malloc(32);
    bool complete = context != NULL && pin != NULL && SSL_CTX_set_ex_data(context, pin_index(), pin) == 1;
    if (complete) {
        memcpy(pin, ca_sha256, 32);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(context, verify_pinned, NULL);
    } else {
        free(pin);
    }
    return context_or_why(context, complete, ret_why);
}

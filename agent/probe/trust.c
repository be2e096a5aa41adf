#include "probe/trust.h"

#include "cli/i18n.h"
#include "probe/sct.h"
#include "words/buf.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRUST_MAX_BYTES = 16 * 1024 * 1024, CHAIN_MAX_BYTES = 128 * 1024 };

struct versions {
    int min;
    int max;
};

enum { CONTEXT_BOTH, CONTEXT_TLS12, CONTEXT_TLS13, CONTEXTS };
static const struct versions context_versions[CONTEXTS] = {
    {TLS1_2_VERSION, TLS1_3_VERSION}, {TLS1_2_VERSION, TLS1_2_VERSION}, {TLS1_3_VERSION, TLS1_3_VERSION}};

struct trust {
    X509_STORE *store;
    uint8_t sha256[32];
    SSL_CTX *contexts[CONTEXTS];
};

static char *why_file(const char *path, const char *problem)
{
    struct buf why;
    buf_init(&why, 0);
    (void)buf_printf(&why, _("CA file \"%s\": %s"), path, problem);
    return buf_take(&why);
}

/* Where Debian, and others, keep all trusted certificates in one file. */
static const char *system_bundle(void)
{
    static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt"};
    const char *named = getenv(X509_get_default_cert_file_env());
    if (named != NULL)
        return named;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

static bool read_whole(const char *path, struct buf *out, char **ret_why)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        *ret_why = why_file(path, strerror(errno));
        return false;
    }
    char chunk[8192];
    size_t got;
    bool kept = true;
    while (kept && (got = fread(chunk, 1, sizeof chunk, file)) > 0)
        kept = buf_append(out, chunk, got);
    bool good = kept && !ferror(file);
    if (!good)
        *ret_why = why_file(path, kept ? strerror(errno) : _("too big"));
    (void)fclose(file);
    return good;
}

/* @return certificates added; one that is there twice counts. */
static unsigned add_certificates(X509_STORE *store, const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    if (bio == NULL)
        return 0;
    unsigned count = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    ERR_clear_error();
    BIO_free(bio);
    return count;
}

static bool load_bundle(struct trust *trust, const char *path, char **ret_why)
{
    struct buf pem;
    buf_init(&pem, TRUST_MAX_BYTES);
    bool loaded = read_whole(path, &pem, ret_why);
    if (loaded && (pem.len == 0 || add_certificates(trust->store, &pem) == 0)) {
        *ret_why = why_file(path, _("no certificate in it (expected PEM)"));
        loaded = false;
    }
    if (loaded && EVP_Digest(pem.data, pem.len, trust->sha256, NULL, EVP_sha256(), NULL) != 1)
        loaded = false;
    buf_done(&pem);
    return loaded;
}

static bool load(struct trust *trust, const char *ca_file, char **ret_why)
{
    trust->store = X509_STORE_new();
    if (trust->store == NULL)
        return false;
    const char *path = ca_file != NULL ? ca_file : system_bundle();
    if (path != NULL)
        return load_bundle(trust, path, ret_why);
    return X509_STORE_set_default_paths(trust->store) == 1;
}

struct trust *trust_new(const char *ca_file, char **ret_why)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust != NULL && load(trust, ca_file, ret_why))
        return trust;
    trust_free(trust);
    return NULL;
}

void trust_free(struct trust *trust)
{
    if (trust == NULL)
        return;
    for (size_t i = 0; i < CONTEXTS; i++)
        SSL_CTX_free(trust->contexts[i]);
    X509_STORE_free(trust->store);
    free(trust);
}

const uint8_t *trust_sha256(const struct trust *trust)
{
    return trust->sha256;
}

static SSL_CTX *context_new(struct trust *trust, struct versions versions)
{
    static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    SSL_CTX_set1_cert_store(context, trust->store);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX_BYTES);
    bool good = SSL_CTX_set_min_proto_version(context, versions.min) == 1 &&
                SSL_CTX_set_max_proto_version(context, versions.max) == 1 &&
                SSL_CTX_set_cipher_list(context, "DEFAULT") == 1 &&
                SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1 &&
                SSL_CTX_set_alpn_protos(context, http11, sizeof http11) == 0 && sct_offer(context);
    if (good)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *trust_context(struct trust *trust, enum variant variant)
{
    int which = variant == VARIANT_TLS12   ? CONTEXT_TLS12
                : variant == VARIANT_TLS13 ? CONTEXT_TLS13
                                           : CONTEXT_BOTH;
    if (trust->contexts[which] == NULL)
        trust->contexts[which] = context_new(trust, context_versions[which]);
    return trust->contexts[which];
}

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

enum {
    TRUST_MAX_BYTES = 16 * 1024 * 1024,
    CHAIN_MAX_BYTES = 64 * 1024, /* parsed they take eight times as much */
    CACHE_MAX_CHAINS = 2048,
    CACHE_MAX_BYTES = 8 * 1024 * 1024,
};

/* A record of 1400 bytes that says nothing: with it a ClientHello is above one segment of Ethernet. */
enum { LARGE_EXTENSION_TYPE = 0x5a5a /* RFC 8701: a server must ignore it */, LARGE_EXTENSION_BYTES = 1400 };

#define GROUPS_WIDE                                                                                          \
    "X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192:secp256k1:"             \
    "brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"
#define SUITES_WIDE                                                                                          \
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"                            \
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
#define SIGNATURES_RSA                                                                                       \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
#define SIGNATURES_ECDSA "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448"

/* What a hello offers. NULL: the library's default. */
struct shape {
    int min;
    int max;
    int security_level;
    const char *ciphers; /* of TLS 1.2 and older */
    const char *suites;  /* of TLS 1.3 */
    const char *groups;
    const char *signatures;
    bool no_alpn;
    bool legacy_servers; /* without RFC 5746 */
    bool large;
    bool client_cert;
    const char *profile; /* the same offer as data (hello/profile.h) */
    bool own;            /* our own engine speaks what may be agreed on */
};

enum shape_kind {
    SHAPE_NORMAL,
    SHAPE_TLS12,
    SHAPE_TLS13,
    SHAPE_LEGACY,
    SHAPE_RSA_ONLY,
    SHAPE_ECDSA_ONLY,
    SHAPE_LARGE,
    SHAPE_CLIENT_CERT,
    SHAPE_NO_ALPN,
    SHAPE_WIDE,
    SHAPES
};

#define BOTH        .min = TLS1_2_VERSION, .max = TLS1_3_VERSION, .security_level = 2, .ciphers = "DEFAULT"
#define ALL_CIPHERS "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
static const struct shape shapes[SHAPES] = {
    [SHAPE_NORMAL] = {BOTH, .profile = HELLO_PROFILE_NORMAL, .own = true},
    [SHAPE_TLS12] = {TLS1_2_VERSION, TLS1_2_VERSION, .security_level = 2, .ciphers = "DEFAULT",
                     .profile = "openssl-tls12"},
    [SHAPE_TLS13] = {TLS1_3_VERSION, TLS1_3_VERSION, .security_level = 2, .ciphers = "DEFAULT",
                     .profile = "openssl-tls13", .own = true},
    [SHAPE_LEGACY] = {TLS1_VERSION, TLS1_2_VERSION, .ciphers = "ALL:@SECLEVEL=0", .legacy_servers = true,
                      .profile = "openssl-legacy"},
    [SHAPE_RSA_ONLY] = {TLS1_2_VERSION, TLS1_3_VERSION, .security_level = 2, .ciphers = "aRSA",
                        .signatures = SIGNATURES_RSA, .profile = "openssl-rsa"},
    [SHAPE_ECDSA_ONLY] = {TLS1_2_VERSION, TLS1_3_VERSION, .security_level = 2, .ciphers = "aECDSA",
                          .signatures = SIGNATURES_ECDSA, .profile = "openssl-ecdsa"},
    [SHAPE_LARGE] = {BOTH, .large = true, .profile = "openssl-large", .own = true},
    [SHAPE_CLIENT_CERT] = {BOTH, .client_cert = true, .profile = HELLO_PROFILE_NORMAL, .own = true},
    [SHAPE_NO_ALPN] = {BOTH, .no_alpn = true, .profile = "openssl-no-alpn", .own = true},
    [SHAPE_WIDE] = {TLS1_2_VERSION, TLS1_3_VERSION, .ciphers = ALL_CIPHERS, .suites = SUITES_WIDE,
                    .groups = GROUPS_WIDE, .profile = "openssl-wide"},
};

/* Variants that are none of these differ below TLS, or in the name, and offer what NORMAL does. */
static enum shape_kind shape_of(enum variant variant)
{
    static const struct {
        enum variant variant;
        enum shape_kind kind;
    } rows[] = {
        {VARIANT_TLS12, SHAPE_TLS12},           {VARIANT_TLS13, SHAPE_TLS13},
        {VARIANT_LEGACY, SHAPE_LEGACY},         {VARIANT_RSA_ONLY, SHAPE_RSA_ONLY},
        {VARIANT_ECDSA_ONLY, SHAPE_ECDSA_ONLY}, {VARIANT_LARGE_HELLO, SHAPE_LARGE},
        {VARIANT_LARGE_SMALL_MSS, SHAPE_LARGE}, {VARIANT_CLIENT_CERT, SHAPE_CLIENT_CERT},
        {VARIANT_NO_ALPN, SHAPE_NO_ALPN},       {VARIANT_WIDE, SHAPE_WIDE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].variant == variant)
            return rows[i].kind;
    return SHAPE_NORMAL;
}

struct trust {
    X509_STORE *store;
    uint8_t sha256[32];
    char *client_cert; /* paths; both NULL, or both set */
    char *client_key;
    SSL_CTX *contexts[SHAPES];
    struct chain_cache *chains;
    struct tls_algorithms *algorithms;
    struct trust_identity identity;
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

void trust_free(struct trust *trust)
{
    if (trust == NULL)
        return;
    sk_X509_pop_free(trust->identity.chain, X509_free);
    for (size_t i = 0; i < SHAPES; i++)
        SSL_CTX_free(trust->contexts[i]);
    chain_cache_free(trust->chains);
    tls_algorithms_free(trust->algorithms);
    X509_STORE_free(trust->store);
    free(trust->client_cert);
    free(trust->client_key);
    free(trust);
}

X509_STORE *trust_store(const struct trust *trust)
{
    return trust->store;
}

struct chain_cache *trust_chains(struct trust *trust)
{
    const struct chain_cache_options options = {
        .store = trust->store, .max_chains = CACHE_MAX_CHAINS, .max_bytes = CACHE_MAX_BYTES};
    if (trust->chains == NULL)
        trust->chains = chain_cache_new(&options);
    return trust->chains;
}

struct tls_algorithms *trust_algorithms(struct trust *trust)
{
    if (trust->algorithms == NULL)
        trust->algorithms = tls_algorithms_new();
    return trust->algorithms;
}

const struct hello_profile *trust_hello(enum variant variant)
{
    return hello_profile_find(shapes[shape_of(variant)].profile);
}

const struct hello_profile *trust_profile(enum variant variant)
{
    return shapes[shape_of(variant)].own ? trust_hello(variant) : NULL;
}

const uint8_t *trust_sha256(const struct trust *trust)
{
    return trust->sha256;
}

static int add_large(SSL *ssl, unsigned int type, unsigned int where, const unsigned char **ret_bytes,
                     size_t *ret_length, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    static const unsigned char filler[LARGE_EXTENSION_BYTES];
    (void)ssl, (void)type, (void)where, (void)certificate, (void)chain_index, (void)alert, (void)arg;
    *ret_bytes = filler;
    *ret_length = sizeof filler;
    return 1;
}

static bool shape_versions(SSL_CTX *context, const struct shape *shape)
{
    SSL_CTX_set_security_level(context, shape->security_level);
    if (shape->legacy_servers)
        (void)SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    else
        (void)SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    return SSL_CTX_set_min_proto_version(context, shape->min) == 1 &&
           SSL_CTX_set_max_proto_version(context, shape->max) == 1;
}

static bool shape_algorithms(SSL_CTX *context, const struct shape *shape)
{
    return SSL_CTX_set_cipher_list(context, shape->ciphers) == 1 &&
           (shape->suites == NULL || SSL_CTX_set_ciphersuites(context, shape->suites) == 1) &&
           (shape->groups == NULL || SSL_CTX_set1_groups_list(context, shape->groups) == 1) &&
           (shape->signatures == NULL || SSL_CTX_set1_sigalgs_list(context, shape->signatures) == 1);
}

static bool shape_extensions(SSL_CTX *context, const struct shape *shape)
{
    static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    return SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1 && sct_offer(context) &&
           (shape->no_alpn || SSL_CTX_set_alpn_protos(context, http11, sizeof http11) == 0) &&
           (!shape->large || SSL_CTX_add_custom_ext(context, LARGE_EXTENSION_TYPE, SSL_EXT_CLIENT_HELLO,
                                                    add_large, NULL, NULL, NULL, NULL) == 1);
}

static bool show_client_cert(SSL_CTX *context, const struct trust *trust)
{
    return SSL_CTX_use_certificate_chain_file(context, trust->client_cert) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, trust->client_key, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

static SSL_CTX *context_new(struct trust *trust, const struct shape *shape)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    SSL_CTX_set1_cert_store(context, trust->store);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX_BYTES);
    bool good = shape_versions(context, shape) && shape_algorithms(context, shape) &&
                shape_extensions(context, shape) &&
                (!shape->client_cert || trust->client_cert == NULL || show_client_cert(context, trust));
    if (good)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *trust_context(struct trust *trust, enum variant variant)
{
    enum shape_kind kind = shape_of(variant);
    if (trust->contexts[kind] == NULL)
        trust->contexts[kind] = context_new(trust, &shapes[kind]);
    return trust->contexts[kind];
}

/* What libssl puts above a client's certificate: what the file says, else what the trusted ones make of it. */
static STACK_OF(X509) * chain_above(SSL_CTX *context, X509_STORE *store, X509 *certificate)
{
    STACK_OF(X509) *said = NULL, *made = NULL;
    (void)SSL_CTX_get0_chain_certs(context, &said);
    if (said != NULL && sk_X509_num(said) > 0)
        return X509_chain_up_ref(said);
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    if (path != NULL && X509_STORE_CTX_init(path, store, certificate, NULL) == 1) {
        (void)X509_verify_cert(path);
        made = X509_STORE_CTX_get1_chain(path);
    }
    X509_STORE_CTX_free(path);
    ERR_clear_error();
    X509_free(made == NULL ? NULL : sk_X509_shift(made));
    return made;
}

const struct trust_identity *trust_identity(struct trust *trust)
{
    struct trust_identity *identity = &trust->identity;
    SSL_CTX *context = trust->client_cert == NULL ? NULL : trust_context(trust, VARIANT_CLIENT_CERT);
    if (context != NULL && identity->certificate == NULL) {
        identity->certificate = SSL_CTX_get0_certificate(context);
        identity->key = SSL_CTX_get0_privatekey(context);
        identity->chain = chain_above(context, trust->store, identity->certificate);
    }
    return identity;
}

/* Reads the client's certificate at once, so that a wrong file is told of before anything is probed. */
static bool load_client_cert(struct trust *trust, const struct trust_files *files, char **ret_why)
{
    if (files->client_cert == NULL)
        return true;
    trust->client_cert = strdup(files->client_cert);
    trust->client_key = strdup(files->client_key != NULL ? files->client_key : files->client_cert);
    if (trust->client_cert == NULL || trust->client_key == NULL)
        return false;
    ERR_clear_error();
    if (trust_context(trust, VARIANT_CLIENT_CERT) != NULL)
        return true;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    struct buf why;
    buf_init(&why, 0);
    (void)buf_printf(&why, _("client certificate \"%s\" with key \"%s\": %s"), trust->client_cert,
                     trust->client_key, reason != NULL ? reason : _("cannot be used"));
    *ret_why = buf_take(&why);
    ERR_clear_error();
    return false;
}

struct trust *trust_new(const struct trust_files *files, char **ret_why)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust != NULL && load(trust, files->ca, ret_why) && load_client_cert(trust, files, ret_why))
        return trust;
    trust_free(trust);
    return NULL;
}

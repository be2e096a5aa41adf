/*
 * bench-chain: what judging a certificate chain costs, in microseconds of CPU time. Leaf, intermediate and root, as servers send them.
 *
 *   libssl      what a plain libssl client does each time: parse, verify, describe
 *   new chain   neither leaf nor intermediate seen before
 *   new leaf    the intermediate seen before
 *   known       the chain seen before
 *
 * Rounds of all four take turns, so that what else goes on in the machine meets each; printed are medians with the least and the most.
 */
#include "hello/chain.h"
#include "hello/certificate_facts.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEAVES = 200, ROUNDS = 9, KINDS = 4, CA_DAYS = 3650, SECONDS_A_DAY = 86400 };

struct world {
    EVP_PKEY *keys[3]; /* root, intermediate, leaf */
    X509 *root;
    X509_STORE *store;
    struct chain_der intermediates[LEAVES]; /* as many as leaves, so that a chain can be new in each */
    struct chain_der leaves[LEAVES];        /* all under the first intermediate */
    struct chain_der lone[LEAVES];          /* each under its own */
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "bench-chain: %s failed\n", what);
    exit(3);
}

static void extend(X509 *made, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, made, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_add_ext(made, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
}

static X509 *make(const char *name, bool ca, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *made = X509_new(), *by = issuer == NULL ? made : issuer;
    need(made != NULL && X509_set_version(made, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(made), -SECONDS_A_DAY) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(made), (long)CA_DAYS * SECONDS_A_DAY) != NULL &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                        (const unsigned char *)name, -1, -1, 0) == 1 &&
             X509_set_issuer_name(made, X509_get_subject_name(by)) == 1 && X509_set_pubkey(made, key) == 1,
         "certificate");
    extend(made, by, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
    extend(made, by, NID_subject_key_identifier, "hash");
    extend(made, by, NID_authority_key_identifier, "keyid");
    extend(made, by, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!ca) {
        extend(made, by, NID_subject_alt_name, "DNS:www.bench.test,DNS:bench.test");
        extend(made, by, NID_ext_key_usage, "serverAuth");
        extend(made, by, NID_info_access,
               "OCSP;URI:http://ocsp.bench.test/,caIssuers;URI:http://ca.bench.test/i.der");
    }
    need(X509_sign(made, issuer_key == NULL ? key : issuer_key, EVP_sha256()) > 0, "signature");
    return made;
}

static struct chain_der der_of(X509 *certificate)
{
    unsigned char *bytes = NULL;
    int length = i2d_X509(certificate, &bytes);
    need(length > 0, "DER");
    return (struct chain_der){bytes, (size_t)length};
}

static EVP_PKEY *key_new(bool rsa)
{
    return rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
               : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static void world_init(struct world *world, bool rsa)
{
    X509 *first = NULL;
    for (size_t i = 0; i < 3; i++)
        need((world->keys[i] = key_new(rsa)) != NULL, "key");
    world->root = make("bench root", true, world->keys[0], NULL, NULL);
    world->store = X509_STORE_new();
    need(world->store != NULL && X509_STORE_add_cert(world->store, world->root) == 1, "store");
    for (size_t i = 0; i < LEAVES; i++) {
        X509 *middle = make("bench middle", true, world->keys[1], world->root, world->keys[0]);
        if (first == NULL)
            first = middle;
        X509 *leaf = make("bench leaf", false, world->keys[2], first, world->keys[1]);
        X509 *lone = make("bench leaf", false, world->keys[2], middle, world->keys[1]);
        world->intermediates[i] = der_of(middle);
        world->leaves[i] = der_of(leaf);
        world->lone[i] = der_of(lone);
        X509_free(leaf);
        X509_free(lone);
        if (middle != first)
            X509_free(middle);
    }
    X509_free(first);
}

static void world_done(struct world *world)
{
    for (size_t i = 0; i < LEAVES; i++) {
        OPENSSL_free((void *)world->intermediates[i].bytes);
        OPENSSL_free((void *)world->leaves[i].bytes);
        OPENSSL_free((void *)world->lone[i].bytes);
    }
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(world->keys[i]);
    X509_free(world->root);
    X509_STORE_free(world->store);
}

static X509 *parse(const struct chain_der *der)
{
    X509 *x509 = X509_new();
    const unsigned char *at = der->bytes;
    need(x509 != NULL && d2i_X509(&x509, &at, (long)der->length) != NULL, "parsing");
    return x509;
}

/* What libssl and probe/certificates.c do of one chain. */
static void plain(const struct world *world, const struct chain_der chain[2])
{
    struct attempt *attempt = attempt_new();
    struct chain_certificate kept;
    STACK_OF(X509) *sent = sk_X509_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    need(attempt != NULL && sent != NULL && context != NULL, "memory");
    for (size_t i = 0; i < 2; i++)
        need(sk_X509_push(sent, parse(&chain[i])) > 0, "memory");
    need(X509_STORE_CTX_init(context, world->store, sk_X509_value(sent, 0), sent) == 1 &&
             X509_STORE_CTX_set_default(context, "ssl_server") == 1 &&
             X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), "www.bench.test", 0) == 1 &&
             X509_verify_cert(context) == 1,
         "verifying");
    for (int i = 0; i < 2; i++)
        need(certificate_keep(sk_X509_value(sent, i), &attempt->arena, &kept), "describing");
    need(certificate_leaf_facts(sk_X509_value(sent, 0), &attempt->arena, &attempt->tls.leaf), "describing");
    (void)certificate_sct_count(sk_X509_value(sent, 0));
    (void)certificate_names_abused(sk_X509_value(sent, 0));
    X509_STORE_CTX_free(context);
    sk_X509_pop_free(sent, X509_free);
    attempt_free(attempt);
}

static void through(struct chain_cache *cache, const struct chain_der chain[2], int64_t now_s)
{
    bool malformed;
    struct chain_verdict verdict;
    struct attempt *attempt = attempt_new();
    struct chain *taken = chain_take(cache, chain, 2, &malformed);
    need(attempt != NULL && taken != NULL && chain_verify(taken, "www.bench.test", now_s, &verdict) &&
             verdict.count == 0 && chain_leaf_key(taken) != NULL && chain_keep(taken, attempt),
         "the cache");
    chain_release(taken);
    attempt_free(attempt);
}

static double cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* @return microseconds a chain. */
static double round_of(const struct world *world, int kind)
{
    struct chain_cache_options options = {world->store, 4 * LEAVES, 1 << 24};
    struct chain_cache *cache = chain_cache_new(&options);
    int64_t now_s = (int64_t)time(NULL);
    struct chain_der known[2] = {world->leaves[0], world->intermediates[0]};
    need(cache != NULL, "memory");
    if (kind >= 2)
        through(cache, known, now_s);
    double begun = cpu_us();
    for (size_t i = 1; i < LEAVES; i++) {
        struct chain_der new_chain[2] = {world->lone[i], world->intermediates[i]};
        struct chain_der new_leaf[2] = {world->leaves[i], world->intermediates[0]};
        if (kind == 0)
            plain(world, new_leaf);
        else
            through(cache, kind == 1 ? new_chain : kind == 2 ? new_leaf : known, now_s);
    }
    double each = (cpu_us() - begun) / (LEAVES - 1);
    chain_cache_free(cache);
    return each;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void measure(const char *name, bool rsa)
{
    static const char *const kinds[KINDS] = {"libssl", "new chain", "new leaf", "known"};
    static struct world world;
    double took[KINDS][ROUNDS];
    world_init(&world, rsa);
    for (int round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < KINDS; kind++)
            took[kind][round] = round_of(&world, kind);
    for (int kind = 0; kind < KINDS; kind++) {
        qsort(took[kind], ROUNDS, sizeof took[kind][0], by_size);
        (void)printf("chain %-3s %-9s %7.1f us (%.1f..%.1f)\n", name, kinds[kind], took[kind][ROUNDS / 2],
                     took[kind][0], took[kind][ROUNDS - 1]);
    }
    world_done(&world);
}

int main(void)
{
    measure("EC", false);
    measure("RSA", true);
    return 0;
}

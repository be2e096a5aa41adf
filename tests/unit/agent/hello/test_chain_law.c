#include "agent/hello/chain_equal.h"

#include <unistd.h>

/*
 * The cache against libssl: chains of every kind, each looked at through a new cache, through one that has seen it, and through one
 * that has seen all the others.
 */

/* X(name, type, group, bits) */
#define KEYS(X)                                                                                              \
    X(ca, "EC", "P-256", 0)                                                                                  \
    X(middle, "EC", "P-256", 0)                                                                              \
    X(leaf, "EC", "P-256", 0)                                                                                \
    X(stranger, "EC", "P-256", 0)                                                                            \
    X(rsa, "RSA", NULL, 2048)                                                                                \
    X(small_rsa, "RSA", NULL, 1024)                                                                          \
    X(pss, "RSA-PSS", NULL, 2048)                                                                            \
    X(p384, "EC", "P-384", 0)                                                                                \
    X(p521, "EC", "P-521", 0)                                                                                \
    X(p192, "EC", "P-192", 0)                                                                                \
    X(k256, "EC", "secp256k1", 0)                                                                            \
    X(ed25519, "ED25519", NULL, 0)                                                                           \
    X(ed448, "ED448", NULL, 0)
enum key_name {
#define X(name, type, group, bits) KEY_##name,
    KEYS(X)
#undef X
        KEY_explicit,
    KEY_COUNT
};
static EVP_PKEY *keys[KEY_COUNT];

#define YEAR (365L * PKI_DAY_S)
#define NOW  -PKI_DAY_S, PKI_DAY_S
#define OLD  -3 * PKI_DAY_S, -PKI_DAY_S
#define LATE PKI_DAY_S, 3 * PKI_DAY_S
#define CA                                                                                                   \
    {                                                                                                        \
        PKI_CA, PKI_SIGN, PKI_SKI, PKI_AKI                                                                   \
    }
#define WWW                                                                                                  \
    {                                                                                                        \
        PKI_LEAF, PKI_WWW, PKI_SKI, PKI_AKI                                                                  \
    }

/* Issuers come before what they issue. SELF: signed by itself. */
enum { SELF = -1 };
/* X(symbol, trusted, key, issuer, {name, from, to, md, {extensions}}) */
#define CERTIFICATES(X)                                                                                      \
    X(ROOT, 1, ca, SELF, {"root", -YEAR, YEAR, NULL, CA})                                                    \
    X(ROOT_TWIN, 1, p384, SELF, {"root", -YEAR, YEAR, NULL, CA})                                             \
    X(RSA_ROOT, 1, rsa, SELF, {"rsa root", -YEAR, YEAR, NULL, CA})                                           \
    X(WEAK_ROOT, 1, small_rsa, SELF, {"weak root", -YEAR, YEAR, "SHA1", CA})                                 \
    X(OLD_ROOT, 1, ca, SELF, {"old root", OLD, NULL, CA})                                                    \
    X(NO_SIGN_ROOT, 1, ca, SELF,                                                                             \
      {"no sign root", NOW, NULL, {PKI_CA, "keyUsage=critical,cRLSign", PKI_SKI, PKI_AKI}})                  \
    X(BARE_ROOT, 1, ca, SELF, {"bare root", NOW, NULL, {NULL}})                                              \
    X(ED_ROOT, 1, ed25519, SELF, {"ed root", NOW, "", CA})                                                   \
    X(STRANGER, 0, stranger, SELF, {"stranger", NOW, NULL, CA})                                              \
    X(FALSE_ROOT, 0, stranger, SELF, {"root", NOW, NULL, CA})                                                \
    X(MIDDLE, 0, middle, ROOT, {"middle", NOW, NULL, CA})                                                    \
    X(MIDDLE_OLD, 0, middle, ROOT, {"middle", OLD, NULL, CA})                                                \
    X(MIDDLE_CROSS, 0, middle, STRANGER, {"middle", NOW, NULL, CA})                                          \
    X(MIDDLE_RSA, 0, middle, RSA_ROOT, {"middle", NOW, NULL, CA})                                            \
    X(MIDDLE_TRUSTED, 1, p384, STRANGER, {"trusted middle", NOW, NULL, CA})                                  \
    X(MIDDLE_NO_CA, 0, middle, ROOT, {"no ca", NOW, NULL, {PKI_LEAF, PKI_SKI, PKI_AKI}})                     \
    X(MIDDLE_NO_SIGN, 0, middle, ROOT,                                                                       \
      {"no sign", NOW, NULL, {PKI_CA, "keyUsage=critical,digitalSignature", PKI_SKI, PKI_AKI}})              \
    X(MIDDLE_SHORT, 0, middle, ROOT,                                                                         \
      {"short", NOW, NULL, {"basicConstraints=critical,CA:TRUE,pathlen:0", PKI_SIGN, PKI_SKI, PKI_AKI}})     \
    X(BELOW_SHORT, 0, p384, MIDDLE_SHORT, {"below short", NOW, NULL, CA})                                    \
    X(MIDDLE_NAMES, 0, middle, ROOT,                                                                         \
      {"names",                                                                                              \
       NOW,                                                                                                  \
       NULL,                                                                                                 \
       {PKI_CA, PKI_SIGN, PKI_SKI, PKI_AKI,                                                                  \
        "nameConstraints=critical,permitted;DNS:.b.test,excluded;IP:192.0.2.0/255.255.255.0"}})              \
    X(MIDDLE_CLIENT, 0, middle, ROOT,                                                                        \
      {"client", NOW, NULL, {PKI_CA, PKI_SIGN, PKI_SKI, PKI_AKI, "extendedKeyUsage=clientAuth"}})            \
    X(MIDDLE_SHA1, 0, middle, RSA_ROOT, {"sha1", NOW, "SHA1", CA})                                           \
    X(MIDDLE_WEAK, 0, small_rsa, ROOT, {"weak", NOW, NULL, CA})                                              \
    X(MIDDLE_EXPLICIT, 0, explicit, ROOT, {"explicit", NOW, NULL, CA})                                       \
    X(CYCLE_A, 0, middle, STRANGER, {"cycle a", NOW, NULL, {PKI_CA}})                                        \
    X(MIDDLE_FALSE, 0, p384, ROOT, {"middle", NOW, NULL, {PKI_CA}})                                          \
    X(LEAF_PLAIN, 0, leaf, MIDDLE, {"leaf", NOW, NULL, {PKI_LEAF, PKI_WWW}})                                 \
    X(LEAF, 0, leaf, MIDDLE, {"leaf", NOW, NULL, WWW})                                                       \
    X(LEAF_AGAIN, 0, stranger, MIDDLE, {"leaf", NOW, NULL, WWW})                                             \
    X(LEAF_OLD, 0, leaf, MIDDLE, {"leaf", OLD, NULL, WWW})                                                   \
    X(LEAF_LATE, 0, leaf, MIDDLE, {"leaf", LATE, NULL, WWW})                                                 \
    X(LEAF_ROOT, 0, leaf, ROOT, {"leaf", NOW, NULL, WWW})                                                    \
    X(LEAF_TWIN, 0, leaf, ROOT_TWIN, {"leaf", NOW, NULL, {PKI_LEAF, PKI_WWW}})                               \
    X(LEAF_FALSE, 0, leaf, FALSE_ROOT, {"leaf", NOW, NULL, {PKI_LEAF, PKI_WWW}})                             \
    X(LEAF_STRANGER, 0, leaf, STRANGER, {"leaf", NOW, NULL, WWW})                                            \
    X(LEAF_TRUSTED, 0, leaf, MIDDLE_TRUSTED, {"leaf", NOW, NULL, WWW})                                       \
    X(LEAF_SELF, 0, leaf, SELF, {"leaf", NOW, NULL, WWW})                                                    \
    X(LEAF_SELF_OLD, 0, leaf, SELF, {"leaf", OLD, NULL, WWW})                                                \
    X(LEAF_SELF_TRUSTED, 1, p384, SELF, {"trusted leaf", NOW, NULL, WWW})                                    \
    X(LEAF_RSA, 0, rsa, MIDDLE, {"leaf", NOW, NULL, WWW})                                                    \
    X(LEAF_BY_RSA, 0, rsa, RSA_ROOT, {"leaf", NOW, NULL, WWW})                                               \
    X(LEAF_SMALL, 0, small_rsa, MIDDLE, {"leaf", NOW, NULL, WWW})                                            \
    X(LEAF_PSS, 0, pss, MIDDLE, {"leaf", NOW, NULL, WWW})                                                    \
    X(LEAF_P384, 0, p384, MIDDLE, {"leaf", NOW, NULL, WWW})                                                  \
    X(LEAF_P521, 0, p521, MIDDLE, {"leaf", NOW, NULL, WWW})                                                  \
    X(LEAF_P192, 0, p192, MIDDLE, {"leaf", NOW, NULL, WWW})                                                  \
    X(LEAF_K256, 0, k256, MIDDLE, {"leaf", NOW, NULL, WWW})                                                  \
    X(LEAF_ED25519, 0, ed25519, MIDDLE, {"leaf", NOW, NULL, WWW})                                            \
    X(LEAF_ED448, 0, ed448, MIDDLE, {"leaf", NOW, NULL, WWW})                                                \
    X(LEAF_BY_ED, 0, leaf, ED_ROOT, {"leaf", NOW, "", WWW})                                                  \
    X(LEAF_EXPLICIT, 0, explicit, MIDDLE, {"leaf", NOW, NULL, WWW})                                          \
    X(LEAF_UNDER_EXPLICIT, 0, leaf, MIDDLE_EXPLICIT, {"leaf", NOW, NULL, WWW})                               \
    X(LEAF_UNDER_WEAK, 0, leaf, MIDDLE_WEAK, {"leaf", NOW, NULL, WWW})                                       \
    X(LEAF_UNDER_WEAK_ROOT, 0, leaf, WEAK_ROOT, {"leaf", NOW, NULL, WWW})                                    \
    X(LEAF_SHA1, 0, leaf, RSA_ROOT, {"leaf", NOW, "SHA1", WWW})                                              \
    X(LEAF_MD5, 0, leaf, RSA_ROOT, {"leaf", NOW, "MD5", WWW})                                                \
    X(LEAF_UNDER_SHA1, 0, leaf, MIDDLE_SHA1, {"leaf", NOW, NULL, WWW})                                       \
    X(LEAF_UNDER_NO_CA, 0, leaf, MIDDLE_NO_CA, {"leaf", NOW, NULL, WWW})                                     \
    X(LEAF_UNDER_NO_SIGN, 0, leaf, MIDDLE_NO_SIGN, {"leaf", NOW, NULL, WWW})                                 \
    X(LEAF_UNDER_NO_SIGN_ROOT, 0, leaf, NO_SIGN_ROOT, {"leaf", NOW, NULL, WWW})                              \
    X(LEAF_UNDER_BARE_ROOT, 0, leaf, BARE_ROOT, {"leaf", NOW, NULL, {PKI_LEAF, PKI_WWW}})                    \
    X(LEAF_UNDER_OLD_ROOT, 0, leaf, OLD_ROOT, {"leaf", NOW, NULL, WWW})                                      \
    X(LEAF_BELOW_SHORT, 0, leaf, BELOW_SHORT, {"leaf", NOW, NULL, WWW})                                      \
    X(LEAF_OUTSIDE, 0, leaf, MIDDLE_NAMES, {"leaf", NOW, NULL, WWW})                                         \
    X(LEAF_UNDER_CLIENT, 0, leaf, MIDDLE_CLIENT, {"leaf", NOW, NULL, WWW})                                   \
    X(LEAF_CLIENT, 0, leaf, MIDDLE, {"leaf", NOW, NULL, {PKI_LEAF, PKI_WWW, "extendedKeyUsage=clientAuth"}}) \
    X(LEAF_IS_CA, 0, leaf, MIDDLE, {"leaf", NOW, NULL, {PKI_CA, PKI_WWW}})                                   \
    X(LEAF_CN, 0, leaf, MIDDLE, {"www.a.test", NOW, NULL, {PKI_LEAF}})                                       \
    X(LEAF_CRITICAL, 0, leaf, MIDDLE, {"leaf", NOW, NULL, {PKI_WWW, "1.2.3.4=critical,DER:0500"}})           \
    X(LEAF_FULL, 0, leaf, MIDDLE,                                                                            \
      {"full",                                                                                               \
       NOW,                                                                                                  \
       NULL,                                                                                                 \
       {PKI_WWW, "authorityInfoAccess=OCSP;URI:http://o.test/,caIssuers;URI:http://i.test/i.der",            \
        "crlDistributionPoints=URI:http://crl.test/c.crl", "tlsfeature=status_request",                      \
        "extendedKeyUsage=serverAuth", "keyUsage=digitalSignature"}})                                        \
    X(LEAF_SELF_ISSUED, 0, leaf, MIDDLE, {"middle", NOW, NULL, WWW})

enum certificate_name {
#define X(symbol, trusted, key, issuer, ...) symbol,
    CERTIFICATES(X)
#undef X
        CERTIFICATE_COUNT,
    END
};
static X509 *certificates[CERTIFICATE_COUNT];
static struct trust *trust;
static SSL_CTX *server;
static struct chain_cache *shared;

static void make_keys(void)
{
#define X(name, type, group, bits) keys[KEY_##name] = pki_key(type, group, bits);
    KEYS(X)
#undef X
    keys[KEY_explicit] = pki_explicit_key();
}

static void make_certificates(FILE *trusted)
{
    static const struct {
        bool trusted;
        int key, issuer;
        struct pki_recipe recipe;
    } rows[] = {
#define X(symbol, trusted, key, issuer, ...) {trusted, KEY_##key, issuer, __VA_ARGS__},
        CERTIFICATES(X)
#undef X
    };
    for (size_t i = 0; i < CERTIFICATE_COUNT; i++) {
        int by = rows[i].issuer;
        certificates[i] = pki_sign(&rows[i].recipe, keys[rows[i].key], by == SELF ? NULL : certificates[by],
                                   by == SELF ? NULL : keys[rows[by].key]);
        if (rows[i].trusted)
            assert_int_equal(PEM_write_X509(trusted, certificates[i]), 1);
    }
}

static struct chain_cache *cache_new(void)
{
    struct chain_cache_options options = {trust_store(trust), 1000, 1 << 24};
    struct chain_cache *cache = chain_cache_new(&options);
    assert_non_null(cache);
    return cache;
}

static int setup(void **state)
{
    (void)state;
    char path[] = "/tmp/chain-law-XXXXXX", *why = NULL;
    FILE *file = fdopen(mkstemp(path), "w");
    make_keys();
    make_certificates(file);
    assert_int_equal(fclose(file), 0);
    trust = trust_new(&(struct trust_files){.ca = path}, &why);
    assert_non_null(trust);
    (void)unlink(path);
    server = law_server_context(keys[KEY_leaf], certificates[LEAF]);
    shared = cache_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chain_cache_free(shared);
    SSL_CTX_free(server);
    trust_free(trust);
    for (size_t i = 0; i < CERTIFICATE_COUNT; i++)
        X509_free(certificates[i]);
    for (size_t i = 0; i < KEY_COUNT; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

static bool has_error(const struct attempt *attempt, int code)
{
    for (size_t i = 0; i < attempt->tls.verify_error_count; i++)
        if (attempt->tls.verify_errors[i].code == code)
            return true;
    return code == X509_V_OK && attempt->tls.verify_error_count == 0;
}

/* @param code  what libssl has to say among other things, so that a case is what it is meant to be; -1: anything. */
static void compare(const struct pki_lot *lot, const char *name, int64_t now_s, int code)
{
    struct law law;
    struct chain_cache *own = cache_new();
    law_ask(&law, trust, server, lot, name, now_s);
    if (code != -1)
        assert_true(has_error(law.attempt, code));
    same_through(own, lot, name, now_s, &law);
    same_through(own, lot, name, now_s, &law);
    same_through(shared, lot, name, now_s, &law);
    chain_cache_free(own);
    law_done(&law);
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

struct sent {
    int code;
    const char *name;
    int chain[8]; /* to END */
};

static void chains_made_on_purpose(void **state)
{
    (void)state;
    static const struct sent rows[] = {
#define W "www.a.test"
        {0, W, {LEAF, MIDDLE, END}},
        {0, W, {LEAF, MIDDLE, ROOT, END}},
        {0, "x.wild.test", {LEAF, MIDDLE, END}},
        {0, "WWW.A.TEST", {LEAF, MIDDLE, END}},
        {0, "192.0.2.7", {LEAF, MIDDLE, END}},
        {0, "2001:db8::7", {LEAF, MIDDLE, END}},
        {X509_V_ERR_HOSTNAME_MISMATCH, "b.test", {LEAF, MIDDLE, END}},
        {X509_V_ERR_HOSTNAME_MISMATCH, "wild.test", {LEAF, MIDDLE, END}},
        {0, ".a.test", {LEAF, MIDDLE, END}},
        {X509_V_ERR_HOSTNAME_MISMATCH, W, {LEAF_CN, MIDDLE, END}},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, "192.0.2.8", {LEAF, MIDDLE, END}},
        {-1, "192.0.2.007", {LEAF, MIDDLE, END}},
        {-1, "::ffff:192.0.2.7", {LEAF, MIDDLE, END}},
        {-1, "fe80::1%lo", {LEAF, MIDDLE, END}},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, "2001:db8::8", {LEAF, MIDDLE, END}},
        {X509_V_ERR_CERT_HAS_EXPIRED, W, {LEAF_OLD, MIDDLE, END}},
        {X509_V_ERR_CERT_NOT_YET_VALID, W, {LEAF_LATE, MIDDLE, END}},
        {X509_V_ERR_CERT_HAS_EXPIRED, "no.test", {LEAF_OLD, MIDDLE, END}},
        {X509_V_ERR_CERT_HAS_EXPIRED, W, {LEAF, MIDDLE_OLD, END}},
        {0, W, {LEAF, MIDDLE_OLD, MIDDLE, END}},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, W, {LEAF_SELF, END}},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "no.test", {LEAF_SELF_OLD, END}},
        {0, W, {LEAF_SELF_TRUSTED, END}},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, W, {LEAF, END}},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "no.test", {LEAF, END}},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, W, {LEAF_STRANGER, STRANGER, END}},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, W, {LEAF_STRANGER, END}},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, W, {LEAF_TRUSTED, END}},
        {-1, W, {LEAF_TRUSTED, MIDDLE_TRUSTED, STRANGER, END}},
        {0, W, {LEAF, ROOT, MIDDLE, END}},
        {-1, W, {MIDDLE, LEAF, ROOT, END}},
        {-1, W, {ROOT, MIDDLE, LEAF, END}},
        {0, W, {LEAF, LEAF_RSA, STRANGER, MIDDLE, LEAF_OLD, END}},
        {0, W, {LEAF, LEAF, MIDDLE, MIDDLE, END}},
        {-1, W, {LEAF_SELF, LEAF_SELF, END}},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, W, {LEAF, MIDDLE_CROSS, STRANGER, MIDDLE, END}},
        {-1, W, {LEAF, MIDDLE_CROSS, STRANGER, END}},
        {0, W, {LEAF, MIDDLE_RSA, END}},
        {0, W, {LEAF_ROOT, END}},
        {-1, W, {LEAF_TWIN, END}},
        {0, W, {LEAF_PLAIN, MIDDLE, END}},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, W, {LEAF_PLAIN, MIDDLE_FALSE, END}},
        {0, W, {LEAF_PLAIN, MIDDLE_RSA, END}},
        {0, W, {LEAF_PLAIN, MIDDLE, MIDDLE_FALSE, END}},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, W, {LEAF_FALSE, END}},
        {-1, W, {LEAF_FALSE, FALSE_ROOT, END}},
        {0, W, {LEAF_AGAIN, MIDDLE, END}},
        {0, W, {LEAF_RSA, MIDDLE, END}},
        {0, W, {LEAF_BY_RSA, END}},
        {X509_V_ERR_EE_KEY_TOO_SMALL, W, {LEAF_SMALL, MIDDLE, END}},
        {0, W, {LEAF_PSS, MIDDLE, END}},
        {0, W, {LEAF_P384, MIDDLE, END}},
        {0, W, {LEAF_P521, MIDDLE, END}},
        {X509_V_ERR_EE_KEY_TOO_SMALL, W, {LEAF_P192, MIDDLE, END}},
        {0, W, {LEAF_K256, MIDDLE, END}},
        {0, W, {LEAF_ED25519, MIDDLE, END}},
        {0, W, {LEAF_ED448, MIDDLE, END}},
        {0, W, {LEAF_BY_ED, END}},
        {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, W, {LEAF_EXPLICIT, MIDDLE, END}},
        {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, W, {LEAF_UNDER_EXPLICIT, MIDDLE_EXPLICIT, END}},
        {X509_V_ERR_CA_KEY_TOO_SMALL, W, {LEAF_UNDER_WEAK, MIDDLE_WEAK, END}},
        {X509_V_ERR_CA_KEY_TOO_SMALL, W, {LEAF_UNDER_WEAK_ROOT, END}},
        {X509_V_ERR_CA_MD_TOO_WEAK, W, {LEAF_SHA1, END}},
        {X509_V_ERR_CA_MD_TOO_WEAK, W, {LEAF_MD5, END}},
        {X509_V_ERR_CA_MD_TOO_WEAK, "no.test", {LEAF_UNDER_SHA1, MIDDLE_SHA1, END}},
        {X509_V_ERR_INVALID_CA, W, {LEAF_UNDER_NO_CA, MIDDLE_NO_CA, END}},
        {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, W, {LEAF_UNDER_NO_SIGN, MIDDLE_NO_SIGN, END}},
        {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, W, {LEAF_UNDER_NO_SIGN_ROOT, END}},
        {-1, W, {LEAF_UNDER_BARE_ROOT, END}},
        {X509_V_ERR_CERT_HAS_EXPIRED, "no.test", {LEAF_UNDER_OLD_ROOT, END}},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, W, {LEAF_BELOW_SHORT, BELOW_SHORT, MIDDLE_SHORT, END}},
        {X509_V_ERR_PERMITTED_VIOLATION, "no.test", {LEAF_OUTSIDE, MIDDLE_NAMES, END}},
        {X509_V_ERR_INVALID_PURPOSE, W, {LEAF_UNDER_CLIENT, MIDDLE_CLIENT, END}},
        {X509_V_ERR_INVALID_PURPOSE, W, {LEAF_CLIENT, MIDDLE, END}},
        {0, W, {LEAF_IS_CA, MIDDLE, END}},
        {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, W, {LEAF_CRITICAL, MIDDLE, END}},
        {0, W, {LEAF_FULL, MIDDLE, END}},
        {0, W, {LEAF_SELF_ISSUED, MIDDLE, END}},
        {-1, W, {LEAF_SELF_ISSUED, END}},
        {-1, "no.test", {WEAK_ROOT, END}},
#undef W
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pki_lot lot = {0};
        for (size_t k = 0; rows[i].chain[k] != END; k++)
            pki_add(&lot, certificates[rows[i].chain[k]]);
        compare(&lot, rows[i].name, 0, rows[i].code);
        pki_lot_done(&lot);
    }
}

/* --- at random, from a seed --------------------------------------------------------------------------------------- */

static unsigned random_state = 20261121;

static unsigned random_below(unsigned bound)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 8) % bound;
}

static const char *random_name(void)
{
    static const char *const names[] = {"www.a.test", "b.test", "192.0.2.7", "a.wild.test", "x.b.test"};
    return names[random_below(sizeof names / sizeof names[0])];
}

static void chains_thrown_together(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct pki_lot lot = {0};
        size_t wanted = 1 + random_below(round % 10 == 0 ? PKI_MAX_LOT : 6);
        while (lot.count < wanted)
            pki_add(&lot, certificates[random_below(CERTIFICATE_COUNT)]);
        int64_t now_s = round % 3 == 0 ? 0 : pki_now() + (long)random_below(8 * PKI_DAY_S) - 4 * PKI_DAY_S;
        compare(&lot, random_name(), now_s, -1);
        pki_lot_done(&lot);
    }
}

/* The key's algorithm becomes one that nobody knows. */
static void make_unreadable(struct chain_der *der)
{
    static const uint8_t ec[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    uint8_t *at = memmem(der->bytes, der->length, ec, sizeof ec);
    assert_non_null(at);
    at[sizeof ec - 1] = 0x7f;
}

static void keys_that_nobody_reads(void **state)
{
    static const int leaves[] = {LEAF,          LEAF_OLD,         LEAF_ROOT,        LEAF_SELF,
                                 LEAF_STRANGER, LEAF_CLIENT,      LEAF_UNDER_NO_CA, LEAF_BELOW_SHORT,
                                 LEAF_OUTSIDE,  LEAF_UNDER_CLIENT};
    static const int above[] = {MIDDLE, MIDDLE_NO_CA, MIDDLE_SHORT, MIDDLE_CLIENT, STRANGER, END};
    static const char *const names[] = {"www.a.test", "b.test", "192.0.2.8"};
    (void)state;
    minds_what_is_said = true;
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        for (size_t j = 0; j < sizeof above / sizeof above[0]; j++)
            for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
                struct pki_lot lot = {0};
                pki_add(&lot, certificates[leaves[i]]);
                make_unreadable(&lot.der[0]);
                if (above[j] != END)
                    pki_add(&lot, certificates[above[j]]);
                compare(&lot, names[k], 0, X509_V_ERR_EE_KEY_TOO_SMALL);
                pki_lot_done(&lot);
            }
    minds_what_is_said = false;
}

static void chains_with_bytes_changed(void **state)
{
    (void)state;
    static const int leaves[] = {LEAF, LEAF_FULL, LEAF_RSA, LEAF_PSS, LEAF_ED25519, LEAF_EXPLICIT, LEAF_P192};
    unsigned unparsed = 0, rounds = 600;
    for (unsigned round = 0; round < rounds; round++) {
        struct pki_lot lot = {0};
        pki_add(&lot, certificates[leaves[random_below(sizeof leaves / sizeof leaves[0])]]);
        pki_add(&lot, certificates[MIDDLE]);
        struct chain_der *der = &lot.der[random_below(4) == 0];
        for (unsigned changes = 1 + random_below(3); changes > 0; changes--)
            ((uint8_t *)der->bytes)[random_below((unsigned)der->length)] ^= (uint8_t)(1u << random_below(8));
        if (random_below(20) == 0)
            der->length -= random_below(8);
        if (random_below(20) == 0)
            ((uint8_t *)der->bytes)[der->length++] = 0;
        bool malformed;
        struct chain *chain = chain_take(shared, lot.der, lot.count, &malformed);
        unparsed += chain == NULL;
        ERR_clear_error();
        chain_release(chain);
        compare(&lot, random_name(), 0, -1);
        pki_lot_done(&lot);
    }
    assert_in_range(unparsed, 1, rounds / 2); /* or most of this would have shown nothing */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_made_on_purpose),
        cmocka_unit_test(chains_thrown_together),
        cmocka_unit_test(keys_that_nobody_reads),
        cmocka_unit_test(chains_with_bytes_changed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

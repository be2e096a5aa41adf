#include "probe/aia.h"

#include "hello/certificate_facts.h"
#include "words/target.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { CERTIFICATES_MAX = 16, AUTHORITY_MAX = 300 };

static bool has_port(const char *authority)
{
    const char *bracket = strrchr(authority, ']');
    return strchr(bracket == NULL ? authority : bracket, ':') != NULL;
}

/* What a request line may hold: no blanks, no control bytes (RFC 9112, 3). */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

bool aia_parse(const char *url, struct arena *arena, struct endpoint *ret_endpoint, const char **ret_path)
{
    static const char scheme[] = "http://";
    char authority[AUTHORITY_MAX + 8];
    const char *why;
    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0 || !is_plain(url))
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t length = strcspn(host, "/?#");
    if (length == 0 || length > AUTHORITY_MAX || memchr(host, '@', length) != NULL)
        return false;
    (void)snprintf(authority, sizeof authority, "%.*s", (int)length, host);
    if (!has_port(authority))
        (void)snprintf(authority + length, sizeof authority - length, ":80");
    const char *path = host + length;
    const char *kept = arena_text(arena, path, strcspn(path, "#"));
    *ret_path = kept == NULL || kept[0] == '/' ? kept : "/";
    return kept != NULL && target_parse(authority, arena, ret_endpoint, &why);
}

/* --- what came ------------------------------------------------------------------------------------------------- */

static void take_pkcs7(const unsigned char *bytes, long length, STACK_OF(X509) * found)
{
    PKCS7 *pkcs7 = d2i_PKCS7(NULL, &bytes, length);
    STACK_OF(X509) *certificates =
        pkcs7 != NULL && PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign != NULL ? pkcs7->d.sign->cert : NULL;
    int count = certificates == NULL ? 0 : sk_X509_num(certificates);
    for (int i = 0; i < count && i < CERTIFICATES_MAX; i++)
        (void)X509_add_cert(found, sk_X509_value(certificates, i), X509_ADD_FLAG_UP_REF);
    PKCS7_free(pkcs7);
}

static void take_pem(const void *bytes, int length, STACK_OF(X509) * found)
{
    BIO *bio = BIO_new_mem_buf(bytes, length);
    X509 *one;
    for (int i = 0;
         bio != NULL && i < CERTIFICATES_MAX && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; i++)
        if (X509_add_cert(found, one, X509_ADD_FLAG_DEFAULT) != 1)
            X509_free(one);
    BIO_free(bio);
}

static void take_certificates(const void *bytes, size_t length, STACK_OF(X509) * found)
{
    const unsigned char *at = bytes;
    X509 *one = d2i_X509(NULL, &at, (long)length);
    if (one != NULL && X509_add_cert(found, one, X509_ADD_FLAG_DEFAULT) != 1)
        X509_free(one);
    if (sk_X509_num(found) == 0)
        take_pkcs7(bytes, (long)length, found);
    if (sk_X509_num(found) == 0)
        take_pem(bytes, (int)length, found);
}

/* --- what it is worth -------------------------------------------------------------------------------------------- */

X509 *aia_certificate(const struct attempt *attempt, size_t index)
{
    const unsigned char *der = index < attempt->tls.chain_count ? attempt->tls.chain[index].der : NULL;
    return der == NULL ? NULL : d2i_X509(NULL, &der, (long)attempt->tls.chain[index].der_length);
}

/* The certificate that names the issuer to fetch. */
static X509 *child(const struct case_file *file)
{
    const struct attempt *source = issuer_next(file);
    if (source == NULL || source->tls.chain_count == 0)
        return NULL;
    return aia_certificate(source, source == file->attempts[0] ? issuer_top(&source->tls) : 0);
}

const char *aia_next_url(const struct case_file *file, struct arena *arena)
{
    struct evidence_leaf facts = {.common_name = "", .issuer_url = "", .ocsp_url = "", .crl_url = ""};
    X509 *below = child(file);
    bool read = below == NULL || certificate_leaf_facts(below, arena, &facts);
    X509_free(below);
    return read ? facts.issuer_url : NULL;
}

static bool signs(X509 *issuer, X509 *below)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return key != NULL && X509_check_issued(issuer, below) == X509_V_OK && X509_verify(below, key) == 1;
}

static X509 *signer_among(STACK_OF(X509) * candidates, X509 *below)
{
    int count = sk_X509_num(candidates);
    for (int i = 0; i < count; i++) {
        X509 *candidate = sk_X509_value(candidates, i);
        if (signs(candidate, below) && X509_up_ref(candidate) == 1)
            return candidate;
    }
    return NULL;
}

static void add(STACK_OF(X509) * others, X509 *one)
{
    if (one != NULL && X509_add_cert(others, one, X509_ADD_FLAG_DEFAULT) != 1)
        X509_free(one);
}

/* All that was sent above the leaf, and all that was fetched. */
static void add_known(const struct case_file *file, STACK_OF(X509) * others)
{
    for (size_t i = 1; i < file->attempts[0]->tls.chain_count; i++)
        add(others, aia_certificate(file->attempts[0], i));
    for (size_t i = 1; i < file->count; i++)
        if (file->attempts[i]->variant == VARIANT_ISSUER)
            add(others, aia_certificate(file->attempts[i], 0));
}

/* Does the chain end in a trusted root? Names and dates are other questions, which the handshake has answered. */
static bool verifies(X509 *leaf, STACK_OF(X509) * others, X509_STORE *store)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good =
        context != NULL && X509_STORE_CTX_init(context, store, leaf, others) == 1 &&
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME) == 1 &&
        X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    return good;
}

enum evidence_issuer aia_judge(const void *bytes, size_t length, const struct case_file *file,
                               X509_STORE *store, X509 **ret_issuer)
{
    enum evidence_issuer judged = ISSUER_MALFORMED;
    STACK_OF(X509) *fetched = sk_X509_new_null();
    X509 *leaf = aia_certificate(file->attempts[0], 0), *below = child(file);
    *ret_issuer = NULL;
    if (fetched != NULL && leaf != NULL && below != NULL && length > 0 && length <= AIA_MAX_BYTES)
        take_certificates(bytes, length, fetched);
    if (fetched != NULL && sk_X509_num(fetched) > 0) {
        *ret_issuer = signer_among(fetched, below);
        add_known(file, fetched);
        judged = *ret_issuer == NULL              ? ISSUER_OTHER
                 : verifies(leaf, fetched, store) ? ISSUER_COMPLETES
                                                  : ISSUER_SIGNS;
    }
    X509_free(leaf);
    X509_free(below);
    sk_X509_pop_free(fetched, X509_free);
    ERR_clear_error();
    return judged;
}

static X509 *trusted_issuer(X509 *leaf, X509_STORE *store)
{
    X509 *issuer = NULL;
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context != NULL && X509_STORE_CTX_init(context, store, leaf, NULL) == 1 &&
        X509_STORE_CTX_get1_issuer(&issuer, context, leaf) == 1 && !signs(issuer, leaf)) {
        X509_free(issuer);
        issuer = NULL;
    }
    X509_STORE_CTX_free(context);
    return issuer;
}

X509 *aia_issuer_of_leaf(const struct case_file *file, X509_STORE *store)
{
    X509 *issuer = NULL, *leaf = aia_certificate(file->attempts[0], 0);
    STACK_OF(X509) *known = sk_X509_new_null();
    if (leaf != NULL && known != NULL) {
        add_known(file, known);
        issuer = signer_among(known, leaf);
        if (issuer == NULL)
            issuer = trusted_issuer(leaf, store);
    }
    X509_free(leaf);
    sk_X509_pop_free(known, X509_free);
    ERR_clear_error();
    return issuer;
}

#include "probe/aia.h"

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

static X509 *kept_certificate(const struct attempt *about, size_t index)
{
    const struct chain_certificate *kept = &about->tls.chain[index];
    const unsigned char *der = kept->der;
    return der == NULL ? NULL : d2i_X509(NULL, &der, (long)kept->der_length);
}

static bool signs(X509 *issuer, X509 *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return key != NULL && X509_check_issued(issuer, leaf) == X509_V_OK && X509_verify(leaf, key) == 1;
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

static enum evidence_issuer judge(X509 *leaf, STACK_OF(X509) * fetched, const struct attempt *about,
                                  X509_STORE *store)
{
    bool signed_by_one = false;
    int count = sk_X509_num(fetched);
    for (int i = 0; i < count; i++)
        signed_by_one |= signs(sk_X509_value(fetched, i), leaf);
    for (size_t i = 1; i < about->tls.chain_count; i++) {
        X509 *sent = kept_certificate(about, i);
        if (sent != NULL && X509_add_cert(fetched, sent, X509_ADD_FLAG_DEFAULT) != 1)
            X509_free(sent);
    }
    if (!signed_by_one)
        return ISSUER_OTHER;
    return verifies(leaf, fetched, store) ? ISSUER_COMPLETES : ISSUER_SIGNS;
}

enum evidence_issuer aia_judge(const void *bytes, size_t length, const struct attempt *about,
                               X509_STORE *store)
{
    enum evidence_issuer judged = ISSUER_MALFORMED;
    STACK_OF(X509) *fetched = sk_X509_new_null();
    X509 *leaf = about->tls.chain_count == 0 ? NULL : kept_certificate(about, 0);
    if (fetched != NULL && leaf != NULL && length > 0 && length <= AIA_MAX_BYTES) {
        take_certificates(bytes, length, fetched);
        if (sk_X509_num(fetched) > 0)
            judged = judge(leaf, fetched, about, store);
    }
    X509_free(leaf);
    sk_X509_pop_free(fetched, X509_free);
    ERR_clear_error();
    return judged;
}

#include "probe/probe.h"

#include <openssl/ct.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

void certificates_verify_error(struct attempt *attempt, int code, int depth)
{
    struct evidence_tls *tls = &attempt->tls;
    struct verify_error error = {.code = code, .depth = depth < 0 ? 0 : (uint32_t)depth};
    for (size_t i = 0; i < tls->verify_error_count; i++)
        if (tls->verify_errors[i].code == error.code && tls->verify_errors[i].depth == error.depth)
            return;
    if (tls->verify_errors != NULL && tls->verify_error_count < EVIDENCE_MAX_VERIFY)
        tls->verify_errors[tls->verify_error_count++] = error;
}

static bool keep_der(X509 *certificate, struct arena *arena, struct chain_certificate *ret_kept)
{
    int length = i2d_X509(certificate, NULL);
    unsigned char *der = length <= 0 ? NULL : arena_take(arena, (size_t)length);
    unsigned char *at = der;
    if (der == NULL || i2d_X509(certificate, &at) != length)
        return false;
    *ret_kept = (struct chain_certificate){.der = der, .der_length = (size_t)length};
    return EVP_Digest(der, (size_t)length, ret_kept->sha256, NULL, EVP_sha256(), NULL) == 1;
}

static void keep_chain(STACK_OF(X509) * chain, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    int count = sk_X509_num(chain);
    int room = count < EVIDENCE_MAX_CHAIN ? count : EVIDENCE_MAX_CHAIN;
    tls->chain = arena_array(&attempt->arena, (size_t)room, sizeof *tls->chain);
    for (int i = 0; i < room && tls->chain != NULL; i++)
        if (keep_der(sk_X509_value(chain, i), &attempt->arena, &tls->chain[tls->chain_count]))
            tls->chain_count++;
    tls->chain_dropped = (uint32_t)count - (uint32_t)tls->chain_count;
    for (int i = 0; i + 1 < count; i++)
        tls->chain_out_of_order |= X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, i)),
                                                 X509_get_subject_name(sk_X509_value(chain, i + 1))) != 0;
}

static void keep_scts(X509 *leaf, struct evidence_tls *tls)
{
    STACK_OF(SCT) *scts = X509_get_ext_d2i(leaf, NID_ct_precert_scts, NULL, NULL);
    if (scts == NULL)
        return;
    tls->sct_count = (uint32_t)sk_SCT_num(scts);
    SCT_LIST_free(scts);
}

static enum evidence_staple staple_of(SSL *ssl)
{
    const unsigned char *bytes = NULL;
    long length = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
    if (length <= 0 || bytes == NULL)
        return STAPLE_ABSENT;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, length);
    if (response == NULL)
        return STAPLE_MALFORMED;
    OCSP_RESPONSE_free(response);
    return STAPLE_PRESENT;
}

static const char *name_text(const X509_NAME *name, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    /* RFC 2253 with control characters escaped and UTF-8 left as it is. */
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_get_mem_data(bio, &text);
    size_t kept_length = length < 0 ? 0 : length > EVIDENCE_TEXT_MAX ? EVIDENCE_TEXT_MAX : (size_t)length;
    const char *kept = arena_text(arena, text, kept_length);
    BIO_free(bio);
    return kept == NULL ? "" : kept;
}

static void keep_ca_names(SSL *ssl, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    const STACK_OF(X509_NAME) *names = tls->certificate_request ? SSL_get0_peer_CA_list(ssl) : NULL;
    int count = names == NULL ? 0 : sk_X509_NAME_num(names);
    if (count <= 0)
        return;
    if (count > EVIDENCE_MAX_CA_NAMES)
        count = EVIDENCE_MAX_CA_NAMES;
    tls->ca_names = arena_array(&attempt->arena, (size_t)count, sizeof *tls->ca_names);
    for (int i = 0; i < count && tls->ca_names != NULL; i++)
        tls->ca_names[tls->ca_name_count++] = name_text(sk_X509_NAME_value(names, i), &attempt->arena);
}

void certificates_keep(SSL *ssl, struct attempt *attempt)
{
    keep_ca_names(ssl, attempt);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    if (chain == NULL || sk_X509_num(chain) == 0)
        return;
    X509 *leaf = sk_X509_value(chain, 0);
    keep_chain(chain, attempt);
    keep_scts(leaf, &attempt->tls);
    attempt->tls.has_san = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
    if (attempt->clock.handshake_us != EVIDENCE_NEVER)
        attempt->tls.staple = staple_of(ssl);
}

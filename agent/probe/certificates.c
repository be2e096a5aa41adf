#include "hello/certificate_facts.h"
#include "probe/probe.h"
#include "probe/staple.h"

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

static void keep_chain(STACK_OF(X509) * chain, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    int count = sk_X509_num(chain);
    int room = count < EVIDENCE_MAX_CHAIN ? count : EVIDENCE_MAX_CHAIN;
    tls->chain = arena_array(&attempt->arena, (size_t)room, sizeof *tls->chain);
    for (int i = 0; i < room && tls->chain != NULL; i++)
        if (certificate_keep(sk_X509_value(chain, i), &attempt->arena, &tls->chain[tls->chain_count]))
            tls->chain_count++;
    tls->chain_dropped = (uint32_t)count - (uint32_t)tls->chain_count;
    for (int i = 0; i + 1 < count; i++)
        tls->chain_out_of_order |= X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, i)),
                                                 X509_get_subject_name(sk_X509_value(chain, i + 1))) != 0;
}

/* Who issued the leaf: among what was sent and what verification found. NULL when neither has it. */
static X509 *issuer_of(STACK_OF(X509) * sent, STACK_OF(X509) * verified, X509 *leaf)
{
    STACK_OF(X509) * places[] = {verified, sent};
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        int count = places[k] == NULL ? 0 : sk_X509_num(places[k]);
        for (int i = 0; i < count && i < EVIDENCE_MAX_CHAIN; i++)
            if (X509_check_issued(sk_X509_value(places[k], i), leaf) == X509_V_OK)
                return sk_X509_value(places[k], i);
    }
    return NULL;
}

void certificates_keep_staple(STACK_OF(X509) * sent, STACK_OF(X509) * verified, const unsigned char *staple,
                              long staple_length, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    X509 *leaf = sent == NULL ? NULL : sk_X509_value(sent, 0);
    if (leaf == NULL)
        return;
    if (attempt->clock.handshake_us != EVIDENCE_NEVER)
        staple_read(staple, staple_length, leaf, staple == NULL ? NULL : issuer_of(sent, verified, leaf),
                    tls);
    tls->sct_count = tls->sct_certificate + tls->sct_tls + tls->sct_staple;
}

void certificates_keep_ca_names(const STACK_OF(X509_NAME) * names, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    int count = names == NULL || !tls->certificate_request ? 0 : sk_X509_NAME_num(names);
    if (count <= 0)
        return;
    if (count > EVIDENCE_MAX_CA_NAMES)
        count = EVIDENCE_MAX_CA_NAMES;
    tls->ca_names = arena_array(&attempt->arena, (size_t)count, sizeof *tls->ca_names);
    for (int i = 0; i < count && tls->ca_names != NULL; i++)
        tls->ca_names[tls->ca_name_count++] =
            certificate_name_text(sk_X509_NAME_value(names, i), &attempt->arena);
}

void certificates_keep(STACK_OF(X509) * sent, struct attempt *attempt)
{
    X509 *leaf = sent == NULL ? NULL : sk_X509_value(sent, 0);
    if (leaf == NULL)
        return;
    keep_chain(sent, attempt);
    attempt->tls.sct_certificate = certificate_sct_count(leaf);
    (void)certificate_leaf_facts(leaf, &attempt->arena, &attempt->tls.leaf);
    attempt->tls.has_san = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
    if (certificate_names_abused(leaf))
        attempt->end.abuse = ABUSE_NAME;
}

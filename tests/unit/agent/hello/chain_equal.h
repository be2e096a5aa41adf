#ifndef PARALLAX_TEST_CHAIN_EQUAL_H
#define PARALLAX_TEST_CHAIN_EQUAL_H

#include "agent/hello/chain_law.h"
#include "hello/proof.h"

/* Set it where certificates are well formed: of others libcrypto says some things only the first time. */
static bool minds_what_is_said;

/* What the cache says of a chain against what libssl does, field by field. */

static inline void same_text(const char *ours, const char *law)
{
    assert_int_equal(ours == NULL, law == NULL);
    if (law != NULL)
        assert_string_equal(ours, law);
}

static inline void same_certificate(const struct chain_certificate *ours, const struct chain_certificate *law)
{
    assert_memory_equal(ours->sha256, law->sha256, sizeof law->sha256);
    assert_int_equal(ours->der_length, law->der_length);
    assert_memory_equal(ours->der, law->der, law->der_length);
    assert_int_equal(ours->parsed, law->parsed);
    same_text(ours->subject, law->subject);
    same_text(ours->issuer, law->issuer);
    assert_int_equal(ours->not_before_s, law->not_before_s);
    assert_int_equal(ours->not_after_s, law->not_after_s);
    same_text(ours->key_type, law->key_type);
    assert_int_equal(ours->key_bits, law->key_bits);
    same_text(ours->key_group, law->key_group);
    same_text(ours->signature_name, law->signature_name);
    assert_int_equal(ours->self_signed, law->self_signed);
    assert_int_equal(ours->ca, law->ca);
#define X(field, nid) assert_int_equal(ours->field, law->field);
    EVIDENCE_EXTENSIONS(X)
#undef X
}

static inline void same_leaf(const struct evidence_leaf *ours, const struct evidence_leaf *law)
{
    assert_int_equal(ours->name_count, law->name_count);
    for (size_t i = 0; i < law->name_count; i++)
        same_text(ours->names[i], law->names[i]);
    assert_int_equal(ours->names_dropped, law->names_dropped);
    assert_int_equal(ours->must_staple, law->must_staple);
    same_text(ours->common_name, law->common_name);
    same_text(ours->issuer_url, law->issuer_url);
    same_text(ours->ocsp_url, law->ocsp_url);
    same_text(ours->crl_url, law->crl_url);
}

static inline void same_attempt(const struct attempt *ours, const struct attempt *law)
{
    assert_int_equal(ours->tls.chain_count, law->tls.chain_count);
    for (size_t i = 0; i < law->tls.chain_count; i++)
        same_certificate(&ours->tls.chain[i], &law->tls.chain[i]);
    assert_int_equal(ours->tls.chain_dropped, law->tls.chain_dropped);
    assert_int_equal(ours->tls.chain_out_of_order, law->tls.chain_out_of_order);
    assert_int_equal(ours->tls.has_san, law->tls.has_san);
    assert_int_equal(ours->tls.sct_certificate, law->tls.sct_certificate);
    assert_int_equal(ours->end.abuse, law->end.abuse);
    same_leaf(&ours->tls.leaf, &law->tls.leaf);
}

static inline void same_stack(STACK_OF(X509) * ours, STACK_OF(X509) * law)
{
    int count = law == NULL ? 0 : sk_X509_num(law);
    assert_int_equal(ours == NULL ? 0 : sk_X509_num(ours), count);
    for (int i = 0; i < count; i++)
        assert_int_equal(X509_cmp(sk_X509_value(ours, i), sk_X509_value(law, i)), 0);
}

/* Also of what only signatures show: what a key of ours accepts. */
static inline void same_key(const struct chain *chain, SSL *ssl)
{
    EVP_PKEY *ours = chain_leaf_key(chain),
             *law = X509_get0_pubkey(sk_X509_value(SSL_get_peer_cert_chain(ssl), 0));
    ERR_clear_error();
    assert_int_equal(ours == NULL, law == NULL);
    if (law == NULL)
        return;
    assert_int_equal(EVP_PKEY_eq(ours, law), 1);
    assert_int_equal(EVP_PKEY_get_base_id(ours), EVP_PKEY_get_base_id(law));
    assert_string_equal(EVP_PKEY_get0_type_name(ours), EVP_PKEY_get0_type_name(law));
    assert_int_equal(EVP_PKEY_get_bits(ours), EVP_PKEY_get_bits(law));
    assert_int_equal(EVP_PKEY_get_security_bits(ours), EVP_PKEY_get_security_bits(law));
    assert_int_equal(EVP_PKEY_missing_parameters(ours), EVP_PKEY_missing_parameters(law));
}

static inline void same_verdict(struct chain *chain, const char *name, int64_t now_s, const struct law *law)
{
    struct chain_verdict verdict;
    memset(&verdict, 0x5a, sizeof verdict);
    assert_true(chain_verify(chain, name, now_s, &verdict));
    assert_int_equal(verdict.count, law->attempt->tls.verify_error_count);
    for (size_t i = 0; i < verdict.count; i++) {
        assert_int_equal(verdict.errors[i].code, law->attempt->tls.verify_errors[i].code);
        assert_int_equal(verdict.errors[i].depth, law->attempt->tls.verify_errors[i].depth);
    }
    assert_int_equal(chain_leaf_key(chain) == NULL, law->gave_up);
    assert_int_equal(verdict.gave_up != X509_V_OK, law->gave_up);
    if (law->gave_up)
        assert_int_equal(proof_alert(verdict.gave_up), law->alert);
    if (minds_what_is_said)
        assert_int_equal(verdict.said_count, law->said_count);
    for (size_t i = 0; minds_what_is_said && i < law->said_count; i++)
        assert_int_equal(verdict.said[i], law->said[i]);
    same_stack(chain_verified(chain), SSL_get0_verified_chain(law->ssl));
}

/* One look through a cache. */
static inline void same_through(struct chain_cache *cache, const struct pki_lot *lot, const char *name,
                                int64_t now_s, const struct law *law)
{
    bool malformed = false;
    struct chain *chain = chain_take(cache, lot->der, lot->count, &malformed);
    assert_int_equal(malformed, law->unparsed || law->length_mismatch);
    assert_int_equal(chain == NULL, malformed);
    assert_int_equal(ERR_peek_error() != 0, law->unparsed);
    ERR_clear_error();
    if (chain == NULL)
        return;
    struct attempt *attempt = attempt_new();
    same_verdict(chain, name, now_s != 0 ? now_s : (int64_t)time(NULL), law);
    assert_int_equal(ERR_peek_error(), 0);
    assert_true(chain_keep(chain, attempt));
    same_attempt(attempt, law->attempt);
    same_stack(chain_sent(chain), SSL_get_peer_cert_chain(law->ssl));
    same_key(chain, law->ssl);
    attempt_free(attempt);
    chain_release(chain);
}

#endif

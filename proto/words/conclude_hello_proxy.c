#include "words/conclude_hello.h"
#include "words/ladder.h"

#include <openssl/x509_vfy.h>
#include <string.h>

/*
 * A proxy that ends TLS in the server's place makes a certificate for whatever name it is asked for. So it gives itself away
 * by the control: nobody but the owner of example.com has a certificate for that, and the same unknown issuer signed it.
 */

static bool is_untrusted(enum outcome_class class)
{
    return class == OUTCOME_CERT_UNTRUSTED || class == OUTCOME_CERT_SELF_SIGNED ||
           class == OUTCOME_CERT_NO_ISSUER;
}

static bool covers_name(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->tls.verify_error_count; i++) {
        if (attempt->tls.verify_errors[i].code == X509_V_ERR_HOSTNAME_MISMATCH)
            return false;
    }
    return true;
}

bool conclude_hello_intercepted(const struct case_file *file, struct arena *arena,
                                struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0], *control = case_variant(file, VARIANT_CONTROL_SNI);
    if (!is_untrusted(file->outcomes[0].class) || control == NULL || first->tls.chain_count == 0 ||
        control->tls.chain_count == 0 || strcmp(control->tls.sni, LADDER_CONTROL_SNI) != 0)
        return false;
    const struct chain_certificate *mine = &first->tls.chain[0], *other = &control->tls.chain[0];
    bool minted = mine->parsed && other->parsed && mine->issuer[0] != '\0' &&
                  strcmp(mine->issuer, other->issuer) == 0 &&
                  memcmp(mine->sha256, other->sha256, sizeof mine->sha256) != 0;
    if (!minted || !covers_name(control))
        return false;
    conclusion->cause = CAUSE_HELLO_INTERCEPTED;
    conclusion_rule_out(conclusion, CAUSE_CERT_MISSING_INTERMEDIATE, VARIANT_CONTROL_SNI);
    return conclusion_fact(conclusion, arena, "issuer", "%s", mine->issuer);
}

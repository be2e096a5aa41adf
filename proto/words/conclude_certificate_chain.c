#include "words/conclude_certificate.h"

#include "words/issuer.h"

#include <openssl/x509_vfy.h>
#include <string.h>
#include <strings.h>

/*
 * A chain that does not end at a trusted root. Three look-alikes share "unable to get local issuer certificate":
 *
 *   leaf -> (nothing)                    the server keeps the intermediate to itself; or the leaf comes straight from a
 *                                        private root, which then calls itself a root or is fetched and turns out to be one
 *   leaf -> intermediate -> (nothing)    the chain is whole, its root is not trusted here (a root is not to be sent)
 *   leaf, other intermediate             as the first: what was sent does not belong
 *   leaf, intermediate of that name      which did not sign it: the error is raised at the leaf all the same
 *
 * So the chain is walked by names, from the leaf up, through what was sent.
 */

static bool issuer_unknown(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY) ||
           cert_raised(file, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT) ||
           cert_raised(file, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
}

/*
 * What came of fetching the issuers that the chain names, when that was done. One that signed, and names an issuer of its own
 * that was not fetched (a loop, too many hops), leaves open where the way leads: as good as failed.
 */
static enum evidence_issuer fetched_issuer(const struct case_file *file)
{
    const struct attempt *last = issuer_last(file, NULL);
    if (last == NULL)
        return ISSUER_NOT_FETCHED;
    bool open = last->tls.issuer == ISSUER_SIGNS && last->tls.chain_count > 0 &&
                !last->tls.chain[0].self_signed && last->tls.leaf.issuer_url[0] != '\0';
    return open ? ISSUER_FAILED : last->tls.issuer;
}

static bool calls_itself_root(const char *name)
{
    for (; *name != '\0'; name++) {
        if (strncasecmp(name, "root", strlen("root")) == 0)
            return true;
    }
    return false;
}

/* Does the issuer of a lone leaf seem to be a root, so that there is no intermediate to send? */
static bool leaf_of_a_root(const struct case_file *file)
{
    const struct chain_certificate *leaf = cert_leaf(file);
    bool says_where = leaf->aia == PRESENCE_PRESENT && cert_tls(file)->leaf.issuer_url[0] != '\0';
    return fetched_issuer(file) == ISSUER_SIGNS || (!says_where && calls_itself_root(leaf->issuer));
}

bool cert_self_signed(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

/* The certificate that is named as the leaf's issuer came, and the verification would not have it. */
static const struct chain_certificate *namesake(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    if (cert_leaf(file) == NULL || tls->chain[0].self_signed ||
        !cert_raised_at(file, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0))
        return NULL;
    int issuer = issuer_named(tls, 0);
    return issuer < 0 || tls->chain[issuer].self_signed ? NULL : &tls->chain[issuer];
}

bool cert_wrong_issuer(const struct case_file *file)
{
    return namesake(file) != NULL;
}

bool cert_tell_wrong_issuer(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    conclusion_rule_out(conclusion, CAUSE_CERT_UNTRUSTED_ROOT, VARIANT_NORMAL);
    return conclusion_fact(conclusion, arena, "subject", "%s", namesake(file)->subject);
}

bool cert_untrusted_root(const struct case_file *file)
{
    if (cert_raised(file, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN))
        return true;
    if (!issuer_unknown(file) || cert_self_signed(file) || cert_wrong_issuer(file) ||
        fetched_issuer(file) == ISSUER_COMPLETES)
        return false;
    if (cert_leaf(file) == NULL)
        return !cert_raised_at(file, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0);
    return issuer_top(cert_tls(file)) != 0 || leaf_of_a_root(file);
}

/* The name at the end of the way up: of what was fetched, when that went on from what was sent. */
static const char *root_name(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    const struct attempt *last = issuer_last(file, NULL);
    bool fetched = last != NULL && last->tls.issuer == ISSUER_SIGNS && last->tls.chain_count > 0;
    return fetched ? last->tls.chain[0].issuer : tls->chain[issuer_top(tls)].issuer;
}

bool cert_tell_untrusted(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    if (cert_leaf(file) == NULL)
        return true;
    if (issuer_top(cert_tls(file)) != 0)
        conclusion_rule_out(conclusion, CAUSE_CERT_MISSING_INTERMEDIATE, VARIANT_NORMAL);
    return conclusion_fact(conclusion, arena, "root", "%s", root_name(file)) &&
           conclusion_fact(conclusion, arena, "chain", "%zu", cert_tls(file)->chain_count);
}

bool cert_missing_intermediate(const struct case_file *file)
{
    return issuer_unknown(file) && !cert_self_signed(file) && !cert_untrusted_root(file) &&
           !cert_wrong_issuer(file);
}

bool cert_tell_missing(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct chain_certificate *leaf = cert_leaf(file);
    const char *url = cert_tls(file)->leaf.issuer_url;
    size_t hops;
    (void)issuer_last(file, &hops);
    if (fetched_issuer(file) == ISSUER_COMPLETES) {
        conclusion->certainty = CERTAINTY_CONFIRMED;
        conclusion_rule_out(conclusion, CAUSE_CERT_UNTRUSTED_ROOT, VARIANT_ISSUER);
        if (!conclusion_fact(conclusion, arena, "missing", "%zu", hops))
            return false;
    }
    return conclusion_fact(conclusion, arena, "chain", "%zu", cert_tls(file)->chain_count) &&
           (leaf == NULL || conclusion_fact(conclusion, arena, "issuer", "%s", leaf->issuer)) &&
           (url[0] == '\0' || conclusion_fact(conclusion, arena, "issuer_url", "%s", url));
}

/* A root at the end is a waste that some servers' guides recommend; anywhere else it breaks the order. */
static bool sends_root(const struct evidence_tls *tls)
{
    for (size_t i = 1; i < tls->chain_count; i++) {
        if (tls->chain[i].parsed && tls->chain[i].self_signed)
            return true;
    }
    return false;
}

bool cert_disordered(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    return tls->chain_count > 1 && (tls->chain_out_of_order || sends_root(tls));
}

bool cert_tell_order(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct evidence_tls *tls = cert_tls(file);
    return conclusion_fact(conclusion, arena, "order", "%s",
                           tls->chain_out_of_order ? "disordered" : "root sent");
}

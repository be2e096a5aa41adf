#include "hello/algorithms.h"
#include "hello/certificate_facts.h"
#include "hello/chain_parts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/*
 * X509_verify_cert with what libssl sets for a client of security level 2, and two differences that cannot be seen from outside:
 *
 * 1. No name is asked for. The name's error is put where X509_verify_cert would have reported it: after the checks of extensions
 *    and key sizes, before those of signatures and times. So a verdict serves every name.
 * 2. The last step, signatures and times (RFC 5280, 6.1.3 (a)), is written out here, so that a signature known to be good is not
 *    verified again. The signature of a certificate is its own affair: it depends on no trust store and no time.
 */

enum { SECURITY_LEVEL = 2 };

static const unsigned NAME_FLAGS = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

/* --- errors ------------------------------------------------------------------------------------------------------ */

struct run {
    struct chain *chain;
    time_t now;
    struct chain_verdict verdict;
    size_t before_name;
    bool name_passed; /* the place of the name's check is behind us */
};

static void note(struct run *run, int code, int depth)
{
    struct chain_verdict *verdict = &run->verdict;
    struct verify_error error = {.code = code, .depth = depth < 0 ? 0 : (uint32_t)depth};
    for (size_t i = 0; i < verdict->count; i++)
        if (verdict->errors[i].code == error.code && verdict->errors[i].depth == error.depth)
            return;
    if (verdict->count < EVIDENCE_MAX_VERIFY)
        verdict->errors[verdict->count++] = error;
}

static int on_error(int verified, X509_STORE_CTX *context)
{
    if (!verified)
        note(X509_STORE_CTX_get_app_data(context), X509_STORE_CTX_get_error(context),
             X509_STORE_CTX_get_error_depth(context));
    return 1;
}

/* --- signatures and times ---------------------------------------------------------------------------------------- */

static struct certificate *certificate_of(struct chain *chain, const X509 *x509)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->certificates[i]->x509 == x509)
            return chain->certificates[i];
    return NULL;
}

static bool signed_by(struct run *run, X509 *subject, X509 *issuer, EVP_PKEY *key)
{
    struct certificate *known = certificate_of(run->chain, subject);
    if (known != NULL && known->signer == issuer)
        return true;
    if (X509_verify(subject, key) <= 0)
        return false;
    if (known != NULL && X509_up_ref(issuer) == 1) {
        X509_free(known->signer);
        known->signer = issuer;
    }
    return true;
}

static void check_signature(struct run *run, X509 *subject, X509 *issuer, int depth)
{
    /* They were put together because the names and key identifiers fit: what is left is the issuer's key usage. */
    int forbidden = X509_check_issued(issuer, subject);
    if (forbidden != X509_V_OK)
        note(run, forbidden, depth + 1);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (key == NULL)
        note(run, X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, depth + 1);
    else if (!signed_by(run, subject, issuer, key))
        note(run, X509_V_ERR_CERT_SIGNATURE_FAILURE, depth);
}

static void check_time(struct run *run, X509 *x509, int depth)
{
    int begins = X509_cmp_time(X509_get0_notBefore(x509), &run->now);
    if (begins == 0)
        note(run, X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, depth);
    if (begins > 0)
        note(run, X509_V_ERR_CERT_NOT_YET_VALID, depth);
    int ends = X509_cmp_time(X509_get0_notAfter(x509), &run->now);
    if (ends == 0)
        note(run, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, depth);
    if (ends < 0)
        note(run, X509_V_ERR_CERT_HAS_EXPIRED, depth);
}

/* Is it its own issuer, whatever its key may be used for? */
static bool self_issued(X509 *x509)
{
    int why_not = X509_check_issued(x509, x509);
    return why_not == X509_V_OK || why_not == X509_V_ERR_KEYUSAGE_NO_CERTSIGN ||
           why_not == X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE;
}

/* In place of OpenSSL's own last step: from the top down. */
static int check_signatures(X509_STORE_CTX *context)
{
    struct run *run = X509_STORE_CTX_get_app_data(context);
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
    int depth = sk_X509_num(path) - 1;
    X509 *issuer = sk_X509_value(path, depth);
    run->before_name = run->verdict.count;
    run->name_passed = true;
    if (!self_issued(issuer) && --depth < 0) {
        note(run, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0);
        depth = 0;
    }
    for (; depth >= 0; depth--) {
        X509 *subject = sk_X509_value(path, depth);
        if (subject != issuer)
            check_signature(run, subject, issuer, depth);
        check_time(run, subject, depth);
        issuer = subject;
    }
    return 1;
}

/* --- how long it holds ------------------------------------------------------------------------------------------- */

static void narrow(struct chain_judgement *judgement, int64_t now_s, int64_t moment_s)
{
    if (moment_s <= now_s && moment_s > judgement->from_s)
        judgement->from_s = moment_s;
    if (moment_s > now_s && moment_s < judgement->until_s)
        judgement->until_s = moment_s;
}

/* The moments of the whole store, as a certificate of it that is not in the path may take the place of one that is. */
static bool read_moments(struct chain_cache *cache)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(cache->store);
    size_t count =
        objects == NULL || sk_X509_OBJECT_num(objects) < 0 ? 0 : (size_t)sk_X509_OBJECT_num(objects);
    /* A store that reads its folder when asked grows by the way. */
    if (cache->moments_generation == cache->generation && cache->moment_count == 2 * count)
        return true;
    int64_t *moments = calloc(count + 1, 2 * sizeof *moments);
    if (moments == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, (int)i));
        moments[2 * i] = x509 == NULL ? 0 : certificate_time_s(X509_get0_notBefore(x509));
        moments[2 * i + 1] = x509 == NULL ? 0 : certificate_time_s(X509_get0_notAfter(x509));
    }
    free(cache->moments);
    cache->moments = moments;
    cache->moment_count = 2 * count;
    cache->moments_generation = cache->generation;
    return true;
}

static bool bound(const struct chain *chain, int64_t now_s, struct chain_judgement *judgement)
{
    struct chain_cache *cache = chain->cache;
    judgement->from_s = INT64_MIN;
    judgement->until_s = INT64_MAX;
    if (!read_moments(cache))
        return false;
    for (size_t i = 0; i < cache->moment_count; i++)
        narrow(judgement, now_s, cache->moments[i]);
    for (size_t i = 0; i < chain->count; i++) {
        narrow(judgement, now_s, chain->certificates[i]->not_before_s);
        narrow(judgement, now_s, chain->certificates[i]->not_after_s);
    }
    return true;
}

/* --- the verdict ------------------------------------------------------------------------------------------------- */

static bool prepare(X509_STORE_CTX *context, struct run *run)
{
    const struct chain *chain = run->chain;
    if (X509_STORE_CTX_init(context, chain->cache->store, sk_X509_value(chain->sent, 0), chain->sent) != 1 ||
        X509_STORE_CTX_set_app_data(context, run) != 1 ||
        X509_STORE_CTX_set_default(context, "ssl_server") != 1)
        return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_hostflags(param, NAME_FLAGS);
    X509_VERIFY_PARAM_set_time(param, run->now);
    X509_STORE_CTX_set_verify_cb(context, on_error);
    X509_STORE_CTX_set_verify(context, check_signatures);
    return true;
}

static void keep_said(struct chain_verdict *verdict)
{
    for (unsigned long error; (error = ERR_get_error()) != 0;)
        if (verdict->said_count < CHAIN_MAX_SAID)
            verdict->said[verdict->said_count++] = error;
}

/* @return false without memory. */
static bool run_once(X509_STORE_CTX *context, struct run *run, struct chain_judgement *ret_judgement)
{
    /* What it has to say of certificates it says to on_error. */
    if (X509_verify_cert(context) <= 0) {
        run->verdict.gave_up = X509_STORE_CTX_get_error(context);
        ret_judgement->no_path =
            ERR_GET_REASON(ERR_peek_last_error()) != X509_R_UNABLE_TO_GET_CERTS_PUBLIC_KEY;
        keep_said(&run->verdict);
    }
    /* What it did not find may be there. */
    if (X509_STORE_CTX_get_error(context) == X509_V_ERR_OUT_OF_MEM || tls_lacks_memory())
        return false;
    ret_judgement->verdict = run->verdict;
    /* It gives up for a key that it cannot read, which it notices right after the name. */
    ret_judgement->before_name = run->name_passed ? run->before_name : run->verdict.count;
    ret_judgement->verified = X509_STORE_CTX_get1_chain(context);
    return ret_judgement->verified != NULL;
}

static bool judge(struct chain *chain, int64_t now_s)
{
    struct run run = {.chain = chain, .now = (time_t)now_s};
    struct chain_judgement made = {.generation = chain->cache->generation};
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    ERR_set_mark();
    bool judged = context != NULL && prepare(context, &run) && run_once(context, &run, &made) &&
                  bound(chain, now_s, &made);
    ERR_pop_to_mark();
    X509_STORE_CTX_free(context);
    STACK_OF(X509) *old = judged ? chain->judgement.verified : made.verified;
    sk_X509_pop_free(old, X509_free);
    if (judged) {
        chain->cache->counts.verdicts_again += chain->judgement.generation != 0;
        chain->judgement = made;
    }
    return judged;
}

static bool holds(const struct chain *chain, int64_t now_s)
{
    const struct chain_judgement *judgement = &chain->judgement;
    return judgement->generation == chain->cache->generation && now_s >= judgement->from_s &&
           now_s < judgement->until_s;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static int32_t compare_name(X509 *leaf, const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name); /* as SSL_set1_host knows an address */
    if (address == NULL)
        return X509_check_host(leaf, name, 0, NAME_FLAGS, NULL) == 1 ? X509_V_OK
                                                                     : X509_V_ERR_HOSTNAME_MISMATCH;
    size_t length = (size_t)ASN1_STRING_length(address);
    int fits = X509_check_ip(leaf, ASN1_STRING_get0_data(address), length, 0);
    ASN1_OCTET_STRING_free(address);
    return fits == 1 ? X509_V_OK : X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* @return NULL without memory. */
static const struct chain_name *name_of(struct chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->name_count; i++)
        if (strcmp(chain->names[i].name, name) == 0)
            return &chain->names[i];
    char *copy = strdup(name);
    if (copy == NULL)
        return NULL;
    struct chain_name *place = &chain->names[chain->name_next];
    chain->name_next = (chain->name_next + 1) % CHAIN_MAX_NAMES;
    if (chain->name_count < CHAIN_MAX_NAMES)
        chain->name_count++;
    free(place->name);
    ERR_set_mark();
    *place = (struct chain_name){.name = copy, .error = compare_name(chain_leaf(chain), name)};
    ERR_pop_to_mark();
    chain->cache->counts.names_missed++;
    return place;
}

static void add_name(const struct chain_judgement *judgement, int32_t error, struct chain_verdict *verdict)
{
    size_t at = judgement->before_name;
    if (at >= EVIDENCE_MAX_VERIFY)
        return;
    if (verdict->count == EVIDENCE_MAX_VERIFY)
        verdict->count--;
    memmove(&verdict->errors[at + 1], &verdict->errors[at],
            (verdict->count - at) * sizeof verdict->errors[0]);
    verdict->errors[at] = (struct verify_error){.code = error};
    verdict->count++;
}

static void judge_name(const struct chain_judgement *judgement, int32_t error, struct chain_verdict *verdict)
{
    if (error == X509_V_OK || judgement->no_path)
        return;
    add_name(judgement, error, verdict);
    if (verdict->gave_up != X509_V_OK)
        verdict->gave_up = error;
}

bool chain_verify(struct chain *chain, const char *name, int64_t now_s, struct chain_verdict *ret_verdict)
{
    if (!holds(chain, now_s) && !judge(chain, now_s))
        return false;
    const struct chain_name *known = name == NULL ? NULL : name_of(chain, name);
    if (known == NULL && name != NULL)
        return false;
    *ret_verdict = chain->judgement.verdict;
    judge_name(&chain->judgement, known == NULL ? X509_V_OK : known->error, ret_verdict);
    return true;
}

STACK_OF(X509) * chain_verified(const struct chain *chain)
{
    return chain->judgement.verified;
}

void chain_forget(struct chain *chain)
{
    for (size_t i = 0; i < chain->name_count; i++)
        free(chain->names[i].name);
    sk_X509_pop_free(chain->judgement.verified, X509_free);
}

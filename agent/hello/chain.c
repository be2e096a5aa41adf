#include "hello/certificate_facts.h"
#include "hello/chain_parts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* --- the cache: a hash table, and a list from the newest to the oldest -------------------------------------------- */

struct chain_cache *chain_cache_new(const struct chain_cache_options *options)
{
    struct chain_cache *cache = calloc(1, sizeof *cache);
    size_t buckets = 16;
    if (cache == NULL)
        return NULL;
    while (buckets < options->max_chains && buckets < 1 << 16)
        buckets *= 2;
    cache->references = 1;
    cache->generation = 1;
    cache->max_chains = options->max_chains;
    cache->max_bytes = options->max_bytes;
    cache->mask = buckets - 1;
    cache->buckets = calloc(buckets, sizeof *cache->buckets);
    if (cache->buckets != NULL && certificate_table_init(&cache->certificates, 2 * buckets) &&
        X509_STORE_up_ref(options->store) == 1) {
        cache->store = options->store;
        return cache;
    }
    chain_cache_free(cache);
    return NULL;
}

static void cache_release(struct chain_cache *cache)
{
    if (--cache->references > 0)
        return;
    certificate_table_done(&cache->certificates);
    X509_STORE_free(cache->store);
    free(cache->moments);
    free(cache->buckets);
    free(cache);
}

static struct chain **place_of(struct chain_cache *cache, const uint8_t sha256[32])
{
    size_t hash;
    memcpy(&hash, sha256, sizeof hash);
    struct chain **at = &cache->buckets[hash & cache->mask];
    while (*at != NULL && memcmp((*at)->sha256, sha256, 32) != 0)
        at = &(*at)->bucket_next;
    return at;
}

static void unlink_chain(struct chain *chain)
{
    struct chain_cache *cache = chain->cache;
    *(chain->newer != NULL ? &chain->newer->older : &cache->newest) = chain->older;
    *(chain->older != NULL ? &chain->older->newer : &cache->oldest) = chain->newer;
}

static void link_newest(struct chain *chain)
{
    struct chain_cache *cache = chain->cache;
    chain->newer = NULL;
    chain->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = chain;
    cache->newest = chain;
}

static void drop_oldest(struct chain_cache *cache)
{
    struct chain *chain = cache->oldest;
    unlink_chain(chain);
    *place_of(cache, chain->sha256) = chain->bucket_next;
    cache->chains--;
    cache->bytes -= chain->bytes;
    chain_release(chain);
}

static void keep(struct chain *chain, const uint8_t sha256[32])
{
    struct chain_cache *cache = chain->cache;
    memcpy(chain->sha256, sha256, 32);
    if (cache->max_chains == 0 || chain->bytes > cache->max_bytes)
        return;
    while (cache->chains >= cache->max_chains || cache->bytes > cache->max_bytes - chain->bytes)
        drop_oldest(cache);
    *place_of(cache, sha256) = chain;
    link_newest(chain);
    chain->references++;
    cache->chains++;
    cache->bytes += chain->bytes;
}

void chain_cache_free(struct chain_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->oldest != NULL)
        drop_oldest(cache);
    cache_release(cache);
}

void chain_cache_distrust(struct chain_cache *cache, X509_STORE *store)
{
    if (store != cache->store && X509_STORE_up_ref(store) == 1) {
        X509_STORE_free(cache->store);
        cache->store = store;
    }
    cache->generation++;
}

void chain_cache_counts(const struct chain_cache *cache, struct chain_cache_counts *ret_counts)
{
    *ret_counts = cache->counts;
}

/* --- chains ------------------------------------------------------------------------------------------------------- */

static void chain_free(struct chain *chain)
{
    chain_forget(chain);
    for (size_t i = 0; i < chain->count; i++)
        certificate_release(&chain->cache->certificates, chain->certificates[i]);
    free(chain->certificates);
    sk_X509_free(chain->sent);
    arena_done(&chain->arena);
    cache_release(chain->cache);
    free(chain);
}

void chain_release(struct chain *chain)
{
    if (chain != NULL && --chain->references == 0)
        chain_free(chain);
}

static bool describe(struct chain *chain)
{
    X509 *leaf = chain_leaf(chain);
    chain->leaf = (struct evidence_leaf){.common_name = "", .issuer_url = "", .ocsp_url = "", .crl_url = ""};
    (void)certificate_leaf_facts(leaf, &chain->arena, &chain->leaf);
    chain->sct_count = certificate_sct_count(leaf);
    chain->has_san = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
    chain->names_abused = certificate_names_abused(leaf);
    for (int i = 0; i + 1 < sk_X509_num(chain->sent); i++)
        chain->out_of_order |= X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain->sent, i)),
                                             X509_get_subject_name(sk_X509_value(chain->sent, i + 1))) != 0;
    return chain->leaf.names != NULL;
}

static bool fill(struct chain *chain, const struct chain_der *certificates, size_t count, bool *ret_malformed)
{
    chain->certificates = calloc(count, sizeof(struct certificate *));
    chain->sent = sk_X509_new_reserve(NULL, (int)count);
    if (chain->certificates == NULL || chain->sent == NULL)
        return false;
    while (chain->count < count) {
        const struct chain_der *der = &certificates[chain->count];
        struct certificate *taken =
            certificate_take(&chain->cache->certificates, der->bytes, der->length, ret_malformed);
        if (taken == NULL)
            return false;
        chain->certificates[chain->count++] = taken;
        chain->bytes += der->length;
        if (sk_X509_push(chain->sent, taken->x509) <= 0)
            return false;
    }
    ERR_set_mark();
    bool described = describe(chain);
    ERR_pop_to_mark();
    return described;
}

static struct chain *chain_new(struct chain_cache *cache, const struct chain_der *certificates, size_t count,
                               bool *ret_malformed)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (chain == NULL)
        return NULL;
    chain->references = 1;
    chain->cache = cache;
    cache->references++;
    arena_init(&chain->arena, EVIDENCE_ARENA_BYTES);
    if (count > 0 && count <= INT16_MAX && fill(chain, certificates, count, ret_malformed))
        return chain;
    chain_free(chain);
    return NULL;
}

static bool hash_chain(struct certificate_table *table, const struct chain_der *certificates, size_t count,
                       uint8_t ret_sha256[32])
{
    bool good = EVP_DigestInit_ex(table->digest, table->sha256, NULL) == 1;
    for (size_t i = 0; i < count && good; i++) {
        uint64_t length = certificates[i].length;
        good = EVP_DigestUpdate(table->digest, &length, sizeof length) == 1 &&
               EVP_DigestUpdate(table->digest, certificates[i].bytes, certificates[i].length) == 1;
    }
    return good && EVP_DigestFinal_ex(table->digest, ret_sha256, NULL) == 1;
}

struct chain *chain_take(struct chain_cache *cache, const struct chain_der *certificates, size_t count,
                         bool *ret_malformed)
{
    uint8_t sha256[32];
    *ret_malformed = false;
    if (!hash_chain(&cache->certificates, certificates, count, sha256))
        return NULL;
    struct chain *chain = *place_of(cache, sha256);
    if (chain != NULL) {
        cache->counts.chains_hit++;
        chain->references++;
        unlink_chain(chain);
        link_newest(chain);
        return chain;
    }
    cache->counts.chains_missed++;
    chain = chain_new(cache, certificates, count, ret_malformed);
    if (chain != NULL)
        keep(chain, sha256);
    return chain;
}

EVP_PKEY *chain_leaf_key(const struct chain *chain)
{
    ERR_set_mark();
    EVP_PKEY *key = X509_get0_pubkey(chain_leaf(chain));
    ERR_pop_to_mark();
    return key;
}

X509 *chain_leaf(const struct chain *chain)
{
    return sk_X509_value(chain->sent, 0);
}

STACK_OF(X509) * chain_sent(const struct chain *chain)
{
    return chain->sent;
}

/* --- into an attempt ---------------------------------------------------------------------------------------------- */

/* "" when the arena is at its bound. */
static const char *copy_text(struct arena *arena, const char *text)
{
    const char *copy = text[0] == '\0' ? "" : arena_string(arena, text);
    return copy == NULL ? "" : copy;
}

static bool copy_certificate(const struct certificate *from, struct arena *arena,
                             struct chain_certificate *ret_copy)
{
    const struct chain_certificate *facts = &from->facts;
    uint8_t *der = from->described ? arena_take(arena, facts->der_length) : NULL;
    if (der == NULL)
        return false;
    memcpy(der, facts->der, facts->der_length);
    *ret_copy = *facts;
    ret_copy->der = der;
    ret_copy->subject = copy_text(arena, facts->subject);
    ret_copy->issuer = copy_text(arena, facts->issuer);
    ret_copy->key_type = copy_text(arena, facts->key_type);
    ret_copy->key_group = copy_text(arena, facts->key_group);
    ret_copy->signature_name = copy_text(arena, facts->signature_name);
    ret_copy->parsed = arena->used_bytes < arena->max_bytes;
    return ret_copy->parsed;
}

static bool copy_leaf(const struct evidence_leaf *from, struct arena *arena, struct evidence_leaf *ret_copy)
{
    const char **names = arena_array(arena, from->name_count, sizeof *names);
    *ret_copy = *from;
    ret_copy->names = names;
    ret_copy->name_count = names == NULL ? 0 : from->name_count;
    for (size_t i = 0; i < ret_copy->name_count; i++)
        names[i] = copy_text(arena, from->names[i]);
    ret_copy->common_name = copy_text(arena, from->common_name);
    ret_copy->issuer_url = copy_text(arena, from->issuer_url);
    ret_copy->ocsp_url = copy_text(arena, from->ocsp_url);
    ret_copy->crl_url = copy_text(arena, from->crl_url);
    return names != NULL;
}

bool chain_keep(const struct chain *chain, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    struct arena *arena = &attempt->arena;
    size_t room = chain->count < EVIDENCE_MAX_CHAIN ? chain->count : EVIDENCE_MAX_CHAIN;
    tls->chain = arena_array(arena, room, sizeof *tls->chain);
    for (size_t i = 0; i < room && tls->chain != NULL; i++)
        if (copy_certificate(chain->certificates[i], arena, &tls->chain[tls->chain_count]))
            tls->chain_count++;
    tls->chain_dropped = (uint32_t)(chain->count - tls->chain_count);
    tls->chain_out_of_order |= chain->out_of_order;
    tls->sct_certificate = chain->sct_count;
    tls->has_san = chain->has_san;
    if (chain->names_abused)
        attempt->end.abuse = ABUSE_NAME;
    return copy_leaf(&chain->leaf, arena, &tls->leaf) && tls->chain != NULL;
}

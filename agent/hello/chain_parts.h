#ifndef PARALLAX_HELLO_CHAIN_PARTS_H
#define PARALLAX_HELLO_CHAIN_PARTS_H

#include "hello/certificate.h"
#include "hello/chain.h"

/* What chain.c and chain_verify.c share; for nobody else. */

enum { CHAIN_MAX_NAMES = 64 };

/* Whether the leaf covers a name. */
struct chain_name {
    char *name;
    int32_t error; /* X509_V_OK, or the X509_V_ERR_* of a name that it does not cover */
};

/* What X509_verify_cert makes of a chain when nobody asks for a name, from one moment to the next at which that may change. */
struct chain_judgement {
    uint64_t generation; /* of the trust store; 0: never judged */
    int64_t from_s;      /* the first second it holds in */
    int64_t until_s;     /* the first second it no longer holds in */
    STACK_OF(X509) * verified;
    struct chain_verdict verdict;
    bool no_path;       /* it gave up before it had one, and before the name's place */
    size_t before_name; /* how many errors come before that of the name */
};

struct chain {
    unsigned references; /* the cache's own is one */
    struct chain_cache *cache;
    uint8_t sha256[32];
    struct chain *bucket_next;
    struct chain *newer, *older;
    size_t bytes;
    size_t count;
    struct certificate **certificates;
    STACK_OF(X509) * sent; /* borrows them */
    struct chain_judgement judgement;
    size_t name_count, name_next;
    struct chain_name names[CHAIN_MAX_NAMES];
    struct arena arena;
    struct evidence_leaf leaf; /* in the arena */
    uint32_t sct_count;
    bool has_san, names_abused, out_of_order;
};

struct chain_cache {
    unsigned references; /* the owner, and each chain */
    size_t max_chains, max_bytes;
    size_t chains, bytes; /* kept */
    struct chain **buckets;
    size_t mask;
    struct chain *newest, *oldest;
    struct certificate_table certificates;
    X509_STORE *store;
    uint64_t generation; /* from 1 */
    int64_t *moments;    /* at which a certificate of the store begins or ends to be valid */
    size_t moment_count;
    uint64_t moments_generation;
    struct chain_cache_counts counts;
};

/** Frees what chain_verify keeps in a chain. */
void chain_forget(struct chain *chain);

#endif

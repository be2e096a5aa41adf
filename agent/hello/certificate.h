#ifndef PARALLAX_HELLO_CERTIFICATE_H
#define PARALLAX_HELLO_CERTIFICATE_H

#include "hello/certificate_parse.h"
#include "words/evidence.h"

/*
 * Certificates that some chain holds, each once, known by the SHA-256 of its bytes as sent: what a leaf that is new shares with
 * others (its intermediates) is neither parsed, nor described, nor are its signatures verified again. Inside hello/chain*.c only.
 */

struct certificate {
    unsigned references;
    uint8_t
        sha256[32]; /* of what was sent, which is seldom, but may be, other bytes than OpenSSL makes of it */
    struct certificate *next;
    X509 *x509;
    X509 *signer; /* counted; its key has verified our signature. NULL: none has. */
    struct arena arena;
    struct chain_certificate facts; /* in the arena */
    bool described;                 /* false: memory ran out */
    int64_t not_before_s, not_after_s;
};

struct certificate_table {
    struct certificate **buckets;
    size_t mask;
    struct certificate_parser parser;
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
};

/** @param size  how many certificates it is made for; more are fine. @return false without memory; done is then safe. */
bool certificate_table_init(struct certificate_table *table, size_t size);

/** Every certificate has to be released before. */
void certificate_table_done(struct certificate_table *table);

/**
 * @return counted; NULL without memory, or when it does not parse (*ret_malformed: true), with what chain_take says of the error queue.
 */
struct certificate *certificate_take(struct certificate_table *table, const uint8_t *der, size_t length,
                                     bool *ret_malformed);
void certificate_release(struct certificate_table *table, struct certificate *certificate);

#endif

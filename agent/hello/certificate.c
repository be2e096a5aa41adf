#include "hello/certificate.h"

#include "hello/certificate_facts.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

bool certificate_table_init(struct certificate_table *table, size_t size)
{
    size_t buckets = 16;
    while (buckets < size && buckets < 1 << 16)
        buckets *= 2;
    *table = (struct certificate_table){
        .buckets = calloc(buckets, sizeof(struct certificate *)),
        .mask = buckets - 1,
        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
        .digest = EVP_MD_CTX_new(),
    };
    return table->buckets != NULL && table->sha256 != NULL && table->digest != NULL;
}

void certificate_table_done(struct certificate_table *table)
{
    free(table->buckets);
    EVP_MD_free(table->sha256);
    EVP_MD_CTX_free(table->digest);
    *table = (struct certificate_table){0};
}

static struct certificate **place_of(struct certificate_table *table, const uint8_t sha256[32])
{
    size_t hash;
    memcpy(&hash, sha256, sizeof hash);
    struct certificate **at = &table->buckets[hash & table->mask];
    while (*at != NULL && memcmp((*at)->sha256, sha256, 32) != 0)
        at = &(*at)->next;
    return at;
}

static void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    X509_free(certificate->x509);
    X509_free(certificate->signer);
    arena_done(&certificate->arena);
    free(certificate);
}

/* Into a certificate of ours, as libssl does, and not NULL: else d2i_X509 does not look at the extensions. */
static X509 *parse(const uint8_t *der, size_t length, bool *ret_malformed)
{
    X509 *x509 = X509_new();
    const unsigned char *at = der;
    *ret_malformed = x509 != NULL;
    if (x509 == NULL || length > INT32_MAX || d2i_X509(&x509, &at, (long)length) == NULL)
        return NULL;
    *ret_malformed = at != der + length;
    if (!*ret_malformed)
        return x509;
    X509_free(x509);
    return NULL;
}

static struct certificate *certificate_new(const uint8_t *der, size_t length, bool *ret_malformed)
{
    struct certificate *made = calloc(1, sizeof *made);
    *ret_malformed = false;
    if (made == NULL)
        return NULL;
    arena_init(&made->arena, EVIDENCE_ARENA_BYTES);
    made->x509 = parse(der, length, ret_malformed);
    if (made->x509 == NULL) {
        certificate_free(made);
        return NULL;
    }
    ERR_set_mark();
    made->described = certificate_keep(made->x509, &made->arena, &made->facts);
    made->not_before_s = certificate_time_s(X509_get0_notBefore(made->x509));
    made->not_after_s = certificate_time_s(X509_get0_notAfter(made->x509));
    ERR_pop_to_mark();
    return made;
}

struct certificate *certificate_take(struct certificate_table *table, const uint8_t *der, size_t length,
                                     bool *ret_malformed)
{
    uint8_t sha256[32];
    *ret_malformed = false;
    if (EVP_DigestInit_ex(table->digest, table->sha256, NULL) != 1 ||
        EVP_DigestUpdate(table->digest, der, length) != 1 ||
        EVP_DigestFinal_ex(table->digest, sha256, NULL) != 1)
        return NULL;
    struct certificate **place = place_of(table, sha256);
    if (*place == NULL) {
        *place = certificate_new(der, length, ret_malformed);
        if (*place != NULL)
            memcpy((*place)->sha256, sha256, sizeof sha256);
    }
    if (*place != NULL)
        (*place)->references++;
    return *place;
}

void certificate_release(struct certificate_table *table, struct certificate *certificate)
{
    if (certificate == NULL || --certificate->references > 0)
        return;
    *place_of(table, certificate->sha256) = certificate->next;
    certificate_free(certificate);
}

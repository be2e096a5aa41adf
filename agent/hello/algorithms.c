#include "hello/algorithms.h"

#include "hello/client.h"
#include "hello/schedule.h"

#include <openssl/err.h>
#include <stdlib.h>

static bool hash_init(struct tls_hash *hash, const char *name)
{
    hash->md = EVP_MD_fetch(NULL, name, NULL);
    hash->copy = EVP_MD_CTX_new();
    if (hash->md == NULL || hash->copy == NULL)
        return false;
    hash->bytes = (size_t)EVP_MD_get_size(hash->md);
    hash->block_bytes = (size_t)EVP_MD_get_block_size(hash->md);
    static const uint8_t zeros[TLS_HASH_MAX_BYTES];
    uint8_t early[TLS_HASH_MAX_BYTES];
    return EVP_Digest("", 0, hash->empty, NULL, hash->md, NULL) == 1 &&
           schedule_hmac(hash, zeros, zeros, hash->bytes, early) &&
           schedule_expand(hash, early, "derived", hash->empty, hash->bytes, hash->derived, hash->bytes);
}

static bool suites_init(struct tls_algorithms *algorithms)
{
    static const struct {
        uint16_t id;
        const char *cipher;
        size_t hash;
    } rows[TLS_SUITES] = {
        {0x1301, "AES-128-GCM", 0}, {0x1302, "AES-256-GCM", 1}, {0x1303, "ChaCha20-Poly1305", 0}};
    for (size_t i = 0; i < TLS_SUITES; i++) {
        struct tls_suite *suite = &algorithms->suites[i];
        suite->cipher = EVP_CIPHER_fetch(NULL, rows[i].cipher, NULL);
        if (suite->cipher == NULL)
            return false;
        suite->id = rows[i].id;
        suite->hash = &algorithms->hashes[rows[i].hash];
        suite->key_bytes = (size_t)EVP_CIPHER_get_key_length(suite->cipher);
    }
    return true;
}

/* One context generates all the keys of its group. */
static bool groups_init(struct tls_algorithms *algorithms)
{
    static const struct {
        uint16_t id;
        const char *type;
        const char *curve; /* NULL: the type says it */
    } rows[TLS_GROUPS] = {{TLS_X25519, "X25519", NULL}, {0x0017, "EC", "P-256"}, {0x0018, "EC", "P-384"}};
    for (size_t i = 0; i < TLS_GROUPS; i++) {
        EVP_PKEY_CTX *generator = EVP_PKEY_CTX_new_from_name(NULL, rows[i].type, NULL);
        algorithms->groups[i] = (struct tls_group){.id = rows[i].id, .generator = generator};
        if (generator == NULL || EVP_PKEY_keygen_init(generator) != 1)
            return false;
        if (rows[i].curve != NULL && EVP_PKEY_CTX_set_group_name(generator, rows[i].curve) != 1)
            return false;
    }
    return true;
}

struct tls_algorithms *tls_algorithms_new(void)
{
    struct tls_algorithms *algorithms = calloc(1, sizeof *algorithms);
    if (algorithms == NULL)
        return NULL;
    algorithms->verify = EVP_MD_CTX_new();
    if (algorithms->verify != NULL && hash_init(&algorithms->hashes[0], "SHA256") &&
        hash_init(&algorithms->hashes[1], "SHA384") && suites_init(algorithms) && groups_init(algorithms))
        return algorithms;
    tls_algorithms_free(algorithms);
    ERR_clear_error();
    return NULL;
}

void tls_algorithms_free(struct tls_algorithms *algorithms)
{
    if (algorithms == NULL)
        return;
    for (size_t i = 0; i < TLS_HASHES; i++) {
        EVP_MD_free(algorithms->hashes[i].md);
        EVP_MD_CTX_free(algorithms->hashes[i].copy);
    }
    for (size_t i = 0; i < TLS_SUITES; i++)
        EVP_CIPHER_free(algorithms->suites[i].cipher);
    for (size_t i = 0; i < TLS_GROUPS; i++)
        EVP_PKEY_CTX_free(algorithms->groups[i].generator);
    EVP_MD_CTX_free(algorithms->verify);
    free(algorithms);
}

const struct tls_suite *tls_suite_find(const struct tls_algorithms *algorithms, uint16_t id)
{
    for (size_t i = 0; i < TLS_SUITES; i++)
        if (algorithms->suites[i].id == id)
            return &algorithms->suites[i];
    return NULL;
}

const struct tls_group *tls_group_find(const struct tls_algorithms *algorithms, uint16_t id)
{
    for (size_t i = 0; i < TLS_GROUPS; i++)
        if (algorithms->groups[i].id == id)
            return &algorithms->groups[i];
    return NULL;
}

bool tls_lacks_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ||
           ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

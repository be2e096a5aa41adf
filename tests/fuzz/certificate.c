#include "fuzz.h"

#include "hello/certificate_facts.h"
#include "hello/certificate_parse.h"
#include "ingest/certificate.h"
#include "link/pki.h"
#include "probe/aia.h"
#include "probe/sct.h"
#include "words/utf8.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* A certificate in DER, as a server sends it: taken apart by the agent, and by the collector that stores it. */

static void check_text(const char *text, size_t max)
{
    REQUIRE(text != NULL && strlen(text) <= max);
    for (const char *at = text; *at != '\0'; at++)
        REQUIRE((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_agent(X509 *x509)
{
    struct attempt *attempt = attempt_new();
    struct chain_certificate *facts = arena_take(&attempt->arena, sizeof *facts);
    REQUIRE(facts != NULL && certificate_facts(x509, &attempt->arena, facts));
    check_text(facts->subject, EVIDENCE_NAME_MAX);
    check_text(facts->issuer, EVIDENCE_NAME_MAX);
    check_text(facts->key_type, EVIDENCE_KEY_NAME_MAX);
    check_text(facts->key_group, EVIDENCE_KEY_NAME_MAX);
    check_text(facts->signature_name, EVIDENCE_KEY_NAME_MAX);
    REQUIRE(certificate_leaf_facts(x509, &attempt->arena, &attempt->tls.leaf));
    const struct evidence_leaf *leaf = &attempt->tls.leaf;
    REQUIRE(leaf->name_count <= EVIDENCE_MAX_SANS);
    for (size_t i = 0; i < leaf->name_count; i++)
        REQUIRE(strlen(leaf->names[i]) <= EVIDENCE_NAME_MAX);
    const char *path = NULL;
    struct endpoint issuer;
    (void)aia_parse(leaf->issuer_url, &attempt->arena, &issuer, &path);
    (void)certificate_names_abused(x509);
    (void)certificate_sct_count(x509);
    /* What the agent found can be sent and is read at the other end. */
    attempt->tls.chain = facts;
    attempt->tls.chain_count = 1;
    fuzz_attempt_survives(attempt);
    attempt_free(attempt);
}

static bool same_key(EVP_PKEY *ours, EVP_PKEY *law)
{
    if (ours == NULL || law == NULL)
        return ours == law;
    return EVP_PKEY_eq(ours, law) == 1 && EVP_PKEY_get_id(ours) == EVP_PKEY_get_id(law) &&
           EVP_PKEY_get_bits(ours) == EVP_PKEY_get_bits(law) &&
           EVP_PKEY_get_security_bits(ours) == EVP_PKEY_get_security_bits(law) &&
           EVP_PKEY_missing_parameters(ours) == EVP_PKEY_missing_parameters(law);
}

/* Read the short way it is the same certificate, or none for the same reason. */
static void check_short_way(const uint8_t *bytes, size_t length, X509 *law, const uint8_t *law_behind)
{
    static struct certificate_parser parser;
    unsigned long error = ERR_peek_error();
    const uint8_t *behind = bytes;
    REQUIRE(parser.nothing != NULL || certificate_parser_init(&parser));
    ERR_clear_error();
    X509 *ours = certificate_parse(&parser, &behind, length);
    REQUIRE((ours == NULL) == (law == NULL) && behind == law_behind &&
            (ours != NULL || ERR_peek_error() == error));
    if (ours != NULL) {
        REQUIRE(X509_cmp(ours, law) == 0);
        REQUIRE(X509_get_extension_flags(ours) == X509_get_extension_flags(law));
        REQUIRE(same_key(X509_get0_pubkey(ours), X509_get0_pubkey(law)));
    }
    X509_free(ours);
}

static void check_link(X509 *x509)
{
    char name[64];
    if (pki_vantage_name(x509, name, sizeof name))
        REQUIRE(name[0] != '\0' && strlen(name) < sizeof name);
}

/* Columns are texts that a database takes. */
static void check_collector(const uint8_t *bytes, size_t length)
{
    struct certificate_row row;
    REQUIRE(certificate_row_init(&row, bytes, length));
    for (size_t i = 0; i < CERTIFICATE_PARAMS; i++) {
        const char *value = row.values[i];
        struct buf clean;
        if (value == NULL)
            continue;
        buf_init(&clean, 0);
        REQUIRE(utf8_clean(&clean, value, strlen(value)));
        REQUIRE(clean.len == strlen(value) && (clean.len == 0 || memcmp(clean.data, value, clean.len) == 0));
        buf_done(&clean);
    }
    certificate_row_done(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const unsigned char *at = bytes;
    X509 *x509 = d2i_X509(NULL, &at, (long)length);
    check_short_way(bytes, length, x509, at);
    if (x509 != NULL) {
        check_agent(x509);
        check_link(x509);
    }
    check_collector(bytes, length);
    X509_free(x509);
    ERR_clear_error();
    return 0;
}

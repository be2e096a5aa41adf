#include "fuzz.h"

#include "probe/aia.h"
#include "probe/ocsp.h"
#include "probe/sct.h"
#include "probe/staple.h"

#include <openssl/err.h>

/*
 * What a server staples, what a responder answers, what the place named as an issuer's gives, and what comes as a list of
 * proofs. Input: a leaf and its issuer (pieces, DER), then those bytes.
 */

static X509 *certificate(const struct cursor *piece)
{
    const unsigned char *at = piece->at;
    return d2i_X509(NULL, &at, (long)cursor_left(piece));
}

static void check_staple(X509 *leaf, X509 *issuer, const struct cursor *answer)
{
    struct evidence_tls tls = {.ocsp.reason = -1};
    staple_read(answer->at, (long)cursor_left(answer), leaf, issuer, &tls);
    REQUIRE(tls.staple == (cursor_left(answer) == 0 ? STAPLE_ABSENT : tls.staple));
    REQUIRE(tls.staple != STAPLE_UNKNOWN);
    REQUIRE(tls.ocsp.signature == SIGNATURE_UNCHECKED || issuer != NULL);
}

/* The same bytes as an answer to a question of ours about a chain that came as these two certificates. */
static void check_fetched(const struct cursor *leaf, const struct cursor *issuer, const struct cursor *answer)
{
    struct attempt *attempt = attempt_new();
    struct chain_certificate chain[2] = {
        {.der = leaf->at, .der_length = cursor_left(leaf), .subject = "", .issuer = "CN=a"},
        {.der = issuer->at, .der_length = cursor_left(issuer), .subject = "CN=a", .issuer = "CN=a"}};
    struct endpoint endpoint = {.site = "", .host = "www.shop.example", .port = 443, .sni = ""};
    struct case_file file = {.endpoint = &endpoint, .count = 1, .attempts = {attempt}};
    struct evidence_tls tls = {.ocsp.reason = -1};
    X509_STORE *store = X509_STORE_new();
    X509 *fetched = NULL;
    struct buf request;
    REQUIRE(attempt != NULL && store != NULL);
    attempt->tls.chain = chain;
    attempt->tls.chain_count = 2;
    buf_init(&request, 0);
    (void)ocsp_request(&file, store, &request);
    (void)ocsp_judge(answer->at, cursor_left(answer), &file, store, &tls);
    (void)aia_judge(answer->at, cursor_left(answer), &file, store, &fetched);
    X509_free(fetched);
    X509_STORE_free(store);
    buf_done(&request);
    attempt_free(attempt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor input;
    cursor_init(&input, bytes, length);
    struct cursor leaf_der = fuzz_piece(&input), issuer_der = fuzz_piece(&input);
    if (input.failed)
        return 0;
    X509 *leaf = certificate(&leaf_der), *issuer = certificate(&issuer_der);
    REQUIRE(sct_count_list(input.at, cursor_left(&input)) <= cursor_left(&input));
    if (leaf != NULL) {
        check_staple(leaf, issuer, &input);
        check_fetched(&leaf_der, &issuer_der, &input);
    }
    X509_free(leaf);
    X509_free(issuer);
    ERR_clear_error();
    return 0;
}

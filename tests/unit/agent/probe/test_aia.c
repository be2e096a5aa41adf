#include "lab_server.h"

#include "hello/certificate_facts.h"
#include "probe/aia.h"
#include "probe/ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>

static void urls_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path;
        uint16_t port;
    } rows[] = {
        {"http://ca.test/i.der", "ca.test", "/i.der", 80},
        {"HTTP://CA.test:8080/a/b?c=d#e", "ca.test", "/a/b?c=d", 8080},
        {"http://192.0.2.1", "192.0.2.1", "/", 80},
        {"http://[2001:db8::1]:81/x", "2001:db8::1", "/x", 81},
        {"http://[2001:db8::1]/x", "2001:db8::1", "/x", 80},
    };
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint endpoint;
        const char *path = NULL;
        assert_true(aia_parse(rows[i].url, &arena, &endpoint, &path));
        assert_string_equal(endpoint.host, rows[i].host);
        assert_string_equal(path, rows[i].path);
        assert_int_equal(endpoint.port, rows[i].port);
    }
    arena_done(&arena);
}

static void what_is_no_url_for_us_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "https://ca.test/",
                                       "ldap://ca.test/",
                                       "http://",
                                       "http:///x",
                                       "http://u:p@ca.test/",
                                       "http://ca.test/a b",
                                       "http://ca.test/a\r\nX: y",
                                       "http://ca.test:0/",
                                       "http://ca.test:99999/",
                                       "http://ca\x01.test/",
                                       "file:///etc/passwd"};
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct endpoint endpoint;
        const char *path = NULL;
        if (aia_parse(urls[i], &arena, &endpoint, &path))
            fail_msg("accepted: %s", urls[i]);
    }
    arena_done(&arena);
}

/* --- judging -------------------------------------------------------------------------------------------------- */

enum { ROOT, UPPER, MIDDLE, LEAF, CERTIFICATES, ATTEMPTS_MAX = 8 };

static EVP_PKEY *keys[CERTIFICATES];
static X509 *made[CERTIFICATES]; /* each signed by the one before */
static X509_STORE *store;

struct paper {
    struct case_file file;
    struct attempt *attempts[ATTEMPTS_MAX];
};

static void keep(struct attempt *attempt, X509 *const *certificates, size_t count)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->chain = arena_array(&attempt->arena, count, sizeof *tls->chain);
    assert_non_null(tls->chain);
    for (size_t i = 0; i < count; i++) {
        unsigned char *der = arena_take(&attempt->arena, 4096), *at = der;
        struct chain_certificate *kept = &tls->chain[i];
        kept->der = der;
        kept->der_length = (size_t)i2d_X509(certificates[i], &at);
        assert_int_equal(EVP_Digest(der, kept->der_length, kept->sha256, NULL, EVP_sha256(), NULL), 1);
        assert_true(certificate_facts(certificates[i], &attempt->arena, kept));
    }
    tls->chain_count = count;
    assert_true(certificate_leaf_facts(certificates[0], &attempt->arena, &tls->leaf));
}

static struct attempt *add_attempt(struct paper *paper, enum variant variant)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->variant = variant;
    paper->file.attempts[paper->file.count] = paper->attempts[paper->file.count] = attempt;
    paper->file.count++;
    return attempt;
}

static void send_chain(struct paper *paper, X509 *const *certificates, size_t count)
{
    *paper = (struct paper){0};
    keep(add_attempt(paper, VARIANT_NORMAL), certificates, count);
}

static void paper_done(struct paper *paper)
{
    for (size_t i = 0; i < paper->file.count; i++)
        attempt_free(paper->attempts[i]);
}

static enum evidence_issuer judge(const struct paper *paper, const void *bytes, size_t length,
                                  X509_STORE *trusted, X509 *expected)
{
    X509 *issuer;
    enum evidence_issuer judged = aia_judge(bytes, length, &paper->file, trusted, &issuer);
    assert_int_equal(issuer == NULL, expected == NULL);
    if (expected != NULL)
        assert_int_equal(X509_cmp(issuer, expected), 0);
    X509_free(issuer);
    return judged;
}

static enum evidence_issuer judge_der(const struct paper *paper, X509 *x509, X509_STORE *trusted,
                                      X509 *expected)
{
    unsigned char *der = NULL;
    int length = i2d_X509(x509, &der);
    enum evidence_issuer judged = judge(paper, der, (size_t)length, trusted, expected);
    OPENSSL_free(der);
    return judged;
}

/* As the examiner does it: a hop, judged and kept. */
static enum evidence_issuer hop(struct paper *paper, X509 *x509, X509_STORE *trusted)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    const char *url = aia_next_url(&paper->file, &arena);
    enum evidence_issuer judged = judge_der(paper, x509, trusted, x509);
    struct attempt *attempt = add_attempt(paper, VARIANT_ISSUER);
    attempt->tls.issuer = judged;
    attempt->tls.issuer_url = arena_string(&attempt->arena, url);
    keep(attempt, &x509, 1);
    arena_done(&arena);
    return judged;
}

static void the_issuer_completes_the_chain(void **state)
{
    (void)state;
    struct paper paper;
    X509 *sent[] = {made[LEAF], made[MIDDLE]};
    send_chain(&paper, sent, 2); /* what is missing is the upper one */
    assert_int_equal(judge_der(&paper, made[UPPER], store, made[UPPER]), ISSUER_COMPLETES);
    BIO *pem = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_X509(pem, made[UPPER]), 1);
    long length = BIO_get_mem_data(pem, &text);
    assert_int_equal(judge(&paper, text, (size_t)length, store, made[UPPER]), ISSUER_COMPLETES);
    BIO_free(pem);
    paper_done(&paper);
}

static void what_does_not_complete_it_is_told_apart(void **state)
{
    (void)state;
    struct paper paper;
    X509_STORE *empty = X509_STORE_new();
    send_chain(&paper, &made[LEAF], 1);
    assert_int_equal(judge_der(&paper, made[MIDDLE], empty, made[MIDDLE]), ISSUER_SIGNS);
    X509_STORE_free(empty);
    assert_int_equal(judge_der(&paper, made[ROOT], store, NULL), ISSUER_OTHER);
    assert_int_equal(judge_der(&paper, made[LEAF], store, NULL), ISSUER_OTHER);
    assert_int_equal(judge(&paper, "<html>", 6, store, NULL), ISSUER_MALFORMED);
    assert_int_equal(judge(&paper, "", 0, store, NULL), ISSUER_MALFORMED);
    paper_done(&paper);
}

static void two_missing_ones_are_followed(void **state)
{
    (void)state;
    struct paper paper;
    send_chain(&paper, &made[LEAF], 1);
    assert_int_equal(hop(&paper, made[MIDDLE], store), ISSUER_SIGNS);
    assert_ptr_equal(issuer_next(&paper.file), paper.attempts[1]);
    assert_int_equal(hop(&paper, made[UPPER], store), ISSUER_COMPLETES);
    assert_null(issuer_next(&paper.file)); /* nothing is missing any more */
    paper_done(&paper);
}

static void the_way_up_ends(void **state)
{
    (void)state;
    struct paper paper;
    X509_STORE *empty = X509_STORE_new();
    send_chain(&paper, &made[LEAF], 1);
    (void)hop(&paper, made[MIDDLE], empty);
    (void)hop(&paper, made[UPPER], empty);
    assert_int_equal(hop(&paper, made[ROOT], empty), ISSUER_SIGNS);
    assert_null(issuer_next(&paper.file)); /* of itself */
    paper_done(&paper);
    X509_STORE_free(empty);
}

/* Attempts on paper, whose certificates are told apart by their hash alone. */
static void fetch_on_paper(struct paper *paper, const char *url, uint8_t hash, const char *next_url)
{
    struct attempt *attempt = add_attempt(paper, VARIANT_ISSUER);
    attempt->tls.issuer = ISSUER_SIGNS;
    attempt->tls.issuer_url = url;
    attempt->tls.chain = arena_array(&attempt->arena, 1, sizeof *attempt->tls.chain);
    attempt->tls.chain[0].sha256[0] = hash;
    attempt->tls.chain_count = 1;
    attempt->tls.leaf.issuer_url = next_url;
}

static void no_loop_and_no_more_than_four_hops(void **state)
{
    (void)state;
    struct paper paper;
    send_chain(&paper, &made[LEAF], 1);
    fetch_on_paper(&paper, "http://a/1", 1, "http://a/2");
    assert_ptr_equal(issuer_next(&paper.file), paper.attempts[1]);
    fetch_on_paper(&paper, "http://a/2", 2, "http://a/1");
    assert_null(issuer_next(&paper.file)); /* where it was */
    paper.attempts[2]->tls.leaf.issuer_url = "http://a/3";
    paper.attempts[2]->tls.chain[0].sha256[0] = 1;
    assert_null(issuer_next(&paper.file)); /* what it had */
    paper.attempts[2]->tls.chain[0].sha256[0] = 2;
    fetch_on_paper(&paper, "http://a/3", 3, "http://a/4");
    assert_ptr_equal(issuer_next(&paper.file), paper.attempts[3]);
    fetch_on_paper(&paper, "http://a/4", 4, "http://a/5");
    assert_null(issuer_next(&paper.file)); /* far enough */
    paper_done(&paper);
}

/* --- the responder ---------------------------------------------------------------------------------------------- */

static struct buf answer_to(const struct buf *question, int status, X509 *signer, EVP_PKEY *key)
{
    const unsigned char *at = question->data;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)question->len);
    assert_non_null(request);
    assert_int_equal(OCSP_request_onereq_count(request), 1);
    OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0));
    OCSP_CERTID *expected = OCSP_cert_to_id(EVP_sha1(), made[LEAF], made[MIDDLE]);
    assert_int_equal(OCSP_id_cmp(id, expected), 0);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *then = ASN1_TIME_set(NULL, 1700000000);
    bool revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    assert_non_null(OCSP_basic_add1_status(basic, id, status, 1, revoked ? then : NULL, then, NULL));
    assert_int_equal(OCSP_basic_sign(basic, signer, key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int length = i2d_OCSP_RESPONSE(response, &der);
    struct buf answer;
    buf_init(&answer, 0);
    assert_true(length > 0 && buf_append(&answer, der, (size_t)length));
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(then);
    OCSP_CERTID_free(expected);
    OCSP_REQUEST_free(request);
    return answer;
}

static void the_responder_is_asked_about_the_leaf(void **state)
{
    (void)state;
    struct paper paper;
    struct buf question;
    struct evidence_tls tls = {.ocsp.reason = -1};
    X509 *sent[] = {made[LEAF], made[MIDDLE]};
    send_chain(&paper, sent, 2);
    buf_init(&question, 0);
    assert_true(ocsp_request(&paper.file, store, &question));
    struct buf answer = answer_to(&question, V_OCSP_CERTSTATUS_REVOKED, made[MIDDLE], keys[MIDDLE]);
    assert_int_equal(ocsp_judge(answer.data, answer.len, &paper.file, store, &tls), RESPONDER_ANSWERED);
    assert_int_equal(tls.ocsp.status, OCSP_REVOKED);
    assert_int_equal(tls.ocsp.signature, SIGNATURE_GOOD);
    assert_int_equal(tls.ocsp.revoked_s, 1700000000);
    buf_done(&answer);
    answer = answer_to(&question, V_OCSP_CERTSTATUS_GOOD, made[LEAF], keys[LEAF]);
    assert_int_equal(ocsp_judge(answer.data, answer.len, &paper.file, store, &tls), RESPONDER_ANSWERED);
    assert_int_equal(tls.ocsp.signature, SIGNATURE_BAD); /* of itself, not by its issuer */
    assert_int_equal(ocsp_judge("<html>", 6, &paper.file, store, &tls), RESPONDER_MALFORMED);
    buf_done(&answer);
    buf_done(&question);
    paper_done(&paper);
}

static void the_issuer_may_be_trusted_or_fetched(void **state)
{
    (void)state;
    struct paper paper;
    struct buf question;
    buf_init(&question, 0);
    send_chain(&paper, &made[LEAF], 1);
    assert_false(ocsp_request(&paper.file, store, &question)); /* whose key hash it needs is not known */
    X509_STORE *trusting = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(trusting, made[MIDDLE]), 1);
    assert_true(ocsp_request(&paper.file, trusting, &question));
    X509_STORE_free(trusting);
    (void)hop(&paper, made[MIDDLE], store);
    assert_true(ocsp_request(&paper.file, store, &question));
    buf_done(&question);
    paper_done(&paper);
}

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"root", "upper", "middle", "leaf"};
    store = X509_STORE_new();
    for (size_t i = 0; i < CERTIFICATES; i++) {
        struct lab_certificate wanted = {names[i], i == LEAF ? "DNS:a.test" : NULL, -60, 3600};
        char url[64];
        (void)snprintf(url, sizeof url, "caIssuers;URI:http://ca.test/%zu.der", i);
        keys[i] = EVP_EC_gen("P-256");
        made[i] =
            lab_sign_aia(&wanted, url, keys[i], i == 0 ? NULL : made[i - 1], i == 0 ? NULL : keys[i - 1]);
    }
    return X509_STORE_add_cert(store, made[ROOT]) == 1 ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(made[i]);
    }
    X509_STORE_free(store);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(what_is_no_url_for_us_is_refused),
        cmocka_unit_test(the_issuer_completes_the_chain),
        cmocka_unit_test(what_does_not_complete_it_is_told_apart),
        cmocka_unit_test(two_missing_ones_are_followed),
        cmocka_unit_test(the_way_up_ends),
        cmocka_unit_test(no_loop_and_no_more_than_four_hops),
        cmocka_unit_test(the_responder_is_asked_about_the_leaf),
        cmocka_unit_test(the_issuer_may_be_trusted_or_fetched),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

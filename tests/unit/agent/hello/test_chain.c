#include "agent/hello/chain_equal.h"

#include <unistd.h>

/* What is kept, for how long, and what is no longer believed when. */

enum { LEAVES = 5 };

static EVP_PKEY *ca_key, *key;
static X509 *root, *root_until, *middle, *leaves[LEAVES];
static struct pki_lot lots[LEAVES]; /* leaf i under the same intermediate */
static struct trust *trust;
static SSL_CTX *server;

#define DAYS(n) ((n) * (long)PKI_DAY_S)

static int setup(void **state)
{
    (void)state;
    char path[] = "/tmp/chain-XXXXXX", *why = NULL;
    FILE *file = fdopen(mkstemp(path), "w");
    const struct pki_recipe ca = {"root", DAYS(-100), DAYS(100), NULL, {PKI_CA, PKI_SIGN}};
    const struct pki_recipe brief_ca = {"root", DAYS(-200), DAYS(3), NULL, {PKI_CA, PKI_SIGN}};
    const struct pki_recipe between = {"middle", DAYS(-6), DAYS(6), NULL, {PKI_CA, PKI_SIGN}};
    const struct pki_recipe www = {"leaf", DAYS(-2), DAYS(2), NULL, {PKI_LEAF, PKI_WWW}};
    ca_key = pki_key("EC", "P-256", 0);
    key = pki_key("EC", "P-256", 0);
    root = pki_sign(&ca, ca_key, NULL, NULL);
    root_until = pki_sign(&brief_ca, ca_key, NULL, NULL);
    middle = pki_sign(&between, key, root, ca_key);
    for (size_t i = 0; i < LEAVES; i++) {
        leaves[i] = pki_sign(&www, key, middle, key);
        pki_add(&lots[i], leaves[i]);
        pki_add(&lots[i], middle);
    }
    assert_int_equal(PEM_write_X509(file, root_until) + PEM_write_X509(file, root), 2);
    assert_int_equal(fclose(file), 0);
    trust = trust_new(&(struct trust_files){.ca = path}, &why);
    assert_non_null(trust);
    (void)unlink(path);
    server = law_server_context(key, leaves[0]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    SSL_CTX_free(server);
    trust_free(trust);
    for (size_t i = 0; i < LEAVES; i++) {
        pki_lot_done(&lots[i]);
        X509_free(leaves[i]);
    }
    X509_free(middle);
    X509_free(root_until);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return 0;
}

static struct chain_cache *cache_of(X509_STORE *store, size_t max_chains, size_t max_bytes)
{
    struct chain_cache_options options = {store, max_chains, max_bytes};
    struct chain_cache *cache = chain_cache_new(&options);
    assert_non_null(cache);
    return cache;
}

static struct chain_cache *cache_new(size_t max_chains)
{
    return cache_of(trust_store(trust), max_chains, 1 << 20);
}

static struct chain *take(struct chain_cache *cache, const struct pki_lot *lot)
{
    bool malformed;
    struct chain *chain = chain_take(cache, lot->der, lot->count, &malformed);
    assert_non_null(chain);
    return chain;
}

static void look(struct chain_cache *cache, const struct pki_lot *lot)
{
    chain_release(take(cache, lot));
}

static void expect_counts(const struct chain_cache *cache, uint64_t hit, uint64_t missed)
{
    struct chain_cache_counts counts;
    chain_cache_counts(cache, &counts);
    assert_int_equal(counts.chains_hit, hit);
    assert_int_equal(counts.chains_missed, missed);
}

/* @return the only error; X509_V_OK for none. */
static int verify(struct chain *chain, const char *name, int64_t now_s)
{
    struct chain_verdict verdict;
    assert_true(chain_verify(chain, name, now_s, &verdict));
    assert_in_range(verdict.count, 0, 1);
    return verdict.count == 0 ? X509_V_OK : verdict.errors[0].code;
}

/* --- what is kept -------------------------------------------------------------------------------------------------- */

static void a_chain_is_known_again_by_its_bytes(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain *first = take(cache, &lots[0]), *again = take(cache, &lots[0]),
                 *other = take(cache, &lots[1]);
    struct pki_lot leaf_alone = {.count = 1, .der = {lots[0].der[0]}};
    struct pki_lot turned = {.count = 2, .der = {lots[0].der[1], lots[0].der[0]}};
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    expect_counts(cache, 1, 2);
    look(cache, &leaf_alone);
    look(cache, &turned);
    expect_counts(cache, 1, 4);
    chain_release(other);
    chain_release(again);
    chain_release(first);
    chain_cache_free(cache);
}

/* Two certificates that say, in one message, what one certificate and its neighbour say in another. */
static void lengths_are_part_of_what_is_known(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    size_t leaf = lots[0].der[0].length, above = lots[0].der[1].length;
    uint8_t *joined = malloc(leaf + above);
    memcpy(joined, lots[0].der[0].bytes, leaf);
    memcpy(joined + leaf, lots[0].der[1].bytes, above);
    struct chain_der one = {joined, leaf + above};
    bool malformed;
    look(cache, &lots[0]);
    assert_null(chain_take(cache, &one, 1, &malformed));
    assert_true(malformed);
    assert_int_equal(ERR_peek_error(), 0);
    free(joined);
    chain_cache_free(cache);
}

static void certificates_are_shared_by_the_chains_they_are_in(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain *a = take(cache, &lots[0]), *b = take(cache, &lots[1]);
    assert_ptr_equal(sk_X509_value(chain_sent(a), 1), sk_X509_value(chain_sent(b), 1));
    assert_ptr_not_equal(chain_leaf(a), chain_leaf(b));
    assert_int_equal(verify(a, "www.a.test", pki_now()), X509_V_OK);
    assert_int_equal(verify(b, "www.a.test", pki_now()), X509_V_OK);
    chain_release(a);
    chain_release(b);
    chain_cache_free(cache);
}

static void the_chain_not_used_for_longest_goes(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(2);
    look(cache, &lots[0]);
    look(cache, &lots[1]);
    look(cache, &lots[0]);
    look(cache, &lots[2]); /* 1 goes */
    expect_counts(cache, 1, 3);
    look(cache, &lots[0]);
    look(cache, &lots[2]);
    expect_counts(cache, 3, 3);
    look(cache, &lots[1]); /* 0 goes */
    look(cache, &lots[0]);
    expect_counts(cache, 3, 5);
    chain_cache_free(cache);
}

static void bytes_are_bounded_too(void **state)
{
    (void)state;
    size_t each = lots[0].der[0].length + lots[0].der[1].length;
    struct chain_cache *cache = cache_of(trust_store(trust), 100, 2 * each + 20);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < 3; i++)
            look(cache, &lots[i]); /* two fit, so that each has gone when it comes again */
    expect_counts(cache, 0, 6);
    look(cache, &lots[1]);
    expect_counts(cache, 1, 6);
    chain_cache_free(cache);
    cache = cache_of(trust_store(trust), 100, each / 2);
    look(cache, &lots[0]);
    look(cache, &lots[0]);
    expect_counts(cache, 0, 2);
    chain_cache_free(cache);
}

static void a_cache_for_nothing_works_all_the_same(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(0);
    struct chain *chain = take(cache, &lots[0]);
    assert_int_equal(verify(chain, "www.a.test", pki_now()), X509_V_OK);
    chain_release(chain);
    look(cache, &lots[0]);
    expect_counts(cache, 0, 2);
    chain_cache_free(cache);
}

static void a_chain_that_somebody_holds_outlives_its_cache(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(1);
    struct chain *held = take(cache, &lots[0]), *other = take(cache, &lots[1]); /* 0 has gone */
    struct attempt *attempt = attempt_new();
    chain_cache_free(cache);
    chain_release(other);
    assert_int_equal(verify(held, "www.a.test", pki_now()), X509_V_OK);
    assert_true(chain_keep(held, attempt));
    chain_release(held);
    assert_int_equal(attempt->tls.chain_count, 2);
    assert_string_equal(attempt->tls.chain[1].subject, "CN=middle");
    attempt_free(attempt);
}

static void what_does_not_parse_is_not_kept(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain_der cut = {lots[0].der[0].bytes, lots[0].der[0].length - 1}, none = {cut.bytes, 0};
    struct chain_der after_good[2] = {lots[0].der[0], cut};
    bool malformed = false;
    for (int round = 0; round < 2; round++) {
        assert_null(chain_take(cache, &cut, 1, &malformed));
        assert_true(malformed);
        assert_int_not_equal(ERR_peek_error(), 0);
        ERR_clear_error();
    }
    assert_null(chain_take(cache, &none, 1, &malformed));
    assert_null(chain_take(cache, after_good, 2, &malformed));
    assert_true(malformed);
    ERR_clear_error();
    expect_counts(cache, 0, 4);
    look(cache, &lots[0]);
    expect_counts(cache, 0, 5);
    chain_cache_free(cache);
}

/* --- how long it is believed --------------------------------------------------------------------------------------- */

/* Against libssl, at the seconds around every moment at which something begins or ends. */
static void a_verdict_ends_at_the_second(void **state)
{
    (void)state;
    static const long days[] = {-200, -100, -6, -2, 0, 2, 3, 6, 100};
    struct chain_cache *cache = cache_new(10);
    for (int direction = 1; direction >= -1; direction -= 2)
        for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
            for (long second = -1; second <= 1; second++) {
                size_t at = direction > 0 ? i : sizeof days / sizeof days[0] - 1 - i;
                int64_t now_s = pki_now() + DAYS(days[at]) + direction * second;
                struct law law;
                law_ask(&law, trust, server, &lots[0], "www.a.test", now_s);
                same_through(cache, &lots[0], "www.a.test", now_s, &law);
                law_done(&law);
            }
    chain_cache_free(cache);
}

static void a_verdict_that_holds_is_not_sought_again(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain_cache_counts counts;
    struct chain *chain = take(cache, &lots[0]);
    for (long second = 0; second < 100; second++)
        assert_int_equal(verify(chain, "www.a.test", pki_now() + second), X509_V_OK);
    chain_cache_counts(cache, &counts);
    assert_int_equal(counts.verdicts_again, 0);
    assert_int_equal(verify(chain, "www.a.test", pki_now() + DAYS(2) - 1), X509_V_OK);
    assert_int_equal(verify(chain, "www.a.test", pki_now() + DAYS(2)), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify(chain, "www.a.test", pki_now() + DAYS(2) + 1), X509_V_ERR_CERT_HAS_EXPIRED);
    chain_cache_counts(cache, &counts);
    assert_int_equal(counts.verdicts_again, 1);
    chain_release(chain);
    chain_cache_free(cache);
}

/* Of two roots with the same name and key the one that is valid is taken, so that the path changes with the time. */
static void a_root_beside_the_path_counts(void **state)
{
    (void)state;
    X509_STORE *store = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(store, root_until) + X509_STORE_add_cert(store, root), 2);
    struct chain_cache *cache = cache_of(store, 10, 1 << 20);
    struct chain *chain = take(cache, &lots[0]);
    (void)verify(chain, "www.a.test", pki_now());
    X509 *before = sk_X509_value(chain_verified(chain), 2);
    X509_up_ref(before);
    struct chain_verdict verdict;
    assert_true(chain_verify(chain, "www.a.test", pki_now() + DAYS(3), &verdict));
    assert_int_equal(X509_cmp(before, root_until), 0);
    assert_int_equal(X509_cmp(sk_X509_value(chain_verified(chain), 2), root), 0);
    X509_free(before);
    chain_release(chain);
    chain_cache_free(cache);
    X509_STORE_free(store);
}

static void distrust_is_noticed_at_once(void **state)
{
    (void)state;
    X509_STORE *empty = X509_STORE_new();
    struct chain_cache *cache = cache_new(10);
    struct chain *chain = take(cache, &lots[0]);
    assert_int_equal(verify(chain, "www.a.test", pki_now()), X509_V_OK);
    chain_cache_distrust(cache, empty);
    struct chain_verdict verdict;
    assert_true(chain_verify(chain, "www.a.test", pki_now(), &verdict));
    assert_int_equal(verdict.errors[0].code, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_int_equal(X509_STORE_add_cert(empty, root), 1); /* in place */
    chain_cache_distrust(cache, empty);
    assert_int_equal(verify(chain, "www.a.test", pki_now()), X509_V_OK);
    assert_ptr_equal(take(cache, &lots[0]), chain);
    chain_release(chain);
    chain_release(chain);
    chain_cache_free(cache);
    X509_STORE_free(empty);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static uint64_t names_missed(const struct chain_cache *cache)
{
    struct chain_cache_counts counts;
    chain_cache_counts(cache, &counts);
    return counts.names_missed;
}

static void each_name_has_its_own_answer(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain *chain = take(cache, &lots[0]);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(verify(chain, "www.a.test", pki_now()), X509_V_OK);
        assert_int_equal(verify(chain, "b.test", pki_now()), X509_V_ERR_HOSTNAME_MISMATCH);
        assert_int_equal(verify(chain, "192.0.2.7", pki_now()), X509_V_OK);
        assert_int_equal(verify(chain, "192.0.2.8", pki_now()), X509_V_ERR_IP_ADDRESS_MISMATCH);
        assert_int_equal(names_missed(cache), 4);
    }
    chain_release(chain);
    chain_cache_free(cache);
}

static void names_without_end_are_no_leak(void **state)
{
    (void)state;
    struct chain_cache *cache = cache_new(10);
    struct chain *chain = take(cache, &lots[0]);
    char name[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "n%d.no.test", i);
        assert_int_equal(verify(chain, name, pki_now()), X509_V_ERR_HOSTNAME_MISMATCH);
        (void)snprintf(name, sizeof name, "n%d.wild.test", i);
        assert_int_equal(verify(chain, name, pki_now()), X509_V_OK);
    }
    assert_int_equal(names_missed(cache), 2000);
    chain_release(chain);
    chain_cache_free(cache);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_known_again_by_its_bytes),
        cmocka_unit_test(lengths_are_part_of_what_is_known),
        cmocka_unit_test(certificates_are_shared_by_the_chains_they_are_in),
        cmocka_unit_test(the_chain_not_used_for_longest_goes),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(a_cache_for_nothing_works_all_the_same),
        cmocka_unit_test(a_chain_that_somebody_holds_outlives_its_cache),
        cmocka_unit_test(what_does_not_parse_is_not_kept),
        cmocka_unit_test(a_verdict_ends_at_the_second),
        cmocka_unit_test(a_verdict_that_holds_is_not_sought_again),
        cmocka_unit_test(a_root_beside_the_path_counts),
        cmocka_unit_test(distrust_is_noticed_at_once),
        cmocka_unit_test(each_name_has_its_own_answer),
        cmocka_unit_test(names_without_end_are_no_leak),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

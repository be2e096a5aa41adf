#include "agent/hello/tls_peers.h"
#include "inject.h"

#include "agent/hello/chain_pki.h"

/*
 * Our TLS client and its chain cache, with a server of libssl in memory: algorithms, cache and client are made, a handshake with
 * a certificate of ours, data both ways, a change of keys, the end; the chain is judged and kept in an attempt. Each allocation fails
 * once. Whoever is without memory says so, and what it says of the server is right or nothing; what has failed works the next time, with
 * the same algorithms and the same cache.
 *
 * In a second pass libcrypto's allocations fail too. It hides some of these failures: a certificate whose extensions it could not read is an
 * invalid one to it, an issuer that it could not look up is not there. So what is demanded then is that nothing crashes, hangs or leaks,
 * and that a connection is open or has failed by us, not by the server.
 */

enum { PIECE_BYTES = 700, TURNS = 12 };

/* A server that agrees at once, and one that asks for another share. */
struct meeting {
    const char *kind, *groups;
    SSL_CTX *server;
};
static struct meeting meetings[] = {{.kind = "P-256", .groups = "X25519"},
                                    {.kind = "RSA", .groups = "P-384"}};
enum { MEETINGS = sizeof meetings / sizeof meetings[0] };

static X509_STORE *store;
static EVP_PKEY *our_key;
static X509 *our_certificate;
static bool with_libcrypto; /* do its allocations count? */

/* What one run has got so far. */
struct run {
    struct tls_algorithms *algorithms;
    struct chain_cache *chains;
    struct tls_client *client;
    SSL *server;
    size_t data_bytes;
};

/* What came of a handshake. */
struct result {
    enum tls_client_state state;
    struct tls_client_facts facts;
    bool judged, kept, answered;
    struct chain_verdict verdict;
    size_t certificates; /* kept, and said to be dropped */
};

/* --- libcrypto's memory ----------------------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void __lsan_ignore_object(const void *memory) __attribute__((weak));

/* Without memory it leaks what it has got so far (OSSL_DECODER_CTX_new_for_pkey, OSSL_LIB_CTX_new): that is not what is looked for. */
static void *given(void *memory)
{
    if (with_libcrypto && memory != NULL && __lsan_ignore_object != NULL)
        __lsan_ignore_object(memory);
    return memory;
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return with_libcrypto && inject_fails("malloc of libcrypto") ? NULL : given(__real_malloc(size));
}

static void *crypto_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return with_libcrypto && inject_fails("realloc of libcrypto") ? NULL
                                                                  : given(__real_realloc(memory, size));
}

static void crypto_free(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

/* --- a handshake -------------------------------------------------------------------------------------------------------- */

static void on_data(void *arg, const uint8_t *bytes, size_t length)
{
    (void)bytes;
    ((struct run *)arg)->data_bytes += length;
}

/* What both have to say, until neither has anything. Nothing of the server's fails. */
static void exchange(struct run *run)
{
    uint8_t bytes[PIECE_BYTES];
    for (int turn = 0; turn < TURNS; turn++) {
        size_t length = 0;
        int got;
        inject_pause();
        const uint8_t *output = tls_client_output(run->client, &length);
        if (length > 0)
            assert_int_equal(BIO_write(SSL_get_rbio(run->server), output, (int)length), length);
        tls_client_sent(run->client, length);
        if (!SSL_is_init_finished(run->server))
            (void)SSL_do_handshake(run->server);
        while ((got = BIO_read(SSL_get_wbio(run->server), bytes, sizeof bytes)) > 0) {
            inject_resume();
            (void)tls_client_receive(run->client, bytes, (size_t)got);
            inject_pause();
        }
        inject_resume();
    }
}

/* "ping", its answer and a new key for each direction. */
static bool talk(struct run *run)
{
    char bytes[8];
    if (!tls_client_send(run->client, (const uint8_t *)"ping", 4))
        return false;
    exchange(run);
    inject_pause();
    bool came = SSL_read(run->server, bytes, sizeof bytes) == 4 && SSL_write(run->server, "answer", 6) == 6 &&
                SSL_key_update(run->server, SSL_KEY_UPDATE_REQUESTED) == 1 &&
                SSL_write(run->server, "again", 5) == 5;
    inject_resume();
    exchange(run);
    bool answered = came && run->data_bytes == 11 && tls_client_send(run->client, (const uint8_t *)"x", 1);
    tls_client_close(run->client);
    exchange(run);
    return answered;
}

static void judge(struct result *result)
{
    struct attempt *attempt = attempt_new();
    if (attempt == NULL)
        return;
    result->judged = chain_verify(result->facts.chain, "www.a.test", pki_now(), &result->verdict);
    result->kept = chain_keep(result->facts.chain, attempt);
    result->certificates = attempt->tls.chain_count + attempt->tls.chain_dropped;
    attempt_free(attempt);
}

static void meet(struct run *run, const struct meeting *meeting, struct result *ret_result)
{
    struct tls_client_options options = {.algorithms = run->algorithms,
                                         .chains = run->chains,
                                         .profile = hello_profile_find(HELLO_PROFILE_NORMAL),
                                         .sni = "www.a.test",
                                         .certificate = our_certificate,
                                         .key = our_key,
                                         .on_data = on_data,
                                         .arg = run};
    *ret_result = (struct result){.state = TLS_CLIENT_FAILED};
    ret_result->facts.reason = ERR_R_MALLOC_FAILURE;
    run->data_bytes = 0;
    run->client = tls_client_new(&options);
    if (run->client == NULL)
        return;
    inject_pause();
    run->server = peers_server(meeting->server);
    inject_resume();
    exchange(run);
    ret_result->state = tls_client_state(run->client);
    tls_client_facts(run->client, &ret_result->facts);
    if (ret_result->state == TLS_CLIENT_OPEN) {
        judge(ret_result);
        ret_result->answered = talk(run);
    }
    inject_pause();
    SSL_free(run->server);
    run->server = NULL;
    inject_resume();
}

static void part(struct run *run)
{
    tls_client_free(run->client);
    run->client = NULL;
}

/* --- what has to be true ------------------------------------------------------------------------------------------------ */

static void expect_whole(const struct result *result)
{
    assert_int_equal(result->state, TLS_CLIENT_OPEN);
    assert_true(result->facts.ticket || result->answered);
    assert_true(result->judged && result->kept && result->answered);
    assert_int_equal(result->verdict.count, 0);
    assert_int_equal(result->certificates, 2);
}

static void expect_an_end(const struct result *result)
{
    if (result->state != TLS_CLIENT_OPEN && result->state != TLS_CLIENT_FAILED)
        fail_msg("after a failure of %s: state %d, alert %d", inject_what, (int)result->state,
                 result->facts.alert);
}

/* Nothing is said of the server that is not so. */
static void expect_honest(const struct result *result)
{
    if (result->state == TLS_CLIENT_FAILED && result->facts.reason != ERR_R_MALLOC_FAILURE)
        fail_msg("after a failure of %s: reason %d, alert %d", inject_what, result->facts.reason,
                 result->facts.alert_sent);
    if (result->judged && result->verdict.count != 0)
        fail_msg("after a failure of %s: verify error %d at %u", inject_what, result->verdict.errors[0].code,
                 (unsigned)result->verdict.errors[0].depth);
    if (result->kept && result->certificates != 2)
        fail_msg("after a failure of %s: %zu certificates", inject_what, result->certificates);
}

static void run_once(const struct meeting *meeting, unsigned long n, bool *ret_failed)
{
    struct run run = {0};
    struct result result = {0}, again;
    inject_arm(n, 1);
    run.algorithms = tls_algorithms_new();
    run.chains =
        chain_cache_new(&(struct chain_cache_options){.store = store, .max_chains = 4, .max_bytes = 1 << 20});
    bool made = run.algorithms != NULL && run.chains != NULL;
    if (made)
        meet(&run, meeting, &result);
    *ret_failed = inject_disarm();
    part(&run);
    if (made)
        expect_an_end(&result);
    if (made && !with_libcrypto) {
        expect_honest(&result);
        meet(&run, meeting, &again);
        expect_whole(&again);
        part(&run);
    }
    if (!*ret_failed)
        expect_whole(&result);
    chain_cache_free(run.chains);
    tls_algorithms_free(run.algorithms);
    ERR_clear_error();
}

static void each_fails_once(bool libcrypto, unsigned long least)
{
    with_libcrypto = libcrypto;
    for (size_t i = 0; i < MEETINGS; i++) {
        unsigned long n = 0;
        bool failed = true;
        while (failed)
            run_once(&meetings[i], ++n, &failed);
        assert_in_range(n, least, 100000);
        print_message("hello, %s and %s: %lu allocations, each failed once\n", meetings[i].kind,
                      meetings[i].groups, n - 1);
    }
    with_libcrypto = false;
}

static void each_of_ours_fails_once(void **state)
{
    (void)state;
    each_fails_once(false, 20);
}

static void each_of_libcrypto_fails_once(void **state)
{
    (void)state;
    each_fails_once(true, 500);
}

/* --- what stays --------------------------------------------------------------------------------------------------------- */

static int accept_all(int verified, X509_STORE_CTX *context)
{
    (void)verified, (void)context;
    return 1;
}

static int setup(void **state)
{
    const struct pki_recipe ca = {"root", -PKI_DAY_S, PKI_DAY_S, NULL, {PKI_CA, PKI_SIGN}};
    const struct pki_recipe between = {"middle", -PKI_DAY_S, PKI_DAY_S, NULL, {PKI_CA, PKI_SIGN}};
    const struct pki_recipe www = {"leaf", -PKI_DAY_S, PKI_DAY_S, NULL, {PKI_LEAF, PKI_WWW}};
    EVP_PKEY *ca_key = pki_key("EC", "P-256", 0), *middle_key = pki_key("EC", "P-256", 0);
    X509 *root = pki_sign(&ca, ca_key, NULL, NULL), *middle = pki_sign(&between, middle_key, root, ca_key);
    (void)state;
    store = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    for (size_t i = 0; i < MEETINGS; i++) {
        EVP_PKEY *key = peers_key(meetings[i].kind);
        X509 *leaf = pki_sign(&www, key, middle, middle_key);
        SSL_CTX *server = meetings[i].server = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate(server, leaf), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(server, key), 1);
        assert_int_equal(SSL_CTX_add1_chain_cert(server, middle), 1);
        assert_int_equal(SSL_CTX_set1_groups_list(server, meetings[i].groups), 1);
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER, accept_all);
        X509_free(leaf);
        EVP_PKEY_free(key);
    }
    our_key = peers_key("P-256");
    our_certificate = peers_certificate(our_key, NULL, "us");
    X509_free(middle);
    X509_free(root);
    EVP_PKEY_free(middle_key);
    EVP_PKEY_free(ca_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEETINGS; i++)
        SSL_CTX_free(meetings[i].server);
    X509_STORE_free(store);
    X509_free(our_certificate);
    EVP_PKEY_free(our_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_of_ours_fails_once),
                                       cmocka_unit_test(each_of_libcrypto_fails_once)};
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}

#ifndef PARALLAX_TEST_PROBER_FIXTURE_H
#define PARALLAX_TEST_PROBER_FIXTURE_H

#include "agent/probe/lab_server.h"
#include "cmocka_all.h"
#include "probe/prober.h"
#include "words/classify.h"

#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A prober and servers with certificates that it trusts. */

enum { ATTEMPTS_MAX = 16, DAY_S = 86400 };

static EVP_PKEY *key;
static X509 *root, *intermediate;
static enum prober_engine engine; /* of each test */
static char ca_path[] = "/tmp/prober-ca-XXXXXX";

struct fixture {
    uv_loop_t loop;
    struct prober_options options;
    struct prober *prober;
    struct attempt *attempts[ATTEMPTS_MAX];
    unsigned count;
    unsigned lasts;
    bool closed;
    bool cancel_after_first;
};

/* --- the run -------------------------------------------------------------------------------------------------- */

static inline void on_closed(void *arg)
{
    struct fixture *fixture = arg;
    fixture->closed = true;
}

static inline void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct fixture *fixture = arg;
    assert_non_null(attempt);
    assert_true(fixture->count < ATTEMPTS_MAX);
    fixture->attempts[fixture->count++] = attempt;
    fixture->lasts += last;
    if (fixture->cancel_after_first && fixture->count == 1)
        prober_cancel(fixture->prober);
    if (prober_pending(fixture->prober) == 0)
        prober_close(fixture->prober, on_closed, fixture);
}

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->options.ca_file = ca_path;
    fixture->options.engine = engine;
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < fixture->count; i++)
        attempt_free(fixture->attempts[i]);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture);
    return 0;
}

static inline void open_prober(struct fixture *fixture)
{
    char *why = NULL;
    fixture->prober = prober_new(&fixture->loop, &fixture->options, &why);
    if (fixture->prober == NULL)
        fail_msg("%s", why);
}

static inline struct probe_job job_for(const char *host, uint16_t port)
{
    return (struct probe_job){.endpoint = {.site = "", .host = host, .port = port, .sni = ""},
                              .timeout_us = 5000000};
}

static inline void run(struct fixture *fixture, const struct probe_job *jobs, unsigned count)
{
    open_prober(fixture);
    for (unsigned i = 0; i < count; i++)
        assert_true(prober_probe(fixture->prober, &jobs[i], on_attempt, fixture));
    assert_int_equal(fixture->count, 0);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->closed);
    assert_int_equal(fixture->lasts, count);
}

static inline struct attempt *run_one(struct fixture *fixture, struct probe_job job)
{
    run(fixture, &job, 1);
    assert_int_equal(fixture->count, 1);
    return fixture->attempts[0];
}

static inline struct attempt *run_against(struct fixture *fixture, struct lab_server *server,
                                          struct probe_job job)
{
    job.endpoint.port = server->port;
    struct attempt *attempt = run_one(fixture, job);
    lab_stop(server);
    return attempt;
}

static inline void assert_class(const struct attempt *attempt, enum outcome_class class)
{
    assert_string_equal(outcome_class_id(classify(attempt).class), outcome_class_id(class));
}

static inline bool has_verify_error(const struct attempt *attempt, int code)
{
    for (size_t i = 0; i < attempt->tls.verify_error_count; i++)
        if (attempt->tls.verify_errors[i].code == code)
            return true;
    return false;
}

/* --- servers ---------------------------------------------------------------------------------------------------- */

/* @param chain  sent after the leaf, in this order, ended by NULL. */
static inline SSL_CTX *tls_context(const struct lab_certificate *leaf, X509 *const *chain, int max_version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509 *certificate = lab_sign(leaf, key, intermediate, key);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    for (; *chain != NULL; chain++)
        assert_int_equal(SSL_CTX_add1_chain_cert(context, *chain), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, max_version), 1);
    return context;
}

static const struct lab_certificate good_leaf = {"a.test", "DNS:a.test,IP:127.0.0.1", -DAY_S, 30 * DAY_S};

static inline void start_good(struct lab_server *server, enum lab_kind kind, int max_version)
{
    X509 *chain[] = {intermediate, NULL};
    lab_start(server, kind, tls_context(&good_leaf, chain, max_version));
}

static inline int make_authorities(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    key = EVP_EC_gen("P-256");
    root = lab_sign(&(struct lab_certificate){"Lab Root", NULL, -DAY_S, 300 * DAY_S}, key, NULL, NULL);
    intermediate = lab_sign(&(struct lab_certificate){"Lab CA", NULL, -DAY_S, 300 * DAY_S}, key, root, key);
    (void)snprintf(ca_path, sizeof ca_path, "/tmp/prober-ca-XXXXXX");
    int fd = mkstemp(ca_path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, root), 1);
    assert_int_equal(fclose(file), 0);
    return 0;
}

static inline int free_authorities(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(root);
    X509_free(intermediate);
    (void)unlink(ca_path);
    return 0;
}

static inline struct probe_job named_job(void)
{
    struct probe_job job = job_for("a.test", 0);
    assert_true(address_parse("127.0.0.1", &job.endpoint.address));
    return job;
}

#endif

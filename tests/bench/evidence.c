/*
 * bench-evidence ADDRESS PORT NAME CA-FILE: what taking evidence costs an attempt, in CPU time of the client.
 *
 * The engine is the real one; the linker puts the functions below between it and what takes evidence of a handshake (the
 * message log, TCP_INFO, certificates, staple and proofs), and they leave it out while `evidence` is off. Batches with and
 * without evidence take turns, so that what else goes on in the machine meets both; the medians
 * (microseconds an attempt, with and without) are printed.
 */
#include "probe/probe.h"
#include "probe/tcp.h"
#include "probe/tls_log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BATCHES = 15, WARM_UP = 2, ATTEMPTS = 200, AT_ONCE = 8 };

static bool evidence;

void __real_certificates_keep(STACK_OF(X509) * sent, struct attempt *attempt);
void __wrap_certificates_keep(STACK_OF(X509) * sent, struct attempt *attempt);
void __wrap_certificates_keep(STACK_OF(X509) * sent, struct attempt *attempt)
{
    if (evidence)
        __real_certificates_keep(sent, attempt);
}

void __real_certificates_keep_staple(STACK_OF(X509) * sent, STACK_OF(X509) * verified,
                                     const unsigned char *staple, long length, struct attempt *attempt);
void __wrap_certificates_keep_staple(STACK_OF(X509) * sent, STACK_OF(X509) * verified,
                                     const unsigned char *staple, long length, struct attempt *attempt);
void __wrap_certificates_keep_staple(STACK_OF(X509) * sent, STACK_OF(X509) * verified,
                                     const unsigned char *staple, long length, struct attempt *attempt)
{
    if (evidence)
        __real_certificates_keep_staple(sent, verified, staple, length, attempt);
}

void __real_tls_log_message(struct attempt *attempt, bool received, int content, const uint8_t *bytes,
                            size_t length, int64_t at_us);
void __wrap_tls_log_message(struct attempt *attempt, bool received, int content, const uint8_t *bytes,
                            size_t length, int64_t at_us);
void __wrap_tls_log_message(struct attempt *attempt, bool received, int content, const uint8_t *bytes,
                            size_t length, int64_t at_us)
{
    if (evidence)
        __real_tls_log_message(attempt, received, content, bytes, length, at_us);
}

typedef void message_callback(int, int, int, const void *, size_t, SSL *, void *);
void __real_SSL_set_msg_callback(SSL *ssl, message_callback *callback);
void __wrap_SSL_set_msg_callback(SSL *ssl, message_callback *callback);
void __wrap_SSL_set_msg_callback(SSL *ssl, message_callback *callback)
{
    if (evidence)
        __real_SSL_set_msg_callback(ssl, callback);
}

bool __real_tcp_snapshot_take(int fd, int64_t at_us, struct tcp_snapshot *ret_snapshot);
bool __wrap_tcp_snapshot_take(int fd, int64_t at_us, struct tcp_snapshot *ret_snapshot);
bool __wrap_tcp_snapshot_take(int fd, int64_t at_us, struct tcp_snapshot *ret_snapshot)
{
    return evidence && __real_tcp_snapshot_take(fd, at_us, ret_snapshot);
}

struct batch {
    struct prober *prober;
    struct probe_job job;
    unsigned to_start;
    unsigned failed;
};

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct batch *batch = arg;
    if (attempt == NULL || attempt->http.status != 200 || (evidence && attempt->tls.chain_count == 0))
        batch->failed++;
    attempt_free(attempt);
    if (last && batch->to_start > 0 && prober_probe(batch->prober, &batch->job, on_attempt, batch))
        batch->to_start--;
}

static double cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* @return CPU time of one attempt, or a negative number when one failed. */
static double run_batch(uv_loop_t *loop, struct prober *prober, const struct probe_job *job)
{
    struct batch batch = {.prober = prober, .job = *job, .to_start = ATTEMPTS - AT_ONCE};
    double before = cpu_us();
    for (int i = 0; i < AT_ONCE; i++)
        batch.failed += !prober_probe(prober, job, on_attempt, &batch);
    while (prober_pending(prober) > 0)
        (void)uv_run(loop, UV_RUN_ONCE);
    return batch.failed > 0 || batch.to_start > 0 ? -1 : (cpu_us() - before) / ATTEMPTS;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *figures)
{
    qsort(figures, BATCHES, sizeof *figures, ascending);
    return figures[BATCHES / 2];
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    char *why = NULL;
    double took[2][BATCHES];
    if (argc != 5 || uv_loop_init(&loop) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    struct prober_options options = {.ca_file = argv[4], .concurrency = AT_ONCE};
    struct prober *prober = prober_new(&loop, &options, &why);
    struct probe_job job = {.endpoint = {.site = "", .host = argv[3], .sni = ""}};
    job.endpoint.port = (uint16_t)strtoul(argv[2], NULL, 10);
    if (prober == NULL || !address_parse(argv[1], &job.endpoint.address))
        return 2;
    for (int i = -WARM_UP; i < BATCHES; i++) {
        for (int turn = 0; turn < 2; turn++) {
            evidence = (turn == 0) == (i % 2 == 0); /* neither is always first */
            double one = run_batch(&loop, prober, &job);
            if (one < 0) {
                (void)fprintf(stderr, "an attempt failed\n");
                return 3;
            }
            if (i >= 0)
                took[evidence][i] = one;
        }
    }
    double with = median(took[true]), without = median(took[false]);
    printf("%.1f %.1f\n", with, without);
    prober_close(prober, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return 0;
}

/*
 * bench-handshake ADDRESS PORT NAME CA-FILE COUNT [--engine libssl|auto|own] [--request] [--at-once N]: verified full handshakes by the real probe engine,
 * each with all of its evidence, or exit code 3.
 *
 * In NAME a `*` stands for the number of the attempt, so that each may meet a certificate of its own. WARM_UP attempts go before
 * those that count: their chain is seen, algorithms are fetched and memory is there;
 * with the engine `auto`, which is the default, they have shown that the endpoint speaks what our own engine speaks. Every attempt that
 * counts has to be made by our own engine, unless libssl was asked for. Prints how many were made, the CPU time they
 * took (microseconds of this process, user and system) and the largest memory of the process (KiB).
 */
#include "probe/prober.h"
#include "words/evidence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARM_UP = 50, AT_ONCE = 64, NAME_BYTES = 256 };

struct run {
    struct prober *prober;
    struct probe_job job;
    const char *pattern;
    unsigned flags;
    unsigned next; /* number of the next attempt */
    unsigned end;  /* number after the last */
    bool own;      /* it has to be our own engine's */
    bool failed;
};

/* Everything that a handshake shows, and nothing wrong with it. */
static bool complete(const struct attempt *attempt, bool requests)
{
    const struct evidence_tls *tls = &attempt->tls;
    const struct evidence_clock *clock = &attempt->clock;
    bool stamped = clock->connected_us != EVIDENCE_NEVER && clock->hello_sent_us != EVIDENCE_NEVER &&
                   clock->first_byte_us != EVIDENCE_NEVER && clock->flight_us != EVIDENCE_NEVER &&
                   clock->handshake_us != EVIDENCE_NEVER;
    bool agreed = tls->version == 0x0304 && tls->cipher != 0 && tls->group != 0 && tls->signature != 0;
    bool chain = tls->chain_count >= 2 && tls->chain[0].parsed && tls->chain[0].der_length > 0 &&
                 tls->chain[1].parsed && tls->leaf.name_count > 0 && tls->has_san;
    bool counted = attempt->tcp[MOMENT_CONNECTED].taken && attempt->tcp[MOMENT_HELLO].taken &&
                   attempt->tcp[MOMENT_END].taken && attempt->end.received_bytes > 0;
    return stamped && agreed && chain && counted && tls->verify_error_count == 0 && !tls->resumed &&
           tls->record_count >= 7 && tls->hello_length > 0 && attempt->flow.source_port != 0 &&
           (!requests || attempt->http.status == 200);
}

static void start_next(struct run *run);

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct run *run = arg;
    run->failed |= attempt == NULL || (run->own && (attempt->engine != ENGINE_OWN || attempt->engine_again));
    run->failed = run->failed || !complete(attempt, !(run->flags & PROBE_NO_REQUEST));
    attempt_free(attempt);
    if (last)
        start_next(run);
}

static void start_next(struct run *run)
{
    char name[NAME_BYTES];
    if (run->next >= run->end || run->failed)
        return;
    const char *star = strchr(run->pattern, '*');
    int before = star == NULL ? (int)strlen(run->pattern) : (int)(star - run->pattern);
    if (star == NULL)
        (void)snprintf(name, sizeof name, "%s", run->pattern);
    else
        (void)snprintf(name, sizeof name, "%.*s%u%s", before, run->pattern, run->next, star + 1);
    run->next++;
    run->job.endpoint.host = name;
    run->job.flags = run->flags;
    run->failed |= !prober_probe(run->prober, &run->job, on_attempt, run);
}

static double cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long peak_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* @return CPU time of the attempts up to that number, or a negative number when one failed. */
static double run_until(uv_loop_t *loop, struct run *run, unsigned end, unsigned at_once)
{
    double before = cpu_us();
    run->end = end;
    for (unsigned i = 0; i < at_once; i++)
        start_next(run);
    while (prober_pending(run->prober) > 0)
        (void)uv_run(loop, UV_RUN_ONCE);
    return run->failed ? -1 : cpu_us() - before;
}

static bool read_engine(const char *name, enum prober_engine *ret_engine)
{
    for (unsigned i = 0; i < PROBER_ENGINE_COUNT; i++) {
        if (strcmp(name, prober_engine_names[i]) != 0)
            continue;
        *ret_engine = (enum prober_engine)i;
        return true;
    }
    return false;
}

static bool read_arguments(int argc, char **argv, struct run *run, struct prober_options *options,
                           unsigned *ret_count)
{
    if (argc < 6 || !address_parse(argv[1], &run->job.endpoint.address))
        return false;
    run->job.endpoint.port = (uint16_t)strtoul(argv[2], NULL, 10);
    run->pattern = argv[3];
    run->flags = PROBE_NO_REQUEST;
    *ret_count = (unsigned)strtoul(argv[5], NULL, 10);
    *options = (struct prober_options){.ca_file = argv[4], .concurrency = AT_ONCE, .engine = PROBER_AUTO};
    for (int i = 6; i < argc; i++) {
        if (strcmp(argv[i], "--request") == 0)
            run->flags = 0;
        else if (strcmp(argv[i], "--at-once") == 0 && i + 1 < argc)
            options->concurrency = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc &&
                 read_engine(argv[i + 1], &options->engine))
            i++;
        else
            return false;
    }
    return *ret_count > 0 && options->concurrency > 0;
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    char *why = NULL;
    unsigned count;
    struct prober_options options;
    struct run run = {.job.endpoint = {.site = "", .sni = ""}};
    if (!read_arguments(argc, argv, &run, &options, &count) || uv_loop_init(&loop) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    run.prober = prober_new(&loop, &options, &why);
    if (run.prober == NULL)
        return 2;
    bool warm = run_until(&loop, &run, WARM_UP, options.concurrency) >= 0;
    run.own = options.engine != PROBER_LIBSSL;
    double took_us = warm ? run_until(&loop, &run, WARM_UP + count, options.concurrency) : -1;
    prober_close(run.prober, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    if (took_us < 0) {
        (void)fputs("an attempt failed, or lacks evidence\n", stderr);
        return 3;
    }
    printf("%u %.0f %ld\n", count, took_us, peak_kib());
    return 0;
}

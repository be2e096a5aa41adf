#include "probe/probe.h"

#include "link/clock.h"
#include "probe/aia.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The queue: who waits, who runs, and which attempts belong to one job. */

#define PROBE_URL "https://parallax.invalid/probe"

enum { TASK_ARENA_BYTES = 16 * 1024 };

int64_t prober_now(const struct prober *prober, uint64_t *ret_error_us)
{
    *ret_error_us = 0;
    return prober->options.now == NULL ? clock_wall_us()
                                       : prober->options.now(ret_error_us, prober->options.now_arg);
}

/* --- jobs --------------------------------------------------------------------------------------------------
 */

static void task_free(struct probe_task *task)
{
    arena_done(&task->arena);
    free(task);
}

/* Copied: the attempts that named it may go before the task does. */
static const char *url_to_fetch(struct probe_task *task)
{
    const struct case_file *about = task->job.about;
    if (about == NULL || about->count == 0)
        return "";
    const char *url = task->job.variant == VARIANT_ISSUER
                          ? aia_next_url(about, &task->arena)
                          : arena_string(&task->arena, about->attempts[0]->tls.leaf.ocsp_url);
    return url == NULL ? "" : url;
}

/* A URL that leads nowhere gives an attempt that ends at DNS, by a name that is never there (RFC 6761, 6.4). */
static void aim_at_third_party(struct probe_task *task)
{
    struct endpoint *endpoint = &task->job.endpoint;
    struct endpoint at;
    const char *path = "/";
    task->fetch_url = url_to_fetch(task);
    bool good = aia_parse(task->fetch_url, &task->arena, &at, &path);
    endpoint->host = good ? at.host : "nowhere.invalid";
    endpoint->port = good ? at.port : 80;
    endpoint->address = good ? at.address : (struct address){0};
    endpoint->sni = "";
    endpoint->no_sni = true;
    task->job.flags &= ~(unsigned)PROBE_ALL_ADDRESSES;
    task->fetch_path = path;
}

static struct probe_task *task_new(const struct probe_job *job, probe_done done, void *arg)
{
    struct probe_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    *task = (struct probe_task){.job = *job, .done = done, .arg = arg};
    arena_init(&task->arena, TASK_ARENA_BYTES);
    if (!endpoint_copy(&job->endpoint, &task->arena, &task->job.endpoint)) {
        task_free(task);
        return NULL;
    }
    if (task->job.timeout_us == 0)
        task->job.timeout_us = PROBER_TIMEOUT_US;
    task->fetch_url = "";
    if (variant_fetches(job->variant))
        aim_at_third_party(task);
    return task;
}

static struct probe *probe_new(struct prober *prober, struct probe_task *task)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL)
        return NULL;
    probe->prober = prober;
    probe->task = task;
    probe->stage = PROBE_RESOLVE;
    probe->deadline_us = task->job.timeout_us > INT64_MAX ? INT64_MAX : (int64_t)task->job.timeout_us;
    wire_init(&probe->wire, -1);
    task->open++;
    return probe;
}

/* --- the queue --------------------------------------------------------------------------------------------- */

static void queue_last(struct prober *prober, struct probe *probe)
{
    probe->next = NULL;
    *prober->queue_end = probe;
    prober->queue_end = &probe->next;
}

static void queue_first(struct prober *prober, struct probe *probe)
{
    if (prober->queue == NULL)
        prober->queue_end = &probe->next;
    probe->next = prober->queue;
    prober->queue = probe;
}

static struct probe *queue_take(struct prober *prober)
{
    struct probe *probe = prober->queue;
    prober->queue = probe->next;
    if (prober->queue == NULL)
        prober->queue_end = &prober->queue;
    probe->next = prober->running;
    probe->here = &prober->running;
    if (probe->next != NULL)
        probe->next->here = &probe->next;
    prober->running = probe;
    prober->running_count++;
    return probe;
}

static void leave_running(struct prober *prober, const struct probe *probe)
{
    *probe->here = probe->next;
    if (probe->next != NULL)
        probe->next->here = probe->here;
    prober->running_count--;
}

static void prober_free(struct prober *prober)
{
    trust_free(prober->trust);
    engine_memory_free(prober->memory);
    hosts_free(prober->hosts);
    free(prober->agent_version);
    free(prober);
}

static void on_poller_closed(void *arg)
{
    struct prober *prober = arg;
    void (*closed)(void *) = prober->closed;
    void *closed_arg = prober->closed_arg;
    prober_free(prober);
    if (closed != NULL)
        closed(closed_arg);
}

static void on_resolver_closed(void *arg)
{
    struct prober *prober = arg;
    poller_close(&prober->poller, on_poller_closed, prober);
}

static void prober_advance(struct prober *prober)
{
    while (prober->queue != NULL && prober->running_count < prober->options.concurrency)
        probe_start(queue_take(prober));
    if (prober->closing && prober->pending == 0 && !prober->ended) {
        prober->ended = true;
        resolver_close(prober->resolver, on_resolver_closed, prober);
    }
}

bool prober_probe(struct prober *prober, const struct probe_job *job, probe_done done, void *arg)
{
    struct probe_task *task = task_new(job, done, arg);
    struct probe *probe = task == NULL ? NULL : probe_new(prober, task);
    if (probe == NULL) {
        if (task != NULL)
            task_free(task);
        return false;
    }
    prober->pending++;
    queue_last(prober, probe);
    prober_advance(prober);
    return true;
}

void prober_finished(struct probe *probe)
{
    struct prober *prober = probe->prober;
    struct probe_task *task = probe->task;
    struct attempt *attempt = probe->attempt;
    leave_running(prober, probe);
    free(probe);
    bool last = --task->open == 0;
    if (last)
        prober->pending--;
    task->done(attempt, last, task->arg);
    if (last)
        task_free(task);
    prober_advance(prober);
}

/* --- forks ------------------------------------------------------------------------------------------------- */

static bool copy_query(struct arena *arena, const struct dns_query *from, struct dns_query *ret_query)
{
    *ret_query = *from;
    ret_query->resolver = arena_string(arena, from->resolver);
    ret_query->answers = arena_array(arena, from->answer_count, sizeof *from->answers);
    if (ret_query->resolver == NULL || ret_query->answers == NULL)
        return false;
    for (size_t i = 0; i < from->answer_count; i++) {
        ret_query->answers[i] = from->answers[i];
        ret_query->answers[i].name = arena_string(arena, from->answers[i].name);
        if (ret_query->answers[i].name == NULL)
            return false;
    }
    return true;
}

/* The answers belong to every attempt that rests on them. */
static struct attempt *attempt_with_dns_of(const struct attempt *from)
{
    struct attempt *attempt = attempt_new();
    if (attempt == NULL)
        return NULL;
    for (size_t i = 0; i < from->dns_count; i++) {
        if (!copy_query(&attempt->arena, &from->dns[i], &attempt->dns[i])) {
            attempt_free(attempt);
            return NULL;
        }
    }
    attempt->dns_count = from->dns_count;
    return attempt;
}

void prober_fork(struct probe *probe, const struct address *address)
{
    struct attempt *attempt = attempt_with_dns_of(probe->attempt);
    struct probe *fork = attempt == NULL ? NULL : probe_new(probe->prober, probe->task);
    if (fork == NULL) {
        attempt_free(attempt);
        return;
    }
    fork->attempt = attempt;
    fork->address = *address;
    fork->stage = PROBE_CONNECT;
    queue_first(probe->prober, fork);
    prober_advance(probe->prober);
}

/* --- the prober -------------------------------------------------------------------------------------------- */

void prober_cancel(struct prober *prober)
{
    while (prober->queue != NULL)
        probe_cancel(queue_take(prober));
    for (struct probe *probe = prober->running; probe != NULL; probe = probe->next)
        probe_cancel(probe);
}

void prober_judge_again(struct prober *prober)
{
    for (struct probe *probe = prober->running; probe != NULL; probe = probe->next)
        probe_judge_again(probe);
}

void prober_limit(struct prober *prober, unsigned concurrency, unsigned address_concurrency)
{
    prober->options.concurrency = concurrency > 0 ? concurrency : PROBER_CONCURRENCY;
    prober->options.address_concurrency = address_concurrency;
    prober_advance(prober);
}

unsigned prober_open_to(const struct prober *prober, const struct address *address)
{
    unsigned open = 0;
    for (const struct probe *probe = prober->running; probe != NULL; probe = probe->next)
        open += probe->wire.fd >= 0 && address_equal(&probe->address, address);
    return open;
}

unsigned prober_pending(const struct prober *prober)
{
    return prober->pending;
}

void prober_close(struct prober *prober, void (*closed)(void *arg), void *arg)
{
    prober->closing = true;
    prober->closed = closed;
    prober->closed_arg = arg;
    prober_cancel(prober);
    prober_advance(prober);
}

static void write_user_agent(struct prober *prober, const char *contact)
{
    /* Cut when it is too long: it is a courtesy, not evidence. */
    (void)snprintf(prober->user_agent, sizeof prober->user_agent, "Parallax/%s (+%s%s%s)",
                   prober->agent_version, PROBE_URL, contact == NULL ? "" : "; ",
                   contact == NULL ? "" : contact);
    for (char *at = prober->user_agent; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
}

static bool prober_load(struct prober *prober, const struct prober_options *options, char **ret_why)
{
    prober->agent_version =
        strdup(options->agent_version == NULL ? PARALLAX_VERSION : options->agent_version);
    struct trust_files files = {
        .ca = options->ca_file, .client_cert = options->client_cert, .client_key = options->client_key};
    prober->trust = prober->agent_version == NULL ? NULL : trust_new(&files, ret_why);
    if (prober->trust == NULL)
        return false;
    prober->memory = engine_memory_new();
    if (prober->memory == NULL)
        return false;
    prober->hosts = options->resolver != NULL ? NULL : hosts_new("/etc/hosts");
    if (prober->hosts == NULL && options->resolver == NULL)
        return false;
    prober->resolver = resolver_new(prober->loop, options->resolver, ret_why);
    return prober->resolver != NULL;
}

struct prober *prober_new(uv_loop_t *loop, const struct prober_options *options, char **ret_why)
{
    *ret_why = NULL;
    struct prober *prober = calloc(1, sizeof *prober);
    if (prober != NULL) {
        prober->loop = loop;
        prober->options = *options;
        prober->options.ca_file = prober->options.resolver = prober->options.contact = NULL;
        prober->options.client_cert = prober->options.client_key = NULL;
        if (prober->options.concurrency == 0)
            prober->options.concurrency = PROBER_CONCURRENCY;
        prober->queue_end = &prober->queue;
        poller_init(&prober->poller, loop, probe_seen);
        if (prober_load(prober, options, ret_why)) {
            write_user_agent(prober, options->contact);
            return prober;
        }
        prober_free(prober);
    }
    if (*ret_why == NULL)
        *ret_why = strdup("out of memory");
    return NULL;
}

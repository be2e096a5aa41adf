#include "probe/probe.h"

#include "link/clock.h"
#include "probe/tcp.h"
#include "words/units.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * One attempt:
 *
 *   (variants issuer and ocsp: FETCH in place of HANDSHAKE, OBSERVE and REQUEST)
 *
 *   queue ──> RESOLVE ──> CONNECT ──> HANDSHAKE ──> OBSERVE ──> REQUEST ──> CLOSE ──> done callback
 *                │            │           │            │                      ^
 *                │            │           └─ failed ───┤                      │
 *                │            │                        └─ it had failed ──────┤
 *                └─ no address, policy ── no route, refused, timeout, policy ─┤
 *                                                             probe_cancel ───┘
 *
 * HANDSHAKE goes back to CONNECT, once, when the server chooses what our own engine does not speak: libssl takes over.
 *
 * RESOLVE may fork: the first address is this probe's, each other one gets a probe of its own that begins at
 * CONNECT. A stage returns the next stage, or PROBE_WAIT after saying what it waits for. It is run again on
 * that event, on its wake_us, and at the deadline. The poller tells of an event once: what comes while no stage wants it is
 * remembered in wire.dry. probe_finish is the only caller of the done callback (through prober_finished), after every handle is
 * closed.
 */

#define STAGE_FUNCTION(STAGE, name) [PROBE_##STAGE] = probe_stage_##name,
static enum probe_stage (*const stage_functions[])(struct probe *) = {PROBE_STAGES(STAGE_FUNCTION)};

int64_t probe_now_us(const struct probe *probe)
{
    return clock_mono_us() - probe->start_us;
}

int64_t probe_wall_us(const struct probe *probe)
{
    return probe->attempt->clock.start_us + probe_now_us(probe);
}

bool probe_expired(const struct probe *probe)
{
    return probe_now_us(probe) >= probe->deadline_us;
}

void probe_stamp(const struct probe *probe, int64_t *stamp)
{
    if (*stamp == EVIDENCE_NEVER)
        *stamp = probe_now_us(probe);
}

enum probe_stage probe_wait_for(struct probe *probe, enum probe_want want, int64_t wake_us)
{
    probe->want = want;
    probe->wake_us = wake_us;
    return PROBE_WAIT;
}

void probe_end_as(struct probe *probe, enum evidence_ending how)
{
    if (probe->attempt->end.how != ENDING_NONE)
        return;
    probe->attempt->end.how = how;
    probe_stamp(probe, &probe->attempt->clock.closed_us);
}

enum probe_stage probe_local(struct probe *probe, enum evidence_local local, int error, const char *detail)
{
    probe->attempt->local = local;
    probe->attempt->local_error = error;
    probe->attempt->local_detail = detail;
    return PROBE_CLOSE;
}

bool probe_allowed(struct probe *probe, const struct address *address)
{
    const struct prober_options *options = &probe->prober->options;
    char why[PROBER_WHY_BYTES] = "";
    if (options->allow == NULL || options->allow(&probe->task->job, address, why, options->allow_arg))
        return true;
    const char *detail = arena_string(&probe->attempt->arena, why);
    (void)probe_local(probe, LOCAL_POLICY, 0, detail == NULL ? "" : detail);
    return false;
}

void probe_snapshot(struct probe *probe, enum evidence_moment moment)
{
    struct tcp_snapshot *snapshot = &probe->attempt->tcp[moment];
    if (!snapshot->taken)
        (void)tcp_snapshot_take(probe->wire.fd, probe_now_us(probe), snapshot);
}

const char *probe_expected_name(const struct probe *probe, const char *sni)
{
    return sni[0] != '\0' ? sni : probe->task->job.endpoint.host;
}

enum probe_stage probe_begin_again(struct probe *probe)
{
    probe->engine->free(probe);
    probe->engine = NULL;
    probe->session = NULL;
    pcap_end(&probe->capture, ENDING_BY_US, probe_wall_us(probe));
    probe->ready = probe->faulty = false;
    (void)shutdown(probe->wire.fd, SHUT_RDWR);
    (void)close(probe->wire.fd);
    wire_init(&probe->wire, -1);
    attempt_forget_connection(probe->attempt);
    probe->attempt->engine_again = true;
    probe->attempt->flow.destination_port = probe->task->job.endpoint.port;
    return PROBE_CONNECT;
}

/* --- the driver -------------------------------------------------------------------------------------------- */

static void probe_finish(uv_handle_t *timer)
{
    struct probe *probe = timer->data;
    if (probe->engine != NULL)
        probe->engine->free(probe);
    http_reader_done(&probe->http);
    buf_done(&probe->request);
    buf_done(&probe->body);
    if (probe->wire.fd >= 0)
        (void)close(probe->wire.fd);
    prober_finished(probe);
}

void probe_seen(void *arg, unsigned events)
{
    struct probe *probe = arg;
    bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
    bool readable = over || (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    bool writable = over || (events & EPOLLOUT) != 0;
    probe->faulty |= over;
    wire_seen(&probe->wire, readable, over || (events & EPOLLRDHUP) != 0);
    if (!(probe->want == WANT_READ && readable) && !(probe->want == WANT_WRITE && writable))
        return;
    probe->ready = true;
    probe_step(probe);
}

static void on_timer(uv_timer_t *timer)
{
    probe_step(timer->data);
}

static void probe_set_timer(struct probe *probe)
{
    int64_t due_us = probe->deadline_us;
    if (probe->wake_us > 0 && probe->wake_us < due_us)
        due_us = probe->wake_us;
    if (probe->want == WANT_READ && !probe->wire.dry)
        due_us = 0; /* what is left to read has been told */
    int64_t left_us = due_us - probe_now_us(probe);
    uint64_t ms = left_us <= 0 ? 0 : (uint64_t)(left_us + 999) / 1000;
    (void)uv_timer_start(&probe->timer, on_timer, ms, 0);
}

static void probe_wait(struct probe *probe)
{
    probe->ready = false;
    probe_set_timer(probe);
}

void probe_step(struct probe *probe)
{
    probe->stepping = true;
    enum probe_stage next = probe->stage;
    while (next != PROBE_DONE && next != PROBE_WAIT) {
        probe->stage = next;
        next = stage_functions[next](probe);
    }
    probe->stepping = false;
    if (next == PROBE_WAIT) {
        probe_wait(probe);
        return;
    }
    probe->stage = PROBE_DONE;
    probe->want = WANT_NOTHING;
    uv_close((uv_handle_t *)&probe->timer, probe_finish);
}

static const char *kept(struct attempt *attempt, const char *text)
{
    const char *copy = arena_string(&attempt->arena, text);
    return copy == NULL ? "" : copy;
}

static void identify(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    const struct probe_job *job = &probe->task->job;
    attempt->round_id = job->round_id;
    attempt->endpoint_id = job->endpoint.id;
    attempt->variant = job->variant;
    attempt->role = job->role;
    attempt->depth = variant_fetches(job->variant) ? DEPTH_FULL : job->endpoint.depth;
    attempt->agent_version = kept(attempt, probe->prober->agent_version);
    attempt->tls_library = kept(attempt, OpenSSL_version(OPENSSL_VERSION));
    attempt->hello_profile = TRUST_HELLO_PROFILE;
    memcpy(attempt->ca_bundle_sha256, trust_sha256(probe->prober->trust), sizeof attempt->ca_bundle_sha256);
    attempt->flow.destination_port = job->endpoint.port;
    if (job->variant == VARIANT_ISSUER) {
        attempt->tls.issuer = ISSUER_FAILED; /* until it is here */
        attempt->tls.issuer_url = kept(attempt, probe->task->fetch_url);
    } else if (job->variant == VARIANT_OCSP) {
        attempt->tls.responder = RESPONDER_FAILED; /* until it has answered */
        attempt->tls.responder_url = kept(attempt, probe->task->fetch_url);
    }
}

static void start_clock(struct probe *probe)
{
    struct evidence_clock *clock = &probe->attempt->clock;
    probe->start_us = clock_mono_us();
    clock->start_us = prober_now(probe->prober, &clock->start_error_us);
    clock->slot_us = probe->task->job.slot_us;
    /* How long this turn of the loop has been at work: by so much the start came late. */
    int64_t lag_us = (int64_t)(uv_hrtime() / 1000) - (int64_t)uv_now(probe->prober->loop) * US_PER_MS;
    clock->loop_lag_us = lag_us > 0 ? (uint64_t)lag_us : 0;
}

/* @return false without memory: the probe is over then, and its callback gets NULL. */
static bool prepare(struct probe *probe)
{
    (void)uv_timer_init(probe->prober->loop, &probe->timer); /* cannot fail */
    probe->timer.data = probe;
    if (probe->attempt == NULL)
        probe->attempt = attempt_new();
    if (probe->attempt == NULL) {
        probe->stage = PROBE_DONE;
        uv_close((uv_handle_t *)&probe->timer, probe_finish);
        return false;
    }
    start_clock(probe);
    identify(probe);
    return true;
}

void probe_start(struct probe *probe)
{
    if (prepare(probe))
        probe_step(probe);
}

void probe_cancel(struct probe *probe)
{
    bool started = probe->start_us != 0;
    if (probe->stage == PROBE_DONE || (!started && !prepare(probe)))
        return;
    if (probe->stage == PROBE_LATE)
        probe->deadline_us = 0; /* it has what it wanted */
    else
        probe->stage = probe_local(probe, LOCAL_CANCELLED, 0, "");
    probe_step(probe);
}

void probe_judge_again(struct probe *probe)
{
    bool over = probe->stage == PROBE_CLOSE || probe->stage == PROBE_LATE || probe->stage == PROBE_DONE;
    if (over || probe_allowed(probe, probe->address.length > 0 ? &probe->address : NULL))
        return;
    probe->stage = PROBE_CLOSE;
    probe_step(probe);
}

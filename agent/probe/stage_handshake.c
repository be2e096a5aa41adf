#include "probe/probe.h"
#include "probe/tcp.h"

#include <openssl/err.h>

/* The handshake, by whichever engine speaks TLS here, and what the kernel says of its first bytes. */

enum { ACK_WATCH_MIN_US = 5000, ACK_WATCH_MAX_US = 1000000, PIECE_GAP_US = 5000 };

static void note_ack(struct probe *probe, const struct tcp_snapshot *now)
{
    const struct evidence_tls *tls = &probe->attempt->tls;
    if (now->taken && tls->hello_length > 0 && now->bytes_acked > tls->hello_length)
        probe_stamp(probe, &probe->attempt->clock.hello_acked_us);
}

/* TCP_INFO as the first answer to the hello is there, at best before it is read. */
static void snapshot_hello(struct probe *probe)
{
    probe_snapshot(probe, MOMENT_HELLO);
    note_ack(probe, &probe->attempt->tcp[MOMENT_HELLO]);
}

static void on_hello_sent(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.hello_sent_us);
}

static void on_first_byte(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.first_byte_us);
    snapshot_hello(probe); /* the answer may have been there before anybody waited for it */
}

static void on_end(void *arg)
{
    struct probe *probe = arg;
    probe_snapshot(probe, MOMENT_END);
    probe_stamp(probe, &probe->attempt->clock.closed_us);
}

static bool take_room(struct attempt *attempt)
{
    struct arena *arena = &attempt->arena;
    struct evidence_tls *tls = &attempt->tls;
    tls->records = arena_array(arena, EVIDENCE_MAX_RECORDS, sizeof *tls->records);
    tls->errors = arena_array(arena, EVIDENCE_MAX_ERRORS, sizeof *tls->errors);
    tls->verify_errors = arena_array(arena, EVIDENCE_MAX_VERIFY, sizeof *tls->verify_errors);
    return tls->records != NULL && tls->errors != NULL && tls->verify_errors != NULL;
}

static bool start(struct probe *probe)
{
    const struct probe_job *job = &probe->task->job;
    probe->wire.on_sent = on_hello_sent;
    probe->wire.on_received = on_first_byte;
    probe->wire.on_end = on_end;
    probe->wire.arg = probe;
    probe->wire.in_pieces = job->variant == VARIANT_SPLIT_HELLO;
    const char *sni = job->variant == VARIANT_NO_SNI ? "" : endpoint_sni(&job->endpoint);
    const char *kept = arena_string(&probe->attempt->arena, sni);
    if (kept == NULL || !take_room(probe->attempt))
        return false;
    probe->attempt->tls.sni = kept;
    probe->engine = engine_for(probe);
    probe->attempt->engine = probe->engine->id;
    return probe->engine->start(probe, sni);
}

/* Until the peer answers, look now and then whether its kernel at least took the hello. @return when to look
 * again. */
static int64_t watch_ack(struct probe *probe)
{
    const struct evidence_clock *clock = &probe->attempt->clock;
    struct tcp_snapshot now = {0};
    if (clock->hello_acked_us != EVIDENCE_NEVER || probe->wire.received_bytes > 0)
        return 0;
    if (!tcp_snapshot_take(probe->wire.fd, probe_now_us(probe), &now))
        return 0;
    note_ack(probe, &now);
    if (clock->hello_acked_us != EVIDENCE_NEVER)
        return 0;
    int64_t waited_us = probe_now_us(probe) - clock->hello_sent_us;
    int64_t step_us = waited_us < ACK_WATCH_MIN_US   ? ACK_WATCH_MIN_US
                      : waited_us > ACK_WATCH_MAX_US ? ACK_WATCH_MAX_US
                                                     : waited_us;
    return probe_now_us(probe) + step_us;
}

static enum probe_stage wait_for_peer(struct probe *probe, enum engine_step step)
{
    if (step == STEP_WANT_READ)
        return probe_wait_for(probe, WANT_READ, watch_ack(probe));
    if (!probe->wire.between)
        return probe_wait_for(probe, WANT_WRITE, 0);
    /* A gap between the pieces of a hello, so that no stack joins them. */
    probe->wire.between = false;
    return probe_wait_for(probe, WANT_NOTHING, probe_now_us(probe) + PIECE_GAP_US);
}

enum probe_stage probe_stage_handshake(struct probe *probe)
{
    if (probe->engine == NULL && !start(probe)) {
        ERR_clear_error();
        return probe_local(probe, LOCAL_RESOURCE, 0, "TLS setup");
    }
    if (!probe->ready && probe->wire.sent_bytes > 0)
        wire_seen(&probe->wire, true,
                  false); /* a timer: what has come may wait for its turn in the poller, behind it */
    if (probe->ready && probe->want == WANT_READ)
        snapshot_hello(probe);
    enum engine_step step = probe->engine->handshake(probe);
    engine_learn(probe, step);
    if (step == STEP_OTHER)
        return probe_begin_again(probe);
    if (step == STEP_DONE)
        probe_stamp(probe, &probe->attempt->clock.handshake_us);
    if (step == STEP_DONE || step == STEP_ENOUGH || step == STEP_FAILED)
        return PROBE_OBSERVE;
    if (!probe_expired(probe))
        return wait_for_peer(probe, step);
    probe_end_as(probe, ENDING_TIMEOUT);
    return PROBE_OBSERVE;
}

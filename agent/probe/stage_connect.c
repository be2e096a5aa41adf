#include "probe/probe.h"
#include "probe/tcp.h"
#include "words/cause.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

enum { PACE_AGAIN_US = 250 * 1000 };

static enum probe_stage failed_at_once(struct probe *probe, int error, enum evidence_call call)
{
    struct evidence_flow *flow = &probe->attempt->flow;
    flow->error = error;
    flow->error_call = call;
    enum evidence_local local = tcp_local_reason(error);
    return local == LOCAL_NONE ? PROBE_CLOSE
                               : probe_local(probe, local, error, evidence_call_name((int)call));
}

static void on_bytes(bool sent, const void *bytes, size_t length, void *arg)
{
    struct probe *probe = arg;
    pcap_bytes(&probe->capture, sent, bytes, length, probe_wall_us(probe));
}

/* The SYN is written when its answer is there: only then is it known from where it went out, in every case. */
static void capture_start(struct probe *probe, bool accepted)
{
    const struct attempt *attempt = probe->attempt;
    struct pcap *pcap = probe->prober->options.pcap;
    char comment[ENDPOINT_TEXT_BYTES + 64], name[ENDPOINT_TEXT_BYTES];
    if (pcap == NULL)
        return;
    (void)snprintf(comment, sizeof comment, "%s, variant %s", endpoint_text(&probe->task->job.endpoint, name),
                   variant_name((int)attempt->variant));
    pcap_begin(&probe->capture, pcap, &attempt->flow, comment,
               attempt->clock.start_us + attempt->clock.connect_us);
    if (accepted || attempt->flow.error == ECONNREFUSED)
        pcap_answer(&probe->capture, accepted, probe_wall_us(probe));
    probe->capture.ended |= !accepted;
    probe->wire.on_bytes = on_bytes;
    probe->wire.arg = probe;
}

static enum probe_stage connected(struct probe *probe)
{
    probe_stamp(probe, &probe->attempt->clock.connected_us);
    probe_snapshot(probe, MOMENT_CONNECTED);
    capture_start(probe, true);
    if (variant_fetches(probe->task->job.variant))
        return PROBE_FETCH;
    return probe->task->job.variant == VARIANT_OTHER_PORT ? PROBE_CLOSE : PROBE_HANDSHAKE;
}

/* A certificate is a stranger's: it may not send us into our own network, unless that is where it came from, or the owner
 * has said what may be asked. */
static bool fetch_allowed(const struct probe *probe)
{
    const struct case_file *about = probe->task->job.about;
    if (!variant_fetches(probe->task->job.variant) || about == NULL || probe->prober->options.allow != NULL)
        return true;
    enum address_kind kind = address_kind(&probe->address);
    return kind == ADDRESS_PUBLIC || kind == address_kind(&about->attempts[0]->flow.destination);
}

/* @return which of the owner's limits it would exceed, NULL: none, and its token is spent. */
static const char *too_many(const struct probe *probe)
{
    const struct prober_options *options = &probe->prober->options;
    if (options->address_concurrency > 0 &&
        prober_open_to(probe->prober, &probe->address) >= options->address_concurrency)
        return "address_concurrency: too many connections to this address are open";
    if (options->pace != NULL && !options->pace(&probe->address, &probe->task->job, options->pace_arg))
        return "rate: too many connections, or too many to this address";
    return NULL;
}

static enum probe_stage start(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    attempt->flow.destination = probe->address;
    if (!probe_allowed(probe, &probe->address))
        return PROBE_CLOSE;
    if (!fetch_allowed(probe))
        return probe_local(probe, LOCAL_POLICY, 0, "the address that a certificate leads to is not public");
    const struct probe_job *job = &probe->task->job;
    const char *why = too_many(probe);
    bool waits = variant_fetches(job->variant) || attempt->engine_again;
    if (why != NULL && waits && !probe_expired(probe))
        return probe_wait_for(probe, WANT_NOTHING, probe_now_us(probe) + PACE_AGAIN_US);
    if (why != NULL)
        return probe_local(probe, LOCAL_POLICY, 0, why);
    int fd = tcp_socket(&probe->address, &probe->prober->options.source);
    if (fd < 0)
        return failed_at_once(probe, errno, CALL_SOCKET);
    wire_init(&probe->wire, fd);
    if (job->variant == VARIANT_SMALL_MSS || job->variant == VARIANT_LARGE_SMALL_MSS)
        tcp_small_segments(fd);
    struct sockaddr_storage name;
    socklen_t length = address_to_sockaddr(&probe->address, attempt->flow.destination_port, &name);
    probe_stamp(probe, &attempt->clock.connect_us);
    if (connect(fd, (const struct sockaddr *)&name, length) != 0 && errno != EINPROGRESS)
        return failed_at_once(probe, errno, CALL_CONNECT);
    tcp_source(fd, &attempt->flow);
    int error = poller_add(&probe->prober->poller, fd, probe);
    if (error != 0)
        return probe_local(probe, LOCAL_RESOURCE, error, "poll");
    probe->wire.dry = true; /* what comes is told from now on */
    return probe_wait_for(probe, WANT_WRITE, 0);
}

static bool has_connected(const struct probe *probe)
{
    if (probe->faulty)
        return tcp_connect_result(probe->wire.fd, &probe->attempt->flow) == 0;
    tcp_connected(probe->wire.fd, &probe->attempt->flow);
    return true;
}

enum probe_stage probe_stage_connect(struct probe *probe)
{
    if (probe->wire.fd < 0)
        return start(probe);
    if (probe->ready && has_connected(probe))
        return connected(probe);
    if (!probe->ready && !probe_expired(probe))
        return probe_wait_for(probe, WANT_WRITE, 0);
    capture_start(probe, false);
    if (probe->ready)
        return PROBE_CLOSE;
    probe_end_as(probe, ENDING_TIMEOUT);
    return PROBE_CLOSE;
}

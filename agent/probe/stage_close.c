#include "probe/abuse.h"
#include "probe/probe.h"

#include <string.h>
#include <sys/socket.h>

/*
 * Says goodbye where there is somebody to say it to, and writes down what the wire counted.
 *
 * A peer whose kernel has taken the hello and whose application says nothing may be slow, or hung. So we half-close: an
 * application that reads sees the end and closes as well, one that hangs leaves its kernel to acknowledge our FIN alone.
 */

enum { HALF_CLOSE_MIN_US = 50 * 1000, HALF_CLOSE_MAX_US = 500 * 1000 };

static bool keeps_silent(const struct probe *probe)
{
    const struct attempt *attempt = probe->attempt;
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    return attempt->local == LOCAL_NONE && attempt->end.how == ENDING_TIMEOUT && !probe->wire.ended &&
           probe->wire.received_bytes == 0 && end->taken && end->data_segs_in == 0 &&
           attempt->tls.hello_length > 0 && end->bytes_acked > attempt->tls.hello_length;
}

static int64_t half_close_us(const struct probe *probe)
{
    int64_t wait_us = (int64_t)probe->attempt->tcp[MOMENT_CONNECTED].rtt_us * 2;
    return wait_us < HALF_CLOSE_MIN_US   ? HALF_CLOSE_MIN_US
           : wait_us > HALF_CLOSE_MAX_US ? HALF_CLOSE_MAX_US
                                         : wait_us;
}

/* @return true while the peer has time to close as well. */
static bool waits_half_closed(struct probe *probe)
{
    if (!keeps_silent(probe))
        return false;
    if (!probe->half_closed) {
        probe->half_closed = true;
        probe->deadline_us = probe_now_us(probe) + half_close_us(probe);
        if (shutdown(probe->wire.fd, SHUT_WR) != 0)
            return false;
    }
    if (!probe_expired(probe))
        return true;
    probe_snapshot(probe, MOMENT_HALF_CLOSED);
    return false;
}

static void say_goodbye(struct probe *probe)
{
    if (probe->engine == NULL || probe->attempt->clock.handshake_us == EVIDENCE_NEVER || probe->wire.ended)
        return;
    probe->wire.last =
        probe->wire.dry; /* else the kernel may reset the connection, and the goodbye be lost */
    probe->engine->goodbye(probe);
}

enum probe_stage probe_stage_close(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    const struct wire *wire = &probe->wire;
    if (wire->fd < 0)
        return PROBE_LATE;
    if (attempt->clock.hello_sent_us != EVIDENCE_NEVER)
        probe_snapshot(probe, MOMENT_HELLO);
    probe_snapshot(probe, MOMENT_END);
    if (attempt->clock.connected_us != EVIDENCE_NEVER)
        probe_end_as(probe, ENDING_BY_US);
    if (waits_half_closed(probe))
        return probe_wait_for(probe, WANT_NOTHING, 0);
    attempt->end.abuse = abuse_of(attempt, wire);
    say_goodbye(probe);
    pcap_end(&probe->capture, attempt->end.how, probe_wall_us(probe));
    attempt->end.sent_bytes = wire->sent_bytes;
    attempt->end.received_bytes = wire->received_bytes;
    attempt->end.first_byte_count = wire->first_byte_count;
    memcpy(attempt->end.first_bytes, wire->first_bytes, wire->first_byte_count);
    if (attempt->flow.error == 0) {
        attempt->flow.error = wire->error;
        attempt->flow.error_call = wire->error_call;
    }
    return PROBE_LATE;
}

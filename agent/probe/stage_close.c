#include "probe/abuse.h"
#include "probe/probe.h"

#include <openssl/err.h>
#include <string.h>

/* Says goodbye where there is somebody to say it to, and writes down what the wire counted. */

static void say_goodbye(struct probe *probe)
{
    ERR_clear_error();
    if (probe->ssl != NULL && probe->attempt->clock.handshake_us != EVIDENCE_NEVER && !probe->wire.ended)
        (void)SSL_shutdown(probe->ssl);
    ERR_clear_error();
}

enum probe_stage probe_stage_close(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    const struct wire *wire = &probe->wire;
    for (size_t i = 0; i < PROBE_QUESTIONS; i++) {
        resolver_forget(probe->questions[i].query);
        probe->questions[i].query = NULL;
    }
    if (wire->fd < 0)
        return PROBE_DONE;
    if (attempt->clock.hello_sent_us != EVIDENCE_NEVER)
        probe_snapshot(probe, MOMENT_HELLO);
    probe_snapshot(probe, MOMENT_END);
    if (attempt->clock.connected_us != EVIDENCE_NEVER)
        probe_end_as(probe, ENDING_BY_US);
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
    return PROBE_DONE;
}

#include "probe/abuse.h"
#include "probe/probe.h"

#include <openssl/err.h>
#include <string.h>

/*
 * Says goodbye where there is somebody to say it to, and writes down what the wire counted. After a failure it stays a little
 * to hear whether the DNS has another answer: a forged one comes first, and what it leads to may fail sooner than the true
 * one takes to come.
 */

enum { LATE_US = 500 * 1000 }; /* after the first answer: longer than most resolvers take */

static void say_goodbye(struct probe *probe)
{
    ERR_clear_error();
    if (probe->ssl != NULL && probe->attempt->clock.handshake_us != EVIDENCE_NEVER && !probe->wire.ended)
        (void)SSL_shutdown(probe->ssl);
    ERR_clear_error();
}

static void count(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    const struct wire *wire = &probe->wire;
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
}

enum probe_stage probe_stage_close(struct probe *probe)
{
    if (probe->wire.fd >= 0)
        count(probe);
    return PROBE_LATE;
}

/* Has it been answered, and by nothing that came later yet? */
static bool may_have_another(const struct probe *probe)
{
    const struct attempt *attempt = probe->attempt;
    bool answered = false;
    if (attempt->local != LOCAL_NONE)
        return false;
    for (size_t i = 0; i < PROBE_FAMILIES; i++)
        answered |= probe->questions[i].query != NULL && probe->questions[i].answered;
    for (size_t i = 0; i < attempt->dns_count; i++)
        answered &= attempt->dns[i].how != ASK_LATE;
    return answered && (attempt->clock.handshake_us == EVIDENCE_NEVER || attempt->tls.verify_error_count > 0);
}

enum probe_stage probe_stage_late(struct probe *probe)
{
    int64_t until_us = probe->attempt->clock.resolved_us + LATE_US;
    if (may_have_another(probe) && !probe_expired(probe) && probe_now_us(probe) < until_us)
        return probe_wait_for(probe, WANT_NOTHING, until_us);
    for (size_t i = 0; i < PROBE_QUESTIONS; i++) {
        resolver_forget(probe->questions[i].query);
        probe->questions[i].query = NULL;
    }
    return PROBE_DONE;
}

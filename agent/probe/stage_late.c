#include "probe/probe.h"

/*
 * After a failure the attempt stays a little to hear whether the DNS has another answer: a forged one comes first, and what
 * it leads to may fail sooner than the true one takes to come.
 */

enum { LATE_US = 500 * 1000 }; /* after the first answer: longer than most resolvers take */

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

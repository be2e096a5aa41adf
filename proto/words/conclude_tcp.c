#include "words/signs.h"

#include <stddef.h>

/*
 * No connection: what answered the SYN, how soon, and who. And the connections that came about, but late: loss.
 */

enum {
    EARLY_PERCENT = 60,  /* of the round trip */
    EARLY_MIN_US = 5000, /* less is within what a busy loop of user space can tell */
    ABSENT_MIN_US =
        1500 *
        1000, /* a router gives up asking for the host's link address after 3 s; a rule answers at once */
    LOSS_MIN_ATTEMPTS = 3,
    ICMP_UNREACHABLE = 3,
    ICMP_HOST = 1,
    ICMP6_UNREACHABLE = 1,
    ICMP6_ADDRESS = 3,
};

/* How long connect() took to fail, microseconds; -1: it did not. */
static int64_t refused_after_us(const struct attempt *attempt)
{
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    int64_t at_us = attempt->clock.closed_us != EVIDENCE_NEVER ? attempt->clock.closed_us : end->at_us;
    bool failed = attempt->clock.connected_us == EVIDENCE_NEVER && attempt->flow.error != 0;
    if (!failed || attempt->clock.connect_us == EVIDENCE_NEVER || at_us < attempt->clock.connect_us)
        return -1;
    return at_us - attempt->clock.connect_us;
}

/* The round trip, be it that another port refuses; 0: not known. */
static int64_t round_trip_us(const struct case_file *file)
{
    const struct attempt *other = case_variant(file, VARIANT_OTHER_PORT);
    int64_t rtt_us = case_rtt_us(file);
    int64_t other_us = other == NULL || other->flow.icmp_type >= 0 ? -1 : refused_after_us(other);
    return other_us > 0 && (rtt_us == 0 || other_us < rtt_us) ? other_us : rtt_us;
}

/* The earlier refusal counts, of the first attempt and its retry: a delay of ours only makes one look later. */
static int64_t earliest_refusal_us(const struct case_file *file)
{
    const struct attempt *retry = case_variant(file, VARIANT_RETRY);
    int64_t first_us = refused_after_us(file->attempts[0]);
    int64_t retry_us =
        retry == NULL || retry->flow.error != file->attempts[0]->flow.error || retry->flow.icmp_type >= 0
            ? -1
            : refused_after_us(retry);
    return retry_us >= 0 && retry_us < first_us ? retry_us : first_us;
}

static bool conclude_refused(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    int64_t rtt_us = round_trip_us(file), after_us = earliest_refusal_us(file);
    bool early = rtt_us > 0 && after_us >= 0 && after_us * 100 < rtt_us * EARLY_PERCENT &&
                 rtt_us - after_us >= EARLY_MIN_US;
    conclusion->cause = early ? CAUSE_TCP_REFUSED_EARLY : CAUSE_TCP_REFUSED;
    if (rtt_us > 0 && after_us >= 0) {
        const char *when = early ? "early" : "late";
        (void)conclusion_fact(conclusion, arena, "when", "%s, %.0f ms of rtt %.0f ms", when,
                              (double)after_us / 1000, (double)rtt_us / 1000);
        conclusion_rule_out(conclusion, early ? CAUSE_TCP_REFUSED : CAUSE_TCP_REFUSED_EARLY,
                            VARIANT_OTHER_PORT);
        /* the host is there, its other port answers as it should, and the port in question says no at a full round trip */
        if (!early && sign_failed(case_variant_sign(file, VARIANT_RETRY)))
            conclusion->certainty = CERTAINTY_CONFIRMED;
    }
    return true;
}

static bool says_absent(const struct evidence_flow *flow)
{
    if (flow->icmp_type < 0) /* this machine's own neighbour table */
        return true;
    return flow->destination.length == 16
               ? flow->icmp_type == ICMP6_UNREACHABLE && flow->icmp_code == ICMP6_ADDRESS
               : flow->icmp_type == ICMP_UNREACHABLE && flow->icmp_code == ICMP_HOST;
}

/*
 * A router that asks for an absent host's link address gives up after 3 s; one that is asking already says so sooner. So of
 * all attempts at the address the longest counts. A rule answers each at once.
 */
static bool is_absent(const struct case_file *file)
{
    bool slow = false;
    for (size_t i = 0; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        if (file->origins[i] != NULL ||
            !address_equal(&attempt->flow.destination, &file->attempts[0]->flow.destination))
            continue;
        if (attempt->clock.connected_us != EVIDENCE_NEVER)
            return false;
        slow |= says_absent(&attempt->flow) && refused_after_us(attempt) >= ABSENT_MIN_US;
    }
    return slow && says_absent(&file->attempts[0]->flow);
}

/* RFC 792 and RFC 1812, 5.2.7.1; RFC 4443, 3.1. */
static const char *unreachable_meaning(const struct evidence_flow *flow)
{
    static const char *const v4[] = {"network unreachable",
                                     "host unreachable",
                                     "protocol unreachable",
                                     "port unreachable",
                                     "fragmentation needed",
                                     "source route failed",
                                     "network unknown",
                                     "host unknown",
                                     "source host isolated",
                                     "network prohibited",
                                     "host prohibited",
                                     "network unreachable for this service",
                                     "host unreachable for this service",
                                     "administratively prohibited",
                                     "host precedence violation",
                                     "precedence cut off"};
    static const char *const v6[] = {
        "no route",         "administratively prohibited",      "beyond the scope", "address unreachable",
        "port unreachable", "source address failed its policy", "route rejected"};
    bool six = flow->destination.length == 16;
    size_t count = six ? sizeof v6 / sizeof v6[0] : sizeof v4 / sizeof v4[0];
    bool known = flow->icmp_type == (six ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE) && flow->icmp_code >= 0 &&
                 (size_t)flow->icmp_code < count;
    return !known ? "?" : six ? v6[flow->icmp_code] : v4[flow->icmp_code];
}

static bool conclude_rejected(const struct case_file *file, struct arena *arena,
                              struct conclusion *conclusion)
{
    const struct evidence_flow *flow = &file->attempts[0]->flow;
    char offender[ADDRESS_TEXT_BYTES];
    bool absent = is_absent(file);
    conclusion->cause = absent ? CAUSE_TCP_HOST_ABSENT : CAUSE_TCP_REJECTED;
    /* An ICMP message names who sent it and why: nothing else looks like that. */
    if (flow->icmp_type >= 0)
        conclusion->certainty = CERTAINTY_CONFIRMED;
    conclusion_rule_out(conclusion, absent ? CAUSE_TCP_REJECTED : CAUSE_TCP_HOST_ABSENT, VARIANT_NORMAL);
    if (flow->icmp_type < 0)
        return conclusion_fact(conclusion, arena, "offender", "this machine");
    return conclusion_fact(conclusion, arena, "offender", "%s",
                           address_text(&flow->icmp_offender, offender)) &&
           conclusion_fact(conclusion, arena, "type", "%d", flow->icmp_type) &&
           conclusion_fact(conclusion, arena, "code", "%d", flow->icmp_code) &&
           conclusion_fact(conclusion, arena, "meaning", "%s", unreachable_meaning(flow));
}

static bool only_ipv6(const struct case_file *file)
{
    return file->attempts[0]->flow.destination.length == 16 && case_shakes_hands(file, VARIANT_OTHER_FAMILY);
}

static bool conclude_dropped(const struct case_file *file, struct conclusion *conclusion)
{
    struct outcome other;
    conclusion->cause = CAUSE_TCP_DROPPED;
    if (case_outcome(file, VARIANT_OTHER_PORT, &other) && other.class != OUTCOME_TCP_REFUSED)
        conclusion_rule_out(conclusion, CAUSE_CAPACITY_QUEUE_FULL, VARIANT_OTHER_PORT);
    return true;
}

/*
 * Packets that were lost on one connection: what was sent again, but for what had come (a loaded peer acknowledges late), and what
 * came before its turn.
 */
static uint32_t lost_packets(const struct attempt *attempt)
{
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    uint32_t again = end->total_retrans > end->dsack_dups ? end->total_retrans - end->dsack_dups : 0;
    return end->taken ? again + (end->rcv_ooopack > 0 ? 1 : 0) : 0;
}

/* All came through, several of them late, and not all of them at the SYN: that would be a limit. */
static bool conclude_loss(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    uint32_t lost = 0, sent = 0, attempts = 0, touched = 0, after_syn = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        enum sign sign = case_sign(file, i);
        if (sign_failed(sign))
            return false;
        if (sign == SIGN_NONE)
            continue;
        attempts++;
        lost += lost_packets(attempt);
        touched += lost_packets(attempt) > 0;
        after_syn += lost_packets(attempt) > attempt->tcp[MOMENT_CONNECTED].total_retrans;
        sent += attempt->tcp[MOMENT_END].segs_out + attempt->tcp[MOMENT_END].segs_in;
    }
    if (attempts < LOSS_MIN_ATTEMPTS || touched < 2 || after_syn == 0 || sent == 0)
        return false;
    conclusion->cause = CAUSE_TCP_LOSS;
    return conclusion_fact(conclusion, arena, "retransmits", "%u", lost) &&
           conclusion_fact(conclusion, arena, "attempts", "%u", attempts) &&
           conclusion_fact(conclusion, arena, "percent", "%u", lost * 100 / sent);
}

bool conclude_tcp(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    enum outcome_class class = file->outcomes[0].class;
    if (file->outcomes[0].stage == OUTCOME_STAGE_TCP && only_ipv6(file)) {
        conclusion->cause = CAUSE_TCP_IPV6_ONLY;
        return true;
    }
    if (class == OUTCOME_TCP_REFUSED)
        return conclude_refused(file, arena, conclusion);
    if (class == OUTCOME_TCP_UNREACHABLE)
        return conclude_rejected(file, arena, conclusion);
    if (class == OUTCOME_TCP_TIMEOUT)
        return conclude_dropped(file, conclusion);
    if (class == OUTCOME_TCP_OTHER) {
        conclusion->cause = CAUSE_TCP_OTHER;
        return true;
    }
    return class == OUTCOME_OK && conclude_loss(file, arena, conclusion);
}

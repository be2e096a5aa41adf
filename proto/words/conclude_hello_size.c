#include "words/conclude_hello.h"
#include "words/signs.h"

#include <stddef.h>

/*
 * The normal hello is answered. A large one, and one in several segments, may not be:
 *
 *   large    large in small segments    split       because of
 *   fails    answered                   any         a hole for large packets on the way to the server
 *   fails    fails, or not tried        any         the hello's size (most often: that it does not come in one segment)
 *   passes   -                          fails       the segments
 */

enum {
    SLOW_MIN_US = 500 * 1000,
    SLOW_MIN_ROUND_TRIPS = 4,
    SLOW_MAX_KBPS = 256,
    FULL_SEGMENT_BYTES = 400, /* on average: less is a server that sends in drops */
    TLS_HANDSHAKE = 22,
};

static bool was_made(const struct case_file *file, enum variant variant)
{
    struct outcome outcome;
    return case_variant_sign(file, variant) != SIGN_NONE && case_outcome(file, variant, &outcome) &&
           outcome.stage != OUTCOME_STAGE_TCP;
}

static bool fails(const struct case_file *file, enum variant variant)
{
    return was_made(file, variant) && !case_shakes_hands(file, variant);
}

static bool conclude_large(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *large = case_variant(file, VARIANT_LARGE_HELLO);
    bool head_lost = case_variant_sign(file, VARIANT_LARGE_HELLO) == SIGN_HEAD_LOST;
    bool lost = large->end.how == ENDING_TIMEOUT;
    bool in_small = lost && case_shakes_hands(file, VARIANT_LARGE_SMALL_MSS);
    bool split_passes = case_shakes_hands(file, VARIANT_SPLIT_HELLO);
    if (in_small || (head_lost && !fails(file, VARIANT_LARGE_SMALL_MSS))) {
        conclusion->cause = CAUSE_HELLO_PMTU_OUT;
        conclusion_rule_out(conclusion, CAUSE_HELLO_LARGE, VARIANT_LARGE_SMALL_MSS);
        if (in_small && head_lost)
            conclusion->certainty = CERTAINTY_CONFIRMED;
    } else {
        conclusion->cause = CAUSE_HELLO_LARGE;
        if (fails(file, VARIANT_LARGE_SMALL_MSS))
            conclusion_rule_out(conclusion, CAUSE_HELLO_PMTU_OUT, VARIANT_LARGE_SMALL_MSS);
        if (split_passes)
            conclusion_rule_out(conclusion, CAUSE_HELLO_SPLIT, VARIANT_SPLIT_HELLO);
        if (fails(file, VARIANT_LARGE_SMALL_MSS) && was_made(file, VARIANT_SPLIT_HELLO))
            conclusion->certainty = CERTAINTY_CONFIRMED;
    }
    return conclusion_fact(conclusion, arena, "hello_bytes", "%u", large->tls.hello_length) &&
           conclusion_fact(conclusion, arena, "mss", "%u", large->tcp[MOMENT_CONNECTED].snd_mss);
}

/*
 * How fast the server's flight came after its first segment, kbit/s: only what it sends in one go, so that its thinking does
 * not count.
 */
static uint64_t flight_kbps(const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    uint64_t bytes = 0;
    if (clock->flight_us == EVIDENCE_NEVER || clock->first_byte_us == EVIDENCE_NEVER || !end->taken)
        return 0;
    int64_t took_us = clock->flight_us - clock->first_byte_us;
    bool slow = took_us >= SLOW_MIN_US &&
                took_us >= (int64_t)attempt->tcp[MOMENT_CONNECTED].rtt_us * SLOW_MIN_ROUND_TRIPS;
    /* What comes slowly is acknowledged slowly: later retransmits of ours are the path's doing, and not its loss. */
    bool lossless = attempt->tcp[MOMENT_HELLO].total_retrans == 0 && end->rcv_ooopack == 0;
    bool full = end->data_segs_in > 0 && end->bytes_received / end->data_segs_in >= FULL_SEGMENT_BYTES;
    if (!slow || !lossless || !full)
        return 0;
    for (size_t i = 0; i < attempt->tls.record_count; i++) {
        const struct tls_record *record = &attempt->tls.records[i];
        if (record->received && record->content == TLS_HANDSHAKE && record->at_us <= clock->flight_us)
            bytes += record->length;
    }
    uint64_t before = attempt->tcp[MOMENT_HELLO].taken ? attempt->tcp[MOMENT_HELLO].bytes_received : 0;
    return bytes > before ? (bytes - before) * 8000 / (uint64_t)took_us : 0;
}

static bool conclude_slow(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    uint64_t kbps = flight_kbps(file->attempts[0]);
    if (kbps == 0 || kbps > SLOW_MAX_KBPS)
        return false;
    conclusion->cause = CAUSE_HELLO_THROTTLED;
    conclusion_rule_out(conclusion, CAUSE_TCP_LOSS, VARIANT_NORMAL);
    return conclusion_fact(conclusion, arena, "kbps", "%llu", (unsigned long long)kbps);
}

bool conclude_hello_size(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    if (fails(file, VARIANT_LARGE_HELLO))
        return conclude_large(file, arena, conclusion);
    if (fails(file, VARIANT_SPLIT_HELLO)) {
        conclusion->cause = CAUSE_HELLO_SPLIT;
        if (case_shakes_hands(file, VARIANT_LARGE_HELLO))
            conclusion_rule_out(conclusion, CAUSE_HELLO_LARGE, VARIANT_LARGE_HELLO);
        return true;
    }
    return conclude_slow(file, arena, conclusion);
}

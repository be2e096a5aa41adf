#include "words/conclude_hello.h"

#include "words/signs.h"

#include <stddef.h>

/*
 * Between the ClientHello and the first byte of the answer. Which of the look-alikes it is, is told by two questions: does the
 * same happen to another name (control-sni, no-sni) at the same place, and could what came have come from the server?
 *
 *                      only this name           every name, or nobody asked
 *   reset, early       name_reset               address_blocked
 *   reset, late        server_reset, or         server_reset
 *                      name_reset when the hello was never acknowledged
 *   never acked        name_dropped             never_acked; address_blocked when a sibling address answers
 *   acked, silent      name_silent              server_silent; capacity.hung when not even a FIN is answered
 *   FIN                name_closed              closed
 *   alert, early       forged_alert             forged_alert
 *
 * Before that: a block that passes (residual), and what small segments mend (holes for large packets).
 */

static bool named(struct conclusion *conclusion, enum cause cause)
{
    conclusion->cause = cause;
    return true;
}

static bool is_unacked(const struct attempt *attempt)
{
    const struct tcp_snapshot *end = &attempt->tcp[MOMENT_END];
    return end->taken && end->bytes_acked <= 1;
}

/* An acknowledgement sooner than the server's pulls the smallest round trip down. */
static bool is_acked_early(const struct case_file *file)
{
    enum { EARLY_PERCENT = 60 };
    const struct tcp_snapshot *end = &file->attempts[0]->tcp[MOMENT_END];
    return end->taken && (int64_t)end->min_rtt_us * 100 < case_rtt_us(file) * EARLY_PERCENT;
}

/* Two signals of the transport, the same again from another port, and a control that is well. */
static void weigh(const struct controls *controls, bool two_signals, struct conclusion *conclusion)
{
    if (two_signals && controls->retry_failed && controls->answered > 0 && controls->failed == 0)
        conclusion->certainty = CERTAINTY_CONFIRMED;
}

/* --- a block that passes ------------------------------------------------------------------------------------------ */

static bool is_block(enum sign sign)
{
    return sign == SIGN_NO_SYN_ACK || sign == SIGN_UNACKED || sign == SIGN_RESET || sign == SIGN_REFUSED;
}

static int64_t end_time_us(const struct attempt *attempt)
{
    return attempt->clock.start_us + (attempt->clock.closed_us > 0 ? attempt->clock.closed_us : 0);
}

static bool has_control_name(const struct attempt *attempt)
{
    return attempt->variant == VARIANT_CONTROL_SNI || attempt->variant == VARIANT_NO_SNI;
}

/*
 * After the trigger even what does not carry it is refused: a control, or the SYN of a retry, which has no name yet. Then a
 * control passes. A server that answers now and then looks like it, but leaves others silent (T4).
 */
static bool conclude_residual(const struct case_file *file, struct arena *arena,
                              struct conclusion *conclusion)
{
    bool blocked = false;
    if (case_has_sign(file, SIGN_SILENT))
        return false;
    for (size_t i = 1; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        enum sign sign = case_sign(file, i);
        if (is_block(sign) && (has_control_name(attempt) || sign == SIGN_NO_SYN_ACK))
            blocked = true;
        if (!blocked || sign != SIGN_ANSWERED || !has_control_name(attempt))
            continue;
        int64_t connected_us =
            attempt->clock.connected_us == EVIDENCE_NEVER ? 0 : attempt->clock.connected_us;
        int64_t lasted_us = attempt->clock.start_us + connected_us - end_time_us(file->attempts[0]);
        conclusion_rule_out(conclusion, CAUSE_HELLO_ADDRESS_BLOCKED, attempt->variant);
        return conclusion_fact(conclusion, arena, "seconds", "%lld",
                               (long long)(lasted_us + 500000) / 1000000) &&
               named(conclusion, CAUSE_HELLO_RESIDUAL);
    }
    return false;
}

/* --- what becomes of this name, and of others ---------------------------------------------------------------------- */

/* Every name fails, and what is answered is a hello of TLS 1.2: both such, so that it is no server that is well again. */
static bool is_intolerant(const struct case_file *file, const struct controls *controls)
{
    return controls->failed > 0 && controls->answered == 0 && file->attempts[0]->variant == VARIANT_NORMAL &&
           case_shakes_hands(file, VARIANT_TLS12) && case_shakes_hands(file, VARIANT_LEGACY);
}

static bool conclude_intolerant(const struct controls *controls, struct conclusion *conclusion)
{
    conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_RESET, VARIANT_TLS12);
    conclusion_rule_out(conclusion, CAUSE_HELLO_NAME_RESET, VARIANT_CONTROL_SNI);
    if (controls->retry_failed)
        conclusion->certainty = CERTAINTY_CONFIRMED;
    return named(conclusion, CAUSE_TLS_INTOLERANT_13);
}

static bool conclude_reset(const struct case_file *file, const struct controls *controls,
                           struct conclusion *conclusion)
{
    bool early = case_is_early(file, 0), unacked = is_unacked(file->attempts[0]);
    bool this_name = controls->answered > 0 && controls->failed == 0;
    /* A server puts the pieces of a hello together; who does not is a box on the way. */
    bool evaded = case_variant_sign(file, VARIANT_SPLIT_HELLO) == SIGN_ANSWERED;
    if (evaded)
        conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_RESET, VARIANT_SPLIT_HELLO);
    weigh(controls, early && unacked, conclusion);
    if (this_name)
        conclusion_rule_out(conclusion, CAUSE_HELLO_ADDRESS_BLOCKED, controls->by);
    if (early)
        conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_RESET, VARIANT_NORMAL);
    if (this_name && (early || unacked || evaded))
        return named(conclusion, CAUSE_HELLO_NAME_RESET);
    if (controls->failed > 0)
        conclusion_rule_out(conclusion, CAUSE_HELLO_NAME_RESET, VARIANT_CONTROL_SNI);
    return named(conclusion, early ? CAUSE_HELLO_ADDRESS_BLOCKED : CAUSE_HELLO_SERVER_RESET);
}

static bool conclude_unacked(const struct case_file *file, const struct controls *controls,
                             struct conclusion *conclusion)
{
    if (controls->answered > 0 && controls->failed == 0) {
        conclusion_rule_out(conclusion, CAUSE_HELLO_NEVER_ACKED, controls->by);
        conclusion_rule_out(conclusion, CAUSE_CAPACITY_BURST, controls->by);
        /* never confirmed: a listen queue that overflows now and then loses a hello just so */
        return named(conclusion, CAUSE_HELLO_NAME_DROPPED);
    }
    if (controls->failed > 0)
        conclusion_rule_out(conclusion, CAUSE_HELLO_NAME_DROPPED, VARIANT_CONTROL_SNI);
    return named(conclusion, case_shakes_hands(file, VARIANT_OTHER_ADDRESS) ? CAUSE_HELLO_ADDRESS_BLOCKED
                                                                            : CAUSE_HELLO_NEVER_ACKED);
}

static bool conclude_closed(const struct case_file *file, const struct controls *controls,
                            struct conclusion *conclusion)
{
    if (controls->answered > 0 && controls->failed == 0) {
        conclusion_rule_out(conclusion, CAUSE_HELLO_CLOSED, controls->by);
        weigh(controls, case_is_early(file, 0) && is_acked_early(file), conclusion);
        return named(conclusion, CAUSE_HELLO_NAME_CLOSED);
    }
    if (controls->failed > 0)
        conclusion_rule_out(conclusion, CAUSE_HELLO_NAME_CLOSED, VARIANT_CONTROL_SNI);
    return named(conclusion, CAUSE_HELLO_CLOSED);
}

/* What small segments mend was lost for its size. */
static bool conclude_hole(const struct case_file *file, enum sign first, struct conclusion *conclusion)
{
    bool mended = case_variant_sign(file, VARIANT_SMALL_MSS) == SIGN_ANSWERED;
    bool out = first == SIGN_HEAD_LOST;
    if (mended)
        conclusion_rule_out(conclusion, out ? CAUSE_HELLO_NEVER_ACKED : CAUSE_HELLO_SERVER_SILENT,
                            VARIANT_SMALL_MSS);
    if (mended && sign_failed(case_variant_sign(file, VARIANT_RETRY)) &&
        (first == SIGN_HEAD_LOST || first == SIGN_FLIGHT_LOST))
        conclusion->certainty = CERTAINTY_CONFIRMED; /* the gap, its return, and the mending */
    return named(conclusion, out ? CAUSE_HELLO_PMTU_OUT : CAUSE_HELLO_PMTU_IN);
}

static bool is_hole(const struct case_file *file, enum sign first)
{
    if (first == SIGN_HEAD_LOST || first == SIGN_FLIGHT_LOST)
        return true;
    bool silent = first == SIGN_SILENT || first == SIGN_BROKEN;
    return silent && file->attempts[0]->end.how == ENDING_TIMEOUT &&
           case_variant_sign(file, VARIANT_SMALL_MSS) == SIGN_ANSWERED;
}

static bool conclude_forged(const struct case_file *file, const struct controls *controls,
                            struct conclusion *conclusion)
{
    if (controls->answered > 0)
        conclusion_rule_out(conclusion, CAUSE_HELLO_ADDRESS_BLOCKED, controls->by);
    conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_RESET, VARIANT_NORMAL);
    weigh(controls, is_acked_early(file), conclusion);
    return named(conclusion, CAUSE_HELLO_FORGED_ALERT);
}

static bool conclude_failure(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    enum sign first = case_sign(file, 0);
    struct controls controls = case_controls(file);
    bool ours = first == SIGN_RESET || first == SIGN_UNACKED || first == SIGN_CLOSED ||
                first == SIGN_SILENT || first == SIGN_ALERT_EARLY || is_hole(file, first);
    if (!ours)
        return false;
    if (!signs_facts(file, arena, conclusion))
        return false;
    if ((is_block(first) || first == SIGN_CLOSED || first == SIGN_ALERT_EARLY) &&
        conclude_residual(file, arena, conclusion))
        return true;
    if (is_hole(file, first))
        return conclude_hole(file, first, conclusion);
    if ((first == SIGN_RESET || first == SIGN_CLOSED) && is_intolerant(file, &controls))
        return conclude_intolerant(&controls, conclusion);
    if (first == SIGN_RESET)
        return conclude_reset(file, &controls, conclusion);
    if (first == SIGN_UNACKED)
        return conclude_unacked(file, &controls, conclusion);
    if (first == SIGN_CLOSED)
        return conclude_closed(file, &controls, conclusion);
    if (first == SIGN_ALERT_EARLY)
        return conclude_forged(file, &controls, conclusion);
    if (controls.answered > 0)
        conclusion_rule_out(conclusion, CAUSE_CAPACITY_HUNG, controls.by);
    if (controls.answered > 0 && controls.failed == 0) {
        conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_SILENT, controls.by);
        return named(conclusion, CAUSE_HELLO_NAME_SILENT);
    }
    if (controls.answered == 0 && attempt_silence(file->attempts[0]) == SILENCE_READS)
        conclusion_rule_out(conclusion, CAUSE_CAPACITY_HUNG, VARIANT_NORMAL);
    return named(conclusion, CAUSE_HELLO_SERVER_SILENT);
}

bool conclude_hello(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    if (attempt_comes_through(file->attempts[0]))
        return outcome_is_ok(file->outcomes[0]) ? conclude_hello_size(file, arena, conclusion)
                                                : conclude_hello_intercepted(file, arena, conclusion);
    return conclude_failure(file, arena, conclusion);
}

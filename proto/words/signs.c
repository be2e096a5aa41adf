#include "words/signs.h"

#include <errno.h>
#include <stddef.h>

/*
 * The kernel counts the SYN in bytes_acked and a FIN in bytes_received; a reset leaves the counters readable but zeroes
 * `unacked`. What TCP_INFO says at the end of an attempt was taken before anything else touched the socket.
 */

enum {
    EARLY_PERCENT = 60, /* of the round trip: nothing that the server sent was ever seen as early as that */
    GUARD_PERCENT =
        90, /* of the round trip since the connection: a server may answer that instead of the hello */
    EARLY_MIN_US = 5000, /* and by so much at least: on a short path the clock of user space proves nothing */
    RECORD_ALERT = 21,
};

static const struct tcp_snapshot *end_of(const struct attempt *attempt)
{
    return &attempt->tcp[MOMENT_END];
}

static bool same_place(const struct case_file *file, const struct attempt *attempt)
{
    const struct evidence_flow *first = &file->attempts[0]->flow, *flow = &attempt->flow;
    return address_equal(&first->destination, &flow->destination) &&
           first->destination_port == flow->destination_port;
}

static bool belongs(const struct case_file *file, size_t index)
{
    const struct attempt *attempt = file->attempts[index];
    return file->origins[index] == NULL && attempt->variant != VARIANT_OTHER_PORT &&
           !variant_fetches(attempt->variant) && same_place(file, attempt);
}

/* Where nobody kept the kernel's word (evidence written down by hand), how long connecting took. 0: not known. */
static int64_t handshake_rtt_us(const struct attempt *attempt)
{
    const struct tcp_snapshot *connected = &attempt->tcp[MOMENT_CONNECTED];
    const struct evidence_clock *clock = &attempt->clock;
    if (connected->taken)
        return connected->total_retrans > 0 ? 0 : connected->rtt_us;
    return clock->connect_us == EVIDENCE_NEVER || clock->connected_us <= clock->connect_us
               ? 0
               : clock->connected_us - clock->connect_us;
}

int64_t case_rtt_us(const struct case_file *file)
{
    int64_t best_us = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        int64_t rtt_us = handshake_rtt_us(attempt);
        if (rtt_us == 0 || !address_equal(&attempt->flow.destination, &file->attempts[0]->flow.destination))
            continue;
        if (best_us == 0 || rtt_us < best_us)
            best_us = rtt_us;
    }
    return best_us;
}

int64_t attempt_answer_us(const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    bool ended = attempt->end.how == ENDING_RESET || attempt->end.how == ENDING_FIN ||
                 attempt->end.how == ENDING_CLOSE_NOTIFY;
    int64_t at_us = clock->first_byte_us != EVIDENCE_NEVER ? clock->first_byte_us
                    : ended                                ? clock->closed_us
                                                           : EVIDENCE_NEVER;
    if (at_us == EVIDENCE_NEVER || clock->hello_sent_us == EVIDENCE_NEVER || at_us < clock->hello_sent_us)
        return -1;
    return at_us - clock->hello_sent_us;
}

static bool attempt_is_early(const struct case_file *file, size_t index)
{
    const struct attempt *attempt = file->attempts[index];
    int64_t rtt_us = case_rtt_us(file), answer_us = attempt_answer_us(attempt);
    if (rtt_us == 0 || answer_us < 0 || attempt->clock.connected_us == EVIDENCE_NEVER)
        return false;
    int64_t since_connected_us = attempt->clock.hello_sent_us - attempt->clock.connected_us + answer_us;
    return answer_us * 100 < rtt_us * EARLY_PERCENT && since_connected_us * 100 < rtt_us * GUARD_PERCENT &&
           rtt_us - answer_us >= EARLY_MIN_US;
}

static bool same_outcome(struct outcome a, struct outcome b)
{
    return a.class == b.class && a.raw_kind == b.raw_kind && a.raw == b.raw;
}

bool case_is_early(const struct case_file *file, size_t index)
{
    if (attempt_is_early(file, index))
        return true;
    for (size_t i = 0; i < file->count; i++) {
        bool again = (i == 0 && file->attempts[index]->variant == VARIANT_RETRY) ||
                     (index == 0 && file->attempts[i]->variant == VARIANT_RETRY);
        if (again && belongs(file, i) && same_outcome(file->outcomes[i], file->outcomes[index]) &&
            attempt_is_early(file, i))
            return true;
    }
    return false;
}

static bool is_only_alert(const struct attempt *attempt)
{
    return attempt->end.first_byte_count > 0 && attempt->end.first_bytes[0] == RECORD_ALERT;
}

static enum sign unacked_sign(const struct attempt *attempt)
{
    return end_of(attempt)->sacked > 0 ? SIGN_HEAD_LOST : SIGN_UNACKED;
}

/* A part of the hello was acknowledged, and the rest never. */
static bool is_partly_acked(const struct attempt *attempt)
{
    const struct tcp_snapshot *end = end_of(attempt);
    return end->taken && attempt->tls.hello_length > 0 && end->bytes_acked <= attempt->tls.hello_length;
}

/* X(class of the outcome, sign): what needs no second look */
static const struct {
    enum outcome_class class;
    enum sign sign;
} plain_signs[] = {
    {OUTCOME_TCP_TIMEOUT, SIGN_NO_SYN_ACK},   {OUTCOME_TCP_REFUSED, SIGN_REFUSED},
    {OUTCOME_TCP_UNREACHABLE, SIGN_REJECTED}, {OUTCOME_HELLO_RESET, SIGN_RESET},
    {OUTCOME_HELLO_CLOSED, SIGN_CLOSED},      {OUTCOME_HELLO_FLIGHT_LOST, SIGN_FLIGHT_LOST},
    {OUTCOME_TLS_RESET, SIGN_BROKEN},         {OUTCOME_TLS_CLOSED, SIGN_BROKEN},
};

static enum sign sign_of(const struct case_file *file, size_t index)
{
    const struct attempt *attempt = file->attempts[index];
    enum outcome_class class = file->outcomes[index].class;
    enum outcome_stage stage = file->outcomes[index].stage;
    for (size_t i = 0; i < sizeof plain_signs / sizeof plain_signs[0]; i++) {
        if (plain_signs[i].class == class)
            return plain_signs[i].sign;
    }
    if (class == OUTCOME_HELLO_UNACKED)
        return unacked_sign(attempt);
    if (class == OUTCOME_HELLO_SILENT)
        return is_partly_acked(attempt) ? unacked_sign(attempt) : SIGN_SILENT;
    if (class == OUTCOME_TLS_STALLED)
        return end_of(attempt)->rcv_ooopack > 0 ? SIGN_FLIGHT_LOST : SIGN_BROKEN;
    if (class == OUTCOME_TLS_ALERT && is_only_alert(attempt) && case_is_early(file, index))
        return SIGN_ALERT_EARLY;
    if (stage == OUTCOME_STAGE_LOCAL || stage == OUTCOME_STAGE_DNS || stage == OUTCOME_STAGE_TCP)
        return SIGN_NONE;
    return attempt->clock.first_byte_us != EVIDENCE_NEVER ? SIGN_ANSWERED : SIGN_NONE;
}

enum sign case_sign(const struct case_file *file, size_t index)
{
    return belongs(file, index) ? sign_of(file, index) : SIGN_NONE;
}

enum sign case_variant_sign(const struct case_file *file, enum variant variant)
{
    for (size_t i = 1; i < file->count; i++) {
        if (file->attempts[i]->variant == variant && belongs(file, i))
            return sign_of(file, i);
    }
    return SIGN_NONE;
}

bool sign_failed(enum sign sign)
{
    return sign != SIGN_NONE && sign != SIGN_ANSWERED;
}

bool case_has_sign(const struct case_file *file, enum sign sign)
{
    for (size_t i = 0; i < file->count; i++) {
        if (case_sign(file, i) == sign)
            return true;
    }
    return false;
}

enum silence attempt_silence(const struct attempt *attempt)
{
    enum { FIN_WAIT_1 = 4, FIN_WAIT_2 = 5 }; /* Linux; RFC 9293, 3.3.2 */
    const struct tcp_snapshot *after = &attempt->tcp[MOMENT_HALF_CLOSED];
    if (!after->taken || after->state == FIN_WAIT_1)
        return SILENCE_UNKNOWN;
    return after->state == FIN_WAIT_2 ? SILENCE_HANGS : SILENCE_READS;
}

static void count_control(struct controls *controls, enum sign sign, enum variant variant)
{
    if (sign == SIGN_ANSWERED) {
        if (controls->answered++ == 0)
            controls->by = variant;
        controls->recovered |= controls->failed > 0;
        controls->last_answered = variant;
    } else if (sign_failed(sign)) {
        controls->failed++;
    }
}

struct controls case_controls(const struct case_file *file)
{
    struct controls controls = {.retry = case_variant_sign(file, VARIANT_RETRY)};
    controls.retried = controls.retry != SIGN_NONE;
    controls.retry_failed = sign_failed(controls.retry);
    for (size_t i = 1; i < file->count; i++) {
        enum variant variant = file->attempts[i]->variant;
        if (variant == VARIANT_CONTROL_SNI || variant == VARIANT_NO_SNI)
            count_control(&controls, case_sign(file, i), variant);
    }
    return controls;
}

bool signs_facts(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    int64_t rtt_us = case_rtt_us(file), answer_us = attempt_answer_us(file->attempts[0]);
    double rtt_ms = (double)rtt_us / 1000, answer_ms = (double)answer_us / 1000;
    const char *when = case_is_early(file, 0) ? "early" : "late";
    if (rtt_us == 0)
        return true;
    if (!conclusion_fact(conclusion, arena, "rtt_ms", "%.1f", rtt_ms))
        return false;
    return answer_us < 0 || (conclusion_fact(conclusion, arena, "answer_ms", "%.1f", answer_ms) &&
                             conclusion_fact(conclusion, arena, "when", "%s, %.0f ms of rtt %.0f ms", when,
                                             answer_ms, rtt_ms));
}

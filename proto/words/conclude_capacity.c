#include "words/signs.h"

#include <stddef.h>

/*
 * A server that works, but not for so many: told by what becomes of several connections at once, or one after another,
 * whatever name they carry. How the kernel turns a full accept queue into signs (Linux, no syncookies, no RST on overflow):
 *
 *   queue full before the SYN        the SYN is dropped                                             T0
 *   full between SYN and ACK         the ACK is dropped, and all that follows; the client believes
 *                                    itself connected, and repeats its hello until there is room    T3
 *   room, but nobody accepts         the kernel acknowledges for the application                    T4
 */

enum { LATE_MIN_US = 900 * 1000, PILED_MIN = 2 };

struct tally {
    unsigned made, answered, late, silent, unacked, closed, reset, unanswered_syn;
};

/* Came through, but a second late: a SYN or a hello had to be sent again. */
static bool is_late(const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    return attempt->tcp[MOMENT_END].total_retrans > 0 && clock->first_byte_us != EVIDENCE_NEVER &&
           clock->connect_us != EVIDENCE_NEVER && clock->first_byte_us - clock->connect_us >= LATE_MIN_US;
}

static void count(struct tally *tally, const struct attempt *attempt, enum sign sign)
{
    if (sign == SIGN_NONE)
        return;
    tally->made++;
    tally->answered += sign == SIGN_ANSWERED;
    tally->late += sign == SIGN_ANSWERED && is_late(attempt);
    tally->silent += sign == SIGN_SILENT;
    tally->unacked += sign == SIGN_UNACKED;
    tally->closed += sign == SIGN_CLOSED;
    tally->reset += sign == SIGN_RESET;
    tally->unanswered_syn += sign == SIGN_NO_SYN_ACK || sign == SIGN_REFUSED;
}

static struct tally tally_of(const struct case_file *file, bool burst)
{
    struct tally tally = {0};
    for (size_t i = 0; i < file->count; i++) {
        if ((file->attempts[i]->variant == VARIANT_BURST) == burst)
            count(&tally, file->attempts[i], case_sign(file, i));
    }
    return tally;
}

static bool named(struct conclusion *conclusion, enum cause cause)
{
    conclusion->cause = cause;
    return true;
}

/* One connection is well, several at once are not. */
static bool conclude_burst(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct tally burst = tally_of(file, true), alone = tally_of(file, false);
    if (burst.made < 2 || alone.answered == 0 || burst.answered - burst.late == burst.made)
        return false;
    (void)conclusion_fact(conclusion, arena, "passed", "%u", burst.answered);
    (void)conclusion_fact(conclusion, arena, "at_once", "%u", burst.made);
    if (burst.silent + burst.unacked > 0)
        return named(conclusion, CAUSE_CAPACITY_BURST);
    if (burst.closed + burst.reset > 0)
        return named(conclusion, CAUSE_CAPACITY_CLOSED_UNDER_LOAD);
    return burst.unanswered_syn + burst.late >= PILED_MIN && named(conclusion, CAUSE_CAPACITY_RATE_LIMITED);
}

/* The first connections come through, and from the k-th on none does. */
static bool conclude_rate(const struct case_file *file, struct conclusion *conclusion)
{
    unsigned passed = 0, stopped = 0;
    for (size_t i = 0; i < file->count; i++) {
        enum sign sign = case_sign(file, i);
        if (sign == SIGN_NO_SYN_ACK || sign == SIGN_REFUSED)
            stopped++;
        else if (sign == SIGN_ANSWERED && stopped == 0)
            passed++;
        else if (sign != SIGN_NONE)
            return false;
    }
    return passed > 0 && stopped >= PILED_MIN && named(conclusion, CAUSE_CAPACITY_RATE_LIMITED);
}

/* A closed port of the host still resets: the host is there, and lets us in, yet this port's SYNs are dropped. */
static bool other_port_resets(const struct case_file *file)
{
    struct outcome other;
    return case_outcome(file, VARIANT_OTHER_PORT, &other) && other.class == OUTCOME_TCP_REFUSED;
}

static bool conclude_queue(const struct case_file *file, struct conclusion *conclusion)
{
    struct tally alone = tally_of(file, false);
    if (alone.answered > 0)
        return false;
    if (alone.unanswered_syn == alone.made && other_port_resets(file) &&
        file->outcomes[0].class == OUTCOME_TCP_TIMEOUT) {
        conclusion_rule_out(conclusion, CAUSE_TCP_DROPPED, VARIANT_OTHER_PORT);
        return named(conclusion, CAUSE_CAPACITY_QUEUE_FULL);
    }
    /* Our own connections fill the queue of an application that accepts none of them. */
    if (alone.silent > 0 && alone.unacked + case_has_sign(file, SIGN_NO_SYN_ACK) > 0)
        return named(conclusion, CAUSE_CAPACITY_QUEUE_FULL);
    return false;
}

static bool conclude_hung(const struct case_file *file, struct conclusion *conclusion)
{
    struct controls controls = case_controls(file);
    struct tally alone = tally_of(file, false);
    enum silence silence = attempt_silence(file->attempts[0]);
    if (case_sign(file, 0) != SIGN_SILENT || alone.silent != alone.made || controls.failed == 0 ||
        silence == SILENCE_READS)
        return false;
    if (silence == SILENCE_HANGS) {
        conclusion_rule_out(conclusion, CAUSE_HELLO_SERVER_SILENT, VARIANT_NORMAL);
        conclusion->certainty = CERTAINTY_CONFIRMED; /* neither hello nor FIN is read, whatever the name */
    }
    conclusion_rule_out(conclusion, CAUSE_HELLO_NAME_DROPPED, VARIANT_CONTROL_SNI);
    return named(conclusion, CAUSE_CAPACITY_HUNG);
}

/* Sometimes closed, sometimes answered, and the name is the same. */
static bool conclude_now_and_then(const struct case_file *file, struct conclusion *conclusion)
{
    enum sign first = case_sign(file, 0), retry = case_variant_sign(file, VARIANT_RETRY);
    if (retry != SIGN_ANSWERED)
        return false;
    if (first == SIGN_REFUSED || (first == SIGN_RESET && !case_is_early(file, 0)))
        return named(conclusion, CAUSE_CAPACITY_NOW_AND_THEN);
    if (first == SIGN_CLOSED && !case_is_early(file, 0))
        return named(conclusion, CAUSE_CAPACITY_CLOSED_UNDER_LOAD);
    return (first == SIGN_UNACKED || first == SIGN_SILENT) && named(conclusion, CAUSE_CAPACITY_BURST);
}

bool conclude_capacity(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    if (outcome_is_ok(file->outcomes[0]))
        return conclude_burst(file, arena, conclusion) || conclude_rate(file, conclusion);
    return conclude_queue(file, conclusion) || conclude_hung(file, conclusion) ||
           conclude_now_and_then(file, conclusion);
}

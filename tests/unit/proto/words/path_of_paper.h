#ifndef PARALLAX_TESTS_PATH_OF_PAPER_H
#define PARALLAX_TESTS_PATH_OF_PAPER_H

#include "cmocka_all.h"

#include "words/cause.h"
#include "words/classify.h"

#include <errno.h>
#include <string.h>

/* Cases below leave out what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Attempts over a path of 100 ms, as the kernel's counters tell of them, and the cause that has to follow from a case. */

enum { PAPER_RTT_US = 100000, PAPER_HELLO = 517, PAPER_ATTEMPTS = 9 };

/* What became of an attempt: the signs of words/signs.h, made of evidence. */
enum fate {
    FATE_END, /* no more attempts */
    FATE_OK,
    FATE_BAD_CERTIFICATE,
    FATE_NO_ROUTE,
    FATE_POLICY,
    FATE_NO_DESCRIPTOR,
    FATE_T0,
    FATE_REFUSED,
    FATE_ICMP,
    FATE_NO_NEIGHBOUR,
    FATE_PORT_OPEN, /* of other-port */
    FATE_T3,
    FATE_T4,
    FATE_T5,
    FATE_T6,
    FATE_RESET_UNACKED,
    FATE_RESET,
    FATE_FIN,
    FATE_ALERT,
};

struct paper_attempt {
    enum fate fate;
    enum variant variant;
    int after_ms; /* of what ended it, after the hello (or the SYN); 0: a full round trip */
    int start_s;  /* after the case began */
    bool elsewhere, late, lost, spurious, reads, hangs, confirms;
    int icmp; /* code, +1 */
};

struct paper_case {
    const char *what;
    enum cause cause;
    struct paper_attempt attempts[PAPER_ATTEMPTS];
    enum certainty certainty;
    const char *key, *value; /* a fact it has to have */
    enum cause ruled_out;
};

static inline void paper_tcp(struct attempt *attempt, const struct paper_attempt *paper, int64_t after_us)
{
    bool shakes = paper->fate == FATE_OK || paper->fate == FATE_BAD_CERTIFICATE || paper->fate == FATE_ALERT;
    attempt->clock.connected_us = PAPER_RTT_US + (paper->late ? 1000000 : 0);
    attempt->tcp[MOMENT_CONNECTED] =
        (struct tcp_snapshot){.taken = true, .rtt_us = PAPER_RTT_US, .total_retrans = paper->late};
    if (paper->fate == FATE_PORT_OPEN)
        return;
    attempt->tls.hello_length = PAPER_HELLO;
    attempt->clock.hello_sent_us = attempt->clock.connected_us + 2000;
    attempt->clock.closed_us = attempt->clock.hello_sent_us + after_us;
    bool acked = paper->fate != FATE_T3 && paper->fate != FATE_T6 && paper->fate != FATE_RESET_UNACKED;
    attempt->tcp[MOMENT_END] = (struct tcp_snapshot){.taken = true,
                                                     .min_rtt_us = PAPER_RTT_US,
                                                     .bytes_acked = acked ? PAPER_HELLO + 1 : 1,
                                                     .data_segs_in = paper->fate == FATE_T5,
                                                     .rcv_ooopack = paper->fate == FATE_T5,
                                                     .sacked = paper->fate == FATE_T6,
                                                     .total_retrans = paper->late + paper->lost * 2U,
                                                     .dsack_dups = paper->spurious * 2U,
                                                     .segs_in = 8,
                                                     .segs_out = 8};
    if (shakes)
        attempt->clock.first_byte_us = attempt->clock.closed_us;
    if (paper->reads || paper->hangs)
        attempt->tcp[MOMENT_HALF_CLOSED] =
            (struct tcp_snapshot){.taken = true, .state = paper->hangs ? 5 : 7};
}

static inline void paper_fail(struct attempt *attempt, enum evidence_ending how, int error)
{
    attempt->end.how = how;
    attempt->flow.error = error;
}

static inline void paper_alert(struct attempt *attempt)
{
    attempt->end.first_bytes[0] = 21;
    attempt->end.first_bytes[1] = 3;
    attempt->end.first_byte_count = 7;
    attempt->tls.records = arena_array(&attempt->arena, 1, sizeof *attempt->tls.records);
    assert_non_null(attempt->tls.records);
    attempt->tls.records[0] = (struct tls_record){.received = true, .content = 21, .type = 40, .level = 2};
    attempt->tls.record_count = 1;
    attempt->end.how = ENDING_ALERT;
}

static enum depth paper_depth; /* of all attempts */

static inline void paper_handshake(struct attempt *attempt, bool good)
{
    attempt->end.how = ENDING_BY_US;
    attempt->tls.version = 0x0304;
    if (paper_depth == DEPTH_HELLO)
        return;
    attempt->clock.handshake_us = attempt->clock.first_byte_us + 5000;
    attempt->http.status = 200;
    if (good)
        return;
    attempt->tls.verify_errors = arena_array(&attempt->arena, 1, sizeof *attempt->tls.verify_errors);
    assert_non_null(attempt->tls.verify_errors);
    attempt->tls.verify_errors[0] = (struct verify_error){62, 0};
    attempt->tls.verify_error_count = 1;
}

static inline void paper_local(struct attempt *attempt, enum evidence_local local, int error)
{
    attempt->local = local;
    attempt->local_error = error;
}

/* connect() failed after so long */
static inline void paper_no_connection(struct attempt *attempt, int64_t after_us, int error)
{
    attempt->tcp[MOMENT_END] = (struct tcp_snapshot){.taken = true, .at_us = after_us};
    paper_fail(attempt, error == 0 ? ENDING_TIMEOUT : ENDING_NONE, error);
    if (error == 0)
        attempt->clock.closed_us = after_us;
}

static inline struct attempt *paper_attempt_new(const struct paper_attempt *paper)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    int64_t after_us = paper->after_ms > 0 ? (int64_t)paper->after_ms * 1000 : PAPER_RTT_US;
    attempt->variant = paper->variant;
    attempt->depth = paper_depth;
    attempt->role = paper->confirms ? ATTEMPT_CONFIRM : ATTEMPT_LADDER;
    attempt->clock.start_us = INT64_C(1795000000000000) + (int64_t)paper->start_s * 1000000;
    attempt->clock.connect_us = 0;
    assert_true(address_parse(paper->elsewhere ? "203.0.113.8" : "203.0.113.7", &attempt->flow.destination));
    attempt->flow.destination_port = paper->variant == VARIANT_OTHER_PORT ? 80 : 443;
    switch (paper->fate) {
    case FATE_END:
        break;
    case FATE_OK:
    case FATE_BAD_CERTIFICATE:
        paper_tcp(attempt, paper, after_us);
        paper_handshake(attempt, paper->fate == FATE_OK);
        break;
    case FATE_NO_ROUTE:
        paper_local(attempt, LOCAL_NO_ROUTE, ENETUNREACH);
        break;
    case FATE_POLICY:
        paper_local(attempt, LOCAL_POLICY, 0);
        break;
    case FATE_NO_DESCRIPTOR:
        paper_local(attempt, LOCAL_RESOURCE, EMFILE);
        break;
    case FATE_T0:
        paper_no_connection(attempt, 5000000, 0);
        break;
    case FATE_REFUSED:
        paper_no_connection(attempt, after_us, ECONNREFUSED);
        break;
    case FATE_ICMP:
        paper_no_connection(attempt, after_us, EHOSTUNREACH);
        attempt->flow.icmp_type = 3;
        attempt->flow.icmp_code = paper->icmp - 1;
        assert_true(address_parse("192.0.2.1", &attempt->flow.icmp_offender));
        break;
    case FATE_NO_NEIGHBOUR:
        paper_no_connection(attempt, 3000000, EHOSTUNREACH);
        break;
    case FATE_PORT_OPEN:
        paper_tcp(attempt, paper, after_us);
        break;
    case FATE_T3:
    case FATE_T4:
    case FATE_T5:
    case FATE_T6:
        paper_tcp(attempt, paper, 5000000);
        paper_fail(attempt, ENDING_TIMEOUT, 0);
        break;
    case FATE_RESET_UNACKED:
    case FATE_RESET:
        paper_tcp(attempt, paper, after_us);
        paper_fail(attempt, ENDING_RESET, ECONNRESET);
        break;
    case FATE_FIN:
        paper_tcp(attempt, paper, after_us);
        paper_fail(attempt, ENDING_FIN, 0);
        break;
    case FATE_ALERT:
        paper_tcp(attempt, paper, after_us);
        paper_alert(attempt);
        break;
    }
    return attempt;
}

static inline bool paper_ruled_out(const struct conclusion *conclusion, enum cause cause)
{
    for (size_t i = 0; i < conclusion->ruled_count; i++)
        if (conclusion->ruled[i].cause == cause)
            return true;
    return cause == CAUSE_NONE;
}

static inline bool paper_has_fact(const struct conclusion *conclusion, const char *key, const char *value)
{
    for (size_t i = 0; i < conclusion->fact_count; i++)
        if (key != NULL && strcmp(conclusion->facts[i].key, key) == 0)
            return strcmp(conclusion->facts[i].value, value) == 0;
    return key == NULL;
}

static inline void paper_judge(const struct paper_case *paper)
{
    struct endpoint endpoint = {.site = "", .host = "www.a.example", .sni = "", .port = 443};
    struct case_file file = {.endpoint = &endpoint, .now_us = INT64_C(1795000000000000), .expiry_days = 21};
    struct attempt *attempts[PAPER_ATTEMPTS];
    struct conclusion conclusion;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (; file.count < PAPER_ATTEMPTS && paper->attempts[file.count].fate != FATE_END; file.count++) {
        attempts[file.count] = paper_attempt_new(&paper->attempts[file.count]);
        file.attempts[file.count] = attempts[file.count];
        file.outcomes[file.count] = classify(attempts[file.count]);
    }
    assert_true(conclude(&file, &arena, &conclusion));
    if (conclusion.cause != paper->cause)
        fail_msg("%s: %s, wanted %s", paper->what, cause_row(conclusion.cause)->id,
                 cause_row(paper->cause)->id);
    if (conclusion.certainty != paper->certainty)
        fail_msg("%s: certainty is %d", paper->what, (int)conclusion.certainty);
    if (!paper_has_fact(&conclusion, paper->key, paper->value))
        fail_msg("%s: %s is not %s", paper->what, paper->key, paper->value);
    if (!paper_ruled_out(&conclusion, paper->ruled_out))
        fail_msg("%s: %s is not ruled out", paper->what, cause_row(paper->ruled_out)->id);
    arena_done(&arena);
    for (size_t i = 0; i < file.count; i++)
        attempt_free(attempts[i]);
}

#define PAPER_TEST(name, cases)                                                                              \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++)                                        \
            paper_judge(&(cases)[i]);                                                                        \
    }

#endif

#ifndef PARALLAX_WORDS_SIGNS_H
#define PARALLAX_WORDS_SIGNS_H

#include "words/cause.h"

/*
 * What the kernel's counters and the clock say of one attempt up to the first answer to its ClientHello: the signs that
 * conclude_tcp, conclude_hello and conclude_capacity compare with each other.
 */

/* X(symbol, what it is: L is the length of the ClientHello) */
#define SIGNS(X)                                                                                             \
    X(SIGN_NONE)        /* it says nothing here: not tried, no name, another address */                      \
    X(SIGN_ANSWERED)    /* the server answered the hello, be it with an alert */                             \
    X(SIGN_NO_SYN_ACK)  /* T0: the SYN is not answered */                                                    \
    X(SIGN_REFUSED)     /* T1: RST answers the SYN */                                                        \
    X(SIGN_REJECTED)    /* T2: ICMP answers the SYN */                                                       \
    X(SIGN_UNACKED)     /* T3: the hello is never acknowledged */                                            \
    X(SIGN_SILENT)      /* T4: acknowledged (L + 1), then nothing */                                         \
    X(SIGN_FLIGHT_LOST) /* T5: of the server's flight the head is missing */                                 \
    X(SIGN_HEAD_LOST)   /* T6: of a hello in several segments the head is missing at the server */           \
    X(SIGN_RESET)       /* T7, T8 */                                                                         \
    X(SIGN_CLOSED)      /* T9: FIN without data */                                                           \
    X(SIGN_ALERT_EARLY) /* an alert sooner than the server could have sent it */                             \
    X(SIGN_BROKEN)      /* the server answered, and the handshake ended in another way than those */

#define SIGN_ENUM(symbol) symbol,
enum sign { SIGNS(SIGN_ENUM) };

/** The sign of the attempt at an index of the case; SIGN_NONE for one at another address, port or at the origin. */
enum sign case_sign(const struct case_file *file, size_t index);

/** The sign of the first attempt of a variant, [0] apart; SIGN_NONE when it was not made. */
enum sign case_variant_sign(const struct case_file *file, enum variant variant);

/** Is it a sign of an attempt that was made here and not answered by the server? */
bool sign_failed(enum sign sign);

/**
 * The round trip to the address of the first attempt: the smallest that any handshake of TCP in the case has shown,
 * microseconds; 0 when there was none. Not min_rtt of the end, which a forged acknowledgement pulls down.
 */
int64_t case_rtt_us(const struct case_file *file);

/** From the ClientHello to what ended the silence after it (first byte, FIN, RST), microseconds; -1: nothing did. */
int64_t attempt_answer_us(const struct attempt *attempt);

/**
 * Did the answer come sooner than the server could have given it: below 0.6 of the round trip after the hello? Measured from
 * the hello as it was handed to the kernel, so that delays of ours only make it look later; of a first attempt and its retry
 * that ended alike, the earlier one counts therefore.
 */
bool case_is_early(const struct case_file *file, size_t index);

/* Attempts that show what becomes of other names at the same place. */
struct controls {
    unsigned answered, failed; /* of control-sni and no-sni */
    enum variant by;           /* the first that answered */
    bool retried, retry_failed;
    enum sign retry;
    enum variant last_answered;
    bool recovered; /* a control failed, and a later one was answered */
};
struct controls case_controls(const struct case_file *file);

/*
 * Of a peer that took the hello and kept silent (T4), once we had sent FIN: an application that reads closes as well; of one
 * that hangs only the kernel answers.
 */
enum silence { SILENCE_UNKNOWN, SILENCE_READS, SILENCE_HANGS };
enum silence attempt_silence(const struct attempt *attempt);

/** Has any attempt on the same place this sign? */
bool case_has_sign(const struct case_file *file, enum sign sign);

/** Adds the facts "when" ("early, 12 ms of rtt 40 ms"), "rtt_ms" and "answer_ms" of the first attempt, as far as known. */
bool signs_facts(const struct case_file *file, struct arena *arena, struct conclusion *conclusion);

#endif

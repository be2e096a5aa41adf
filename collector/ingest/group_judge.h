#ifndef PARALLAX_COLLECTOR_INGEST_GROUP_JUDGE_H
#define PARALLAX_COLLECTOR_INGEST_GROUP_JUDGE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Can a record be true? An agent reports on rounds that it was sent, on their endpoints, at their time. What says otherwise is
 * not stored; it is counted by why, and the session that sent it ends.
 *
 * The bounds are wide, since a true record that is refused is lost. An attempt may start
 *   - from an hour before its round: the collector's clock, which agents follow, may be set back meanwhile;
 *   - until an hour after its round's deadline: what looks into a failure goes on for ten minutes after it, and an agent may
 *     be stopped and go on;
 *   - not more than an hour after the collector's own clock;
 * and each bound moves by what the agent says it may be wrong, which must not be more than ten minutes. When it is delivered
 * does not matter: a spool may have been cut off for months.
 *
 * Reports are not judged: what they count as dropped has to arrive, also after the database has lost the round.
 */

/* X(symbol, id, text) */
#define REFUSALS(X)                                                                                          \
    X(REFUSAL_NO_ROUND, "no-round", "it belongs to no round")                                                \
    X(REFUSAL_UNKNOWN_ROUND, "unknown-round", "there is no such round")                                      \
    X(REFUSAL_ENDPOINT, "endpoint", "its endpoint is not of its round")                                      \
    X(REFUSAL_CLOCK, "clock", "it does not know its time to ten minutes")                                    \
    X(REFUSAL_BEFORE, "before-round", "it starts before its round")                                          \
    X(REFUSAL_AFTER, "after-round", "it starts after its round")                                             \
    X(REFUSAL_FUTURE, "future", "it starts in the future")                                                   \
    X(REFUSAL_SLOT, "slot", "its slot is not within its round")

#define REFUSAL_ENUM(symbol, id, text) symbol,
enum refusal { REFUSAL_NONE, REFUSALS(REFUSAL_ENUM) REFUSAL_COUNT };

/** A word for labels and columns ("unknown-round"); a sentence's end for people. */
const char *refusal_id(enum refusal refusal);
const char *refusal_text(enum refusal refusal);

struct refused_note {
    size_t count;
    uint64_t sequence; /* of the first */
    enum refusal refusal;
};

/** A round, in collector time. */
struct round_window {
    int64_t round_id;
    int64_t start_us;
    int64_t spread_us;
    int64_t deadline_us;
};

struct round_pair {
    int64_t round_id;
    int64_t endpoint_id;
};

/** Rounds and their endpoints, as far as they were asked for; both ascending. Zeroed is empty. */
struct round_book {
    struct round_window *windows;
    size_t window_count;
    struct round_pair *pairs;
    size_t pair_count;
};

/** Reads what ingest_look answers, ordered. @return false without memory. */
bool round_book_read(struct round_book *book, const PGresult *result);
void round_book_done(struct round_book *book);

/** What an attempt says that is judged. */
struct claim {
    uint64_t round_id;
    uint64_t endpoint_id;
    int64_t start_us;
    int64_t slot_us;
    uint64_t start_error_us;
};

/** @param now_us  the collector's clock. */
enum refusal claim_judge(const struct round_book *book, const struct claim *claim, int64_t now_us);

#endif

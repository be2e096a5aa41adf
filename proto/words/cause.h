#ifndef PARALLAX_WORDS_CAUSE_H
#define PARALLAX_WORDS_CAUSE_H

#include "words/arena.h"
#include "words/buf.h"
#include "words/evidence.h"
#include "words/outcome.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Why an endpoint does not work from one vantage: the catalogue. One row a cause, in a list for each part of a
 * connection; the enum, the ids, the texts of a verdict and the generated table all come from these rows. Ids and numbers
 * are stable. Verdict and remedy may hold {names}, which the conclusion's facts fill in ("{date}").
 *
 * X(symbol, number, id, name, verdict, evidence, tells_apart, remedy)
 */
#include "words/causes_capacity.h"
#include "words/causes_certificate.h"
#include "words/causes_dns.h"
#include "words/causes_edge.h"
#include "words/causes_hello.h"
#include "words/causes_local.h"
#include "words/causes_negotiation.h"
#include "words/causes_tcp.h"

#define CAUSES(X)                                                                                            \
    CAUSES_LOCAL(X)                                                                                          \
    CAUSES_DNS(X)                                                                                            \
    CAUSES_TCP(X)                                                                                            \
    CAUSES_HELLO(X)                                                                                          \
    CAUSES_CAPACITY(X)                                                                                       \
    CAUSES_NEGOTIATION(X)                                                                                    \
    CAUSES_CERTIFICATE(X)                                                                                    \
    CAUSES_EDGE(X)

#define CAUSE_ENUM(symbol, number, id, name, verdict, evidence, tells_apart, remedy) symbol = (number),
enum cause { CAUSE_NONE = 0, CAUSE_UNCLASSIFIED = 1, CAUSES(CAUSE_ENUM) };

/** One row. Texts are English gettext msgids, never NULL. */
struct cause_row {
    enum cause cause;
    const char *id;   /* "cert.expired" */
    const char *name; /* "expired": short, for one line */
    const char *verdict;
    const char *evidence;
    const char *tells_apart;
    const char *remedy;
};

size_t cause_count(void);
const struct cause_row *cause_at(size_t index); /* in the order of the lists */
/** The row of a cause; for CAUSE_NONE and CAUSE_UNCLASSIFIED rows of their own ("none", "unclassified"). Never NULL. */
const struct cause_row *cause_row(enum cause cause);
/** @return false when no cause has this id. */
bool cause_from_id(const char *id, enum cause *ret_cause);

/* --- from attempts to a cause ------------------------------------------------------------------------------------- */

enum {
    CASE_MAX_ATTEMPTS = 32,
    CONCLUSION_MAX_FACTS = 24,
    CONCLUSION_MAX_RULED = 16,
    CONCLUSION_MAX_ALSO = 8
};

/** All attempts of one vantage on one endpoint that belong together: the first, and what the ladder added. Borrowed. */
struct case_file {
    const struct endpoint *endpoint;
    size_t count;
    const struct attempt *attempts[CASE_MAX_ATTEMPTS]; /* [0] is the one to be explained */
    struct outcome outcomes[CASE_MAX_ATTEMPTS];        /* classify() of each */
    /* The origin an attempt went to, role ROLE_ORIGIN; NULL: it went to the endpoint itself. NORMAL has its SNI, NO_SNI none. */
    const struct endpoint *origins[CASE_MAX_ATTEMPTS];
    int64_t now_us;  /* collector time, or the own wall clock: what validity is judged by */
    int expiry_days; /* certificates that end sooner are worth a word */
};

/**
 * First attempt of a variant on the endpoint itself (any but [0] for VARIANT_NORMAL's repeats), or NULL when it was not
 * made. A variant may be there again with role ATTEMPT_CONFIRM: the control that failed, once more after a rest.
 */
const struct attempt *case_variant(const struct case_file *file, enum variant variant);
/** Its outcome. @return false when the variant was not made. */
bool case_outcome(const struct case_file *file, enum variant variant, struct outcome *ret_outcome);
/** Was the variant made, and did the connection come through the handshake (whatever the certificate), or as far as its depth? */
bool case_shakes_hands(const struct case_file *file, enum variant variant);

struct fact {
    const char *key; /* a {name} of the row, lower case */
    const char *value;
};

struct ruled_out {
    enum cause cause;
    enum variant
        by; /* the variant whose outcome rules it out; VARIANT_NORMAL: the first attempt's own evidence */
};

/* How sure: "consistent with" unless two independent signals and a control agree. */
enum certainty { CERTAINTY_CONSISTENT, CERTAINTY_CONFIRMED };

struct conclusion {
    enum cause cause; /* CAUSE_NONE: nothing is wrong */
    enum certainty certainty;
    size_t fact_count;
    struct fact facts[CONCLUSION_MAX_FACTS]; /* values may hold strangers' bytes */
    size_t ruled_count;
    struct ruled_out ruled[CONCLUSION_MAX_RULED];
    size_t also_count;
    enum cause also[CONCLUSION_MAX_ALSO]; /* worth a word beside it: chain out of order, expires soon, ... */
};

/**
 * Concludes the cause. Pure: the same case gives the same conclusion. Facts' values live in the arena.
 * @return false without memory (arena at its bound).
 */
bool conclude(const struct case_file *file, struct arena *arena, struct conclusion *ret_conclusion);

/** Adds a fact (printf-like); what does not fit is left out. @return false without memory. */
bool conclusion_fact(struct conclusion *conclusion, struct arena *arena, const char *key, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
void conclusion_rule_out(struct conclusion *conclusion, enum cause cause, enum variant by);
void conclusion_also(struct conclusion *conclusion, enum cause also);

/**
 * A section's part of conclude(): looks at the case, and when the fault lies in its part names the cause.
 * @return false when it is not its own (conclusion untouched, apart from `also`).
 */
typedef bool conclude_fn(const struct case_file *file, struct arena *arena, struct conclusion *conclusion);
conclude_fn conclude_local, conclude_dns, conclude_tcp, conclude_hello, conclude_capacity,
    conclude_negotiation, conclude_certificate, conclude_edge, conclude_dns_delay;

/**
 * What to do about it: the row's remedy, or the one for the software that the facts speak of. An English gettext msgid with
 * {names}, never NULL.
 */
const char *cause_remedy(const struct conclusion *conclusion);

/**
 * Fills {names} of a (translated) text with the conclusion's facts. A name without a fact becomes "?"; a parenthesis with
 * such a name is left out. Strangers' bytes stay raw.
 */
bool cause_text(struct buf *out, const char *text, const struct conclusion *conclusion);

/** Would cause_text fill all names that it does not leave out? */
bool cause_text_is_whole(const char *text, const struct conclusion *conclusion);

#endif

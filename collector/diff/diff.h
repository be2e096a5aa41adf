#ifndef PARALLAX_COLLECTOR_DIFF_DIFF_H
#define PARALLAX_COLLECTOR_DIFF_DIFF_H

#include "diff/matrix.h"
#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What differs between vantages, and between edge and origin, in one window of rounds. Pure: a matrix goes in, findings
 * come out, and they say only what the counts show. No probability is given.
 *
 *   1. Vantages that fail most endpoints while their peers pass are set aside (they blame nobody).
 *   2. Per endpoint, the cells that fail are grouped by class, and each group gets the widest places that hold nothing
 *      else: all vantages, a whole region, a whole ASN, and what is left by name.
 *   3. An edge and its origin were probed in the same rounds by the same vantages: each finding carries what the
 *      counterpart did there.
 *   4. Where handshakes succeeded, what they looked like is compared: between vantages, then edge against origin.
 *   5. What too few vantages cannot tell apart is a caveat of the finding, not a guess.
 */

/* X(symbol, name): how much a finding weighs; faults and differences make the exit code 1 */
#define FINDING_LEVELS(X)                                                                                    \
    X(FINDING_NOTE, "note")                                                                                  \
    X(FINDING_DIFFERENCE, "difference")                                                                      \
    X(FINDING_FAULT, "fault")

/* X(symbol, name) */
#define FINDING_KINDS(X)                                                                                     \
    X(FINDING_FAILS, "fails")                                                                                \
    X(FINDING_AT_TIMES, "fails-at-times")   /* fewer than half of a vantage's attempts */                    \
    X(FINDING_DIFFERS, "differs")           /* between vantages */                                           \
    X(FINDING_PAIR_DIFFERS, "pair-differs") /* edge against origin */

/* X(symbol, name): the place that holds all the vantages of a finding and no other */
#define FINDING_SCOPES(X)                                                                                    \
    X(SCOPE_ALL, "all")                                                                                      \
    X(SCOPE_REGION, "region")                                                                                \
    X(SCOPE_ASN, "asn")                                                                                      \
    X(SCOPE_VANTAGES, "vantages")

/* X(symbol, name): the cell of the edge/origin table a failing endpoint is in, over the finding's vantages */
#define FINDING_PAIRS(X)                                                                                     \
    X(PAIR_NONE, "none") /* no counterpart was probed there */                                               \
    X(PAIR_BOTH_SAME, "both-fail-alike")                                                                     \
    X(PAIR_BOTH_OTHER, "both-fail-differently")                                                              \
    X(PAIR_EDGE_ONLY, "edge-only")                                                                           \
    X(PAIR_ORIGIN_ONLY, "origin-only")                                                                       \
    X(PAIR_GATEWAY_ORIGIN_PASSES, "gateway-origin-passes") /* edge answers 5xx, origin directly is well */   \
    X(PAIR_GATEWAY_ORIGIN_FAILS, "gateway-origin-fails")                                                     \
    X(PAIR_MIXED, "mixed") /* the counterpart passes from some of them and fails from others */

/* X(symbol, name): what is compared where it succeeded */
#define FINDING_ASPECTS(X)                                                                                   \
    X(ASPECT_NONE, "none")                                                                                   \
    X(ASPECT_ISSUER, "issuer")                                                                               \
    X(ASPECT_KEY, "certificate_key")                                                                         \
    X(ASPECT_LEAF, "certificate")                                                                            \
    X(ASPECT_VERSION, "tls_version")                                                                         \
    X(ASPECT_CIPHER, "cipher")                                                                               \
    X(ASPECT_GROUP, "tls_group")                                                                             \
    X(ASPECT_ALPN, "alpn")                                                                                   \
    X(ASPECT_STATUS, "http_status")                                                                          \
    X(ASPECT_LOCATION, "location")                                                                           \
    X(ASPECT_POP, "pop")                                                                                     \
    X(ASPECT_ADDRESSES, "addresses")

#define DIFF_ENUM(symbol, name) symbol,
enum finding_level { FINDING_LEVELS(DIFF_ENUM) };
enum finding_kind { FINDING_KINDS(DIFF_ENUM) };
enum finding_scope { FINDING_SCOPES(DIFF_ENUM) };
enum finding_pair { FINDING_PAIRS(DIFF_ENUM) };
enum finding_aspect { FINDING_ASPECTS(DIFF_ENUM) };

const char *finding_level_name(enum finding_level level);
const char *finding_kind_name(enum finding_kind kind);
const char *finding_scope_name(enum finding_scope scope);
const char *finding_pair_name(enum finding_pair pair);
const char *finding_aspect_name(enum finding_aspect aspect);

struct finding {
    enum finding_level level;
    enum finding_kind kind;
    enum finding_scope scope;
    enum finding_pair pair;
    enum finding_aspect aspect;
    unsigned endpoint;    /* index into the matrix */
    unsigned counterpart; /* the endpoint paired with it; meaningful when has_counterpart */
    bool has_counterpart;
    const char *region; /* of SCOPE_REGION, else "" */
    int64_t asn;        /* of SCOPE_ASN, else 0 */
    const bool *where;  /* per vantage: is it one of the finding's? */
    unsigned where_count;
    struct outcome outcome; /* FAILS: the class, with its most common raw number */
    unsigned failed;        /* first attempts over the finding's vantages, of this class */
    unsigned attempts;      /* valid ones */
    unsigned confirm_failed;
    unsigned confirm_attempts;
    const char *value;       /* DIFFERS: here (text for people) */
    const char *other_value; /* DIFFERS: elsewhere, or at the counterpart */
    const char *where_text;  /* "cn-1 (AS4837)", "all", "region cn (cn-1, cn-2)" */
    const char *what_text;   /* "reset after ClientHello" */
    const char *text;        /* the whole sentence; texts may hold strangers' bytes */
    size_t caveat_count;
    const char **caveats;
};

struct set_aside {
    unsigned vantage;
    unsigned failed;        /* endpoints that fail here and pass from most peers */
    unsigned tried;         /* endpoints that pass from most peers and were tried here */
    struct outcome outcome; /* the most common one */
    const char *text;
};

struct diff {
    struct arena arena;
    const struct matrix *matrix;
    size_t finding_count;
    struct finding *findings; /* heaviest first, in order of endpoints */
    size_t finding_room;
    size_t aside_count;
    struct set_aside *asides;
    bool *valid; /* per vantage: not set aside */
};

/** Compares. The matrix must be settled and outlive the diff. @return false without memory (diff_done it all the same). */
bool diff_run(struct diff *diff, const struct matrix *matrix);
void diff_done(struct diff *diff);

/** Faults and differences; notes do not count. */
size_t diff_finding_count(const struct diff *diff);

#endif

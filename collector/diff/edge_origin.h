#ifndef PARALLAX_COLLECTOR_DIFF_EDGE_ORIGIN_H
#define PARALLAX_COLLECTOR_DIFF_EDGE_ORIGIN_H

#include "diff/diff.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Edge against origin as one paired experiment: what each vantage saw of both in the same rounds, read together.
 *
 *                        origin passes             origin fails                           origin not tried
 *   edge passes          both-pass                 origin-only                            edge-passes
 *   edge fails           edge-only                 both-fail-alike, both-fail-differently edge-fails
 *   edge answers 5xx     gateway-origin-passes     gateway-explained (the code says       edge-fails
 *                                                  what we see at the origin too),
 *                                                  gateway-origin-fails (it says another)
 *
 * An endpoint fails from a vantage when at least one in five of its attempts there did.
 *
 * The codes 520 to 526 are Cloudflare's; others use some of them. 502, 503 and 504 say less: 502 is explained by any failure,
 * 504 by silence.
 */

/* X(symbol, name) */
#define EDGE_VERDICTS(X)                                                                                     \
    X(EDGE_BOTH_PASS, "both-pass")                                                                           \
    X(EDGE_PASSES, "edge-passes") /* the origin was not tried there */                                       \
    X(EDGE_ORIGIN_ONLY, "origin-only")                                                                       \
    X(EDGE_ONLY, "edge-only")                                                                                \
    X(EDGE_FAILS, "edge-fails") /* the origin was not tried there */                                         \
    X(EDGE_BOTH_ALIKE, "both-fail-alike")                                                                    \
    X(EDGE_BOTH_OTHERWISE, "both-fail-differently")                                                          \
    X(EDGE_GATEWAY_PASSES, "gateway-origin-passes")                                                          \
    X(EDGE_GATEWAY_FAILS, "gateway-origin-fails")                                                            \
    X(EDGE_GATEWAY_EXPLAINED, "gateway-explained")

enum edge_verdict { EDGE_VERDICTS(DIFF_ENUM) };
const char *edge_verdict_name(enum edge_verdict verdict);

/* The vantages that saw one pair alike. */
struct edge_row {
    unsigned edge, origin; /* indexes into the matrix */
    enum edge_verdict verdict;
    struct outcome edge_outcome;   /* where it fails: the most common one; else ok */
    struct outcome origin_outcome; /* likewise */
    bool *where;                   /* per vantage; in the diff's arena */
    unsigned where_count;
    unsigned edge_failed, edge_attempts; /* over these vantages */
    unsigned origin_failed, origin_attempts;
};

/** What an edge's answer says of its origin: does the origin's own outcome say the same? Pure. */
bool edge_explained(int http_status, struct outcome origin);

/** Is a verdict something to act upon? */
bool edge_is_finding(enum edge_verdict verdict);

/**
 * The whole table, pair by pair, what fails first. Vantages that were set aside are left out.
 * @param ret_rows  in the diff's arena. @return false without memory.
 */
bool edge_origin(struct diff *diff, const struct edge_row **ret_rows, size_t *ret_count);

#endif

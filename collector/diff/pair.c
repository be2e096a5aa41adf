#include "diff/parts.h"

#include <string.h>

/*
 * Edge against origin, over the vantages of a failing finding:
 *
 *                     origin passes            origin fails alike   origin fails otherwise
 *   edge fails        edge-only                both-fail-alike      both-fail-differently
 *   edge answers 5xx  gateway-origin-passes    both-fail-alike      gateway-origin-fails
 *   edge passes       (what succeeded: looks)  origin-only          origin-only
 */

unsigned diff_site(const struct matrix *matrix, unsigned endpoint, unsigned *ret_end)
{
    const char *site = matrix->endpoints[endpoint].site;
    unsigned first = endpoint, end = endpoint + 1;
    while (first > 0 && strcmp(matrix->endpoints[first - 1].site, site) == 0)
        first--;
    while (end < matrix->endpoint_count && strcmp(matrix->endpoints[end].site, site) == 0)
        end++;
    *ret_end = end;
    return first;
}

bool diff_paired(const struct matrix *matrix, unsigned endpoint, unsigned other)
{
    const struct matrix_endpoint *a = &matrix->endpoints[endpoint], *b = &matrix->endpoints[other];
    bool roles =
        (a->role == ROLE_EDGE && b->role == ROLE_ORIGIN) || (a->role == ROLE_ORIGIN && b->role == ROLE_EDGE);
    return roles && strcmp(a->site, b->site) == 0 && strcmp(a->sni, b->sni) == 0;
}

static bool is_gateway(enum outcome_class class)
{
    return class == OUTCOME_HTTP_GATEWAY || class == OUTCOME_HTTP_EDGE_ORIGIN;
}

struct verdict {
    unsigned passes;
    unsigned fails;
    bool same_class;
};

static struct verdict judge(const struct diff *diff, const struct finding *finding, unsigned other)
{
    struct verdict verdict = {.same_class = true};
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (!finding->where[v])
            continue;
        enum cell_state state = diff_state(diff, other, v);
        verdict.passes += state == CELL_PASS || state == CELL_AT_TIMES;
        if (state != CELL_FAIL)
            continue;
        verdict.fails++;
        const struct tally *worst = cell_worst(matrix_cell(diff->matrix, other, v));
        verdict.same_class = verdict.same_class && worst->outcome.class == finding->outcome.class;
    }
    return verdict;
}

static enum finding_pair name_pair(const struct diff *diff, const struct finding *finding,
                                   struct verdict verdict)
{
    bool edge = diff->matrix->endpoints[finding->endpoint].role == ROLE_EDGE;
    bool gateway = edge && is_gateway(finding->outcome.class);
    if (verdict.passes + verdict.fails == 0)
        return PAIR_NONE;
    if (verdict.passes > 0 && verdict.fails > 0)
        return PAIR_MIXED;
    if (verdict.passes > 0)
        return gateway ? PAIR_GATEWAY_ORIGIN_PASSES : edge ? PAIR_EDGE_ONLY : PAIR_ORIGIN_ONLY;
    if (verdict.same_class)
        return PAIR_BOTH_SAME;
    return gateway ? PAIR_GATEWAY_ORIGIN_FAILS : PAIR_BOTH_OTHER;
}

void diff_pair(struct diff *diff, struct finding *finding)
{
    unsigned end = 0;
    for (unsigned e = diff_site(diff->matrix, finding->endpoint, &end); e < end; e++) {
        if (!diff_paired(diff->matrix, finding->endpoint, e))
            continue;
        enum finding_pair pair = name_pair(diff, finding, judge(diff, finding, e));
        /* With several counterparts, the first one that says anything is the pair; the text names them all. */
        if (finding->has_counterpart && (finding->pair != PAIR_NONE || pair == PAIR_NONE))
            continue;
        finding->has_counterpart = true;
        finding->counterpart = e;
        finding->pair = pair;
    }
}

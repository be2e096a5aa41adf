#include "diff/parts.h"

#include <string.h>

/*
 * Places are tried from wide to narrow: everything, then whole regions and whole ASNs (at least two vantages, or it is a
 * name for one vantage only), the one that explains most first; a region before an ASN that explains as much. What no
 * place explains is left by name.
 */

bool *diff_set(struct diff *diff)
{
    return arena_array(&diff->arena, diff->matrix->vantage_count, sizeof(bool));
}

static bool is_member(const struct matrix *matrix, unsigned vantage, const struct scope *scope)
{
    const struct matrix_vantage *v = &matrix->vantages[vantage];
    return scope->kind == SCOPE_REGION ? strcmp(v->region, scope->region) == 0 : v->asn == scope->asn;
}

/* How many of left a place holds when it holds no seen vantage outside of set; 0 when it does, or holds only one. */
static unsigned place_count(const struct matrix *matrix, const struct scope *place, const bool *set,
                            const bool *seen, const bool *left)
{
    unsigned members = 0, covered = 0;
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (!seen[v] || !is_member(matrix, v, place))
            continue;
        if (!set[v])
            return 0;
        members++;
        covered += left[v];
    }
    return members >= 2 ? covered : 0;
}

static struct scope best_place(const struct matrix *matrix, const bool *set, const bool *seen,
                               const bool *left)
{
    struct scope best = {.kind = SCOPE_VANTAGES, .region = ""};
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (!left[v])
            continue;
        struct scope region = {.kind = SCOPE_REGION, .region = matrix->vantages[v].region};
        region.count = place_count(matrix, &region, set, seen, left);
        if (region.count > best.count ||
            (region.count == best.count && best.kind == SCOPE_ASN && region.count > 0))
            best = region;
        if (matrix->vantages[v].asn == 0)
            continue;
        struct scope asn = {.kind = SCOPE_ASN, .region = "", .asn = matrix->vantages[v].asn};
        asn.count = place_count(matrix, &asn, set, seen, left);
        if (asn.count > best.count)
            best = asn;
    }
    return best;
}

/* A region's vantages are one ASN's vantages too: the counts cannot say which of the two it is. */
static bool is_twin(const struct matrix *matrix, const struct scope *scope, const bool *seen)
{
    int64_t asn = 0;
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (!seen[v] || !is_member(matrix, v, scope))
            continue;
        if (matrix->vantages[v].asn == 0 || (asn != 0 && asn != matrix->vantages[v].asn))
            return false;
        asn = matrix->vantages[v].asn;
    }
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (seen[v] && matrix->vantages[v].asn == asn && !is_member(matrix, v, scope))
            return false;
    }
    return asn != 0;
}

/* Moves the members of a place from left into its own set. */
static bool take_members(struct diff *diff, struct scope *scope, bool *left)
{
    scope->where = diff_set(diff);
    if (scope->where == NULL)
        return false;
    scope->count = 0;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        bool taken = left[v] && (scope->kind == SCOPE_ALL || scope->kind == SCOPE_VANTAGES ||
                                 is_member(diff->matrix, v, scope));
        scope->where[v] = taken;
        scope->count += taken;
        left[v] = left[v] && !taken;
    }
    return true;
}

static bool is_empty(const struct matrix *matrix, const bool *set)
{
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (set[v])
            return false;
    }
    return true;
}

static bool holds_all(const struct matrix *matrix, const bool *set, const bool *seen)
{
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (seen[v] && !set[v])
            return false;
    }
    return true;
}

bool scope_split(struct diff *diff, const bool *set, const bool *seen, struct scope *ret_scopes,
                 size_t *ret_count)
{
    const struct matrix *matrix = diff->matrix;
    bool *left = diff_set(diff);
    if (left == NULL)
        return false;
    memcpy(left, set, matrix->vantage_count * sizeof *left);
    size_t count = 0;
    while (!is_empty(matrix, left) && count < matrix->vantage_count) {
        struct scope scope = holds_all(matrix, set, seen) ? (struct scope){.kind = SCOPE_ALL, .region = ""}
                                                          : best_place(matrix, set, seen, left);
        scope.twin = scope.kind == SCOPE_REGION && is_twin(matrix, &scope, seen);
        if (!take_members(diff, &scope, left))
            return false;
        ret_scopes[count++] = scope;
    }
    *ret_count = count;
    return true;
}

#include "diff/parts.h"

#include <string.h>

/* The cells of one endpoint that fail: one finding for each class and place. */

enum { FAILS_MAX_CLASSES = 100 }; /* outcome classes are numbered below this */

/* Adds up the finding's class over its vantages. */
static void sum_counts(const struct diff *diff, struct finding *finding)
{
    unsigned most = 0;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (!finding->where[v])
            continue;
        const struct cell *cell = matrix_cell(diff->matrix, finding->endpoint, v);
        const struct tally *worst = cell_worst(cell);
        finding->failed += finding->kind == FINDING_FAILS ? worst->count : cell->failed;
        finding->attempts += cell_valid(cell);
        finding->confirm_failed += cell->confirm_failed;
        finding->confirm_attempts += cell->confirm_attempts;
        if (worst->count > most) {
            most = worst->count;
            finding->outcome = worst->outcome;
        }
    }
}

static bool add_scopes(struct diff *diff, enum finding_kind kind, unsigned endpoint,
                       const struct scope *scopes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct finding *finding = diff_add(diff, kind, endpoint, &scopes[i]);
        if (finding == NULL)
            return false;
        finding->level = FINDING_FAULT;
        sum_counts(diff, finding);
        diff_pair(diff, finding);
        if (!diff_say(diff, finding, scopes[i].twin))
            return false;
    }
    return true;
}

/* Vantages in one state; for CELL_FAIL only those whose worst class is this one (-1: any). */
static bool *select_state(struct diff *diff, unsigned endpoint, enum cell_state state, int class)
{
    bool *set = diff_set(diff);
    for (unsigned v = 0; set != NULL && v < diff->matrix->vantage_count; v++) {
        const struct tally *worst = cell_worst(matrix_cell(diff->matrix, endpoint, v));
        set[v] = diff_state(diff, endpoint, v) == state &&
                 (class < 0 || (worst != NULL && (int)worst->outcome.class == class));
    }
    return set;
}

static bool *select_seen(struct diff *diff, unsigned endpoint)
{
    bool *set = diff_set(diff);
    for (unsigned v = 0; set != NULL && v < diff->matrix->vantage_count; v++) {
        enum cell_state state = diff_state(diff, endpoint, v);
        set[v] = state != CELL_NONE && state != CELL_LOCAL;
    }
    return set;
}

static bool has_class(const struct diff *diff, unsigned endpoint, int class)
{
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        const struct tally *worst = cell_worst(matrix_cell(diff->matrix, endpoint, v));
        if (worst != NULL && (int)worst->outcome.class == class)
            return true;
    }
    return false;
}

/* Rare failures: one finding, with the vantages by name; no place is read into a few attempts. */
static bool add_at_times(struct diff *diff, unsigned endpoint)
{
    struct scope scope = {.kind = SCOPE_VANTAGES, .region = ""};
    scope.where = select_state(diff, endpoint, CELL_AT_TIMES, -1);
    if (scope.where == NULL)
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++)
        scope.count += scope.where[v];
    return scope.count == 0 || add_scopes(diff, FINDING_AT_TIMES, endpoint, &scope, 1);
}

bool diff_fails(struct diff *diff, unsigned endpoint)
{
    struct scope *scopes = arena_array(&diff->arena, diff->matrix->vantage_count, sizeof *scopes);
    bool *seen = select_seen(diff, endpoint);
    if (scopes == NULL || seen == NULL)
        return false;
    for (int class = 0; class < FAILS_MAX_CLASSES; class ++) {
        if (!has_class(diff, endpoint, class))
            continue;
        bool *set = select_state(diff, endpoint, CELL_FAIL, class);
        size_t count = 0;
        if (set == NULL || !scope_split(diff, set, seen, scopes, &count) ||
            !add_scopes(diff, FINDING_FAILS, endpoint, scopes, count))
            return false;
    }
    return add_at_times(diff, endpoint);
}

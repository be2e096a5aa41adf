#include "diff/parts.h"

#include <stdlib.h>
#include <string.h>

enum { DIFF_MAX_BYTES = 1 << 28 };

#define DIFF_NAME(symbol, name)                                                                              \
    case symbol:                                                                                             \
        return name;

const char *finding_level_name(enum finding_level level)
{
    switch (level) {
        FINDING_LEVELS(DIFF_NAME)
    }
    return "?";
}

const char *finding_kind_name(enum finding_kind kind)
{
    switch (kind) {
        FINDING_KINDS(DIFF_NAME)
    }
    return "?";
}

const char *finding_scope_name(enum finding_scope scope)
{
    switch (scope) {
        FINDING_SCOPES(DIFF_NAME)
    }
    return "?";
}

const char *finding_pair_name(enum finding_pair pair)
{
    switch (pair) {
        FINDING_PAIRS(DIFF_NAME)
    }
    return "?";
}

const char *finding_aspect_name(enum finding_aspect aspect)
{
    switch (aspect) {
        FINDING_ASPECTS(DIFF_NAME)
    }
    return "?";
}

enum cell_state diff_state(const struct diff *diff, unsigned endpoint, unsigned vantage)
{
    return diff->valid[vantage] ? cell_state(matrix_cell(diff->matrix, endpoint, vantage)) : CELL_NONE;
}

struct finding *diff_add(struct diff *diff, enum finding_kind kind, unsigned endpoint,
                         const struct scope *scope)
{
    if (diff->finding_count == diff->finding_room) {
        size_t room = diff->finding_room == 0 ? 16 : diff->finding_room * 2;
        struct finding *grown = arena_array(&diff->arena, room, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (diff->finding_count > 0)
            memcpy(grown, diff->findings, diff->finding_count * sizeof *grown);
        diff->findings = grown;
        diff->finding_room = room;
    }
    struct finding *finding = &diff->findings[diff->finding_count++];
    *finding = (struct finding){
        .kind = kind,
        .endpoint = endpoint,
        .scope = scope->kind,
        .region = scope->kind == SCOPE_REGION ? scope->region : "",
        .asn = scope->kind == SCOPE_ASN ? scope->asn : 0,
        .where = scope->where,
        .where_count = scope->count,
        .value = "",
        .other_value = "",
    };
    return finding;
}

/* Heaviest first; then as the matrix has them, and as they were found. */
static int order_findings(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    if (a->endpoint != b->endpoint)
        return a->endpoint < b->endpoint ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->text, b->text);
}

bool diff_run(struct diff *diff, const struct matrix *matrix)
{
    memset(diff, 0, sizeof *diff);
    arena_init(&diff->arena, DIFF_MAX_BYTES);
    diff->matrix = matrix;
    if (!diff_set_aside(diff))
        return false;
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        if (!diff_fails(diff, e) || !diff_looks(diff, e))
            return false;
    }
    if (diff->finding_count > 1)
        qsort(diff->findings, diff->finding_count, sizeof *diff->findings, order_findings);
    return true;
}

void diff_done(struct diff *diff)
{
    arena_done(&diff->arena);
    memset(diff, 0, sizeof *diff);
}

size_t diff_finding_count(const struct diff *diff)
{
    size_t count = 0;
    for (size_t i = 0; i < diff->finding_count; i++)
        count += diff->findings[i].level != FINDING_NOTE;
    return count;
}

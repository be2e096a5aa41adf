#include "diff/edge_origin.h"

#include "diff/parts.h"

#include <stdlib.h>
#include <string.h>

const char *edge_verdict_name(enum edge_verdict verdict)
{
    static const char *const names[] = {
#define EDGE_VERDICT_NAME(symbol, name) [symbol] = name,
        EDGE_VERDICTS(EDGE_VERDICT_NAME)
#undef EDGE_VERDICT_NAME
    };
    return names[verdict];
}

bool edge_is_finding(enum edge_verdict verdict)
{
    return verdict != EDGE_BOTH_PASS && verdict != EDGE_PASSES;
}

/* Which failures at the origin an edge's status code stands for: everything of a stage, or one class. */
struct meaning {
    int status;
    enum outcome_stage stage; /* OUTCOME_STAGE_DONE: any that fails */
    enum outcome_class class; /* OUTCOME_OK: all of the stage */
};

static const struct meaning meanings[] = {
    {502, OUTCOME_STAGE_DONE, OUTCOME_OK},         {503, OUTCOME_STAGE_DONE, OUTCOME_OK},
    {504, OUTCOME_STAGE_TCP, OUTCOME_TCP_TIMEOUT}, {504, OUTCOME_STAGE_HTTP, OUTCOME_HTTP_SILENT},
    {520, OUTCOME_STAGE_HTTP, OUTCOME_OK},         {521, OUTCOME_STAGE_TCP, OUTCOME_TCP_REFUSED},
    {522, OUTCOME_STAGE_TCP, OUTCOME_TCP_TIMEOUT}, {523, OUTCOME_STAGE_TCP, OUTCOME_TCP_UNREACHABLE},
    {523, OUTCOME_STAGE_DNS, OUTCOME_OK},          {524, OUTCOME_STAGE_HTTP, OUTCOME_HTTP_SILENT},
    {525, OUTCOME_STAGE_HELLO, OUTCOME_OK},        {525, OUTCOME_STAGE_TLS, OUTCOME_OK},
    {526, OUTCOME_STAGE_CERTIFICATE, OUTCOME_OK},
};

bool edge_explained(int http_status, struct outcome origin)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        const struct meaning *one = &meanings[i];
        if (one->status == http_status && outcome_is_failure(origin) &&
            (one->stage == OUTCOME_STAGE_DONE || one->stage == origin.stage) &&
            (one->class == OUTCOME_OK || one->class == origin.class))
            return true;
    }
    return false;
}

static bool is_gateway(struct outcome outcome)
{
    return outcome.class == OUTCOME_HTTP_GATEWAY || outcome.class == OUTCOME_HTTP_EDGE_ORIGIN;
}

/* An attempt lost now and then is no verdict on anybody: fewer than one in so many count as passing. */
enum { FAILS_ONE_IN = 5 };

static bool fails(const struct cell *cell, enum cell_state state)
{
    return state == CELL_FAIL || (state == CELL_AT_TIMES && cell->failed * FAILS_ONE_IN >= cell_valid(cell));
}

static struct outcome seen(const struct cell *cell, enum cell_state state)
{
    const struct tally *worst = fails(cell, state) ? cell_worst(cell) : NULL;
    return worst != NULL ? worst->outcome : outcome_make(OUTCOME_OK, RAW_NONE, 0);
}

static bool was_tried(enum cell_state state)
{
    return state != CELL_NONE && state != CELL_LOCAL;
}

static enum edge_verdict judge(struct outcome edge, struct outcome origin, bool tried)
{
    bool edge_fails = outcome_is_failure(edge), origin_fails = outcome_is_failure(origin);
    if (!edge_fails)
        return !tried ? EDGE_PASSES : origin_fails ? EDGE_ORIGIN_ONLY : EDGE_BOTH_PASS;
    if (!tried)
        return EDGE_FAILS;
    if (is_gateway(edge)) {
        if (!origin_fails)
            return EDGE_GATEWAY_PASSES;
        return edge_explained(edge.raw, origin) ? EDGE_GATEWAY_EXPLAINED : EDGE_GATEWAY_FAILS;
    }
    if (!origin_fails)
        return EDGE_ONLY;
    return edge.class == origin.class ? EDGE_BOTH_ALIKE : EDGE_BOTH_OTHERWISE;
}

struct table {
    struct diff *diff;
    struct edge_row *rows;
    size_t count;
    size_t room;
};

static bool same_outcome(struct outcome a, struct outcome b)
{
    return a.class == b.class && a.raw == b.raw && a.raw_kind == b.raw_kind;
}

/* The row that such a look belongs to; a new one when there is none. NULL without memory. */
static struct edge_row *row_of(struct table *table, const struct edge_row *look)
{
    for (size_t i = table->count; i-- > 0 && table->rows[i].edge == look->edge;) {
        struct edge_row *row = &table->rows[i];
        if (row->origin == look->origin && row->verdict == look->verdict &&
            same_outcome(row->edge_outcome, look->edge_outcome) &&
            same_outcome(row->origin_outcome, look->origin_outcome))
            return row;
    }
    if (table->count == table->room) {
        size_t room = table->room == 0 ? 16 : table->room * 2;
        struct edge_row *rows = arena_array(&table->diff->arena, room, sizeof *rows);
        if (rows == NULL)
            return NULL;
        if (table->count > 0)
            memcpy(rows, table->rows, table->count * sizeof *rows);
        table->rows = rows;
        table->room = room;
    }
    struct edge_row *row = &table->rows[table->count];
    *row = *look;
    row->where = diff_set(table->diff);
    if (row->where == NULL)
        return NULL;
    table->count++;
    return row;
}

static bool add(struct table *table, unsigned edge, unsigned origin, unsigned vantage)
{
    enum cell_state edge_state = diff_state(table->diff, edge, vantage);
    enum cell_state origin_state = diff_state(table->diff, origin, vantage);
    if (!was_tried(edge_state))
        return true;
    const struct cell *edge_cell = matrix_cell(table->diff->matrix, edge, vantage);
    const struct cell *origin_cell = matrix_cell(table->diff->matrix, origin, vantage);
    struct edge_row look = {.edge = edge,
                            .origin = origin,
                            .edge_outcome = seen(edge_cell, edge_state),
                            .origin_outcome = seen(origin_cell, origin_state)};
    look.verdict = judge(look.edge_outcome, look.origin_outcome, was_tried(origin_state));
    struct edge_row *row = row_of(table, &look);
    if (row == NULL)
        return false;
    row->where[vantage] = true;
    row->where_count++;
    row->edge_failed += edge_cell->failed;
    row->edge_attempts += cell_valid(edge_cell);
    row->origin_failed += origin_cell->failed;
    row->origin_attempts += cell_valid(origin_cell);
    return true;
}

static int by_weight(const void *left, const void *right)
{
    const struct edge_row *a = left, *b = right;
    bool a_found = edge_is_finding(a->verdict), b_found = edge_is_finding(b->verdict);
    if (a_found != b_found)
        return a_found ? -1 : 1;
    if (a->edge != b->edge)
        return a->edge < b->edge ? -1 : 1;
    if (a->origin != b->origin)
        return a->origin < b->origin ? -1 : 1;
    return a->where_count > b->where_count ? -1 : a->where_count < b->where_count;
}

bool edge_origin(struct diff *diff, const struct edge_row **ret_rows, size_t *ret_count)
{
    struct table table = {.diff = diff};
    const struct matrix *matrix = diff->matrix;
    for (unsigned edge = 0; edge < matrix->endpoint_count; edge++) {
        unsigned end = 0;
        if (matrix->endpoints[edge].role != ROLE_EDGE)
            continue;
        for (unsigned origin = diff_site(matrix, edge, &end); origin < end; origin++) {
            if (!diff_paired(matrix, edge, origin))
                continue;
            for (unsigned v = 0; v < matrix->vantage_count; v++) {
                if (!add(&table, edge, origin, v))
                    return false;
            }
        }
    }
    if (table.count > 0)
        qsort(table.rows, table.count, sizeof *table.rows, by_weight);
    *ret_rows = table.rows;
    *ret_count = table.count;
    return true;
}

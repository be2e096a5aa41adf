#include "diff/matrix.h"

#include <stdlib.h>
#include <string.h>

const struct look look_none = {
    .leaf = "", .key = "", .issuer = "", .alpn = "", .location = "", .pop = "", .addresses = ""};

void matrix_init(struct matrix *matrix)
{
    memset(matrix, 0, sizeof *matrix);
    arena_init(&matrix->arena, MATRIX_MAX_BYTES);
}

void matrix_done(struct matrix *matrix)
{
    arena_done(&matrix->arena);
    memset(matrix, 0, sizeof *matrix);
}

/* Doubles an array inside the arena; the old one stays there until the matrix goes. */
static void *grow(struct arena *arena, const void *old, unsigned count, unsigned *room, size_t size_bytes)
{
    unsigned wanted = *room == 0 ? 16 : *room * 2;
    void *grown = arena_array(arena, wanted, size_bytes);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, old, count * size_bytes);
    *room = wanted;
    return grown;
}

bool matrix_add_vantage(struct matrix *matrix, const struct matrix_vantage *vantage)
{
    for (unsigned i = matrix->vantage_count; i > 0; i--) {
        if (matrix->vantages[i - 1].id == vantage->id)
            return true;
    }
    if (matrix->vantage_count == MATRIX_MAX_VANTAGES)
        return false;
    if (matrix->vantage_count == matrix->vantage_room) {
        void *grown = grow(&matrix->arena, matrix->vantages, matrix->vantage_count, &matrix->vantage_room,
                           sizeof *matrix->vantages);
        if (grown == NULL)
            return false;
        matrix->vantages = grown;
    }
    struct matrix_vantage copy = *vantage;
    copy.name = arena_string(&matrix->arena, vantage->name);
    copy.region = arena_string(&matrix->arena, vantage->region);
    if (copy.name == NULL || copy.region == NULL)
        return false;
    matrix->vantages[matrix->vantage_count++] = copy;
    return true;
}

bool matrix_add_endpoint(struct matrix *matrix, const struct matrix_endpoint *endpoint)
{
    if (matrix->endpoint_count > 0 && matrix->endpoints[matrix->endpoint_count - 1].id == endpoint->id)
        return true;
    if (matrix->endpoint_count == matrix->endpoint_room) {
        void *grown = grow(&matrix->arena, matrix->endpoints, matrix->endpoint_count, &matrix->endpoint_room,
                           sizeof *matrix->endpoints);
        if (grown == NULL)
            return false;
        matrix->endpoints = grown;
    }
    struct matrix_endpoint copy = *endpoint;
    copy.site = arena_string(&matrix->arena, endpoint->site);
    copy.host = arena_string(&matrix->arena, endpoint->host);
    copy.sni = arena_string(&matrix->arena, endpoint->sni);
    copy.address = arena_string(&matrix->arena, endpoint->address);
    if (copy.site == NULL || copy.host == NULL || copy.sni == NULL || copy.address == NULL)
        return false;
    matrix->endpoints[matrix->endpoint_count++] = copy;
    return true;
}

static int order_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_vantages(const void *left, const void *right)
{
    const struct matrix_vantage *a = left, *b = right;
    int order = strcmp(a->region, b->region);
    if (order == 0)
        order = (a->asn == 0) - (b->asn == 0);
    if (order == 0)
        order = order_numbers(a->asn, b->asn);
    if (order == 0)
        order = strcmp(a->name, b->name);
    return order != 0 ? order : order_numbers(a->id, b->id);
}

/* Edges first, each with its origins under it; plain endpoints last. */
static int role_rank(enum endpoint_role role)
{
    return role == ROLE_EDGE ? 0 : role == ROLE_ORIGIN ? 1 : 2;
}

static int order_endpoints(const void *left, const void *right)
{
    const struct matrix_endpoint *a = left, *b = right;
    int order = strcmp(a->site, b->site);
    if (order == 0)
        order = (a->role == ROLE_PLAIN) - (b->role == ROLE_PLAIN);
    if (order == 0)
        order = strcmp(a->host, b->host);
    if (order == 0)
        order = role_rank(a->role) - role_rank(b->role);
    if (order == 0)
        order = (int)a->port - (int)b->port;
    return order != 0 ? order : order_numbers(a->id, b->id);
}

static int order_ids(const void *left, const void *right, void *endpoints)
{
    const struct matrix_endpoint *all = endpoints;
    return order_numbers(all[*(const unsigned *)left].id, all[*(const unsigned *)right].id);
}

bool matrix_settle(struct matrix *matrix)
{
    if (matrix->vantage_count > 1)
        qsort(matrix->vantages, matrix->vantage_count, sizeof *matrix->vantages, order_vantages);
    if (matrix->endpoint_count > 1)
        qsort(matrix->endpoints, matrix->endpoint_count, sizeof *matrix->endpoints, order_endpoints);
    size_t count = (size_t)matrix->endpoint_count * matrix->vantage_count;
    matrix->cells = arena_array(&matrix->arena, count, sizeof *matrix->cells);
    matrix->by_id = arena_array(&matrix->arena, matrix->endpoint_count, sizeof *matrix->by_id);
    if (matrix->cells == NULL || matrix->by_id == NULL)
        return false;
    for (unsigned i = 0; i < matrix->endpoint_count; i++)
        matrix->by_id[i] = i;
    if (matrix->endpoint_count > 1)
        qsort_r(matrix->by_id, matrix->endpoint_count, sizeof *matrix->by_id, order_ids, matrix->endpoints);
    for (size_t i = 0; i < count; i++) {
        matrix->cells[i].handshake_us = -1;
        matrix->cells[i].look = look_none;
    }
    return true;
}

struct cell *matrix_cell(const struct matrix *matrix, unsigned endpoint, unsigned vantage)
{
    return &matrix->cells[(size_t)endpoint * matrix->vantage_count + vantage];
}

struct cell *matrix_find(const struct matrix *matrix, int64_t endpoint_id, int64_t vantage_id)
{
    unsigned low = 0, high = matrix->endpoint_count, vantage = 0;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (matrix->endpoints[matrix->by_id[middle]].id < endpoint_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == matrix->endpoint_count || matrix->endpoints[matrix->by_id[low]].id != endpoint_id)
        return NULL;
    while (vantage < matrix->vantage_count && matrix->vantages[vantage].id != vantage_id)
        vantage++;
    return vantage == matrix->vantage_count ? NULL : matrix_cell(matrix, matrix->by_id[low], vantage);
}

static unsigned endpoint_of(const struct matrix *matrix, const struct cell *cell)
{
    return (unsigned)((size_t)(cell - matrix->cells) / matrix->vantage_count);
}

void matrix_at_hello(struct matrix *matrix, const struct cell *cell)
{
    matrix->endpoints[endpoint_of(matrix, cell)].at_hello = true;
}

struct outcome matrix_outcome(const struct matrix *matrix, const struct cell *cell, struct outcome outcome)
{
    bool behind = outcome.stage == OUTCOME_STAGE_CERTIFICATE || outcome.stage == OUTCOME_STAGE_HTTP;
    return behind && matrix->endpoints[endpoint_of(matrix, cell)].at_hello
               ? outcome_make(OUTCOME_OK, RAW_NONE, 0)
               : outcome;
}

static void tally_add(struct cell *cell, struct outcome outcome, unsigned count)
{
    size_t at = 0;
    while (at < cell->tally_count && cell->tallies[at].outcome.class != outcome.class)
        at++;
    if (at == MATRIX_MAX_TALLIES)
        return;
    if (at == cell->tally_count)
        cell->tallies[cell->tally_count++] = (struct tally){.outcome = outcome};
    cell->tallies[at].count += count;
    for (; at > 0 && cell->tallies[at].count > cell->tallies[at - 1].count; at--) {
        struct tally swapped = cell->tallies[at];
        cell->tallies[at] = cell->tallies[at - 1];
        cell->tallies[at - 1] = swapped;
    }
}

void cell_count(struct cell *cell, enum attempt_role role, struct outcome outcome, int family, unsigned count)
{
    bool local = outcome.stage == OUTCOME_STAGE_LOCAL, failed = outcome_is_failure(outcome);
    if (role == ATTEMPT_CONFIRM) {
        cell->confirm_attempts += local ? 0 : count;
        cell->confirm_failed += failed ? count : 0;
        return;
    }
    cell->attempts += count;
    cell->local += local ? count : 0;
    cell->failed += failed ? count : 0;
    cell->passed += !local && !failed ? count : 0;
    if (!local && (family == 4 || family == 6)) {
        cell->family_attempts[family == 6] += count;
        cell->family_failed[family == 6] += failed ? count : 0;
    }
    tally_add(cell, outcome, count);
}

unsigned cell_valid(const struct cell *cell)
{
    return cell->passed + cell->failed;
}

enum cell_state cell_state(const struct cell *cell)
{
    if (cell->attempts == 0)
        return CELL_NONE;
    if (cell_valid(cell) == 0)
        return CELL_LOCAL;
    if (cell->failed == 0)
        return CELL_PASS;
    return cell->failed >= cell->passed ? CELL_FAIL : CELL_AT_TIMES;
}

const struct tally *cell_worst(const struct cell *cell)
{
    for (size_t i = 0; i < cell->tally_count; i++) {
        if (outcome_is_failure(cell->tallies[i].outcome))
            return &cell->tallies[i];
    }
    return NULL;
}

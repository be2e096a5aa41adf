#include "diff/parts.h"

#include <string.h>

/*
 * A sick vantage blames nobody. A vantage is set aside when it fails most endpoints that its peers pass. Its peers are
 * the other vantages of its region, because a region that is cut off fails together and is a finding, not a sick vantage;
 * a vantage alone in its region is held against everybody else.
 */

enum { ASIDE_MIN_ENDPOINTS = 3, ASIDE_MIN_PEERS = 2 };

static bool same_region(const struct matrix *matrix, unsigned a, unsigned b)
{
    return strcmp(matrix->vantages[a].region, matrix->vantages[b].region) == 0;
}

/* Do most of the others (of its region only, when asked) pass here? *ret_peers: how many say anything. */
static bool peers_pass(const struct matrix *matrix, unsigned endpoint, unsigned vantage, bool region_only,
                       unsigned *ret_peers)
{
    unsigned peers = 0, passing = 0;
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (v == vantage || (region_only && !same_region(matrix, v, vantage)))
            continue;
        enum cell_state state = cell_state(matrix_cell(matrix, endpoint, v));
        if (state == CELL_NONE || state == CELL_LOCAL)
            continue;
        peers++;
        passing += state != CELL_FAIL;
    }
    *ret_peers = peers;
    return passing * 2 > peers;
}

static bool is_healthy_elsewhere(const struct matrix *matrix, unsigned endpoint, unsigned vantage)
{
    unsigned peers = 0, near = 0;
    bool pass = peers_pass(matrix, endpoint, vantage, false, &peers);
    bool near_pass = peers_pass(matrix, endpoint, vantage, true, &near);
    return peers >= ASIDE_MIN_PEERS && pass && (near == 0 || near_pass);
}

static void examine(const struct matrix *matrix, unsigned vantage, struct set_aside *ret_aside)
{
    struct set_aside aside = {.vantage = vantage};
    unsigned most = 0;
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        const struct cell *cell = matrix_cell(matrix, e, vantage);
        enum cell_state state = cell_state(cell);
        if (state == CELL_NONE || state == CELL_LOCAL || !is_healthy_elsewhere(matrix, e, vantage))
            continue;
        aside.tried++;
        if (state != CELL_FAIL)
            continue;
        aside.failed++;
        const struct tally *worst = cell_worst(cell);
        if (worst != NULL && worst->count > most) {
            most = worst->count;
            aside.outcome = worst->outcome;
        }
    }
    *ret_aside = aside;
}

bool diff_set_aside(struct diff *diff)
{
    const struct matrix *matrix = diff->matrix;
    diff->valid = diff_set(diff);
    diff->asides = arena_array(&diff->arena, matrix->vantage_count, sizeof *diff->asides);
    if (diff->valid == NULL || diff->asides == NULL)
        return false;
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        struct set_aside aside;
        examine(matrix, v, &aside);
        diff->valid[v] = aside.tried < ASIDE_MIN_ENDPOINTS || aside.failed * 3 <= aside.tried * 2;
        if (diff->valid[v])
            continue;
        if (!diff_say_aside(diff, &aside))
            return false;
        diff->asides[diff->aside_count++] = aside;
    }
    return true;
}

#ifndef PARALLAX_COLLECTOR_PLAN_LISTS_H
#define PARALLAX_COLLECTOR_PLAN_LISTS_H

#include "words/arena.h"
#include "words/plan.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* Endpoint lists, by their hash: what rounds refer to and vantages ask for. The oldest makes room for the newest. */

enum { LISTS_MAX = 64 };

struct list_entry {
    struct arena arena;
    struct endpoint_list list;
    uint64_t used; /* larger is later; 0: empty */
};

struct lists {
    struct list_entry entries[LISTS_MAX];
    uint64_t clock;
};

void lists_done(struct lists *lists);

/**
 * Reads endpoints (columns of plan_endpoints) into a list and keeps it.
 * @return the list, which stays until LISTS_MAX others were used after it; NULL without memory.
 */
const struct endpoint_list *lists_add(struct lists *lists, const PGresult *result);

/** @return NULL when there is none with this hash. */
const struct endpoint_list *lists_find(struct lists *lists, const uint8_t sha256[PLAN_SHA256_BYTES]);

#endif

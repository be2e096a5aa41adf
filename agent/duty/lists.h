#ifndef PARALLAX_DUTY_LISTS_H
#define PARALLAX_DUTY_LISTS_H

#include "words/arena.h"
#include "words/plan.h"

#include <stdbool.h>

/*
 * Endpoint lists by their hash, sent once and then named. The least recently used ones that no round holds give way when there
 * are too many, or when all of them together take more than LISTS_MAX_BYTES.
 */
enum { LISTS_MAX = 16, LIST_MAX_ENDPOINTS = 100000, LISTS_MAX_BYTES = 64 * 1024 * 1024 };

struct held_list {
    struct arena arena;
    struct endpoint_list list;
    unsigned holders;
    unsigned long used; /* the higher, the more recent */
};

/** Zeroed is empty. */
struct lists {
    struct held_list *lists[LISTS_MAX];
    unsigned long clock;
};

/** No list may be held any more. */
void lists_done(struct lists *lists);

/** Copies a list in. @return false when it is too long, every place is held, or memory is out. */
bool lists_add(struct lists *lists, const struct endpoint_list *list);

/** @return the list, held until lists_release, or NULL when it is not known. */
struct held_list *lists_hold(struct lists *lists, const uint8_t sha256[PLAN_SHA256_BYTES]);
void lists_release(struct held_list *held);

#endif

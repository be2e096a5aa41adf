#include "duty/lists.h"

#include <stdlib.h>
#include <string.h>

static void held_free(struct held_list *held)
{
    if (held == NULL)
        return;
    arena_done(&held->arena);
    free(held);
}

void lists_done(struct lists *lists)
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        held_free(lists->lists[i]);
    *lists = (struct lists){0};
}

static struct held_list *lists_find(struct lists *lists, const uint8_t sha256[PLAN_SHA256_BYTES])
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        if (lists->lists[i] != NULL && memcmp(lists->lists[i]->list.sha256, sha256, PLAN_SHA256_BYTES) == 0)
            return lists->lists[i];
    return NULL;
}

/* The least recently used that nobody holds; NULL when all are held. */
static struct held_list **lists_oldest(struct lists *lists)
{
    struct held_list **oldest = NULL;
    for (size_t i = 0; i < LISTS_MAX; i++) {
        struct held_list **place = &lists->lists[i];
        if (*place != NULL && (*place)->holders == 0 && (oldest == NULL || (*place)->used < (*oldest)->used))
            oldest = place;
    }
    return oldest;
}

static struct held_list **lists_free_place(struct lists *lists)
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        if (lists->lists[i] == NULL)
            return &lists->lists[i];
    return NULL;
}

static size_t lists_bytes(const struct lists *lists)
{
    size_t bytes = 0;
    for (size_t i = 0; i < LISTS_MAX; i++)
        bytes += lists->lists[i] == NULL ? 0 : lists->lists[i]->arena.used_bytes;
    return bytes;
}

/* @return a place for a list of so many bytes, NULL: what is held leaves none. */
static struct held_list **lists_place(struct lists *lists, size_t bytes)
{
    struct held_list **place = lists_free_place(lists);
    while (place == NULL || lists_bytes(lists) + bytes > LISTS_MAX_BYTES) {
        struct held_list **oldest = lists_oldest(lists);
        if (oldest == NULL)
            return NULL;
        held_free(*oldest);
        *oldest = NULL;
        place = oldest;
    }
    return place;
}

static struct held_list *held_new(const struct endpoint_list *list)
{
    struct held_list *held = calloc(1, sizeof *held);
    if (held == NULL)
        return NULL;
    arena_init(&held->arena, LISTS_MAX_BYTES);
    held->list = *list;
    held->list.endpoints = arena_array(&held->arena, list->count, sizeof *list->endpoints);
    bool copied = held->list.endpoints != NULL;
    for (size_t i = 0; copied && i < list->count; i++)
        copied = endpoint_copy(&list->endpoints[i], &held->arena, &held->list.endpoints[i]);
    if (copied)
        return held;
    held_free(held);
    return NULL;
}

bool lists_add(struct lists *lists, const struct endpoint_list *list)
{
    if (list->count > LIST_MAX_ENDPOINTS)
        return false;
    if (lists_find(lists, list->sha256) != NULL)
        return true;
    struct held_list *held = held_new(list);
    struct held_list **place = held == NULL ? NULL : lists_place(lists, held->arena.used_bytes);
    if (place == NULL) {
        held_free(held);
        return false;
    }
    held->used = ++lists->clock;
    *place = held;
    return true;
}

struct held_list *lists_hold(struct lists *lists, const uint8_t sha256[PLAN_SHA256_BYTES])
{
    struct held_list *held = lists_find(lists, sha256);
    if (held == NULL)
        return NULL;
    held->holders++;
    held->used = ++lists->clock;
    return held;
}

void lists_release(struct held_list *held)
{
    if (held != NULL)
        held->holders--;
}

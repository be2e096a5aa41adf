#include "plan/lists.h"

#include "words/message.h"

#include <stdlib.h>
#include <string.h>

enum { LISTS_ARENA_BYTES = 512 * 1024 * 1024 };

static void list_entry_done(struct list_entry *entry)
{
    arena_done(&entry->arena);
    *entry = (struct list_entry){0};
}

void lists_done(struct lists *lists)
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        list_entry_done(&lists->entries[i]);
}

static const char *field(const PGresult *result, int row, const char *name)
{
    return PQgetvalue(result, row, PQfnumber(result, name));
}

static bool endpoint_read(const PGresult *result, int row, struct arena *arena, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){
        .id = strtoull(field(result, row, "id"), NULL, 10),
        .site = arena_string(arena, field(result, row, "site")),
        .host = arena_string(arena, field(result, row, "host")),
        .port = (uint16_t)strtoul(field(result, row, "port"), NULL, 10),
        .sni = arena_string(arena, field(result, row, "sni")),
        .no_sni = field(result, row, "no_sni")[0] == 't',
        .role = (enum endpoint_role)strtol(field(result, row, "role"), NULL, 10),
        .starttls = (enum starttls)strtol(field(result, row, "starttls"), NULL, 10),
        .fetch = (unsigned)strtoul(field(result, row, "fetch"), NULL, 10) & FETCH_ALL,
        .depth = field(result, row, "depth")[0] == '1' ? DEPTH_HELLO : DEPTH_FULL,
    };
    const char *address = field(result, row, "address");
    bool pinned = address[0] == '\0' || address_parse(address, &endpoint->address);
    return pinned && endpoint->site != NULL && endpoint->host != NULL && endpoint->sni != NULL;
}

static bool list_read(const PGresult *result, struct list_entry *entry)
{
    size_t count = (size_t)PQntuples(result);
    arena_init(&entry->arena, LISTS_ARENA_BYTES);
    entry->list.endpoints = arena_array(&entry->arena, count, sizeof *entry->list.endpoints);
    if (entry->list.endpoints == NULL || count > PLAN_MAX_ENDPOINTS)
        return false;
    entry->list.count = count;
    for (size_t i = 0; i < count; i++)
        if (!endpoint_read(result, (int)i, &entry->arena, &entry->list.endpoints[i]))
            return false;
    return endpoint_list_seal(&entry->list);
}

static struct list_entry *lists_oldest(struct lists *lists)
{
    struct list_entry *oldest = &lists->entries[0];
    for (size_t i = 1; i < LISTS_MAX; i++)
        if (lists->entries[i].used < oldest->used)
            oldest = &lists->entries[i];
    return oldest;
}

const struct endpoint_list *lists_add(struct lists *lists, const PGresult *result)
{
    struct list_entry fresh = {0};
    if (!list_read(result, &fresh)) {
        list_entry_done(&fresh);
        return NULL;
    }
    const struct endpoint_list *same = lists_find(lists, fresh.list.sha256);
    if (same != NULL) {
        list_entry_done(&fresh);
        return same;
    }
    struct list_entry *entry = lists_oldest(lists);
    list_entry_done(entry);
    *entry = fresh;
    entry->used = ++lists->clock;
    return &entry->list;
}

const struct endpoint_list *lists_find(struct lists *lists, const uint8_t sha256[PLAN_SHA256_BYTES])
{
    for (size_t i = 0; i < LISTS_MAX; i++) {
        struct list_entry *entry = &lists->entries[i];
        if (entry->used == 0 || memcmp(entry->list.sha256, sha256, PLAN_SHA256_BYTES) != 0)
            continue;
        entry->used = ++lists->clock;
        return &entry->list;
    }
    return NULL;
}

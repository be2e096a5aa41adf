#include "ingest/door.h"

#include <string.h>

enum { DOOR_PREFIX_BYTES = 8 }; /* of an IPv6 address */

const char *door_answer_name(enum door_answer answer)
{
    return answer == DOOR_ADDRESS ? "address-limit" : answer == DOOR_FULL ? "stranger-limit" : "open";
}

/* What counts as one address. */
static struct address door_place(const struct address *address)
{
    struct address place = *address;
    if (place.length == 16)
        memset(place.bytes + DOOR_PREFIX_BYTES, 0, sizeof place.bytes - DOOR_PREFIX_BYTES);
    return place;
}

enum door_answer door_enter(struct door *door, const struct address *address)
{
    struct address place = door_place(address);
    size_t same = 0;
    if (door->stranger_count == DOOR_STRANGERS)
        return DOOR_FULL;
    for (size_t i = 0; i < door->stranger_count; i++)
        same += address_equal(&door->strangers[i], &place);
    if (same >= DOOR_STRANGERS_OF_ADDRESS)
        return DOOR_ADDRESS;
    door->strangers[door->stranger_count++] = place;
    return DOOR_OPEN;
}

void door_leave(struct door *door, const struct address *address)
{
    struct address place = door_place(address);
    for (size_t i = 0; i < door->stranger_count; i++) {
        if (!address_equal(&door->strangers[i], &place))
            continue;
        door->strangers[i] = door->strangers[--door->stranger_count];
        return;
    }
}

/* --- tokens --- */

static unsigned wrong_now(const struct door_tried *tried, int64_t now_ms)
{
    int64_t given_back = (now_ms - tried->since_ms) / DOOR_TRY_MS;
    if (given_back < 0)
        return tried->wrong;
    return given_back >= tried->wrong ? 0 : tried->wrong - (unsigned)given_back;
}

bool door_may_try(const struct door *door, const struct address *address, int64_t now_ms)
{
    struct address place = door_place(address);
    for (size_t i = 0; i < DOOR_TRIED; i++)
        if (address_equal(&door->tried[i].address, &place))
            return wrong_now(&door->tried[i], now_ms) < DOOR_TRIES;
    return true;
}

/* The address's own row, else a free one, else the one that has been quiet for longest. */
static struct door_tried *tried_row(struct door *door, const struct address *place)
{
    struct door_tried *best = &door->tried[0];
    for (size_t i = 0; i < DOOR_TRIED; i++) {
        struct door_tried *tried = &door->tried[i];
        if (address_equal(&tried->address, place))
            return tried;
        if (best->address.length > 0 && (tried->address.length == 0 || tried->since_ms < best->since_ms))
            best = tried;
    }
    *best = (struct door_tried){.address = *place};
    return best;
}

void door_wrong(struct door *door, const struct address *address, int64_t now_ms)
{
    struct address place = door_place(address);
    struct door_tried *tried = tried_row(door, &place);
    unsigned wrong = wrong_now(tried, now_ms);
    if (wrong == 0)
        tried->since_ms = now_ms;
    else
        tried->since_ms += (int64_t)(tried->wrong - wrong) * DOOR_TRY_MS;
    tried->wrong = wrong < DOOR_TRIES ? wrong + 1 : DOOR_TRIES;
}

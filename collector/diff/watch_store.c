#include "diff/watch_parts.h"

#include <stdlib.h>
#include <string.h>

/* What a watch remembers: texts once, vantages and endpoints by id, and a ring of rounds for each endpoint. */

bool watch_grow(void *array, size_t *room, size_t count, size_t size_bytes)
{
    void *held;
    if (count <= *room)
        return true;
    size_t wanted = *room == 0 ? 16 : *room;
    while (wanted < count)
        wanted *= 2;
    memcpy(&held, array, sizeof held);
    void *grown = realloc(held, wanted * size_bytes);
    if (grown == NULL)
        return false;
    memset((char *)grown + *room * size_bytes, 0, (wanted - *room) * size_bytes);
    memcpy(array, &grown, sizeof grown);
    *room = wanted;
    return true;
}

bool watch_text(struct watch *watch, const char *text, uint16_t *ret_text)
{
    if (text == NULL)
        text = "";
    for (size_t i = 0; i < watch->text_count; i++) {
        if (strcmp(watch->texts[i], text) == 0) {
            *ret_text = (uint16_t)i;
            return true;
        }
    }
    if (watch->text_count == WATCH_MAX_TEXTS) {
        *ret_text = 0;
        return true;
    }
    char *copy = strdup(text);
    if (copy == NULL || !watch_grow(&watch->texts, &watch->text_room, watch->text_count + 1, sizeof copy)) {
        free(copy);
        return false;
    }
    watch->texts[watch->text_count] = copy;
    *ret_text = (uint16_t)watch->text_count++;
    return true;
}

static size_t index_place(const struct index *index, int64_t id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool index_find(const struct index *index, int64_t id, unsigned *ret_at)
{
    size_t place = index_place(index, id);
    if (place == index->count || index->rows[place].id != id)
        return false;
    *ret_at = index->rows[place].at;
    return true;
}

bool index_add(struct index *index, int64_t id, unsigned at)
{
    size_t place = index_place(index, id);
    if (!watch_grow(&index->rows, &index->room, index->count + 1, sizeof *index->rows))
        return false;
    memmove(index->rows + place + 1, index->rows + place, (index->count - place) * sizeof *index->rows);
    index->rows[place] = (struct id_at){id, at};
    index->count++;
    return true;
}

void watch_endpoint_free(struct watched_endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    free(endpoint->site);
    free(endpoint->sni);
    free(endpoint->slots);
    free(endpoint->cells);
    free(endpoint);
}

struct slot *watch_slot(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned vantage,
                        unsigned back)
{
    unsigned window = watch->options.window_rounds;
    return &endpoint->slots[(size_t)vantage * window + (endpoint->head + window - back) % window];
}

/* One row a vantage; vantages that came later get theirs here. */
static bool make_rows(const struct watch *watch, struct watched_endpoint *endpoint)
{
    size_t room = endpoint->vantage_room, slots_room = room * watch->options.window_rounds;
    size_t wanted = watch->vantage_room * watch->options.window_rounds;
    if (watch->vantage_room <= room)
        return true;
    struct slot *slots = realloc(endpoint->slots, wanted * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots + slots_room, 0, (wanted - slots_room) * sizeof *slots);
    endpoint->slots = slots;
    struct cell_memory *cells = realloc(endpoint->cells, watch->vantage_room * sizeof *cells);
    if (cells == NULL)
        return false;
    memset(cells + room, 0, (watch->vantage_room - room) * sizeof *cells);
    endpoint->cells = cells;
    endpoint->vantage_room = (unsigned)watch->vantage_room;
    return true;
}

bool watch_turn(struct watch *watch, struct watched_endpoint *endpoint, const struct watch_round *round)
{
    unsigned window = watch->options.window_rounds;
    if (!make_rows(watch, endpoint))
        return false;
    endpoint->head = (endpoint->head + 1) % window;
    endpoint->rounds += endpoint->rounds < window;
    endpoint->starts_us[endpoint->head] = round->start_us;
    endpoint->interval_s = round->interval_s;
    for (unsigned v = 0; v < endpoint->vantage_room; v++)
        memset(watch_slot(watch, endpoint, v, 0), 0, sizeof(struct slot));
    return true;
}

static bool is_address_used(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned at)
{
    size_t count = (size_t)endpoint->vantage_room * watch->options.window_rounds;
    for (size_t i = 0; i < count; i++) {
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            const struct mark *mark = &endpoint->slots[i].marks[m];
            if (mark->state != MARK_NONE && mark->address == at)
                return true;
        }
    }
    return false;
}

/* A new address takes the place of one that the window has forgotten; when there is none, it is not told apart. */
static unsigned address_at(const struct watch *watch, struct watched_endpoint *endpoint,
                           const struct address *address)
{
    if (address->length == 0)
        return 0;
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        if (address_equal(&endpoint->addresses[a].address, address))
            return a;
    }
    unsigned at = endpoint->address_count;
    if (at == WATCH_MAX_ADDRESSES) {
        at = 1;
        while (at < WATCH_MAX_ADDRESSES && is_address_used(watch, endpoint, at))
            at++;
        if (at == WATCH_MAX_ADDRESSES)
            return 0;
    } else {
        endpoint->address_count++;
    }
    endpoint->addresses[at] = (struct watched_address){.address = *address};
    return at;
}

static enum mark_state state_of(const struct sight *sight)
{
    if (sight->outcome.stage == OUTCOME_STAGE_LOCAL)
        return MARK_NONE;
    if (!outcome_is_failure(sight->outcome))
        return MARK_PASS;
    return sight->confirm == CONFIRM_FAILED   ? MARK_FAIL_CONFIRMED
           : sight->confirm == CONFIRM_PASSED ? MARK_FAIL_VANISHED
                                              : MARK_FAIL;
}

bool mark_fails(const struct mark *mark)
{
    return mark->state >= MARK_FAIL;
}

bool watch_mark(struct watch *watch, struct watched_endpoint *endpoint, unsigned vantage,
                const struct sight *sight)
{
    struct slot *slot = watch_slot(watch, endpoint, vantage, 0);
    struct cell_memory *cell = &endpoint->cells[vantage];
    enum mark_state state = state_of(sight);
    unsigned address = address_at(watch, endpoint, &sight->address), m = 0;
    uint16_t edge = 0, pop = 0;
    if (!watch_text(watch, sight->edge, &edge) || !watch_text(watch, sight->pop, &pop))
        return false;
    endpoint->pinned = endpoint->pinned || sight->pinned;
    if (address != 0 && edge != 0)
        endpoint->addresses[address].edge = edge;
    cell->pop = pop != 0 ? pop : cell->pop;
    if (state == MARK_NONE)
        return true;
    while (m < MARKS_PER_ROUND && slot->marks[m].state != MARK_NONE)
        m++;
    if (m == MARKS_PER_ROUND)
        return true;
    cell->start_us = endpoint->starts_us[endpoint->head];
    slot->marks[m] = (struct mark){(uint8_t)state, (uint8_t)sight->outcome.class, (uint8_t)address};
    if (state != MARK_PASS) {
        cell->failure = sight->outcome;
        cell->cause = sight->cause;
        cell->certainty = sight->certainty;
    }
    return true;
}

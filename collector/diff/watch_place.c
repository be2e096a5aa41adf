#include "diff/watch_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Which attempts a place holds. Texts in places are the watch's own, never NULL. An edge or an address is one place whichever
 * endpoint shows it.
 */

bool place_equal(const struct place *a, const struct place *b)
{
    bool own = a->kind == PLACE_ENDPOINT || a->kind == PLACE_SOME;
    return a->kind == b->kind && (!own || a->endpoint_id == b->endpoint_id) &&
           a->vantage_id == b->vantage_id && a->asn == b->asn && strcmp(a->region, b->region) == 0 &&
           strcmp(a->edge, b->edge) == 0 && strcmp(a->pop, b->pop) == 0 &&
           address_equal(&a->address, &b->address);
}

static int find_address(const struct watched_endpoint *endpoint, const struct address *address)
{
    for (unsigned a = 1; a < endpoint->address_count; a++) {
        if (address_equal(&endpoint->addresses[a].address, address))
            return (int)a;
    }
    return -1;
}

struct inside place_inside(const struct watch *watch, const struct place *place,
                           const struct watched_endpoint *endpoint, unsigned vantage)
{
    const struct watched_vantage *v = &watch->vantages[vantage];
    struct inside inside = {false, -1};
    switch (place->kind) {
    case PLACE_NONE:
        break;
    case PLACE_ENDPOINT:
    case PLACE_SOME:
        inside.all = true;
        break;
    case PLACE_REGION:
        inside.all = strcmp(watch->texts[v->region], place->region) == 0;
        break;
    case PLACE_ASN:
        inside.all = v->asn == place->asn;
        break;
    case PLACE_VANTAGE:
        inside.all = v->id == place->vantage_id;
        break;
    case PLACE_EDGE:
    case PLACE_DNS:
        if (place->address.length > 0)
            inside.address = find_address(endpoint, &place->address);
        inside.all = place->address.length > 0
                         ? inside.address > 0
                         : place->pop[0] == '\0' ||
                               strcmp(watch->texts[endpoint->cells[vantage].pop], place->pop) == 0;
        break;
    }
    return inside;
}

static bool has_marks(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned vantage,
                      const struct place *a, const struct place *b)
{
    struct inside in_a = place_inside(watch, a, endpoint, vantage);
    struct inside in_b = place_inside(watch, b, endpoint, vantage);
    for (unsigned back = 0; in_a.all && in_b.all && back < endpoint->rounds; back++) {
        const struct slot *slot = watch_slot(watch, endpoint, vantage, back);
        for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
            const struct mark *mark = &slot->marks[m];
            if (mark->state != MARK_NONE && inside_has(&in_a, mark) && inside_has(&in_b, mark))
                return true;
        }
    }
    return false;
}

bool place_has_vantage(const struct watch *watch, const struct place *place,
                       const struct watched_endpoint *endpoint, unsigned vantage)
{
    return vantage < endpoint->vantage_room && has_marks(watch, endpoint, vantage, place, place);
}

bool place_overlaps(const struct watch *watch, const struct place *a, const struct place *b,
                    const struct watched_endpoint *endpoint)
{
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        if (has_marks(watch, endpoint, v, a, b))
            return true;
    }
    return false;
}

bool place_is_within(const struct watch *watch, const struct place *inner, const struct place *outer,
                     const struct watched_endpoint *endpoint)
{
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        if (place_has_vantage(watch, inner, endpoint, v) && !has_marks(watch, endpoint, v, inner, outer))
            return false;
    }
    return true;
}

void place_text(const struct place *place, char *out, size_t size)
{
    char address[ADDRESS_TEXT_BYTES];
    const char *name = place_kind_name(place->kind);
    switch (place->kind) {
    case PLACE_NONE:
        snprintf(out, size, "%s", name);
        break;
    case PLACE_ENDPOINT:
    case PLACE_SOME:
        snprintf(out, size, "%s/%" PRId64, name, place->endpoint_id);
        break;
    case PLACE_REGION:
        snprintf(out, size, "%s/%.64s", name, place->region);
        break;
    case PLACE_ASN:
        snprintf(out, size, "%s/%" PRId64, name, place->asn);
        break;
    case PLACE_VANTAGE:
        snprintf(out, size, "vantage/%" PRId64, place->vantage_id);
        break;
    case PLACE_EDGE:
    case PLACE_DNS:
        if (place->address.length > 0)
            snprintf(out, size, "%s/%s", name, address_text(&place->address, address));
        else
            snprintf(out, size, "%s/%.32s/%.32s", name, place->edge, place->pop);
        break;
    }
}

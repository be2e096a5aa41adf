#include "diff/watch_parts.h"

#include "cli/i18n.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the fleet is too small to tell, and what would settle it. One text with one %s each: see watch_remark. */

static const char caveat_one[] =
    N_("one vantage only, %s: endpoint, region and vantage cannot be told apart");
static const char caveat_region[] =
    N_("%s is the only valid vantage in its region: region and vantage cannot be told apart");
static const char caveat_asn[] =
    N_("%s is the only valid vantage in its ASN: ASN and vantage cannot be told apart");
static const char caveat_twin[] =
    N_("all valid vantages of region %s are in one ASN: region and ASN cannot be told apart");
static const char caveat_all[] =
    N_("every valid vantage is in region %s: endpoint and region cannot be told apart");
static const char caveat_few[] =
    N_("%s valid vantages: too few for inside against outside to be significant, whatever they see");
static const char caveat_led[] =
    N_("everybody in the place is led to %s, and nobody else is: place and address cannot be told apart");
static const char hint_asn[] = N_("add a second vantage in %s");
static const char hint_region[] = N_("add a second vantage in region %s, in another ASN");
static const char hint_elsewhere[] = N_("add a vantage outside of region %s");
static const char hint_pin[] = N_("pin %s and probe it from another region");
static const char hint_more[] = N_("have at least three vantages inside and three outside (now %s)");

static const char *const remarks[] = {caveat_one,  caveat_region,  caveat_asn, caveat_twin,
                                      caveat_all,  caveat_few,     caveat_led, hint_asn,
                                      hint_region, hint_elsewhere, hint_pin,   hint_more};

bool watch_remark(const char *text, const char **ret_msgid, char *ret_subject, size_t size)
{
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
        const char *hole = strstr(remarks[i], "%s"), *tail = hole + 2;
        size_t head = (size_t)(hole - remarks[i]), length = strlen(text), rest = strlen(tail);
        if (length < head + rest || strncmp(text, remarks[i], head) != 0 ||
            strcmp(text + length - rest, tail) != 0)
            continue;
        snprintf(ret_subject, size, "%.*s", (int)(length - head - rest), text + head);
        *ret_msgid = remarks[i];
        return true;
    }
    return false;
}

static void fill(char *out, const char *text, const char *subject)
{
    const char *hole = strstr(text, "%s");
    snprintf(out, REMARK_BYTES, "%.*s%.64s%s", (int)(hole - text), text, subject, hole + 2);
}

static void add_caveat(struct fault *fault, const char *text, const char *subject)
{
    struct incident *incident = &fault->seen;
    if (incident->caveat_count == INCIDENT_MAX_CAVEATS)
        return;
    char *out = fault->remarks[incident->caveat_count];
    fill(out, text, subject);
    incident->caveats[incident->caveat_count++] = out;
}

static void add_hint(struct fault *fault, const char *text, const char *subject)
{
    struct incident *incident = &fault->seen;
    if (incident->hint_count == INCIDENT_MAX_HINTS)
        return;
    char *out = fault->remarks[INCIDENT_MAX_CAVEATS + incident->hint_count];
    fill(out, text, subject);
    incident->hints[incident->hint_count++] = out;
}

/* Valid vantages with something in the window of the incident's first endpoint. */
struct crowd {
    unsigned all, region, asn, inside, inside_asns;
    int64_t first_asn;
    const struct watched_vantage *first; /* inside */
};

static struct crowd count_crowd(const struct watch *watch, const struct fault *fault,
                                const struct watched_endpoint *endpoint)
{
    struct place everywhere = {.kind = PLACE_ENDPOINT, .region = "", .edge = "", .pop = ""};
    struct crowd crowd = {0};
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        const struct watched_vantage *vantage = &watch->vantages[v];
        if (!place_has_vantage(watch, &fault->seen.place, endpoint, v))
            continue;
        crowd.first = crowd.first == NULL ? vantage : crowd.first;
        crowd.inside_asns += crowd.inside == 0 || vantage->asn != crowd.first_asn;
        crowd.first_asn = vantage->asn;
        crowd.inside++;
    }
    for (unsigned v = 0; v < watch->vantage_count && crowd.first != NULL; v++) {
        if (!place_has_vantage(watch, &everywhere, endpoint, v))
            continue;
        crowd.all++;
        crowd.region += watch->vantages[v].region == crowd.first->region;
        crowd.asn += watch->vantages[v].asn_at == crowd.first->asn_at && crowd.first->asn_at != 0;
    }
    return crowd;
}

static void about_vantage(const struct watch *watch, struct fault *fault, const struct crowd *crowd)
{
    char asn[32];
    const char *region = watch->texts[crowd->first->region];
    snprintf(asn, sizeof asn, "AS%" PRId64, crowd->first->asn);
    if (crowd->all == 1) {
        add_caveat(fault, caveat_one, crowd->first->name);
        add_hint(fault, hint_elsewhere, region);
        return;
    }
    if (crowd->region == 1) {
        add_caveat(fault, caveat_region, crowd->first->name);
        add_hint(fault, hint_region, region);
    }
    if (crowd->asn == 1) {
        add_caveat(fault, caveat_asn, crowd->first->name);
        add_hint(fault, hint_asn, asn);
    }
}

/* The one address that everybody inside, and nobody outside, is led to. */
static const struct address *own_address(const struct watch *watch, const struct fault *fault,
                                         const struct watched_endpoint *endpoint)
{
    unsigned inside = 0, outside = 0;
    for (unsigned v = 0; v < watch->vantage_count && v < endpoint->vantage_room; v++) {
        struct inside held = place_inside(watch, &fault->seen.place, endpoint, v);
        for (unsigned back = 0; back < endpoint->rounds; back++) {
            const struct slot *slot = watch_slot(watch, endpoint, v, back);
            for (unsigned m = 0; m < MARKS_PER_ROUND; m++) {
                const struct mark *mark = &slot->marks[m];
                if (mark->state == MARK_NONE || mark->address == 0)
                    continue;
                bool in = inside_has(&held, mark);
                unsigned *seen = in ? &inside : &outside;
                if (in && inside != 0 && inside != mark->address)
                    return NULL;
                *seen = in ? mark->address : outside;
            }
        }
    }
    struct place there = {.kind = PLACE_DNS, .region = "", .edge = "", .pop = ""};
    if (inside == 0)
        return NULL;
    there.address = endpoint->addresses[inside].address;
    for (unsigned v = 0; v < watch->vantage_count; v++) {
        bool in = place_has_vantage(watch, &fault->seen.place, endpoint, v);
        outside +=
            !in && place_has_vantage(
                       watch, &(struct place){.kind = PLACE_ENDPOINT, .region = "", .edge = "", .pop = ""},
                       endpoint, v);
        if (!in && place_has_vantage(watch, &there, endpoint, v))
            return NULL;
    }
    return outside > 0 ? &endpoint->addresses[inside].address : NULL;
}

static void about_place(const struct watch *watch, struct fault *fault,
                        const struct watched_endpoint *endpoint, const struct crowd *crowd)
{
    const struct place *place = &fault->seen.place;
    const char *region = watch->texts[crowd->first->region];
    char text[ADDRESS_TEXT_BYTES];
    if (place->kind == PLACE_VANTAGE)
        about_vantage(watch, fault, crowd);
    if (place->kind == PLACE_REGION && crowd->inside_asns == 1 && crowd->asn == crowd->inside &&
        crowd->first->asn_at != 0) {
        add_caveat(fault, caveat_twin, place->region);
        add_hint(fault, hint_region, place->region);
    }
    if (place->kind == PLACE_ENDPOINT && crowd->region == crowd->all) {
        add_caveat(fault, caveat_all, region);
        add_hint(fault, hint_elsewhere, region);
    }
    if (place->kind == PLACE_REGION || place->kind == PLACE_ASN || place->kind == PLACE_VANTAGE) {
        const struct address *address = endpoint->pinned ? NULL : own_address(watch, fault, endpoint);
        if (address != NULL) {
            add_caveat(fault, caveat_led, address_text(address, text));
            add_hint(fault, hint_pin, text);
        }
    }
}

/* The smallest p that Fisher's test can give here is that of all inside failing and nobody outside. */
static void about_power(struct fault *fault, const struct place_tests *tests)
{
    char text[64];
    unsigned members = fault->member_count > 0 ? (unsigned)fault->member_count : 1;
    unsigned inside = tests->inside / members, outside = tests->outside / members;
    if (inside == 0 || outside == 0 || exact_fisher(inside, inside, 0, outside) <= 0.05)
        return;
    snprintf(text, sizeof text, "%u", inside + outside);
    add_caveat(fault, caveat_few, text);
    snprintf(text, sizeof text, "%u / %u", inside, outside);
    add_hint(fault, hint_more, text);
}

void fault_remarks(const struct watch *watch, struct fault *fault, const struct place_tests *tests)
{
    fault->seen.caveat_count = fault->seen.hint_count = 0;
    if (fault->member_count == 0)
        return;
    const struct watched_endpoint *endpoint = watch->endpoints[fault->members[0].endpoint];
    struct crowd crowd = count_crowd(watch, fault, endpoint);
    if (crowd.first == NULL)
        return;
    about_place(watch, fault, endpoint, &crowd);
    about_power(fault, tests);
}

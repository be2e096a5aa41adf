#include "diff/parts.h"
#include "words/evidence.h"

#include <string.h>

/*
 * "ok" everywhere is not the same everywhere. What handshakes looked like is compared value by value; the most common
 * value, of attempts that passed if any did, is what the others differ from. A certificate is compared wherever one was seen, because an intercepted handshake
 * often fails to verify; the rest only where attempts passed. Of what a certificate is made of, only the weightiest
 * difference is said: another issuer, else another key, else another certificate.
 */

struct aspect_rule {
    enum finding_aspect aspect;
    enum finding_level between; /* vantages */
    enum finding_level pair;    /* edge against origin: an origin may well have a certificate of its own */
    bool in_pairs;
};

static const struct aspect_rule rules[] = {
    {ASPECT_ISSUER, FINDING_DIFFERENCE, FINDING_NOTE, true},
    {ASPECT_KEY, FINDING_DIFFERENCE, FINDING_NOTE, true},
    {ASPECT_LEAF, FINDING_NOTE, FINDING_NOTE, true}, /* a renewal on its way */
    {ASPECT_VERSION, FINDING_DIFFERENCE, FINDING_DIFFERENCE, true},
    {ASPECT_CIPHER, FINDING_NOTE, FINDING_NOTE, false},
    {ASPECT_GROUP, FINDING_NOTE, FINDING_NOTE, false},
    {ASPECT_ALPN, FINDING_DIFFERENCE, FINDING_NOTE, true},
    {ASPECT_STATUS, FINDING_DIFFERENCE, FINDING_NOTE, true},
    {ASPECT_LOCATION, FINDING_DIFFERENCE, FINDING_NOTE, true},
    {ASPECT_POP, FINDING_NOTE, FINDING_NOTE, false},
    {ASPECT_ADDRESSES, FINDING_NOTE, FINDING_NOTE, false}, /* answers by region are what a CDN does */
};

static const char *number_text(struct diff *diff, unsigned number, const char *name, const char *format)
{
    if (number == 0)
        return "";
    if (name[0] != '\0')
        return name;
    struct buf buf;
    buf_init(&buf, 32);
    const char *text = NULL;
    if (buf_printf(&buf, format[0] == 'x' ? "0x%04x" : "%u", number))
        text = arena_text(&diff->arena, (const char *)buf.data, buf.len);
    buf_done(&buf);
    return text;
}

const char *look_text(struct diff *diff, const struct cell *cell, enum finding_aspect aspect)
{
    const struct look *look = &cell->look;
    if (aspect == ASPECT_ISSUER)
        return look->issuer;
    if (aspect == ASPECT_KEY)
        return look->key;
    if (aspect == ASPECT_LEAF)
        return look->leaf;
    enum cell_state state = cell_state(cell);
    if (state != CELL_PASS && state != CELL_AT_TIMES)
        return "";
    switch (aspect) {
    case ASPECT_VERSION:
        return number_text(diff, look->tls_version, tls_version_name((uint16_t)look->tls_version), "x");
    case ASPECT_CIPHER:
        return number_text(diff, look->cipher, tls_cipher_name((uint16_t)look->cipher), "x");
    case ASPECT_GROUP:
        return number_text(diff, look->group, tls_group_name((uint16_t)look->group), "x");
    case ASPECT_ALPN:
        return look->alpn;
    case ASPECT_STATUS:
        return number_text(diff, look->http_status, "", "u");
    case ASPECT_LOCATION:
        return look->location;
    case ASPECT_POP:
        return look->pop;
    case ASPECT_ADDRESSES:
        return look->addresses;
    case ASPECT_ISSUER:
    case ASPECT_KEY:
    case ASPECT_LEAF:
    case ASPECT_NONE:
        break;
    }
    return "";
}

/* One aspect of one endpoint over all vantages. */
struct values {
    const char **texts; /* "": nothing to compare */
    bool *seen;
    bool *passes;
    const char *common; /* the most frequent; the first of them when several are */
};

/* How much speaks for a value: one vantage that passes is worth more than all that fail. */
static unsigned votes(const struct values *values, unsigned count, const char *text)
{
    unsigned found = 0;
    for (unsigned v = 0; v < count; v++) {
        if (values->seen[v] && strcmp(values->texts[v], text) == 0)
            found += values->passes[v] ? count + 1 : 1;
    }
    return found;
}

static bool values_read(struct diff *diff, unsigned endpoint, enum finding_aspect aspect,
                        struct values *ret_values)
{
    unsigned count = diff->matrix->vantage_count, most = 0;
    struct values values = {.common = ""};
    values.texts = arena_array(&diff->arena, count, sizeof *values.texts);
    values.seen = diff_set(diff);
    values.passes = diff_set(diff);
    if (values.texts == NULL || values.seen == NULL || values.passes == NULL)
        return false;
    bool pinned = aspect == ASPECT_ADDRESSES && diff->matrix->endpoints[endpoint].address[0] != '\0';
    for (unsigned v = 0; v < count; v++) {
        const struct cell *cell = matrix_cell(diff->matrix, endpoint, v);
        values.texts[v] = diff->valid[v] && !pinned ? look_text(diff, cell, aspect) : "";
        if (values.texts[v] == NULL)
            return false;
        values.seen[v] = values.texts[v][0] != '\0';
        enum cell_state state = cell_state(cell);
        values.passes[v] = state == CELL_PASS || state == CELL_AT_TIMES;
    }
    for (unsigned v = 0; v < count; v++) {
        unsigned found = values.seen[v] ? votes(&values, count, values.texts[v]) : 0;
        if (found > most) {
            most = found;
            values.common = values.texts[v];
        }
    }
    *ret_values = values;
    return true;
}

/* Findings for the vantages in set, which see `value` where the others (or the counterpart) show `other`. */
static bool add_difference(struct diff *diff, const struct finding *model, const bool *set, const bool *seen)
{
    struct scope *scopes = arena_array(&diff->arena, diff->matrix->vantage_count, sizeof *scopes);
    size_t count = 0;
    if (scopes == NULL || !scope_split(diff, set, seen, scopes, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct finding *finding = diff_add(diff, model->kind, model->endpoint, &scopes[i]);
        if (finding == NULL)
            return false;
        finding->level = model->level;
        finding->aspect = model->aspect;
        finding->value = model->value;
        finding->other_value = model->other_value;
        finding->has_counterpart = model->has_counterpart;
        finding->counterpart = model->counterpart;
        if (!diff_say(diff, finding, scopes[i].twin))
            return false;
    }
    return true;
}

/* Is v the first vantage with its value, and is that not the common one? Each other value is reported once. */
static bool opens_value(const struct values *values, unsigned v)
{
    if (!values->seen[v] || strcmp(values->texts[v], values->common) == 0)
        return false;
    for (unsigned before = 0; before < v; before++) {
        if (values->seen[before] && strcmp(values->texts[before], values->texts[v]) == 0)
            return false;
    }
    return true;
}

/* The value of O in a name of RFC 2253, and its length; NULL when there is none. */
static const char *organisation(const char *name, size_t *ret_length)
{
    for (const char *at = name; at[0] != '\0'; at++) {
        bool starts = at == name || (at[-1] == ',' && (at == name + 1 || at[-2] != '\\'));
        if (!starts || strncmp(at, "O=", 2) != 0)
            continue;
        size_t length = 2;
        while (at[length] != '\0' && (at[length] != ',' || at[length - 1] == '\\'))
            length++;
        *ret_length = length - 2;
        return at + 2;
    }
    return NULL;
}

/* CAs sign with several intermediates in turn. */
static bool same_organisation(const char *issuer, const char *other)
{
    size_t length = 0, other_length = 0;
    const char *mine = organisation(issuer, &length), *its = organisation(other, &other_length);
    return mine != NULL && its != NULL && length == other_length && memcmp(mine, its, length) == 0;
}

static bool between_vantages(struct diff *diff, unsigned endpoint, const struct aspect_rule *rule,
                             bool *ret_differs)
{
    struct values values;
    if (!values_read(diff, endpoint, rule->aspect, &values))
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (!opens_value(&values, v))
            continue;
        bool *set = diff_set(diff);
        if (set == NULL)
            return false;
        for (unsigned w = 0; w < diff->matrix->vantage_count; w++)
            set[w] = values.seen[w] && strcmp(values.texts[w], values.texts[v]) == 0;
        bool note = rule->aspect == ASPECT_ISSUER && same_organisation(values.texts[v], values.common);
        struct finding model = {.kind = FINDING_DIFFERS,
                                .level = note ? FINDING_NOTE : rule->between,
                                .aspect = rule->aspect,
                                .endpoint = endpoint,
                                .value = values.texts[v],
                                .other_value = values.common};
        if (!add_difference(diff, &model, set, values.seen))
            return false;
        *ret_differs = true;
    }
    return true;
}

/* The same vantage in the same rounds: only vantages that saw both sides are compared. */
static bool against_origin(struct diff *diff, unsigned edge, unsigned origin, const struct aspect_rule *rule,
                           bool *ret_differs)
{
    struct values here, there;
    bool *set = diff_set(diff), *seen = diff_set(diff);
    if (set == NULL || seen == NULL || !values_read(diff, edge, rule->aspect, &here) ||
        !values_read(diff, origin, rule->aspect, &there))
        return false;
    struct finding model = {.kind = FINDING_PAIR_DIFFERS,
                            .level = rule->pair,
                            .aspect = rule->aspect,
                            .endpoint = edge,
                            .counterpart = origin,
                            .has_counterpart = true};
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        seen[v] = here.seen[v] && there.seen[v];
        set[v] = seen[v] && strcmp(here.texts[v], there.texts[v]) != 0;
        if (set[v] && model.value == NULL) {
            model.value = here.texts[v];
            model.other_value = there.texts[v];
        }
    }
    *ret_differs = model.value != NULL;
    return model.value == NULL || add_difference(diff, &model, set, seen);
}

static bool is_of_certificate(enum finding_aspect aspect)
{
    return aspect == ASPECT_ISSUER || aspect == ASPECT_KEY || aspect == ASPECT_LEAF;
}

/* All aspects, between vantages or (an edge) against one origin. */
static bool compare(struct diff *diff, unsigned endpoint, const unsigned *origin)
{
    bool said = false; /* what differs in the certificate */
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bool differs = false;
        if ((said && is_of_certificate(rules[i].aspect)) || (origin != NULL && !rules[i].in_pairs))
            continue;
        if (origin != NULL ? !against_origin(diff, endpoint, *origin, &rules[i], &differs)
                           : !between_vantages(diff, endpoint, &rules[i], &differs))
            return false;
        said = said || (differs && is_of_certificate(rules[i].aspect));
    }
    return true;
}

bool diff_looks(struct diff *diff, unsigned endpoint)
{
    if (!compare(diff, endpoint, NULL))
        return false;
    if (diff->matrix->endpoints[endpoint].role != ROLE_EDGE)
        return true;
    unsigned end = 0;
    for (unsigned e = diff_site(diff->matrix, endpoint, &end); e < end; e++) {
        if (diff_paired(diff->matrix, endpoint, e) && !compare(diff, endpoint, &e))
            return false;
    }
    return true;
}

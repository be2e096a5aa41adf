#include "report/incidents.h"

#include "cli/i18n.h"
#include "diff/watch.h"
#include "report/label.h"
#include "report/rows.h"
#include "words/attempt_json.h"

#include <string.h>

enum { REMARK_SUBJECT_BYTES = 128, RAW_BYTES = 128 };

static enum incident_kind kind_of(const json_t *incident)
{
    enum incident_kind kind = INCIDENT_FAILS;
    (void)incident_kind_from_name(json_text_at(incident, "kind"), &kind);
    return kind;
}

static enum place_kind place_of(const json_t *place)
{
    enum place_kind kind = PLACE_NONE;
    (void)place_kind_from_name(json_text_at(place, "kind"), &kind);
    return kind;
}

void incident_place(struct buf *out, const json_t *place)
{
    char label[LABEL_BYTES];
    const char *pop = json_text_at(place, "pop");
    switch (place_of(place)) {
    case PLACE_NONE:
        (void)buf_text(out, _("nowhere"));
        break;
    case PLACE_ENDPOINT:
        (void)buf_text(out, _("everywhere"));
        break;
    case PLACE_REGION:
        (void)buf_printf(out, _("region %s"), json_text_at(place, "region"));
        break;
    case PLACE_ASN:
        (void)buf_text(out, asn_label(json_integer_value(json_object_get(place, "asn")), label));
        break;
    case PLACE_VANTAGE:
        (void)buf_printf(out, _("%s or its path"), json_text_at(place, "vantage"));
        break;
    case PLACE_EDGE:
        if (json_text_at(place, "address")[0] != '\0')
            (void)buf_printf(out, _("address %s"), json_text_at(place, "address"));
        else
            (void)buf_printf(out, "%s%s%s", json_text_at(place, "edge"), pop[0] == '\0' ? "" : " ", pop);
        break;
    case PLACE_DNS:
        (void)buf_printf(out, _("%s from DNS"), json_text_at(place, "address"));
        break;
    case PLACE_SOME:
        (void)buf_text(out, _("place not told apart"));
        break;
    }
}

static void say_endpoint(struct buf *out, const json_t *endpoint)
{
    char label[ENDPOINT_LABEL_BYTES];
    enum endpoint_role role = ROLE_PLAIN;
    (void)endpoint_role_from_name(json_text_at(endpoint, "role"), &role);
    const struct matrix_endpoint shown = {.role = role,
                                          .host = json_text_at(endpoint, "host"),
                                          .port =
                                              (uint16_t)json_integer_value(json_object_get(endpoint, "port")),
                                          .address = json_text_at(endpoint, "address")};
    if (role != ROLE_PLAIN)
        (void)buf_printf(out, "%s ", endpoint_role_name((int)role));
    (void)buf_text(out, endpoint_label(&shown, label));
}

/* The follower that an endpoint is, NULL when it is a member. */
static const json_t *follower_of(const json_t *incident, const json_t *endpoint)
{
    const json_t *follower;
    size_t index;
    json_int_t id = json_integer_value(json_object_get(endpoint, "id"));
    json_array_foreach(json_object_get(incident, "followers"), index, follower)
    {
        if (json_integer_value(json_object_get(follower, "endpoint_id")) == id)
            return follower;
    }
    return NULL;
}

/* Which endpoints, without edges that only answer for them. @return false when there is none. */
static bool say_target(struct buf *out, const json_t *incident)
{
    const json_t *endpoint, *first = NULL;
    const char *site = "";
    size_t count = 0, index;
    json_array_foreach(json_object_get(incident, "endpoints"), index, endpoint)
    {
        if (follower_of(incident, endpoint) != NULL)
            continue;
        if (count++ == 0) {
            first = endpoint;
            site = json_text_at(endpoint, "site");
        } else if (strcmp(json_text_at(endpoint, "site"), site) != 0)
            site = "";
    }
    if (count == 0)
        return false;
    if (count == 1) {
        say_endpoint(out, first);
        return true;
    }
    if (site[0] != '\0')
        (void)buf_printf(out, ngettext("%zu endpoint of %s", "%zu endpoints of %s", count), count, site);
    else
        (void)buf_printf(out, ngettext("%zu endpoint", "%zu endpoints", count), count);
    return true;
}

/* The edges that answer for it: the first by name. */
static void say_followers(struct buf *out, const json_t *incident)
{
    const json_t *endpoint;
    size_t index, count = 0;
    struct buf named;
    struct outcome outcome = {0};
    buf_init(&named, 0);
    json_array_foreach(json_object_get(incident, "endpoints"), index, endpoint)
    {
        const json_t *follower = follower_of(incident, endpoint);
        if (follower == NULL || count++ > 0)
            continue;
        say_endpoint(&named, endpoint);
        (void)rows_outcome(json_object_get(follower, "outcome"), &outcome);
    }
    const char *name = named.data == NULL ? "" : (const char *)named.data;
    if (count > 1)
        (void)buf_printf(out,
                         ngettext(" (and %s and %zu other edge answer for it)",
                                  " (and %s and %zu other edges answer for it)", count - 1),
                         name, count - 1);
    else if (count == 1 && outcome.raw_kind == RAW_HTTP_STATUS)
        (void)buf_printf(out, _(" (and %s answers %d)"), name, (int)outcome.raw);
    else if (count == 1)
        (void)buf_printf(out, _(" (and %s answers for it)"), name);
    buf_done(&named);
}

void incident_where(struct buf *out, const json_t *incident)
{
    const json_t *place = json_object_get(incident, "place");
    if (kind_of(incident) == INCIDENT_VANTAGE_ASIDE) {
        (void)buf_text(out, json_text_at(place, "vantage"));
        return;
    }
    if (place_of(place) != PLACE_ENDPOINT) {
        incident_place(out, place);
        (void)buf_text(out, " -> ");
    }
    if (!say_target(out, incident))
        (void)buf_text(out, _("endpoints that are gone"));
    say_followers(out, incident);
}

static const char *aspect_text(const char *aspect)
{
    static const char *const words[][2] = {
        {"issuer", N_("certificate issuer differs")},
        {"certificate_key", N_("certificate key differs")},
        {"certificate", N_("certificate differs")},
        {"tls_version", N_("TLS version differs")},
        {"cipher", N_("cipher differs")},
        {"tls_group", N_("key exchange group differs")},
        {"alpn", N_("ALPN differs")},
        {"http_status", N_("HTTP status differs")},
        {"location", N_("redirect differs")},
        {"pop", N_("point of presence differs")},
        {"addresses", N_("addresses differ")},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], aspect) == 0)
            return _(words[i][1]);
    return aspect;
}

static void say_difference(struct buf *out, const json_t *condition)
{
    bool paired = json_is_true(json_object_get(condition, "paired"));
    (void)buf_text(out, aspect_text(json_text_at(condition, "aspect")));
    (void)buf_printf(out, paired ? _(" (%s; its counterpart %s)") : _(" (%s; elsewhere %s)"),
                     json_text_at(condition, "value"), json_text_at(condition, "other_value"));
}

/* In brackets the cause, as long as the outcome does not say it already; without one, the number behind the outcome. */
static void say_failure(struct buf *out, const json_t *incident)
{
    struct outcome outcome;
    enum cause cause;
    char raw[RAW_BYTES];
    const char *class = "", *more = "";
    if (rows_outcome(json_object_get(incident, "outcome"), &outcome)) {
        class = outcome_class_text(outcome.class);
        more = outcome_raw_text(outcome, raw, sizeof raw);
    }
    const char *end = json_text_at(json_object_get(incident, "condition"), "not_after");
    if (end[0] != '\0')
        (void)buf_printf(out, _("certificate expired on %.10s"), end);
    else
        (void)buf_text(out, T_(class));
    if (cause_from_id(json_text_at(incident, "cause"), &cause))
        more = strstr(class, cause_row(cause)->name) != NULL ? "" : _(cause_row(cause)->name);
    if (more[0] != '\0')
        (void)buf_printf(out, _(" (%s)"), more);
}

void incident_what(struct buf *out, const json_t *incident)
{
    const json_t *condition = json_object_get(incident, "condition");
    switch (kind_of(incident)) {
    case INCIDENT_FAILS:
        say_failure(out, incident);
        break;
    case INCIDENT_DIFFERS:
        say_difference(out, condition);
        break;
    case INCIDENT_VANTAGE_ASIDE:
        (void)buf_text(out, _("set aside: "));
        incident_remark(out, json_string_value(json_array_get(json_object_get(incident, "caveats"), 0)));
        break;
    case INCIDENT_EXPIRES:
        (void)buf_printf(out, _("certificate expires on %.10s"), json_text_at(condition, "not_after"));
        break;
    }
}

void incident_remark(struct buf *out, const char *text)
{
    const char *msgid = NULL;
    char subject[REMARK_SUBJECT_BYTES];
    if (text == NULL || text[0] == '\0')
        return;
    if (!watch_remark(text, &msgid, subject, sizeof subject)) {
        (void)buf_text(out, _(text));
        return;
    }
    const char *translated = _(msgid), *hole = strstr(translated, "%s");
    if (hole == NULL)
        (void)buf_text(out, translated);
    else
        (void)buf_printf(out, "%.*s%s%s", (int)(hole - translated), translated, subject, hole + 2);
}

void incident_summary(struct buf *out, const json_t *incident)
{
    (void)buf_text(out, json_text_at(incident, "where"));
    (void)buf_text(out, ": ");
    (void)buf_text(out, json_text_at(incident, "what"));
    if (strcmp(json_text_at(incident, "state"), "flapping") == 0)
        (void)buf_text(out, _(" (comes and goes)"));
}

const char *incident_severity(const json_t *incident)
{
    enum place_kind place = place_of(json_object_get(incident, "place"));
    bool wide = place == PLACE_ENDPOINT || place == PLACE_REGION || place == PLACE_ASN || place == PLACE_EDGE;
    if (kind_of(incident) == INCIDENT_VANTAGE_ASIDE)
        return "info";
    return kind_of(incident) == INCIDENT_FAILS && wide ? "critical" : "warning";
}

/* --- why, and what to do ------------------------------------------------------------------------------------------------ */

/* What was concluded when the incident opened. @return false when nothing was. Borrowed from the incident. */
static bool conclusion_of(const json_t *incident, struct conclusion *conclusion)
{
    const char *key;
    json_t *value;
    *conclusion = (struct conclusion){.cause = CAUSE_NONE};
    json_object_foreach(json_object_get(incident, "facts"), key, value)
    {
        const char *text = json_string_value(value);
        if (text != NULL && conclusion->fact_count < CONCLUSION_MAX_FACTS)
            conclusion->facts[conclusion->fact_count++] = (struct fact){key, text};
    }
    return cause_from_id(json_text_at(incident, "cause"), &conclusion->cause);
}

void incident_verdict(struct buf *out, const json_t *incident)
{
    struct conclusion conclusion;
    if (conclusion_of(incident, &conclusion))
        conclusion_verdict(out, &conclusion);
}

void incident_remedy(struct buf *out, const json_t *incident)
{
    struct conclusion conclusion;
    if (conclusion_of(incident, &conclusion))
        conclusion_remedy(out, &conclusion);
}

static void say_whole(struct buf *out, const char *text, const struct conclusion *conclusion)
{
    if (cause_text_is_whole(text, conclusion))
        (void)cause_text(out, text, conclusion);
}

void conclusion_verdict(struct buf *out, const struct conclusion *conclusion)
{
    if (conclusion->cause != CAUSE_NONE)
        say_whole(out, T_(cause_row(conclusion->cause)->verdict), conclusion);
}

void conclusion_remedy(struct buf *out, const struct conclusion *conclusion)
{
    say_whole(out, T_(cause_remedy(conclusion)), conclusion);
}

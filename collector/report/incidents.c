#include "report/incidents.h"

#include "cli/i18n.h"
#include "diff/watch.h"
#include "report/label.h"
#include "report/rows.h"
#include "store/db.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"

#include <stdlib.h>
#include <string.h>

enum { REMARK_SUBJECT_BYTES = 128 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

static enum place_kind place_of(const json_t *place)
{
    enum place_kind kind = PLACE_NONE;
    (void)place_kind_from_name(text_of(place, "kind"), &kind);
    return kind;
}

void incident_place(struct buf *out, const json_t *place)
{
    char label[LABEL_BYTES];
    const char *pop = text_of(place, "pop");
    switch (place_of(place)) {
    case PLACE_NONE:
        (void)buf_text(out, _("nowhere"));
        break;
    case PLACE_ENDPOINT:
        (void)buf_text(out, _("everywhere"));
        break;
    case PLACE_REGION:
        (void)buf_printf(out, _("region %s"), text_of(place, "region"));
        break;
    case PLACE_ASN:
        (void)buf_text(out, asn_label(json_integer_value(json_object_get(place, "asn")), label));
        break;
    case PLACE_VANTAGE:
        (void)buf_printf(out, _("%s or its path"), text_of(place, "vantage"));
        break;
    case PLACE_EDGE:
        if (text_of(place, "address")[0] != '\0')
            (void)buf_printf(out, _("address %s"), text_of(place, "address"));
        else
            (void)buf_printf(out, "%s%s%s", text_of(place, "edge"), pop[0] == '\0' ? "" : " ", pop);
        break;
    case PLACE_DNS:
        (void)buf_printf(out, _("%s from DNS"), text_of(place, "address"));
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
    (void)endpoint_role_from_name(text_of(endpoint, "role"), &role);
    const struct matrix_endpoint shown = {.role = role,
                                          .host = text_of(endpoint, "host"),
                                          .port =
                                              (uint16_t)json_integer_value(json_object_get(endpoint, "port")),
                                          .address = text_of(endpoint, "address")};
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
            site = text_of(endpoint, "site");
        } else if (strcmp(text_of(endpoint, "site"), site) != 0)
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
    enum incident_kind kind = INCIDENT_FAILS;
    (void)incident_kind_from_name(text_of(incident, "kind"), &kind);
    if (kind == INCIDENT_VANTAGE_ASIDE) {
        (void)buf_text(out, text_of(place, "vantage"));
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
        {"certificate", N_("certificate differs")},
        {"tls_version", N_("TLS version differs")},
        {"cipher", N_("cipher differs")},
        {"alpn", N_("ALPN differs")},
        {"http_status", N_("HTTP status differs")},
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
    (void)buf_text(out, aspect_text(text_of(condition, "aspect")));
    (void)buf_printf(out, paired ? _(" (%s; its counterpart %s)") : _(" (%s; elsewhere %s)"),
                     text_of(condition, "value"), text_of(condition, "other_value"));
}

static void say_failure(struct buf *out, const json_t *incident)
{
    struct outcome outcome;
    enum cause cause = CAUSE_NONE;
    const char *class = "";
    if (rows_outcome(json_object_get(incident, "outcome"), &outcome))
        class = outcome_class_text(outcome.class);
    const char *end = text_of(json_object_get(incident, "condition"), "not_after");
    if (end[0] != '\0')
        (void)buf_printf(out, _("certificate expired on %.10s"), end);
    else if (class[0] != '\0')
        (void)buf_text(out, _(class));
    bool named = cause_from_id(text_of(incident, "cause"), &cause) && cause != CAUSE_NONE &&
                 cause != CAUSE_UNCLASSIFIED;
    if (named && strstr(class, cause_row(cause)->name) == NULL) /* what the outcome does not say already */
        (void)buf_printf(out, _(" (%s)"), _(cause_row(cause)->name));
}

void incident_what(struct buf *out, const json_t *incident)
{
    const json_t *condition = json_object_get(incident, "condition");
    enum incident_kind kind = INCIDENT_FAILS;
    (void)incident_kind_from_name(text_of(incident, "kind"), &kind);
    switch (kind) {
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
        (void)buf_printf(out, _("certificate expires on %.10s"), text_of(condition, "not_after"));
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

/* --- rows ------------------------------------------------------------------------------------------------------------------ */

static void set_text(struct writer *writer, json_t *object, const char *key, const char *text)
{
    set(writer, object, key, text[0] == '\0' ? json_null() : json_text(text));
}

static json_t *place_json(const PGresult *rows, int row)
{
    struct writer writer = {false};
    json_t *place = json_object();
    int64_t asn = db_int(rows, row, "asn");
    set(&writer, place, "kind", json_string(place_kind_name((int)db_int(rows, row, "place"))));
    set_text(&writer, place, "vantage", db_text(rows, row, "vantage"));
    set_text(&writer, place, "region", db_text(rows, row, "region"));
    set(&writer, place, "asn", asn == 0 ? json_null() : json_integer(asn));
    set_text(&writer, place, "address", db_text(rows, row, "address"));
    set_text(&writer, place, "edge", db_text(rows, row, "edge"));
    set_text(&writer, place, "pop", db_text(rows, row, "pop"));
    return finish(&writer, place);
}

static json_t *endpoints_json(const PGresult *rows, int row)
{
    json_t *list = json_loads(db_text(rows, row, "endpoints"), 0, NULL), *endpoint;
    size_t index;
    struct writer writer = {list == NULL};
    json_array_foreach(list, index, endpoint)
    {
        int role = (int)json_integer_value(json_object_get(endpoint, "role"));
        set(&writer, endpoint, "role", json_string(endpoint_role_name(role)));
    }
    return finish(&writer, list);
}

static json_t *outcome_or_null(const PGresult *rows, int row)
{
    struct outcome outcome;
    if (!outcome_from_numbers((int)db_int(rows, row, "class"), (int)db_int(rows, row, "raw_kind"),
                              (int32_t)db_int(rows, row, "raw"), &outcome) ||
        !outcome_is_failure(outcome))
        return json_null();
    return rows_outcome_json(outcome);
}

static const char *state_of(const PGresult *rows, int row)
{
    return !db_null(rows, row, "closed_at")           ? N_("closed")
           : db_text(rows, row, "flapping")[0] == 't' ? N_("flapping")
                                                      : N_("open");
}

static void set_words(struct writer *writer, json_t *incident)
{
    struct buf where, what;
    buf_init(&where, 0);
    buf_init(&what, 0);
    incident_where(&where, incident);
    incident_what(&what, incident);
    set(writer, incident, "where", json_text(where.data == NULL ? "" : (const char *)where.data));
    set(writer, incident, "what", json_text(what.data == NULL ? "" : (const char *)what.data));
    buf_done(&where);
    buf_done(&what);
}

json_t *incident_json(const PGresult *rows, int row)
{
    struct writer writer = {false};
    json_t *root = json_object(), *detail = json_loads(db_text(rows, row, "detail"), 0, NULL);
    const char *cause = db_text(rows, row, "cause");
    set(&writer, root, "id", json_integer(db_int(rows, row, "id")));
    set(&writer, root, "key", json_text(db_text(rows, row, "key")));
    set(&writer, root, "kind", json_string(incident_kind_name((int)db_int(rows, row, "kind"))));
    set(&writer, root, "state", json_string(state_of(rows, row)));
    set(&writer, root, "opened_at", json_text(db_text(rows, row, "opened_at")));
    set(&writer, root, "updated_at", json_text(db_text(rows, row, "updated_at")));
    set_text(&writer, root, "closed_at", db_text(rows, row, "closed_at"));
    set(&writer, root, "place", place_json(rows, row));
    set(&writer, root, "outcome", outcome_or_null(rows, row));
    set(&writer, root, "cause", cause[0] == '\0' ? json_null() : json_text(cause));
    set(&writer, root, "certainty",
        json_string(db_text(rows, row, "confirmed")[0] == 't' ? "confirmed" : "consistent"));
    set(&writer, root, "confidence", json_real(db_real(rows, row, "confidence")));
    set(&writer, root, "rounds_failed", json_integer(db_int(rows, row, "rounds_failed")));
    set(&writer, root, "rounds", json_integer(db_int(rows, row, "rounds")));
    set(&writer, root, "transitions", json_integer(db_int(rows, row, "transitions")));
    set(&writer, root, "endpoints", endpoints_json(rows, row));
    set(&writer, root, "condition", json_incref(json_null()));
    set(&writer, root, "followers", json_array());
    if (detail != NULL && json_object_update(root, detail) != 0)
        writer.failed = true;
    json_t *vantages = json_loads(db_text(rows, row, "vantages"), 0, NULL); /* names, not ids */
    set(&writer, root, "vantages", vantages);
    json_decref(detail);
    set_words(&writer, root);
    return finish(&writer, root);
}

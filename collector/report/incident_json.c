#include "report/incidents.h"

#include "cli/i18n.h"
#include "diff/watch.h"
#include "report/rows.h"
#include "store/db.h"
#include "words/attempt_json.h"

/* A row of the table, with its words, as the one object that reports, alerts and `watch` are made of. */

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

void incident_set_words(struct writer *writer, json_t *incident)
{
    static const struct {
        const char *key;
        void (*say)(struct buf *out, const json_t *incident);
    } words[] = {{"where", incident_where},
                 {"what", incident_what},
                 {"summary", incident_summary}, /* made of the two */
                 {"remedy", incident_remedy}};
    set(writer, incident, "severity", json_string(incident_severity(incident)));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        words[i].say(&text, incident);
        set_text(writer, incident, words[i].key, text.data == NULL ? "" : (const char *)text.data);
        buf_done(&text);
    }
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
    set(&writer, root, "sites", json_loads(db_text(rows, row, "sites"), 0, NULL));
    set(&writer, root, "endpoints", endpoints_json(rows, row));
    set(&writer, root, "condition", json_incref(json_null()));
    set(&writer, root, "followers", json_array());
    if (detail != NULL && json_object_update(root, detail) != 0)
        writer.failed = true;
    json_t *vantages = json_loads(db_text(rows, row, "vantages"), 0, NULL); /* names, not ids */
    set(&writer, root, "vantages", vantages);
    json_decref(detail);
    incident_set_words(&writer, root);
    return finish(&writer, root);
}

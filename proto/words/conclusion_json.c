#include "words/conclusion_json.h"

#include "words/attempt_json.h"
#include "words/json_writer.h"

/* The schema of docs/JSON.md. */

/* One of the row's texts with the facts in it. */
static json_t *filled(const char *text, const struct conclusion *conclusion)
{
    struct buf out;
    buf_init(&out, 0);
    json_t *value = NULL;
    if (cause_text(&out, text, conclusion))
        value = json_text(out.data == NULL ? "" : (const char *)out.data);
    buf_done(&out);
    return value;
}

static json_t *facts_json(struct writer *writer, const struct conclusion *conclusion)
{
    json_t *facts = json_object();
    for (size_t i = 0; i < conclusion->fact_count; i++)
        set(writer, facts, conclusion->facts[i].key, json_text(conclusion->facts[i].value));
    return facts;
}

static json_t *ruled_out_json(struct writer *writer, const struct conclusion *conclusion)
{
    json_t *list = json_array();
    for (size_t i = 0; i < conclusion->ruled_count; i++) {
        json_t *row = json_object();
        set(writer, row, "cause", json_string(cause_row(conclusion->ruled[i].cause)->id));
        set(writer, row, "by", json_string(variant_name((int)conclusion->ruled[i].by)));
        add(writer, list, row);
    }
    return list;
}

static json_t *also_json(struct writer *writer, const struct conclusion *conclusion)
{
    json_t *list = json_array();
    for (size_t i = 0; i < conclusion->also_count; i++)
        add(writer, list, json_string(cause_row(conclusion->also[i])->id));
    return list;
}

static json_t *address_json(const struct attempt *attempt)
{
    char text[ADDRESS_TEXT_BYTES];
    const struct address *address = &attempt->flow.destination;
    return address->length == 0 ? json_null() : json_string(address_text(address, text));
}

static json_t *variants_json(struct writer *writer, const struct case_file *file)
{
    json_t *list = json_array();
    char raw[128];
    for (size_t i = 0; i < file->count; i++) {
        struct outcome outcome = file->outcomes[i];
        json_t *row = json_object();
        set(writer, row, "variant", json_string(variant_name((int)file->attempts[i]->variant)));
        set(writer, row, "role", json_string(attempt_role_name((int)file->attempts[i]->role)));
        set(writer, row, "address", address_json(file->attempts[i]));
        set(writer, row, "at_origin", json_boolean(file->origins[i] != NULL));
        set(writer, row, "outcome", json_string(outcome_class_id(outcome.class)));
        set(writer, row, "raw_text", json_text(outcome_raw_text(outcome, raw, sizeof raw)));
        add(writer, list, row);
    }
    return list;
}

json_t *conclusion_json(const struct case_file *file, const struct conclusion *conclusion)
{
    struct writer writer = {0};
    const struct cause_row *row = cause_row(conclusion->cause);
    bool confirmed = conclusion->certainty == CERTAINTY_CONFIRMED;
    json_t *value = json_object();
    set(&writer, value, "cause", json_string(row->id));
    set(&writer, value, "name", json_string(row->name));
    set(&writer, value, "certainty", json_string(confirmed ? "confirmed" : "consistent"));
    set(&writer, value, "text", filled(row->verdict, conclusion));
    set(&writer, value, "facts", facts_json(&writer, conclusion));
    set(&writer, value, "variants", variants_json(&writer, file));
    set(&writer, value, "ruled_out", ruled_out_json(&writer, conclusion));
    set(&writer, value, "also", also_json(&writer, conclusion));
    set(&writer, value, "remedy", filled(cause_remedy(conclusion), conclusion));
    return finish(&writer, value);
}

static void endpoint_keys(struct writer *writer, json_t *value, const struct case_file *file)
{
    set(writer, value, "host", json_text(file->endpoint->host));
    set(writer, value, "port", json_integer(file->endpoint->port));
    set(writer, value, "address", address_json(file->attempts[0]));
}

json_t *case_attempt_json(const struct case_file *file, size_t index)
{
    const struct endpoint *origin = file->origins[index];
    return attempt_json(file->attempts[index], origin == NULL ? file->endpoint : origin,
                        file->outcomes[index]);
}

json_t *verdict_line_json(const struct case_file *file, const struct conclusion *conclusion)
{
    struct writer writer = {0};
    json_t *value = json_object();
    set(&writer, value, "schema", json_integer(ATTEMPT_JSON_SCHEMA));
    set(&writer, value, "kind", json_string("verdict"));
    endpoint_keys(&writer, value, file);
    set(&writer, value, "verdict", conclusion_json(file, conclusion));
    return finish(&writer, value);
}

json_t *case_json(const struct case_file *file, const struct conclusion *conclusion)
{
    struct writer writer = {0};
    json_t *value = json_object(), *attempts = json_array();
    endpoint_keys(&writer, value, file);
    set(&writer, value, "verdict", conclusion_json(file, conclusion));
    for (size_t i = 0; i < file->count; i++)
        add(&writer, attempts, case_attempt_json(file, i));
    set(&writer, value, "attempts", attempts);
    return finish(&writer, value);
}

#include "report/rows.h"
#include "store/db.h"
#include "words/attempt_json.h"
#include "words/plan.h"

#include <stdio.h>
#include <string.h>

/* From a statement's result to JSON. */

enum { ROWS_MAX_NAME = 64 };

json_t *rows_outcome_json(struct outcome outcome)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "stage", outcome_stage_id(outcome.stage), "class",
                     outcome_class_id(outcome.class), "raw_kind", outcome_raw_kind_id(outcome.raw_kind),
                     "raw", (int)outcome.raw);
}

/* The column beside one that ends in _class: "last_class" -> "last_raw". */
static const char *beside(const char *column, const char *suffix, char out[ROWS_MAX_NAME])
{
    size_t stem = strlen(column) - strlen("class");
    (void)snprintf(out, ROWS_MAX_NAME, "%.*s%s", (int)stem, column, suffix);
    return out;
}

static json_t *read_outcome(const PGresult *result, int row, const char *column)
{
    char kind[ROWS_MAX_NAME], raw[ROWS_MAX_NAME];
    struct outcome outcome;
    if (!outcome_from_numbers((int)db_int(result, row, column),
                              (int)db_int(result, row, beside(column, "raw_kind", kind)),
                              (int32_t)db_int(result, row, beside(column, "raw", raw)), &outcome))
        return json_null();
    return rows_outcome_json(outcome);
}

/* A value made by the database's own JSON functions. */
static json_t *read_json(const PGresult *result, int row, const char *column)
{
    json_t *list = db_null(result, row, column) ? NULL : json_loads(db_text(result, row, column), 0, NULL);
    return list != NULL ? list : json_array();
}

/* [{"class": 40, "raw_kind": 1, "raw": 104, "count": 7}] with numbers, to outcomes by name. */
static json_t *read_outcomes(const PGresult *result, int row, const char *column)
{
    json_t *numbers = read_json(result, row, column), *list = json_array(), *item;
    size_t index;
    json_array_foreach(numbers, index, item)
    {
        struct outcome outcome;
        if (!outcome_from_numbers((int)json_integer_value(json_object_get(item, "class")),
                                  (int)json_integer_value(json_object_get(item, "raw_kind")),
                                  (int32_t)json_integer_value(json_object_get(item, "raw")), &outcome))
            continue;
        json_t *object = rows_outcome_json(outcome);
        (void)json_object_set(object, "count", json_object_get(item, "count"));
        (void)json_array_append_new(list, object);
    }
    json_decref(numbers);
    return list;
}

static json_t *read_field(const PGresult *result, int row, const char *column, enum rows_kind kind)
{
    if (kind == ROWS_LIST)
        return read_json(result, row, column);
    if (kind == ROWS_OUTCOMES)
        return read_outcomes(result, row, column);
    if (db_null(result, row, column))
        return json_null();
    switch (kind) {
    case ROWS_INT:
    case ROWS_US:
    case ROWS_ASN:
        return json_integer(db_int(result, row, column));
    case ROWS_SHARE:
    case ROWS_TIMES:
        return json_real(db_real(result, row, column));
    case ROWS_ROLE:
        return json_string(endpoint_role_name((int)db_int(result, row, column)));
    case ROWS_OUTCOME:
        return read_outcome(result, row, column);
    case ROWS_FLAG:
        return json_boolean(db_text(result, row, column)[0] == 't');
    case ROWS_TEXT:
    case ROWS_WORD:
    case ROWS_TIME:
    case ROWS_ENDPOINT:
    case ROWS_HASH:
    case ROWS_LIST:
    case ROWS_OUTCOMES:
        break;
    }
    return json_text(db_text(result, row, column));
}

static json_t *read_row(const PGresult *result, int row, const struct rows_field *fields)
{
    json_t *object = json_object();
    bool done = object != NULL;
    for (const struct rows_field *field = fields; done && field->column != NULL; field++) {
        done = json_object_set_new(object, field->column,
                                   read_field(result, row, field->column, field->kind)) == 0;
        if (done && field->second != NULL)
            done = json_object_set_new(object, field->second,
                                       read_field(result, row, field->second, field->kind)) == 0;
    }
    if (done)
        return object;
    json_decref(object);
    return NULL;
}

json_t *rows_read(const PGresult *result, const struct rows_field *fields)
{
    json_t *list = json_array();
    for (int row = 0; list != NULL && row < PQntuples(result); row++) {
        if (json_array_append_new(list, read_row(result, row, fields)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

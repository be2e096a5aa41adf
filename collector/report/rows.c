#include "report/rows.h"

#include "cli/i18n.h"
#include "cli/table.h"
#include "report/csv.h"
#include "report/label.h"
#include "store/db.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX_NAME = 64, ROWS_HASH_CHARS = 16, ROWS_LIST_NAMES = 6 };

/* The column beside one that ends in _class: "last_class" -> "last_raw". */
static const char *beside(const char *column, const char *suffix, char out[ROWS_MAX_NAME])
{
    size_t stem = strlen(column) - strlen("class");
    (void)snprintf(out, ROWS_MAX_NAME, "%.*s%s", (int)stem, column, suffix);
    return out;
}

static bool row_outcome(const PGresult *result, int row, const char *column, struct outcome *ret_outcome)
{
    char kind[ROWS_MAX_NAME], raw[ROWS_MAX_NAME];
    return !db_null(result, row, column) &&
           outcome_from_numbers((int)db_int(result, row, column),
                                (int)db_int(result, row, beside(column, "raw_kind", kind)),
                                (int32_t)db_int(result, row, beside(column, "raw", raw)), ret_outcome);
}

static json_t *row_list(const PGresult *result, int row, const char *column)
{
    json_t *list = db_null(result, row, column) ? NULL : json_loads(db_text(result, row, column), 0, NULL);
    return list != NULL ? list : json_array();
}

static bool is_right_aligned(enum rows_kind kind)
{
    return kind == ROWS_INT || kind == ROWS_US || kind == ROWS_SHARE;
}

static void say_span(const PGresult *result, int row, const char *column, struct buf *out)
{
    char span[UNITS_SPAN_BYTES];
    (void)buf_text(out, db_null(result, row, column) ? "-" : span_text(db_int(result, row, column), span));
}

static void say_list(const PGresult *result, int row, const char *column, struct buf *out)
{
    json_t *list = row_list(result, row, column), *item;
    size_t index;
    json_array_foreach(list, index, item)
    {
        if (index == ROWS_LIST_NAMES) {
            (void)buf_printf(out, _(" and %zu more"), json_array_size(list) - index);
            break;
        }
        (void)buf_printf(out, "%s%s", index > 0 ? ", " : "", json_string_value(item));
    }
    json_decref(list);
}

static void say_endpoint(const PGresult *result, int row, const char *column, struct buf *out)
{
    char label[ENDPOINT_LABEL_BYTES];
    struct matrix_endpoint endpoint = {
        .role = (enum endpoint_role)db_int(result, row, "endpoint_role"),
        .host = db_text(result, row, column),
        .port = (uint16_t)db_int(result, row, "port"),
        .address = db_text(result, row, "address"),
    };
    (void)buf_text(out, endpoint_label(&endpoint, label));
}

/* What is short of memory is shown short: an answer with a gap serves better than none. */
static void say_field(const PGresult *result, int row, const struct rows_field *field, struct buf *out)
{
    char label[LABEL_BYTES];
    const char *text = db_text(result, row, field->column);
    struct outcome outcome;
    bool null = db_null(result, row, field->column) || text[0] == '\0';
    switch (field->kind) {
    case ROWS_TEXT:
    case ROWS_INT:
        (void)buf_text(out, null ? "-" : text);
        return;
    case ROWS_TIME: /* whole seconds are enough to read */
        (void)(null ? buf_text(out, "-") : buf_printf(out, "%.19sZ", text));
        return;
    case ROWS_US:
        say_span(result, row, field->column, out);
        if (field->second != NULL && !null) {
            (void)buf_text(out, " / ");
            say_span(result, row, field->second, out);
        }
        return;
    case ROWS_SHARE:
        (void)(null ? buf_text(out, "-")
                    : buf_printf(out, "%.1f %%", 100.0 * db_real(result, row, field->column)));
        return;
    case ROWS_LIST:
        say_list(result, row, field->column, out);
        return;
    case ROWS_ROLE:
        (void)buf_text(out, endpoint_role_name((int)db_int(result, row, field->column)));
        return;
    case ROWS_ENDPOINT:
        say_endpoint(result, row, field->column, out);
        return;
    case ROWS_ASN:
        (void)buf_text(out, asn_label(db_int(result, row, field->column), label));
        return;
    case ROWS_OUTCOME:
        (void)buf_text(out, row_outcome(result, row, field->column, &outcome) ? outcome_label(outcome, label)
                                                                              : "-");
        return;
    case ROWS_HASH:
        (void)buf_append(out, text, strnlen(text, ROWS_HASH_CHARS));
        return;
    }
}

void rows_print(const PGresult *result, const struct rows_field *fields, FILE *stream)
{
    unsigned columns = 0;
    for (const struct rows_field *field = fields; field->column != NULL; field++)
        columns += field->title != NULL;
    struct table *table = table_new(columns);
    if (table == NULL)
        return;
    columns = 0;
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        if (field->title == NULL)
            continue;
        if (is_right_aligned(field->kind))
            table_align_right(table, columns);
        table_cell(table, TERM_HEAD, "%s", _(field->title));
        columns++;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        for (const struct rows_field *field = fields; field->column != NULL; field++) {
            struct buf text;
            if (field->title == NULL)
                continue;
            buf_init(&text, 0);
            say_field(result, row, field, &text);
            char *safe = text_safe_copy(text.data == NULL ? "" : (const char *)text.data);
            table_cell(table, TERM_PLAIN, "%s", safe);
            free(safe);
            buf_done(&text);
        }
    }
    table_print(table, stream, 0);
    table_free(table);
}

static json_t *field_json(const PGresult *result, int row, const struct rows_field *field)
{
    struct outcome outcome;
    const char *text = db_text(result, row, field->column);
    if (field->kind == ROWS_LIST)
        return row_list(result, row, field->column);
    if (db_null(result, row, field->column))
        return json_null();
    switch (field->kind) {
    case ROWS_INT:
    case ROWS_US:
    case ROWS_ASN:
        return json_integer(db_int(result, row, field->column));
    case ROWS_SHARE:
        return json_real(db_real(result, row, field->column));
    case ROWS_ROLE:
        return json_string(endpoint_role_name((int)db_int(result, row, field->column)));
    case ROWS_OUTCOME:
        if (!row_outcome(result, row, field->column, &outcome))
            return json_null();
        return json_pack("{s:s, s:s, s:s, s:i}", "stage", outcome_stage_id(outcome.stage), "class",
                         outcome_class_id(outcome.class), "raw_kind", outcome_raw_kind_id(outcome.raw_kind),
                         "raw", outcome.raw);
    case ROWS_TEXT:
    case ROWS_TIME:
    case ROWS_ENDPOINT:
    case ROWS_HASH:
    case ROWS_LIST:
        break;
    }
    return json_text(text);
}

json_t *rows_json(const PGresult *result, const struct rows_field *fields)
{
    json_t *list = json_array();
    for (int row = 0; list != NULL && row < PQntuples(result); row++) {
        json_t *object = json_object();
        bool done = object != NULL;
        for (const struct rows_field *field = fields; done && field->column != NULL; field++) {
            done = json_object_set_new(object, field->column, field_json(result, row, field)) == 0;
            if (done && field->second != NULL) {
                struct rows_field second = {.column = field->second, .kind = field->kind};
                done = json_object_set_new(object, field->second, field_json(result, row, &second)) == 0;
            }
        }
        if (!done || json_array_append_new(list, object) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static void csv_field(struct csv *csv, const PGresult *result, int row, const struct rows_field *field)
{
    struct outcome outcome;
    const char *text = db_text(result, row, field->column);
    switch (field->kind) {
    case ROWS_INT:
    case ROWS_US:
    case ROWS_SHARE:
    case ROWS_ASN:
        csv_number(csv, text);
        return;
    case ROWS_ROLE:
        csv_text(csv, endpoint_role_name((int)db_int(result, row, field->column)));
        return;
    case ROWS_OUTCOME:
        csv_text(csv,
                 row_outcome(result, row, field->column, &outcome) ? outcome_class_id(outcome.class) : "");
        return;
    case ROWS_TEXT:
    case ROWS_TIME:
    case ROWS_ENDPOINT:
    case ROWS_HASH:
    case ROWS_LIST:
        csv_text(csv, text);
        return;
    }
}

bool rows_csv(const PGresult *result, const struct rows_field *fields, FILE *stream)
{
    struct csv csv;
    csv_begin(&csv);
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        csv_text(&csv, field->column);
        if (field->second != NULL)
            csv_text(&csv, field->second);
    }
    bool done = csv_end_row(&csv, stream);
    for (int row = 0; done && row < PQntuples(result); row++) {
        for (const struct rows_field *field = fields; field->column != NULL; field++) {
            csv_field(&csv, result, row, field);
            if (field->second != NULL)
                csv_number(&csv, db_text(result, row, field->second));
        }
        done = csv_end_row(&csv, stream);
    }
    csv_done(&csv);
    return done;
}

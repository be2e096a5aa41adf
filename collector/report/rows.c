#include "report/rows.h"

#include "cli/i18n.h"
#include "cli/table.h"
#include "report/csv.h"
#include "report/md.h"

#include <stdlib.h>
#include <string.h>

static char *said(const json_t *row, const struct rows_field *field)
{
    struct buf text;
    buf_init(&text, 0);
    rows_say(&text, row, field);
    char *safe = text_safe_copy(text.data == NULL ? "" : (const char *)text.data);
    buf_done(&text);
    return safe;
}

void rows_print(const json_t *rows, const struct rows_field *fields, FILE *stream)
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
        if (rows_is_number(field->kind))
            table_align_right(table, columns);
        table_cell(table, TERM_HEAD, "%s", _(field->title));
        columns++;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (const struct rows_field *field = fields; field->column != NULL; field++) {
            if (field->title == NULL)
                continue;
            char *text = said(json_array_get(rows, i), field);
            table_cell(table, TERM_PLAIN, "%s", text);
            free(text);
        }
    }
    table_print(table, stream, 0);
    table_free(table);
}

static void csv_value(struct csv *csv, const json_t *value)
{
    char number[32];
    struct outcome outcome;
    if (value == NULL) {
        csv_number(csv, "");
    } else if (json_is_string(value)) {
        csv_text(csv, json_string_value(value));
    } else if (json_is_integer(value)) {
        csv_int(csv, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)snprintf(number, sizeof number, "%.6g", json_real_value(value));
        csv_number(csv, number);
    } else if (rows_outcome(value, &outcome)) {
        csv_text(csv, outcome_class_id(outcome.class));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        csv_text(csv, text != NULL ? text : "");
        free(text);
    }
}

bool rows_csv(const json_t *rows, const struct rows_field *fields, FILE *stream)
{
    struct csv csv;
    csv_begin(&csv);
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        csv_text(&csv, field->column);
        if (field->second != NULL)
            csv_text(&csv, field->second);
    }
    bool done = csv_end_row(&csv, stream);
    for (size_t i = 0; done && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        for (const struct rows_field *field = fields; field->column != NULL; field++) {
            csv_value(&csv, rows_value(row, field));
            if (field->second != NULL)
                csv_value(&csv, rows_value(row, &(struct rows_field){.column = field->second}));
        }
        done = csv_end_row(&csv, stream);
    }
    csv_done(&csv);
    return done;
}

bool rows_ndjson(const json_t *rows, FILE *stream)
{
    bool done = true;
    for (size_t i = 0; done && i < json_array_size(rows); i++)
        done = json_dumpf(json_array_get(rows, i), stream, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0 &&
               fputc('\n', stream) != EOF;
    return done;
}

bool rows_md(const json_t *rows, const struct rows_field *fields, FILE *stream)
{
    struct md md;
    md_begin(&md);
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        if (field->title != NULL)
            md_head(&md, _(field->title), rows_is_number(field->kind));
    }
    bool done = md_end_head(&md, stream);
    for (size_t i = 0; done && i < json_array_size(rows); i++) {
        for (const struct rows_field *field = fields; field->column != NULL; field++) {
            if (field->title == NULL)
                continue;
            char *text = said(json_array_get(rows, i), field);
            md_cell(&md, text);
            free(text);
        }
        done = md_end_row(&md, stream);
    }
    md_done(&md);
    return done;
}

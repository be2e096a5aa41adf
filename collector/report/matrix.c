#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "report/label.h"
#include "report/md.h"
#include "report/rows.h"
#include "report/show.h"
#include "words/attempt_json.h"
#include "words/evidence.h"
#include "words/json_writer.h"

#include <stdlib.h>
#include <string.h>

enum { MATRIX_LEFT_COLUMNS = 3, MATRIX_BLOCK_COLUMNS = 60, MATRIX_GAP = 2, MATRIX_HEADER_LINES = 3 };

static void safe_cell(struct table *table, enum term_style style, const char *text)
{
    char *safe = text_safe_copy(text);
    table_cell(table, style, "%s", safe);
    free(safe);
}

static unsigned safe_width(const char *text)
{
    char *safe = text_safe_copy(text);
    unsigned width = text_width(safe);
    free(safe);
    return width;
}

static unsigned wider(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Endpoints asked for by name only belong to no site, and need no column for one. */
static unsigned left_columns(const struct matrix *matrix)
{
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        if (matrix->endpoints[e].site[0] != '\0')
            return MATRIX_LEFT_COLUMNS;
    }
    return MATRIX_LEFT_COLUMNS - 1;
}

static unsigned left_width(const struct matrix *matrix)
{
    char label[ENDPOINT_LABEL_BYTES];
    unsigned site = 0, role = 0, place = 0;
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        site = wider(site, safe_width(matrix->endpoints[e].site));
        role = wider(role, text_width(endpoint_role_name((int)matrix->endpoints[e].role)));
        place = wider(place, safe_width(endpoint_label(&matrix->endpoints[e], label)));
    }
    return site + role + place + MATRIX_GAP * (left_columns(matrix) - 1);
}

static unsigned column_width(const struct matrix *matrix, unsigned vantage)
{
    char label[LABEL_BYTES];
    const struct matrix_vantage *own = &matrix->vantages[vantage];
    unsigned width = wider(safe_width(own->name), safe_width(own->region));
    width = wider(width, text_width(asn_label(own->asn, label)));
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        enum term_style style;
        width = wider(width, text_width(cell_label(matrix_cell(matrix, e, vantage), label, &style)));
    }
    return width;
}

/* One past the last vantage that still fits beside first. */
static unsigned block_end(const struct matrix *matrix, unsigned first, FILE *stream)
{
    unsigned used = left_width(matrix), limit = term_is_tty(stream) ? term_width(stream) : UINT32_MAX;
    unsigned end = first;
    while (end < matrix->vantage_count && end - first < MATRIX_BLOCK_COLUMNS) {
        used += MATRIX_GAP + column_width(matrix, end);
        if (used > limit && end > first)
            break;
        end++;
    }
    return end;
}

/* A name that repeats its left neighbour's is left out, so that groups show. */
static void header(struct table *table, const struct matrix *matrix, unsigned first, unsigned end)
{
    char label[LABEL_BYTES];
    for (int line = 0; line < MATRIX_HEADER_LINES; line++) {
        for (unsigned i = 0; i < left_columns(matrix); i++)
            table_cell(table, TERM_PLAIN, "%s", "");
        for (unsigned v = first; v < end; v++) {
            const struct matrix_vantage *own = &matrix->vantages[v], *before = v > first ? own - 1 : NULL;
            bool same_region = before != NULL && strcmp(own->region, before->region) == 0;
            if (line == 0)
                safe_cell(table, TERM_HEAD, same_region ? "" : own->region);
            else if (line == 1)
                table_cell(table, TERM_DIM, "%s", asn_label(own->asn, label));
            else
                safe_cell(table, TERM_HEAD, own->name);
        }
        table_end_row(table);
    }
}

static void rows(struct table *table, const struct matrix *matrix, unsigned first, unsigned end)
{
    char place[ENDPOINT_LABEL_BYTES], label[LABEL_BYTES];
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        const struct matrix_endpoint *endpoint = &matrix->endpoints[e];
        bool same_site = e > 0 && strcmp(endpoint->site, matrix->endpoints[e - 1].site) == 0;
        if (left_columns(matrix) == MATRIX_LEFT_COLUMNS)
            safe_cell(table, TERM_BOLD, same_site ? "" : endpoint->site);
        table_cell(table, TERM_PLAIN, "%s", endpoint_role_name((int)endpoint->role));
        safe_cell(table, TERM_PLAIN, endpoint_label(endpoint, place));
        for (unsigned v = first; v < end; v++) {
            enum term_style style;
            const char *text = cell_label(matrix_cell(matrix, e, v), label, &style);
            table_cell(table, style, "%s", text);
        }
        table_end_row(table);
    }
}

unsigned matrix_print(const struct matrix *matrix, FILE *stream)
{
    unsigned lines = 0;
    for (unsigned first = 0; first < matrix->vantage_count;) {
        unsigned end = block_end(matrix, first, stream);
        struct table *table = table_new(left_columns(matrix) + end - first);
        if (table == NULL)
            return lines;
        (void)fputc('\n', stream);
        header(table, matrix, first, end);
        rows(table, matrix, first, end);
        table_print(table, stream, 0);
        table_free(table);
        lines += 1 + MATRIX_HEADER_LINES + matrix->endpoint_count;
        first = end;
    }
    return lines;
}

void matrix_totals(const struct matrix *matrix, unsigned *ret_failing, unsigned *ret_cells)
{
    *ret_failing = 0;
    *ret_cells = 0;
    for (size_t i = 0; i < (size_t)matrix->endpoint_count * matrix->vantage_count; i++) {
        enum cell_state state = cell_state(&matrix->cells[i]);
        *ret_failing += state == CELL_FAIL || state == CELL_AT_TIMES;
        *ret_cells += state != CELL_NONE && state != CELL_LOCAL;
    }
}

static json_t *number_or_null(int64_t number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static json_t *cell_json(const struct matrix *matrix, unsigned e, unsigned v)
{
    const struct cell *cell = matrix_cell(matrix, e, v);
    const struct look *look = &cell->look;
    json_t *outcomes = json_array();
    for (size_t i = 0; i < cell->tally_count; i++) {
        struct outcome outcome = cell->tallies[i].outcome;
        (void)json_array_append_new(
            outcomes,
            json_pack("{s:s, s:s, s:s, s:i, s:I}", "stage", outcome_stage_id(outcome.stage), "class",
                      outcome_class_id(outcome.class), "raw_kind", outcome_raw_kind_id(outcome.raw_kind),
                      "raw", outcome.raw, "count", (json_int_t)cell->tallies[i].count));
    }
    return json_pack(
        "{s:I, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o}}",
        "endpoint_id", (json_int_t)matrix->endpoints[e].id, "vantage", json_text(matrix->vantages[v].name),
        "state", cell_state_name(cell_state(cell)), "attempts", (json_int_t)cell->attempts, "passed",
        (json_int_t)cell->passed, "failed", (json_int_t)cell->failed, "local", (json_int_t)cell->local,
        "confirm_attempts", (json_int_t)cell->confirm_attempts, "confirm_failed",
        (json_int_t)cell->confirm_failed, "outcomes", outcomes, "handshake_us",
        cell->handshake_us < 0 ? json_null() : json_integer(cell->handshake_us), "look", "certificate_sha256",
        json_text(look->leaf), "key_sha256", json_text(look->key), "issuer", json_text(look->issuer),
        "tls_version", number_or_null(look->tls_version), "cipher", number_or_null(look->cipher), "tls_group",
        number_or_null(look->group), "alpn", json_text(look->alpn), "http_status",
        number_or_null(look->http_status), "location", json_text(look->location), "pop", json_text(look->pop),
        "addresses", json_text(look->addresses));
}

bool matrix_to_json(const struct matrix *matrix, json_t *root)
{
    json_t *vantages = json_array(), *endpoints = json_array(), *cells = json_array();
    bool done = vantages != NULL && endpoints != NULL && cells != NULL;
    for (unsigned v = 0; done && v < matrix->vantage_count; v++) {
        const struct matrix_vantage *own = &matrix->vantages[v];
        done = json_array_append_new(vantages,
                                     json_pack("{s:o, s:o, s:o}", "name", json_text(own->name), "region",
                                               json_text(own->region), "asn", number_or_null(own->asn))) == 0;
    }
    for (unsigned e = 0; done && e < matrix->endpoint_count; e++) {
        const struct matrix_endpoint *own = &matrix->endpoints[e];
        done =
            json_array_append_new(
                endpoints, json_pack("{s:I, s:o, s:s, s:o, s:i, s:o, s:o}", "id", (json_int_t)own->id, "site",
                                     json_text(own->site), "role", endpoint_role_name((int)own->role), "host",
                                     json_text(own->host), "port", (int)own->port, "sni", json_text(own->sni),
                                     "address", json_text(own->address))) == 0;
        for (unsigned v = 0; done && v < matrix->vantage_count; v++)
            done = json_array_append_new(cells, cell_json(matrix, e, v)) == 0;
    }
    done = json_object_set_new(root, "vantages", vantages) == 0 && done;
    done = json_object_set_new(root, "endpoints", endpoints) == 0 && done;
    return json_object_set_new(root, "cells", cells) == 0 && done;
}

const struct rows_field cell_fields[] = {
    {"site", NULL, ROWS_TEXT, NULL, NULL},
    {"role", NULL, ROWS_ROLE, NULL, NULL},
    {"host", NULL, ROWS_ENDPOINT, NULL, NULL},
    {"port", NULL, ROWS_INT, NULL, NULL},
    {"address", NULL, ROWS_TEXT, NULL, NULL},
    {"vantage", NULL, ROWS_TEXT, NULL, NULL},
    {"region", NULL, ROWS_TEXT, NULL, NULL},
    {"asn", NULL, ROWS_ASN, NULL, NULL},
    {"state", NULL, ROWS_TEXT, NULL, NULL},
    {"attempts", NULL, ROWS_INT, NULL, NULL},
    {"passed", NULL, ROWS_INT, NULL, NULL},
    {"failed", NULL, ROWS_INT, NULL, NULL},
    {"local", NULL, ROWS_INT, NULL, NULL},
    {"confirm_attempts", NULL, ROWS_INT, NULL, NULL},
    {"confirm_failed", NULL, ROWS_INT, NULL, NULL},
    {"class", NULL, ROWS_TEXT, NULL, "worst.class"},
    {"raw_kind", NULL, ROWS_TEXT, NULL, "worst.raw_kind"},
    {"raw", NULL, ROWS_INT, NULL, "worst.raw"},
    {"count", NULL, ROWS_INT, NULL, "worst.count"},
    {"handshake_us", NULL, ROWS_US, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

/* The most common failing class; of a cell without one, the most common class. */
static json_t *worst_json(const struct cell *cell)
{
    const struct tally *worst = cell_worst(cell);
    if (worst == NULL && cell->tally_count > 0)
        worst = &cell->tallies[0];
    json_t *object = worst == NULL ? json_null() : rows_outcome_json(worst->outcome);
    if (worst != NULL)
        (void)json_object_set_new(object, "count", json_integer(worst->count));
    return object;
}

static json_t *row_json(const struct matrix *matrix, unsigned e, unsigned v)
{
    struct writer writer = {.failed = false};
    const struct matrix_endpoint *endpoint = &matrix->endpoints[e];
    const struct matrix_vantage *vantage = &matrix->vantages[v];
    json_t *row = cell_json(matrix, e, v);
    set(&writer, row, "site", json_text(endpoint->site));
    set(&writer, row, "role", json_string(endpoint_role_name((int)endpoint->role)));
    set(&writer, row, "host", json_text(endpoint->host));
    set(&writer, row, "port", json_integer(endpoint->port));
    set(&writer, row, "address", json_text(endpoint->address));
    set(&writer, row, "region", json_text(vantage->region));
    set(&writer, row, "asn", number_or_null(vantage->asn));
    set(&writer, row, "worst", worst_json(matrix_cell(matrix, e, v)));
    return finish(&writer, row);
}

json_t *matrix_rows(const struct matrix *matrix)
{
    struct writer writer = {.failed = false};
    json_t *rows = json_array();
    for (unsigned e = 0; e < matrix->endpoint_count; e++) {
        for (unsigned v = 0; v < matrix->vantage_count; v++)
            add(&writer, rows, row_json(matrix, e, v));
    }
    return finish(&writer, rows);
}

bool matrix_to_csv(const struct matrix *matrix, FILE *stream)
{
    json_t *list = matrix_rows(matrix);
    bool done = list != NULL && rows_csv(list, cell_fields, stream);
    json_decref(list);
    return done;
}

bool matrix_to_md(const struct matrix *matrix, FILE *stream)
{
    char place[ENDPOINT_LABEL_BYTES], label[LABEL_BYTES];
    enum term_style style;
    struct md md;
    md_begin(&md);
    md_head(&md, _("SITE"), false);
    md_head(&md, _("ROLE"), false);
    md_head(&md, _("ENDPOINT"), false);
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        struct buf title;
        buf_init(&title, 0);
        (void)buf_printf(&title, "%s %s %s", matrix->vantages[v].region,
                         asn_label(matrix->vantages[v].asn, label), matrix->vantages[v].name);
        md_head(&md, title.data == NULL ? "" : (const char *)title.data, false);
        buf_done(&title);
    }
    bool done = md_end_head(&md, stream);
    for (unsigned e = 0; done && e < matrix->endpoint_count; e++) {
        md_cell(&md, matrix->endpoints[e].site);
        md_cell(&md, endpoint_role_name((int)matrix->endpoints[e].role));
        md_cell(&md, endpoint_label(&matrix->endpoints[e], place));
        for (unsigned v = 0; v < matrix->vantage_count; v++)
            md_cell(&md, cell_label(matrix_cell(matrix, e, v), label, &style));
        done = md_end_row(&md, stream);
    }
    md_done(&md);
    return done;
}

bool show_json(json_t *root)
{
    bool done = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
                fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    if (!done)
        cli_error(_("cannot write the report: %s"),
                  root == NULL ? _("out of memory") : _("standard output is closed"));
    json_decref(root);
    return done;
}

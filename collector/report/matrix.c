#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "report/csv.h"
#include "report/label.h"
#include "report/show.h"
#include "words/attempt_json.h"
#include "words/evidence.h"

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
        "{s:I, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o}}",
        "endpoint_id", (json_int_t)matrix->endpoints[e].id, "vantage", json_text(matrix->vantages[v].name),
        "state", cell_state_name(cell_state(cell)), "attempts", (json_int_t)cell->attempts, "passed",
        (json_int_t)cell->passed, "failed", (json_int_t)cell->failed, "local", (json_int_t)cell->local,
        "confirm_attempts", (json_int_t)cell->confirm_attempts, "confirm_failed",
        (json_int_t)cell->confirm_failed, "outcomes", outcomes, "handshake_us",
        cell->handshake_us < 0 ? json_null() : json_integer(cell->handshake_us), "look", "certificate_sha256",
        json_text(look->leaf), "issuer", json_text(look->issuer), "tls_version",
        number_or_null(look->tls_version), "cipher", number_or_null(look->cipher), "alpn",
        json_text(look->alpn), "http_status", number_or_null(look->http_status), "addresses",
        json_text(look->addresses));
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

static bool csv_header(struct csv *csv, FILE *stream)
{
    static const char *const names[] = {
        "site",           "role",
        "host",           "port",
        "address",        "vantage",
        "region",         "asn",
        "state",          "attempts",
        "passed",         "failed",
        "local",          "confirm_attempts",
        "confirm_failed", "class",
        "raw_kind",       "raw",
        "count",          "handshake_us",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        csv_text(csv, names[i]);
    return csv_end_row(csv, stream);
}

static bool csv_cell(struct csv *csv, const struct matrix *matrix, unsigned e, unsigned v, FILE *stream)
{
    const struct matrix_endpoint *endpoint = &matrix->endpoints[e];
    const struct matrix_vantage *vantage = &matrix->vantages[v];
    const struct cell *cell = matrix_cell(matrix, e, v);
    const struct tally *worst = cell_worst(cell);
    if (worst == NULL && cell->tally_count > 0)
        worst = &cell->tallies[0];
    csv_text(csv, endpoint->site);
    csv_text(csv, endpoint_role_name((int)endpoint->role));
    csv_text(csv, endpoint->host);
    csv_int(csv, endpoint->port);
    csv_text(csv, endpoint->address);
    csv_text(csv, vantage->name);
    csv_text(csv, vantage->region);
    if (vantage->asn == 0)
        csv_number(csv, "");
    else
        csv_int(csv, vantage->asn);
    csv_text(csv, cell_state_name(cell_state(cell)));
    const unsigned counts[] = {cell->attempts, cell->passed,           cell->failed,
                               cell->local,    cell->confirm_attempts, cell->confirm_failed};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        csv_int(csv, counts[i]);
    csv_text(csv, worst == NULL ? "" : outcome_class_id(worst->outcome.class));
    csv_text(csv, worst == NULL ? "" : outcome_raw_kind_id(worst->outcome.raw_kind));
    csv_int(csv, worst == NULL ? 0 : worst->outcome.raw);
    csv_int(csv, worst == NULL ? 0 : worst->count);
    if (cell->handshake_us < 0)
        csv_number(csv, "");
    else
        csv_int(csv, cell->handshake_us);
    return csv_end_row(csv, stream);
}

bool matrix_to_csv(const struct matrix *matrix, FILE *stream)
{
    struct csv csv;
    csv_begin(&csv);
    bool done = csv_header(&csv, stream);
    for (unsigned e = 0; done && e < matrix->endpoint_count; e++) {
        for (unsigned v = 0; done && v < matrix->vantage_count; v++)
            done = csv_cell(&csv, matrix, e, v, stream);
    }
    csv_done(&csv);
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

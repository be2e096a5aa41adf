#include "cli/i18n.h"
#include "cli/term.h"
#include "report/label.h"
#include "report/rows.h"
#include "report/show.h"
#include "words/attempt_json.h"

#include <stdlib.h>
#include <string.h>

static void print_safe(FILE *stream, enum term_style style, const char *text)
{
    char *safe = text_safe_copy(text);
    term_print(stream, style, safe);
    free(safe);
}

/* Prose from the diff: wrapped on a terminal, one line in a pipe. */
static void print_prose(FILE *stream, const char *text, unsigned indent, enum term_style style)
{
    char *safe = text_safe_copy(text);
    struct buf wrapped;
    buf_init(&wrapped, 0);
    if (!term_is_tty(stream) || !text_wrap(&wrapped, safe, indent, term_width(stream))) {
        (void)fprintf(stream, "%*s", (int)indent, "");
        term_print(stream, style, safe);
        (void)fputc('\n', stream);
    } else {
        term_print(stream, style, (const char *)wrapped.data);
    }
    buf_done(&wrapped);
    free(safe);
}

static void print_place(const struct matrix_endpoint *endpoint, FILE *stream)
{
    char label[ENDPOINT_LABEL_BYTES];
    (void)fputc('\n', stream);
    if (endpoint->site[0] != '\0') {
        print_safe(stream, TERM_BOLD, endpoint->site);
        (void)fputs("  ", stream);
    }
    (void)fprintf(stream, "%s  ", endpoint_role_name((int)endpoint->role));
    print_safe(stream, TERM_BOLD, endpoint_label(endpoint, label));
    (void)fputc('\n', stream);
}

static void print_finding(const struct finding *finding, FILE *stream)
{
    static const enum term_style styles[] = {
        [FINDING_NOTE] = TERM_DIM, [FINDING_DIFFERENCE] = TERM_WARN, [FINDING_FAULT] = TERM_BAD};
    print_prose(stream, finding->text, 2, styles[finding->level]);
    for (size_t i = 0; i < finding->caveat_count; i++)
        print_prose(stream, finding->caveats[i], 4, TERM_DIM);
}

void diff_print(const struct diff *diff, FILE *stream)
{
    for (size_t i = 0; i < diff->finding_count; i++) {
        const struct finding *finding = &diff->findings[i];
        if (i == 0 || finding->endpoint != diff->findings[i - 1].endpoint)
            print_place(&diff->matrix->endpoints[finding->endpoint], stream);
        print_finding(finding, stream);
    }
    for (size_t i = 0; i < diff->aside_count; i++) {
        if (i == 0)
            (void)fprintf(stream, "\n%s\n", _("set aside, and not counted above"));
        print_prose(stream, diff->asides[i].text, 2, TERM_WARN);
    }
}

static json_t *where_json(const struct diff *diff, const struct finding *finding)
{
    json_t *list = json_array();
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        const struct cell *cell = matrix_cell(diff->matrix, finding->endpoint, v);
        if (finding->where[v])
            (void)json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:I, s:I}", "name",
                                                        json_text(diff->matrix->vantages[v].name), "failed",
                                                        (json_int_t)cell->failed, "attempts",
                                                        (json_int_t)cell_valid(cell), "confirm_failed",
                                                        (json_int_t)cell->confirm_failed, "confirm_attempts",
                                                        (json_int_t)cell->confirm_attempts));
    }
    return list;
}

static json_t *passes_json(const struct diff *diff, unsigned endpoint)
{
    json_t *list = json_array();
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (diff->valid[v] && cell_state(matrix_cell(diff->matrix, endpoint, v)) == CELL_PASS)
            (void)json_array_append_new(list, json_text(diff->matrix->vantages[v].name));
    }
    return list;
}

static json_t *caveats_json(const struct finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; i < finding->caveat_count; i++)
        (void)json_array_append_new(list, json_text(finding->caveats[i]));
    return list;
}

static json_t *finding_json(const struct diff *diff, const struct finding *finding)
{
    const struct matrix_endpoint *endpoint = &diff->matrix->endpoints[finding->endpoint];
    bool fails = finding->kind == FINDING_FAILS || finding->kind == FINDING_AT_TIMES;
    json_t *counterpart = finding->has_counterpart
                              ? json_pack("{s:I, s:o}", "endpoint_id",
                                          (json_int_t)diff->matrix->endpoints[finding->counterpart].id,
                                          "passes_from", passes_json(diff, finding->counterpart))
                              : json_null();
    return json_pack("{s:s, s:s, s:o, s:{s:I, s:o, s:s, s:o, s:i, s:o}, s:{s:s, s:o, s:o, s:o}, s:o, s:o, "
                     "s:s, s:o, s:o, s:o, "
                     "s:I, s:I, s:I, "
                     "s:I, s:o, s:s, s:o, s:o}",
                     "level", finding_level_name(finding->level), "kind", finding_kind_name(finding->kind),
                     "site", json_text(endpoint->site), "endpoint", "id", (json_int_t)endpoint->id, "host",
                     json_text(endpoint->host), "role", endpoint_role_name((int)endpoint->role), "address",
                     json_text(endpoint->address), "port", (int)endpoint->port, "sni",
                     json_text(endpoint->sni), "scope", "kind", finding_scope_name(finding->scope), "region",
                     finding->region[0] == '\0' ? json_null() : json_text(finding->region), "asn",
                     finding->asn == 0 ? json_null() : json_integer(finding->asn), "text",
                     json_text(finding->where_text), "vantages", where_json(diff, finding), "what",
                     json_text(finding->what_text), "aspect", finding_aspect_name(finding->aspect), "outcome",
                     fails ? rows_outcome_json(finding->outcome) : json_null(), "value",
                     fails ? json_null() : json_text(finding->value), "other_value",
                     fails ? json_null() : json_text(finding->other_value), "failed",
                     (json_int_t)finding->failed, "attempts", (json_int_t)finding->attempts, "confirm_failed",
                     (json_int_t)finding->confirm_failed, "confirm_attempts",
                     (json_int_t)finding->confirm_attempts, "passes_from",
                     passes_json(diff, finding->endpoint), "pair", finding_pair_name(finding->pair),
                     "counterpart", counterpart, "caveats", caveats_json(finding));
}

bool diff_to_json(const struct diff *diff, json_t *root)
{
    json_t *asides = json_array(), *findings = json_array();
    bool done = asides != NULL && findings != NULL;
    for (size_t i = 0; done && i < diff->aside_count; i++) {
        const struct set_aside *aside = &diff->asides[i];
        done = json_array_append_new(
                   asides, json_pack("{s:o, s:I, s:I, s:o, s:o}", "vantage",
                                     json_text(diff->matrix->vantages[aside->vantage].name), "failed",
                                     (json_int_t)aside->failed, "tried", (json_int_t)aside->tried, "outcome",
                                     rows_outcome_json(aside->outcome), "text", json_text(aside->text))) == 0;
    }
    for (size_t i = 0; done && i < diff->finding_count; i++) {
        json_t *finding = finding_json(diff, &diff->findings[i]);
        done = json_object_set_new(finding, "text", json_text(diff->findings[i].text)) == 0 &&
               json_array_append_new(findings, finding) == 0;
    }
    done = json_object_set_new(root, "set_aside", asides) == 0 && done;
    return json_object_set_new(root, "findings", findings) == 0 && done;
}

const struct rows_field finding_fields[] = {
    {"level", N_("LEVEL"), ROWS_WORD, NULL, NULL},
    {"kind", NULL, ROWS_TEXT, NULL, NULL},
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"role", N_("ROLE"), ROWS_ROLE, NULL, "endpoint.role"},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL, "endpoint.host"},
    {"port", NULL, ROWS_INT, NULL, "endpoint.port"},
    {"address", NULL, ROWS_TEXT, NULL, "endpoint.address"},
    {"scope", NULL, ROWS_TEXT, NULL, "scope.kind"},
    {"where", N_("WHERE"), ROWS_TEXT, NULL, "scope.text"},
    {"what", N_("WHAT"), ROWS_TEXT, NULL, NULL},
    {"failed", N_("FAILED"), ROWS_INT, NULL, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL, NULL},
    {"confirm_failed", NULL, ROWS_INT, NULL, NULL},
    {"confirm_attempts", NULL, ROWS_INT, NULL, NULL},
    {"pair", NULL, ROWS_TEXT, NULL, NULL},
    {"text", NULL, ROWS_TEXT, NULL, NULL},
    {"caveats", N_("CAVEATS"), ROWS_LIST, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

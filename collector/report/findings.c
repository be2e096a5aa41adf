#include "cli/cause_say.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "report/csv.h"
#include "report/label.h"
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

static const char *text_of(const struct buf *text)
{
    return text->data == NULL ? "" : (const char *)text->data;
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

static const char *certainty_name(enum certainty certainty)
{
    return certainty == CERTAINTY_CONFIRMED ? "confirmed" : "consistent";
}

/* "consistent with certificate: expired. Certificate expired on ...", and what to do about it. */
static void print_why(const struct why *why, FILE *stream)
{
    const struct cause_row *row = cause_row(why->conclusion.cause);
    struct buf text;
    buf_init(&text, 0);
    (void)buf_text(&text, why->conclusion.certainty == CERTAINTY_CONFIRMED ? _("confirmed: ")
                                                                           : _("consistent with "));
    cause_title(&text, row);
    if (why->agreeing < why->concluded)
        (void)buf_printf(&text, _(" (from %u of %u vantages)"), why->agreeing, why->concluded);
    (void)buf_text(&text, _(". "));
    cause_filled(&text, row->verdict, &why->conclusion);
    print_prose(stream, text_of(&text), 4, TERM_PLAIN);
    buf_clear(&text);
    if (row->remedy[0] != '\0') {
        (void)buf_printf(&text, _("%s: "), _("do"));
        cause_filled(&text, row->remedy, &why->conclusion);
        print_prose(stream, text_of(&text), 4, TERM_PLAIN);
    }
    buf_done(&text);
}

static void print_finding(const struct finding *finding, const struct why *why, FILE *stream)
{
    static const enum term_style styles[] = {
        [FINDING_NOTE] = TERM_DIM, [FINDING_DIFFERENCE] = TERM_WARN, [FINDING_FAULT] = TERM_BAD};
    print_prose(stream, finding->text, 2, styles[finding->level]);
    if (why->known)
        print_why(why, stream);
    for (size_t i = 0; i < finding->caveat_count; i++)
        print_prose(stream, finding->caveats[i], 4, TERM_DIM);
}

void diff_print(const struct diff *diff, const struct whys *whys, FILE *stream)
{
    for (size_t i = 0; i < diff->finding_count; i++) {
        const struct finding *finding = &diff->findings[i];
        if (i == 0 || finding->endpoint != diff->findings[i - 1].endpoint)
            print_place(&diff->matrix->endpoints[finding->endpoint], stream);
        print_finding(finding, &whys->whys[i], stream);
    }
    for (size_t i = 0; i < diff->aside_count; i++) {
        if (i == 0)
            (void)fprintf(stream, "\n%s\n", _("set aside, and not counted above"));
        print_prose(stream, diff->asides[i].text, 2, TERM_WARN);
    }
}

static json_t *outcome_json(struct outcome outcome)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "stage", outcome_stage_id(outcome.stage), "class",
                     outcome_class_id(outcome.class), "raw_kind", outcome_raw_kind_id(outcome.raw_kind),
                     "raw", outcome.raw);
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

/* As the one-shot probe has it, and whose attempts it is of. */
static json_t *why_json(const struct diff *diff, const struct why *why)
{
    if (!why->known)
        return json_null();
    return json_pack("{s:O, s:o, s:I, s:i, s:i}", "verdict", why->verdict, "vantage",
                     json_text(diff->matrix->vantages[why->vantage].name), "round_id",
                     (json_int_t)why->round_id, "agreeing", (int)why->agreeing, "concluded",
                     (int)why->concluded);
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
    return json_pack(
        "{s:s, s:s, s:o, s:{s:I, s:o, s:s, s:o, s:i, s:o}, s:{s:s, s:o, s:o, s:o}, s:o, s:s, s:o, s:o, s:o, "
        "s:I, s:I, s:I, "
        "s:I, s:o, s:s, s:o, s:o}",
        "level", finding_level_name(finding->level), "kind", finding_kind_name(finding->kind), "site",
        json_text(endpoint->site), "endpoint", "id", (json_int_t)endpoint->id, "host",
        json_text(endpoint->host), "role", endpoint_role_name((int)endpoint->role), "address",
        json_text(endpoint->address), "port", (int)endpoint->port, "sni", json_text(endpoint->sni), "scope",
        "kind", finding_scope_name(finding->scope), "region",
        finding->region[0] == '\0' ? json_null() : json_text(finding->region), "asn",
        finding->asn == 0 ? json_null() : json_integer(finding->asn), "text", json_text(finding->where_text),
        "vantages", where_json(diff, finding), "aspect", finding_aspect_name(finding->aspect), "outcome",
        fails ? outcome_json(finding->outcome) : json_null(), "value",
        fails ? json_null() : json_text(finding->value), "other_value",
        fails ? json_null() : json_text(finding->other_value), "failed", (json_int_t)finding->failed,
        "attempts", (json_int_t)finding->attempts, "confirm_failed", (json_int_t)finding->confirm_failed,
        "confirm_attempts", (json_int_t)finding->confirm_attempts, "passes_from",
        passes_json(diff, finding->endpoint), "pair", finding_pair_name(finding->pair), "counterpart",
        counterpart, "caveats", caveats_json(finding));
}

bool diff_to_json(const struct diff *diff, const struct whys *whys, json_t *root)
{
    json_t *asides = json_array(), *findings = json_array();
    bool done = asides != NULL && findings != NULL;
    for (size_t i = 0; done && i < diff->aside_count; i++) {
        const struct set_aside *aside = &diff->asides[i];
        done = json_array_append_new(
                   asides, json_pack("{s:o, s:I, s:I, s:o, s:o}", "vantage",
                                     json_text(diff->matrix->vantages[aside->vantage].name), "failed",
                                     (json_int_t)aside->failed, "tried", (json_int_t)aside->tried, "outcome",
                                     outcome_json(aside->outcome), "text", json_text(aside->text))) == 0;
    }
    for (size_t i = 0; done && i < diff->finding_count; i++) {
        json_t *finding = finding_json(diff, &diff->findings[i]);
        done = json_object_set_new(finding, "text", json_text(diff->findings[i].text)) == 0 &&
               json_object_set_new(finding, "why", why_json(diff, &whys->whys[i])) == 0 &&
               json_array_append_new(findings, finding) == 0;
    }
    done = json_object_set_new(root, "set_aside", asides) == 0 && done;
    return json_object_set_new(root, "findings", findings) == 0 && done;
}

static bool csv_finding(struct csv *csv, const struct diff *diff, const struct finding *finding,
                        const struct why *why, FILE *stream)
{
    const struct matrix_endpoint *endpoint = &diff->matrix->endpoints[finding->endpoint];
    csv_text(csv, finding_level_name(finding->level));
    csv_text(csv, finding_kind_name(finding->kind));
    csv_text(csv, endpoint->site);
    csv_text(csv, endpoint_role_name((int)endpoint->role));
    csv_text(csv, endpoint->host);
    csv_int(csv, endpoint->port);
    csv_text(csv, endpoint->address);
    csv_text(csv, finding_scope_name(finding->scope));
    csv_text(csv, finding->where_text);
    csv_text(csv, finding->what_text);
    csv_int(csv, finding->failed);
    csv_int(csv, finding->attempts);
    csv_int(csv, finding->confirm_failed);
    csv_int(csv, finding->confirm_attempts);
    csv_text(csv, finding_pair_name(finding->pair));
    csv_text(csv, finding->text);
    csv_text(csv, finding->caveat_count > 0 ? finding->caveats[0] : "");
    csv_text(csv, why->known ? cause_row(why->conclusion.cause)->id : "");
    csv_text(csv, why->known ? certainty_name(why->conclusion.certainty) : "");
    return csv_end_row(csv, stream);
}

bool diff_to_csv(const struct diff *diff, const struct whys *whys, FILE *stream)
{
    static const char *const names[] = {
        "level", "kind",  "site",   "role",   "host",     "port",           "address",
        "scope", "where", "what",   "failed", "attempts", "confirm_failed", "confirm_attempts",
        "pair",  "text",  "caveat", "cause",  "certainty"};
    struct csv csv;
    csv_begin(&csv);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        csv_text(&csv, names[i]);
    bool done = csv_end_row(&csv, stream);
    for (size_t i = 0; done && i < diff->finding_count; i++)
        done = csv_finding(&csv, diff, &diff->findings[i], &whys->whys[i], stream);
    csv_done(&csv);
    return done;
}

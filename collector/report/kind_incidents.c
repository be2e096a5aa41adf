#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "diff/watch.h"
#include "report/case.h"
#include "report/incidents.h"
#include "report/kinds.h"
#include "words/attempt_json.h"
#include "words/conclusion_json.h"
#include "words/json_writer.h"

#include <stdlib.h>
#include <string.h>

/* `report incidents` and `report explain ID`: what has been made of rounds, and what it rests on. */

static const struct rows_field incident_fields[] = {
    {"id", N_("ID"), ROWS_INT, NULL, NULL},
    {"state", N_("STATE"), ROWS_WORD, NULL, NULL},
    {"kind", NULL, ROWS_TEXT, NULL, NULL},
    {"where", N_("WHERE"), ROWS_TEXT, NULL, NULL},
    {"what", N_("WHAT"), ROWS_TEXT, NULL, NULL},
    {"opened_at", N_("SINCE"), ROWS_TIME, NULL, NULL},
    {"closed_at", N_("UNTIL"), ROWS_TIME, NULL, NULL},
    {"rounds_failed", N_("FAILED"), ROWS_INT, NULL, NULL},
    {"rounds", N_("OF ROUNDS"), ROWS_INT, NULL, NULL},
    {"confidence", N_("CONFIDENCE"), ROWS_SHARE, NULL, NULL},
    {"cause", NULL, ROWS_TEXT, NULL, NULL},
    {"certainty", NULL, ROWS_TEXT, NULL, NULL},
    {"vantages", NULL, ROWS_LIST, NULL, NULL},
    {"key", NULL, ROWS_TEXT, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

static const struct rows_field history_fields[] = {
    {"at", N_("AT"), ROWS_TIME, NULL, NULL},
    {"change", N_("CHANGE"), ROWS_WORD, NULL, NULL},
    {"round_id", N_("ROUND"), ROWS_INT, NULL, NULL},
    {"confidence", N_("CONFIDENCE"), ROWS_SHARE, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

static const struct rows_field evidence_fields[] = {
    {"vantage", N_("VANTAGE"), ROWS_TEXT, NULL, NULL},
    {"region", N_("REGION"), ROWS_TEXT, NULL, NULL},
    {"asn", N_("ASN"), ROWS_ASN, NULL, NULL},
    {"inside", N_("INSIDE"), ROWS_FLAG, NULL, NULL},
    {"failed", N_("FAILED"), ROWS_INT, NULL, NULL},
    {"attempts", N_("ATTEMPTS"), ROWS_INT, NULL, NULL},
    {"confirm_failed", N_("RETRY FAILED"), ROWS_INT, NULL, NULL},
    {"confirm_attempts", N_("RETRIES"), ROWS_INT, NULL, NULL},
    {"local", NULL, ROWS_INT, NULL, NULL},
    {"class", N_("HOW"), ROWS_OUTCOME, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

static double real_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static long long count_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool no_memory(void)
{
    cli_error(_("out of memory"));
    return false;
}

/* --- incidents -------------------------------------------------------------------------------------------------------- */

static bool answer_incidents(struct document *document)
{
    const json_t *row, *rows = document->rows;
    size_t index, open = 0;
    json_array_foreach(rows, index, row) open += strcmp(json_text_at(row, "state"), "closed") != 0;
    size_t closed = json_array_size(rows) - open;
    document->found = open > 0;
    if (open + closed == 0)
        return document_answer(document, _("no incidents in this window"));
    return document_answer(document,
                           ngettext("%zu incident open, %zu closed in this window",
                                    "%zu incidents open, %zu closed in this window", open),
                           open, closed);
}

bool make_incidents(struct report *report, struct document *document)
{
    struct writer writer = {false};
    PGresult *result = window_query(report->db, STATEMENT_incident_list, &report->window);
    if (result == NULL)
        return false;
    json_t *rows = json_array();
    for (int row = 0; row < PQntuples(result); row++)
        add(&writer, rows, incident_json(result, row));
    PQclear(result);
    rows = finish(&writer, rows);
    if (rows == NULL)
        return no_memory();
    if (report_begin(report, "incidents", document))
        return (document_rows(document, rows, incident_fields) && answer_incidents(document)) || no_memory();
    json_decref(rows);
    return false;
}

void print_incidents(const struct report *report, const struct document *document, FILE *stream)
{
    (void)report;
    if (json_array_size(document->rows) == 0)
        return;
    (void)fputc('\n', stream);
    rows_print(document->rows, document->fields, stream);
    (void)fprintf(stream, _("\nexplain one:  parallax-collector report explain %lld\n"),
                  count_of(json_array_get(document->rows, 0), "id"));
}

/* --- explain: reading --------------------------------------------------------------------------------------------------- */

static json_t *query_rows(struct db *db, enum statement_id id, const char *incident,
                          const struct rows_field *fields)
{
    PGresult *result = db_query(db, id, &incident, 1);
    json_t *rows = result == NULL ? NULL : rows_read(result, fields);
    if (result != NULL && rows == NULL)
        (void)no_memory();
    PQclear(result);
    return rows;
}

/* Numbers become words. */
static bool name_changes(json_t *history)
{
    struct writer writer = {false};
    json_t *event;
    size_t index;
    json_array_foreach(history, index, event)
    {
        int change =
            (int)strtol(json_text_at(event, "change"), NULL, 10); /* read as a word, as it is shown */
        const char *word = incident_change_name(change);
        set(&writer, event, "change", strcmp(word, "?") == 0 ? json_null() : json_string(word));
    }
    return !writer.failed;
}

static bool name_vantages(struct db *db, const json_t *alternatives)
{
    struct writer writer = {false};
    const json_t *alternative;
    size_t index;
    PGresult *vantages = db_query(db, STATEMENT_judge_vantages, NULL, 0);
    json_array_foreach(alternatives, index, alternative)
    {
        json_t *place = json_object_get(alternative, "place");
        for (int row = 0; vantages != NULL && row < PQntuples(vantages); row++)
            if (db_int(vantages, row, "vantage_id") == count_of(place, "vantage_id"))
                set(&writer, place, "vantage", json_text(db_text(vantages, row, "vantage")));
    }
    bool read = vantages != NULL;
    PQclear(vantages);
    return read && (!writer.failed || no_memory());
}

/* Texts of explain; NULL without memory, null where there is nothing to say. */
static json_t *words_json(void (*say)(struct buf *, const struct conclusion *),
                          const struct conclusion *conclusion)
{
    struct buf text;
    buf_init(&text, 0);
    say(&text, conclusion);
    json_t *json = text.len == 0 ? json_null() : json_text((const char *)text.data);
    buf_done(&text);
    return json;
}

/* The case that shows it, as it is concluded today, with the cause that the fleet concludes; null when its attempts are gone or nothing fails. */
static bool read_verdict(struct db *db, const char *incident, enum cause cause, json_t *root)
{
    struct writer writer = {false};
    struct cases cases;
    size_t shown = 0;
    if (!cases_of_incident(db, incident, &cases))
        return false;
    while (shown < cases.count && !outcome_is_failure(cases.cases[shown].file.outcomes[0]))
        shown++;
    if (shown < cases.count && cases_revise(&cases, &cases.cases[shown], cause)) {
        const struct case_concluded *one = &cases.cases[shown];
        set(&writer, root, "verdict", conclusion_json(&one->file, &one->conclusion));
        set(&writer, root, "verdict_text", words_json(conclusion_verdict, &one->conclusion));
        set(&writer, root, "remedy", words_json(conclusion_remedy, &one->conclusion));
    }
    cases_done(&cases);
    return !writer.failed || no_memory();
}

static bool answer_explain(struct document *document, const json_t *incident)
{
    struct buf place;
    const char *state = json_text_at(incident, "state");
    buf_init(&place, 0);
    incident_where(&place, incident);
    bool done = document_answer(document, _("incident %lld, %s since %s: %s: %s; confidence %.2f"),
                                count_of(incident, "id"), _(state), json_text_at(incident, "opened_at"),
                                place.data == NULL ? "" : (const char *)place.data,
                                json_text_at(incident, "what"), real_of(incident, "confidence"));
    buf_done(&place);
    return done || no_memory();
}

/* Which incident. @return its row, NULL after cli_error. */
static PGresult *find_incident(struct db *db, const char *id)
{
    int64_t number;
    if (!cli_number("explain", id[0] == '#' ? id + 1 : id, 1, INT64_MAX, &number))
        return NULL;
    const char *value = id[0] == '#' ? id + 1 : id;
    PGresult *result = db_query(db, STATEMENT_incident_one, &value, 1);
    if (result != NULL && PQntuples(result) == 0) {
        cli_error(_("there is no incident %s; parallax-collector report incidents lists them"), value);
        PQclear(result);
        return NULL;
    }
    return result;
}

/* What was noted when it opened, which the case that shows it replaces. */
static void set_noted(struct writer *writer, json_t *root, const json_t *incident)
{
    struct buf verdict;
    buf_init(&verdict, 0);
    incident_verdict(&verdict, incident);
    set(writer, root, "verdict", json_null());
    set(writer, root, "verdict_text", verdict.len == 0 ? json_null() : json_text((const char *)verdict.data));
    (void)json_object_set(root, "remedy", json_object_get(incident, "remedy"));
    buf_done(&verdict);
}

static bool fill_explain(struct report *report, struct document *document, json_t *incident)
{
    struct writer writer = {false};
    json_t *root = document->root;
    const char *id = report->id[0] == '#' ? report->id + 1 : report->id;
    json_t *evidence = query_rows(report->db, STATEMENT_explain_vantages, id, evidence_fields);
    json_t *history =
        evidence == NULL ? NULL : query_rows(report->db, STATEMENT_explain_history, id, history_fields);
    enum cause cause = CAUSE_NONE;
    (void)cause_from_id(json_text_at(incident, "cause"), &cause);
    set(&writer, root, "incident", json_incref(incident));
    set_noted(&writer, root, incident);
    bool done = history != NULL && name_changes(history) &&
                name_vantages(report->db, json_object_get(incident, "alternatives")) &&
                read_verdict(report->db, id, cause, root);
    set(&writer, root, "evidence", evidence == NULL ? json_null() : evidence);
    set(&writer, root, "history", history == NULL ? json_null() : history);
    if (done && (writer.failed ||
                 !document_rows(document, json_incref(json_object_get(root, "evidence")), evidence_fields)))
        return no_memory();
    return done && answer_explain(document, incident);
}

bool make_explain(struct report *report, struct document *document)
{
    PGresult *found = find_incident(report->db, report->id);
    json_t *incident = found == NULL ? NULL : incident_json(found, 0);
    bool done = false;
    if (found != NULL && incident == NULL)
        (void)no_memory();
    else if (found != NULL && report_begin(report, "explain", document))
        done = fill_explain(report, document, incident);
    document->found = strcmp(json_text_at(incident, "state"), "closed") != 0;
    json_decref(incident);
    PQclear(found);
    return done;
}

/* --- explain: on paper ------------------------------------------------------------------------------------------------------- */

/* A heading, and a safe paragraph under it. */
static void print_paragraph(FILE *stream, const char *heading, const char *text)
{
    char *safe = text_safe_copy(text);
    struct buf wrapped;
    buf_init(&wrapped, 0);
    (void)fputc('\n', stream);
    term_print(stream, TERM_HEAD, heading);
    (void)fputc('\n', stream);
    if (term_is_tty(stream) && text_wrap(&wrapped, safe, 2, term_width(stream)))
        (void)fputs((const char *)wrapped.data, stream);
    else
        (void)fprintf(stream, "  %s\n", safe);
    buf_done(&wrapped);
    free(safe);
}

static void print_remarks(FILE *stream, const char *heading, const json_t *list)
{
    const json_t *remark;
    size_t index;
    struct buf text;
    buf_init(&text, 0);
    json_array_foreach(list, index, remark)
    {
        if (index > 0)
            (void)buf_text(&text, "; ");
        incident_remark(&text, json_string_value(remark));
    }
    if (text.len > 0)
        print_paragraph(stream, heading, (const char *)text.data);
    buf_done(&text);
}

static void print_ruled_out(FILE *stream, const json_t *verdict)
{
    const json_t *list = json_object_get(verdict, "ruled_out"), *ruled;
    size_t index;
    struct buf text;
    buf_init(&text, 0);
    json_array_foreach(list, index, ruled)
    {
        enum cause cause = CAUSE_NONE;
        const char *by = json_text_at(ruled, "by");
        if (!cause_from_id(json_text_at(ruled, "cause"), &cause))
            continue;
        (void)buf_printf(&text, "%s%s", text.len == 0 ? "" : _(", "), _(cause_row(cause)->name));
        if (strcmp(by, "normal") != 0)
            (void)buf_printf(&text, " (%s)", by);
    }
    if (text.len > 0)
        print_paragraph(stream, _("ruled out"), (const char *)text.data);
    buf_done(&text);
}

static void print_alternatives(FILE *stream, const json_t *incident)
{
    const json_t *list = json_object_get(incident, "alternatives"), *alternative;
    size_t index;
    struct buf text;
    buf_init(&text, 0);
    json_array_foreach(list, index, alternative)
    {
        (void)buf_text(&text, index > 0 ? "; " : "");
        incident_place(&text, json_object_get(alternative, "place"));
        (void)buf_printf(&text, " %.2f", real_of(alternative, "probability"));
    }
    if (text.len > 0)
        print_paragraph(stream, _("other places, with their probability"), (const char *)text.data);
    buf_done(&text);
}

static void print_tests(FILE *stream, const json_t *incident)
{
    struct buf text;
    if (strcmp(json_text_at(incident, "kind"), "fails") != 0)
        return;
    buf_init(&text, 0);
    (void)buf_printf(
        &text,
        _("inside %lld of %lld attempts fail, outside %lld of %lld; of the retries inside %lld of %lld"),
        count_of(incident, "failed"), count_of(incident, "attempts"), count_of(incident, "outside_failed"),
        count_of(incident, "outside_attempts"), count_of(incident, "confirm_failed"),
        count_of(incident, "confirm_attempts"));
    (void)buf_printf(&text,
                     _("; vantages inside against outside (Fisher): p = %.2g; rounds (sign test): p = %.2g"),
                     real_of(incident, "fisher_p"), real_of(incident, "sign_p"));
    (void)buf_text(&text, json_is_true(json_object_get(incident, "significant"))
                              ? _("; significant, with all endpoints taken into account")
                              : _("; not significant, with all endpoints taken into account"));
    print_paragraph(stream, _("tests"), (const char *)text.data);
    buf_done(&text);
}

static void print_list(FILE *stream, const char *heading, const json_t *rows, const struct rows_field *fields)
{
    if (json_array_size(rows) == 0)
        return;
    (void)fputc('\n', stream);
    term_print(stream, TERM_HEAD, heading);
    (void)fputc('\n', stream);
    rows_print(rows, fields, stream);
}

static void print_verdict(FILE *stream, const json_t *root, const json_t *incident)
{
    struct buf text;
    buf_init(&text, 0);
    (void)buf_text(&text, json_text_at(root, "verdict_text"));
    if (text.len > 0 && strcmp(json_text_at(incident, "kind"), "fails") == 0)
        (void)buf_text(&text, strcmp(json_text_at(incident, "certainty"), "confirmed") == 0
                                  ? _(" Confirmed: independent signals and a control agree.")
                                  : _(" The evidence is consistent with it."));
    if (text.len > 0)
        print_paragraph(stream, _("verdict"), (const char *)text.data);
    buf_done(&text);
}

void print_explain(const struct report *report, const struct document *document, FILE *stream)
{
    const json_t *root = document->root, *incident = json_object_get(root, "incident");
    (void)report;
    print_verdict(stream, root, incident);
    print_list(stream, _("evidence, by vantage (the last hour of it)"), json_object_get(root, "evidence"),
               evidence_fields);
    print_ruled_out(stream, json_object_get(root, "verdict"));
    print_alternatives(stream, incident);
    print_tests(stream, incident);
    print_remarks(stream, _("what this fleet cannot tell"), json_object_get(incident, "caveats"));
    print_remarks(stream, _("what would settle it"), json_object_get(incident, "hints"));
    if (json_text_at(root, "remedy")[0] != '\0')
        print_paragraph(stream, _("do"), json_text_at(root, "remedy"));
    print_list(stream, _("history"), json_object_get(root, "history"), history_fields);
}

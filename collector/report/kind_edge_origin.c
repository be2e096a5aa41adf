#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "diff/edge_origin.h"
#include "report/kinds.h"
#include "report/lists.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"

#include <stdlib.h>
#include <string.h>

/* `report edge-origin`: the paired table as verdicts, each in a sentence with what to do. */

enum { CERTIFICATE_DATE_CHARS = 10, RAW_TEXT_BYTES = 96 };

static const struct rows_field edge_origin_fields[] = {
    {"verdict", N_("VERDICT"), ROWS_WORD, NULL, NULL},
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"edge", N_("EDGE"), ROWS_ENDPOINT, NULL, "edge.host"},
    {"edge_port", NULL, ROWS_INT, NULL, "edge.port"},
    {"edge_class", N_("EDGE SHOWS"), ROWS_OUTCOME, NULL, NULL},
    {"edge_failed", NULL, ROWS_INT, NULL, NULL},
    {"edge_attempts", NULL, ROWS_INT, NULL, NULL},
    {"origin", N_("ORIGIN"), ROWS_ENDPOINT, NULL, "origin.host"},
    {"origin_address", NULL, ROWS_TEXT, NULL, "origin.address"},
    {"origin_port", NULL, ROWS_INT, NULL, "origin.port"},
    {"origin_class", N_("ORIGIN SHOWS"), ROWS_OUTCOME, NULL, NULL},
    {"origin_failed", NULL, ROWS_INT, NULL, NULL},
    {"origin_attempts", NULL, ROWS_INT, NULL, NULL},
    {"vantages", N_("FROM"), ROWS_LIST, NULL, NULL},
    {"text", N_("MEANING"), ROWS_TEXT, NULL, NULL},
    {"remedy", N_("DO"), ROWS_TEXT, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

/* What a CDN means by a status of its own. */
static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {502, N_("bad answer from the origin")},
        {503, N_("service unavailable")},
        {504, N_("the origin did not answer in time")},
        {520, N_("the origin's answer was not understood")},
        {521, N_("the origin refuses connections")},
        {522, N_("no connection to the origin in time")},
        {523, N_("the origin is unreachable")},
        {524, N_("the origin was connected and did not answer in time")},
        {525, N_("no TLS handshake with the origin")},
        {526, N_("the origin's certificate is not valid")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return _(rows[i].text);
    }
    return _("an error between edge and origin");
}

/* The day that a certificate ends, "" when it is not known. */
static void end_of(const json_t *certificates, const char *sha256, char out[CERTIFICATE_DATE_CHARS + 1])
{
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(certificates); i++) {
        const json_t *row = json_array_get(certificates, i), *end = json_object_get(row, "not_after");
        const char *own = json_string_value(json_object_get(row, "sha256"));
        if (own != NULL && strcmp(own, sha256) == 0 && json_is_string(end))
            (void)snprintf(out, CERTIFICATE_DATE_CHARS + 1, "%s", json_string_value(end));
    }
}

/* "certificate expired on 2026-11-19 (X509 10 ...)": an outcome with its number, and its date where it has one. */
static void say_outcome_of(struct buf *out, const struct diff *diff, const struct edge_row *row,
                           unsigned endpoint, struct outcome outcome, const json_t *certificates)
{
    char end[CERTIFICATE_DATE_CHARS + 1] = "", raw[RAW_TEXT_BYTES];
    for (unsigned v = 0; v < diff->matrix->vantage_count && end[0] == '\0'; v++) {
        if (row->where[v])
            end_of(certificates, matrix_cell(diff->matrix, endpoint, v)->look.leaf, end);
    }
    (void)buf_text(out, _(outcome_class_text(outcome.class)));
    if (outcome.class == OUTCOME_CERT_EXPIRED && end[0] != '\0')
        (void)buf_printf(out, _(" on %s"), end);
    else if (outcome_raw_text(outcome, raw, sizeof raw)[0] != '\0')
        (void)buf_printf(out, " (%s)", raw);
}

static const char *remedy_of(const struct edge_row *row)
{
    switch (row->verdict) {
    case EDGE_BOTH_PASS:
    case EDGE_PASSES:
        return "";
    case EDGE_ORIGIN_ONLY:
        return _("the edge hides it for now (a cache, or another way to the origin): mend the origin");
    case EDGE_ONLY:
        return _(
            "look at the CDN: firewall and rate rules for these networks, certificate and name at the edge");
    case EDGE_FAILS:
        return _("give the site its origin, so that edge and origin can be told apart");
    case EDGE_BOTH_ALIKE:
        return _("mend the origin; if only some networks see it, look for a rule or a path that both share");
    case EDGE_BOTH_OTHERWISE:
        return _("two faults: mend the origin first, then look at the edge again");
    case EDGE_GATEWAY_PASSES:
        return _("let the CDN's addresses in at the origin; check the port, name and certificate that the "
                 "edge asks for");
    case EDGE_GATEWAY_FAILS:
        return _("mend what the origin shows from here, then look at the edge again");
    case EDGE_GATEWAY_EXPLAINED:
        break;
    }
    if (row->origin_outcome.stage == OUTCOME_STAGE_CERTIFICATE)
        return _("replace the certificate at the origin");
    if (row->origin_outcome.stage == OUTCOME_STAGE_TCP)
        return _("bring up the server at the origin, or open its port");
    return _("mend the origin");
}

/* The reading of the pair, given what edge and origin show in words. */
static void say_pair(struct buf *out, const struct edge_row *row, const char *edge, const char *origin)
{
    const char *status = status_text(row->edge_outcome.raw);
    switch (row->verdict) {
    case EDGE_BOTH_PASS:
        (void)buf_text(out, _("edge and origin pass"));
        return;
    case EDGE_PASSES:
        (void)buf_text(out, _("the edge passes; the origin was not tried from there"));
        return;
    case EDGE_ORIGIN_ONLY:
        (void)buf_printf(out, _("the origin fails: %s; the edge passes"), origin);
        return;
    case EDGE_ONLY:
        (void)buf_printf(out, _("the edge fails: %s; the origin passes"), edge);
        return;
    case EDGE_FAILS:
        (void)buf_printf(out, _("the edge fails: %s; the origin was not tried from there"), edge);
        return;
    case EDGE_BOTH_ALIKE:
        (void)buf_printf(out, _("edge and origin fail alike: %s"), edge);
        return;
    case EDGE_BOTH_OTHERWISE:
        (void)buf_printf(out, _("the edge fails: %s; the origin fails otherwise: %s"), edge, origin);
        return;
    case EDGE_GATEWAY_PASSES:
        (void)buf_printf(out, _("the edge answers %d (%s), but the origin passes from here"),
                         (int)row->edge_outcome.raw, status);
        return;
    case EDGE_GATEWAY_FAILS:
        (void)buf_printf(out, _("the edge answers %d (%s); from here the origin fails otherwise: %s"),
                         (int)row->edge_outcome.raw, status, origin);
        return;
    case EDGE_GATEWAY_EXPLAINED:
        (void)buf_printf(out, _("the edge answers %d (%s), and so it is: %s"), (int)row->edge_outcome.raw,
                         status, origin);
        return;
    }
}

static char *text_of(const struct diff *diff, const struct edge_row *row, const json_t *certificates)
{
    struct buf text, edge, origin;
    buf_init(&text, 0);
    buf_init(&edge, 0);
    buf_init(&origin, 0);
    say_outcome_of(&edge, diff, row, row->edge, row->edge_outcome, certificates);
    say_outcome_of(&origin, diff, row, row->origin, row->origin_outcome, certificates);
    if (edge.len > 0 && origin.len > 0)
        say_pair(&text, row, (const char *)edge.data, (const char *)origin.data);
    buf_done(&edge);
    buf_done(&origin);
    return buf_take(&text);
}

static json_t *endpoint_json(const struct matrix_endpoint *endpoint)
{
    return json_pack("{s:I, s:s, s:o, s:i, s:o, s:o}", "id", (json_int_t)endpoint->id, "role",
                     endpoint_role_name((int)endpoint->role), "host", json_text(endpoint->host), "port",
                     (int)endpoint->port, "address", json_text(endpoint->address), "sni",
                     json_text(endpoint->sni));
}

static json_t *vantages_json(const struct diff *diff, const struct edge_row *row)
{
    json_t *list = json_array();
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (row->where[v])
            (void)json_array_append_new(list, json_text(diff->matrix->vantages[v].name));
    }
    return list;
}

static json_t *row_json(const struct diff *diff, const struct edge_row *row, const json_t *certificates)
{
    struct writer writer = {.failed = false};
    const struct matrix_endpoint *edge = &diff->matrix->endpoints[row->edge];
    json_t *object = json_object();
    char *text = text_of(diff, row, certificates);
    set(&writer, object, "verdict", json_string(edge_verdict_name(row->verdict)));
    set(&writer, object, "site", json_text(edge->site));
    set(&writer, object, "edge", endpoint_json(edge));
    set(&writer, object, "edge_class", rows_outcome_json(row->edge_outcome));
    set(&writer, object, "edge_failed", json_integer(row->edge_failed));
    set(&writer, object, "edge_attempts", json_integer(row->edge_attempts));
    set(&writer, object, "origin", endpoint_json(&diff->matrix->endpoints[row->origin]));
    set(&writer, object, "origin_class", rows_outcome_json(row->origin_outcome));
    set(&writer, object, "origin_failed", json_integer(row->origin_failed));
    set(&writer, object, "origin_attempts", json_integer(row->origin_attempts));
    set(&writer, object, "vantages", vantages_json(diff, row));
    set(&writer, object, "text", json_text(text == NULL ? "" : text));
    set(&writer, object, "remedy", json_string(remedy_of(row)));
    free(text);
    return finish(&writer, object);
}

static bool make_answer(struct document *document, const struct diff *diff, const struct edge_row *rows,
                        size_t count)
{
    size_t findings = 0;
    for (size_t i = 0; i < count; i++)
        findings += edge_is_finding(rows[i].verdict);
    document->found = findings > 0;
    if (count == 0)
        return document_answer(document, _("no site of this window has both an edge and an origin"));
    if (findings == 0)
        return document_answer(document, _("every edge and its origin pass alike"));
    const char *text = json_string_value(json_object_get(json_array_get(document->rows, 0), "text"));
    return document_answer(
        document, ngettext("%zu finding; the first, %s: %s", "%zu findings; the first, %s: %s", findings),
        findings, diff->matrix->endpoints[rows[0].edge].host, text);
}

bool make_edge_origin(struct report *report, struct document *document)
{
    struct writer writer = {.failed = false};
    const struct edge_row *rows = NULL;
    size_t count = 0;
    if (!report_compare(report) || !report_begin(report, "edge-origin", document))
        return false;
    PGresult *result = window_query(report->db, STATEMENT_report_certs, &report->window);
    if (result == NULL)
        return false;
    json_t *certificates = rows_read(result, cert_report_fields), *list = json_array();
    PQclear(result);
    bool done = certificates != NULL && edge_origin(&report->diff, &rows, &count);
    for (size_t i = 0; done && i < count; i++)
        add(&writer, list, row_json(&report->diff, &rows[i], certificates));
    json_decref(certificates);
    done = document_rows(document, finish(&writer, list), edge_origin_fields) && done &&
           make_answer(document, &report->diff, rows, count);
    if (!done)
        cli_error(_("out of memory"));
    return done;
}

/* A block for each row: the reading is the message, and a table would cut it. */
void print_edge_origin(const struct report *report, const struct document *document, FILE *stream)
{
    (void)report;
    static const struct rows_field place = {"edge", "", ROWS_ENDPOINT, NULL, "edge.host"},
                                   origin = {"origin", "", ROWS_ENDPOINT, NULL, "origin.host"},
                                   from = {"vantages", "", ROWS_LIST, NULL, NULL};
    for (size_t i = 0; i < json_array_size(document->rows); i++) {
        const json_t *row = json_array_get(document->rows, i);
        const char *remedy = json_string_value(json_object_get(row, "remedy"));
        struct buf text;
        buf_init(&text, 0);
        rows_say(&text, row, &place);
        (void)buf_text(&text, "  <->  ");
        rows_say(&text, row, &origin);
        (void)buf_printf(&text, "  [%s]", json_string_value(json_object_get(row, "verdict")));
        char *head = text_safe_copy((const char *)text.data);
        buf_clear(&text);
        (void)buf_printf(&text, "%s", json_string_value(json_object_get(row, "text")));
        (void)buf_text(&text, _("; from "));
        rows_say(&text, row, &from);
        char *meaning = text_safe_copy((const char *)text.data);
        (void)fprintf(stream, "\n%s\n  %s\n", head, meaning);
        if (remedy != NULL && remedy[0] != '\0')
            (void)fprintf(stream, _("  do: %s\n"), remedy);
        free(head);
        free(meaning);
        buf_done(&text);
    }
}

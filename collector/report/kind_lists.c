#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/kinds.h"
#include "report/label.h"
#include "report/lists.h"
#include "words/attempt_json.h"

#include <string.h>

/* Kinds of report that are one statement's rows: `report site|asn|certs|vantages`. */

enum { SOON_DAYS = 21 };

/* Begins the document with what the statement brings. */
static bool read_rows(struct report *report, const char *kind, enum statement_id id,
                      const struct rows_field *fields, struct document *document)
{
    PGresult *result = window_query(report->db, id, &report->window);
    bool done = result != NULL && report_begin(report, kind, document);
    if (done && !document_rows(document, rows_read(result, fields), fields)) {
        cli_error(_("out of memory"));
        done = false;
    }
    PQclear(result);
    return done;
}

static bool answered(bool done)
{
    if (!done)
        cli_error(_("out of memory"));
    return done;
}

bool make_site(struct report *report, struct document *document)
{
    if (!read_rows(report, "site", STATEMENT_report_site, site_report_fields, document))
        return false;
    int failing = 0, silent = 0, count = (int)json_array_size(document->rows);
    for (size_t i = 0; i < json_array_size(document->rows); i++) {
        const json_t *share = json_object_get(json_array_get(document->rows, i), "share");
        silent += json_is_null(share);
        failing += json_is_real(share) && json_real_value(share) < 1.0;
    }
    return answered(document_answer(document, _("%d of %d endpoints had failures; %d were not tried"),
                                    failing, count, silent));
}

bool make_certs(struct report *report, struct document *document)
{
    if (!read_rows(report, "certs", STATEMENT_report_certs, cert_report_fields, document))
        return false;
    int expired = 0, soon = 0, count = (int)json_array_size(document->rows);
    for (size_t i = 0; i < json_array_size(document->rows); i++) {
        const json_t *left = json_object_get(json_array_get(document->rows, i), "days_left");
        long long days = json_is_integer(left) ? json_integer_value(left) : SOON_DAYS;
        expired += days < 0;
        soon += days >= 0 && days < SOON_DAYS;
    }
    return answered(document_answer(document, _("%d certificates seen; %d expired, %d expire within %d days"),
                                    count, expired, soon, SOON_DAYS));
}

/* Who blames nobody in this window, and why. */
static bool add_asides(const struct diff *diff, json_t *rows)
{
    bool done = true;
    for (size_t i = 0; done && i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *why = json_null();
        const char *name = json_string_value(json_object_get(row, "vantage"));
        for (size_t a = 0; a < diff->aside_count; a++) {
            if (name != NULL && strcmp(diff->matrix->vantages[diff->asides[a].vantage].name, name) == 0)
                why = json_text(diff->asides[a].text);
        }
        done = json_object_set_new(row, "set_aside", why) == 0;
    }
    return done;
}

bool make_vantages(struct report *report, struct document *document)
{
    if (!read_rows(report, "vantages", STATEMENT_report_vantages, vantage_report_fields, document))
        return false;
    if (report->extent.attempts > 0 &&
        (!report_compare(report) || !answered(add_asides(&report->diff, document->rows))))
        return false;
    int connected = 0, count = (int)json_array_size(document->rows);
    for (size_t i = 0; i < json_array_size(document->rows); i++) {
        const json_t *state = json_object_get(json_array_get(document->rows, i), "state");
        connected += json_is_string(state) && strcmp(json_string_value(state), "connected") == 0;
    }
    int aside = report->compared ? (int)report->diff.aside_count : 0;
    return answered(
        aside == 0 ? document_answer(document, _("%d of %d vantages connected"), connected, count)
                   : document_answer(document, _("%d of %d vantages connected; %d set aside in this window"),
                                     connected, count, aside));
}

bool make_asn(struct report *report, struct document *document)
{
    if (!read_rows(report, "asn", STATEMENT_report_asn, asn_report_fields, document))
        return false;
    const json_t *worst = NULL; /* the first row: they are in order of the share that fails */
    size_t failing = 0, count = json_array_size(document->rows);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(document->rows, i);
        failing += json_integer_value(json_object_get(row, "failed")) > 0;
        worst = worst == NULL ? row : worst;
    }
    if (failing == 0)
        return answered(document_answer(
            document, ngettext("nothing fails from %zu network", "nothing fails from %zu networks", count),
            count));
    char label[LABEL_BYTES];
    return answered(document_answer(
        document, _("%zu of %zu networks had failures; the most: %s in %s, %.1f %% of %lld attempts"),
        failing, count, asn_label(json_integer_value(json_object_get(worst, "asn")), label),
        json_string_value(json_object_get(worst, "region")),
        100.0 * json_number_value(json_object_get(worst, "failing_share")),
        (long long)json_integer_value(json_object_get(worst, "attempts"))));
}

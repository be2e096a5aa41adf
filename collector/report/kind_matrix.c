#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/kinds.h"
#include "report/show.h"

#include <stdlib.h>

/* `report matrix` and `report diff`. */

/* Takes the text over as the answer, and says what it is about. */
static bool answer(const struct report *report, struct document *document, struct buf *text)
{
    document->answer = buf_take(text);
    buf_done(text);
    report_extent_text(report, text);
    document->extent = buf_take(text);
    buf_done(text);
    if (document->answer == NULL || document->extent == NULL)
        cli_error(_("out of memory"));
    return document->answer != NULL;
}

bool make_matrix(struct report *report, struct document *document)
{
    unsigned failing, cells;
    struct buf text;
    if (!report_compare(report) || !report_begin(report, "matrix", document))
        return false;
    matrix_totals(&report->matrix, &failing, &cells);
    buf_init(&text, 0);
    (void)buf_printf(&text, _("%u of %u cells fail"), failing, cells);
    document->rows = matrix_rows(&report->matrix);
    document->fields = cell_fields;
    if (document->rows != NULL && matrix_to_json(&report->matrix, document->root))
        return answer(report, document, &text);
    buf_done(&text);
    cli_error(_("out of memory"));
    return false;
}

void print_matrix(const struct report *report, const struct document *document, FILE *stream)
{
    (void)document;
    (void)matrix_print(&report->matrix, stream);
}

bool md_matrix(const struct report *report, const struct document *document, FILE *stream)
{
    (void)document;
    return matrix_to_md(&report->matrix, stream);
}

bool make_diff(struct report *report, struct document *document)
{
    struct buf text;
    if (!report_compare(report) || !report_begin(report, "diff", document))
        return false;
    const struct diff *diff = &report->diff;
    size_t count = diff_finding_count(diff);
    buf_init(&text, 0);
    if (count == 0)
        (void)buf_text(&text, _("no differences"));
    else
        (void)buf_printf(&text, ngettext("%zu finding", "%zu findings", count), count);
    if (diff->aside_count > 0)
        (void)buf_printf(&text,
                         ngettext(", %zu vantage set aside", ", %zu vantages set aside", diff->aside_count),
                         diff->aside_count);
    document->found = count > 0;
    document->fields = finding_fields;
    if (matrix_to_json(&report->matrix, document->root) && diff_to_json(diff, document->root)) {
        document->rows = json_incref(json_object_get(document->root, "findings"));
        return answer(report, document, &text);
    }
    buf_done(&text);
    cli_error(_("out of memory"));
    return false;
}

void print_diff(const struct report *report, const struct document *document, FILE *stream)
{
    (void)document;
    diff_print(&report->diff, stream);
}

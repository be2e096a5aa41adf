#include "report/kinds.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "report/md.h"
#include "report/page.h"
#include "report/show.h"
#include "site.h"
#include "words/attempt_json.h"

#include <stdlib.h>
#include <string.h>

const struct report_kind report_kinds[] = {
    {.name = "matrix",
     .make = make_matrix,
     .print = print_matrix,
     .md = md_matrix,
     .needs_attempts = true,
     .whole_page = true},
    {.name = "diff", .make = make_diff, .print = print_diff, .needs_attempts = true, .whole_page = true},
    {.name = "site", .make = make_site},
    {.name = "asn", .make = make_asn, .needs_attempts = true},
    {.name = "edge-origin", .make = make_edge_origin, .print = print_edge_origin, .needs_attempts = true},
    {.name = "certs", .make = make_certs, .needs_attempts = true},
    {.name = "vantages", .make = make_vantages},
    {.name = "latency", .make = make_latency, .needs_attempts = true},
    {.name = "incidents", .make = make_incidents, .print = print_incidents},
    {.name = "explain", .make = make_explain, .print = print_explain, .takes_id = true},
};
const size_t report_kind_count = sizeof report_kinds / sizeof report_kinds[0];

bool report_init(struct report *report, struct db *db, const struct window *window)
{
    *report = (struct report){.db = db, .window = *window};
    matrix_init(&report->matrix);
    return site_is_there(db, window->site) && window_extent(db, window, &report->extent);
}

void report_done(struct report *report)
{
    if (report->explained)
        whys_done(&report->whys);
    if (report->compared)
        diff_done(&report->diff);
    matrix_done(&report->matrix);
}

bool report_compare(struct report *report)
{
    if (report->compared)
        return true;
    if (!window_matrix(report->db, &report->window, &report->matrix))
        return false;
    if (!diff_run(&report->diff, &report->matrix)) {
        diff_done(&report->diff);
        cli_error(_("the window is too large to compare; narrow it with --site, --region or --since"));
        return false;
    }
    report->compared = true;
    return true;
}

bool report_explain(struct report *report)
{
    if (report->explained)
        return true;
    report->explained = whys_read(report->db, &report->window, &report->diff, &report->whys);
    if (!report->explained)
        whys_done(&report->whys);
    return report->explained;
}

bool report_begin(const struct report *report, const char *kind, struct document *document)
{
    document->root = window_json(kind, &report->window, &report->extent);
    if (document->root != NULL && json_object_set_new(document->root, "answer", json_null()) == 0)
        return true;
    cli_error(_("out of memory"));
    return false;
}

void report_extent_text(const struct report *report, struct buf *out)
{
    const struct matrix *matrix = &report->matrix;
    (void)buf_printf(out, ngettext("%lld round", "%lld rounds", (unsigned long)report->extent.rounds),
                     report->extent.rounds);
    (void)buf_text(out, ", ");
    (void)buf_printf(out, ngettext("%u vantage", "%u vantages", matrix->vantage_count),
                     matrix->vantage_count);
    (void)buf_text(out, ", ");
    (void)buf_printf(out, ngettext("%u endpoint", "%u endpoints", matrix->endpoint_count),
                     matrix->endpoint_count);
    (void)buf_printf(out, _(", %s to %s"), report->extent.first_at, report->extent.last_at);
    if (window_is_rolled(&report->window))
        (void)buf_text(out, _(", counted by ten minutes"));
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static bool write_text(const struct report *report, const struct report_kind *kind,
                       const struct document *document, FILE *stream)
{
    char *safe = text_safe_copy(document->answer);
    (void)fprintf(stream, "%s%s%s\n", safe, document->extent == NULL ? "" : "; ",
                  document->extent == NULL ? "" : document->extent);
    free(safe);
    if (kind->print != NULL) {
        kind->print(report, document, stream);
    } else if (json_array_size(document->rows) > 0) {
        (void)fputc('\n', stream);
        rows_print(document->rows, document->fields, stream);
    }
    return ferror(stream) == 0;
}

static bool write_md(const struct report *report, const struct report_kind *kind,
                     const struct document *document, FILE *stream)
{
    struct buf answer;
    buf_init(&answer, 0);
    bool done =
        md_text(&answer, document->answer) &&
        (document->extent == NULL || (buf_text(&answer, "; ") && md_text(&answer, document->extent))) &&
        buf_text(&answer, "\n\n") && fwrite(answer.data, 1, answer.len, stream) == answer.len;
    buf_done(&answer);
    return done && (kind->md != NULL ? kind->md(report, document, stream)
                                     : rows_md(document->rows, document->fields, stream));
}

static bool write_json(const struct document *document, FILE *stream)
{
    json_t *answer = json_text(document->answer);
    return answer != NULL && json_object_set_new(document->root, "answer", answer) == 0 &&
           json_dumpf(document->root, stream, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
           fputc('\n', stream) != EOF;
}

static bool write_document(struct report *report, const struct report_kind *kind,
                           const struct document *document, enum report_format format, FILE *stream)
{
    switch (format) {
    case REPORT_TEXT:
        return write_text(report, kind, document, stream);
    case REPORT_JSON:
        return write_json(document, stream);
    case REPORT_CSV:
        return rows_csv(document->rows, document->fields, stream);
    case REPORT_NDJSON:
        return rows_ndjson(document->rows, stream);
    case REPORT_MD:
        return write_md(report, kind, document, stream);
    case REPORT_HTML:
        return page_write(report, document, kind->whole_page, stream);
    }
    return false;
}

int report_write(struct report *report, const struct report_kind *kind, enum report_format format,
                 FILE *stream)
{
    struct document document;
    document_init(&document);
    int code = EXIT_FAILED;
    if (kind->needs_attempts && report->extent.attempts == 0) {
        cli_error(_("no attempts in this window; widen it with --since, and see: parallax-collector report "
                    "vantages"));
    } else if (kind->make(report, &document)) {
        bool done =
            write_document(report, kind, &document, format, stream) && fflush(stream) == 0 && !ferror(stream);
        if (!done)
            cli_error(_("cannot write the report"));
        code = !done ? EXIT_FAILED : document.found ? EXIT_FINDINGS : EXIT_HEALTHY;
    }
    document_done(&document);
    return code;
}

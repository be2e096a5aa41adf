#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/label.h"
#include "report/page_parts.h"

#include <string.h>

/* Vantages against endpoints: what each cell showed most, and inside of it the evidence. */

static const char *state_class(enum cell_state state)
{
    switch (state) {
    case CELL_PASS:
        return "o";
    case CELL_AT_TIMES:
        return "f1";
    case CELL_FAIL:
        return "f3";
    case CELL_NONE:
    case CELL_LOCAL:
        break;
    }
    return "x";
}

static bool is_aside(const struct diff *diff, unsigned vantage)
{
    return !diff->valid[vantage];
}

static void write_columns(struct page *page)
{
    struct html *html = &page->html;
    const struct matrix *matrix = &page->report->matrix;
    char label[LABEL_BYTES];
    html_raw(html, "<thead><tr><th scope=col>");
    html_text(html, _("Endpoint"));
    html_raw(html, "</th>");
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        html_raw(html, "<th scope=col>");
        html_element(html, "span class=region", matrix->vantages[v].region);
        html_element(html, "span class=asn", asn_label(matrix->vantages[v].asn, label));
        html_text(html, matrix->vantages[v].name);
        if (is_aside(&page->report->diff, v))
            html_element(html, "span class=aside", _("set aside"));
        html_raw(html, "</th>");
    }
    html_raw(html, "</tr></thead>");
}

static bool write_cell(struct page *page, struct page_evidence *evidence, unsigned endpoint, unsigned vantage)
{
    struct html *html = &page->html;
    const struct cell *cell = matrix_cell(&page->report->matrix, endpoint, vantage);
    enum cell_state state = cell_state(cell);
    char label[LABEL_BYTES];
    enum term_style style;
    html_rawf(html, "<td class=%s>", state_class(state));
    if (state == CELL_NONE) {
        html_raw(html, "–");
        return true;
    }
    html_raw(html, "<details><summary>");
    html_text(html, cell_label(cell, label, &style));
    html_raw(html, "</summary>");
    bool done = page_evidence_write(page, evidence, endpoint, vantage);
    html_raw(html, "</details>");
    return done;
}

static bool endpoint_fails(const struct matrix *matrix, unsigned endpoint)
{
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        enum cell_state state = cell_state(matrix_cell(matrix, endpoint, v));
        if (state == CELL_FAIL || state == CELL_AT_TIMES)
            return true;
    }
    return false;
}

static bool write_row(struct page *page, struct page_evidence *evidence, unsigned endpoint, bool fails)
{
    struct html *html = &page->html;
    const struct matrix *matrix = &page->report->matrix;
    html_raw(html, fails ? "\n<tr class=bad" : "\n<tr");
    page_key(page, &matrix->endpoints[endpoint]);
    html_raw(html, "><th scope=row>");
    page_endpoint(page, &matrix->endpoints[endpoint]);
    html_raw(html, "</th>");
    bool done = true;
    for (unsigned v = 0; done && v < matrix->vantage_count; v++)
        done = write_cell(page, evidence, endpoint, v);
    html_raw(html, "</tr>");
    return done;
}

/* Endpoints with failures, or those without. */
static bool write_rows(struct page *page, struct page_evidence *evidence, bool fails, size_t *left_out)
{
    const struct matrix *matrix = &page->report->matrix;
    bool done = true;
    for (unsigned e = 0; done && e < matrix->endpoint_count; e++) {
        if (endpoint_fails(matrix, e) != fails)
            continue;
        if (page_room(page, PAGE_MATRIX_BYTES))
            done = write_row(page, evidence, e, fails);
        else
            (*left_out)++;
    }
    return done;
}

bool page_matrix(struct page *page)
{
    struct html *html = &page->html;
    struct page_evidence *evidence = page_evidence_new(page->report);
    size_t left_out = 0;
    if (evidence == NULL)
        return false;
    page_section(page, "matrix", _("Endpoints from every vantage"),
                 _("Each cell says what was seen most; open it for the evidence."));
    html_raw(html, "<div class=scroll tabindex=0 role=group");
    html_attr(html, "aria-label", _("Endpoints from every vantage"));
    html_raw(html, "><table class=matrix>");
    html_element(html, "caption", _("Outcomes by endpoint and vantage"));
    write_columns(page);
    html_raw(html, "<tbody>");
    bool done = write_rows(page, evidence, true, &left_out) && write_rows(page, evidence, false, &left_out);
    html_raw(html, "</tbody></table></div>");
    page_left_out(page, left_out);
    page_section_end(page);
    page_evidence_free(evidence);
    return done;
}

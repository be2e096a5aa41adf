#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/label.h"
#include "report/page_parts.h"

#include <stdlib.h>
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

static void write_cell(struct page *page, struct page_evidence *evidence, unsigned endpoint, unsigned vantage)
{
    struct html *html = &page->html;
    const struct cell *cell = matrix_cell(&page->report->matrix, endpoint, vantage);
    enum cell_state state = cell_state(cell);
    char label[LABEL_BYTES];
    enum term_style style;
    html_rawf(html, "<td class=%s>", state_class(state));
    if (state == CELL_NONE) {
        html_raw(html, "–");
        return;
    }
    html_raw(html, "<details><summary>");
    html_text(html, cell_label(cell, label, &style));
    html_raw(html, "</summary>");
    page_evidence_write(page, evidence, endpoint, vantage);
    html_raw(html, "</details>");
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

static void write_row(struct page *page, struct page_evidence *evidence, unsigned endpoint)
{
    struct html *html = &page->html;
    const struct matrix *matrix = &page->report->matrix;
    html_raw(html, endpoint_fails(matrix, endpoint) ? "\n<tr class=bad" : "\n<tr");
    page_key(page, &matrix->endpoints[endpoint]);
    html_raw(html, "><th scope=row>");
    page_endpoint(page, &matrix->endpoints[endpoint]);
    html_raw(html, "</th>");
    for (unsigned v = 0; v < matrix->vantage_count; v++)
        write_cell(page, evidence, endpoint, v);
    html_raw(html, "</tr>");
}

/* @return how many were left out for want of room. */
static size_t write_rows(struct page *page, struct page_evidence *evidence, const unsigned *endpoints)
{
    size_t left_out = 0;
    for (unsigned i = 0; i < page->report->matrix.endpoint_count; i++) {
        if (page_room(page, PAGE_MATRIX_BYTES))
            write_row(page, evidence, endpoints[i]);
        else
            left_out++;
    }
    return left_out;
}

/* Endpoints with failures, then those without; freed by the caller. NULL after cli_error. */
static unsigned *in_order(const struct matrix *matrix)
{
    unsigned *endpoints = calloc((size_t)matrix->endpoint_count + 1, sizeof *endpoints), count = 0;
    if (endpoints == NULL) {
        cli_error(_("out of memory"));
        return NULL;
    }
    for (int fails = 1; fails >= 0; fails--) {
        for (unsigned e = 0; e < matrix->endpoint_count; e++) {
            if (endpoint_fails(matrix, e) == (fails == 1))
                endpoints[count++] = e;
        }
    }
    return endpoints;
}

bool page_matrix(struct page *page)
{
    struct html *html = &page->html;
    unsigned *endpoints = in_order(&page->report->matrix);
    struct page_evidence *evidence = endpoints == NULL ? NULL : page_evidence_new(page->report, endpoints);
    if (evidence == NULL) {
        free(endpoints);
        return false;
    }
    page_section(page, "matrix", _("Endpoints from every vantage"),
                 _("Each cell says what was seen most; open it for the evidence."));
    html_raw(html, "<div class=scroll tabindex=0 role=group");
    html_attr(html, "aria-label", _("Endpoints from every vantage"));
    html_raw(html, "><table class=matrix>");
    html_element(html, "caption", _("Outcomes by endpoint and vantage"));
    write_columns(page);
    html_raw(html, "<tbody>");
    size_t left_out = write_rows(page, evidence, endpoints);
    html_raw(html, "</tbody></table></div>");
    page_left_out(page, left_out);
    page_section_end(page);
    page_evidence_free(evidence);
    free(endpoints);
    return true;
}

#ifndef PARALLAX_COLLECTOR_REPORT_PAGE_PARTS_H
#define PARALLAX_COLLECTOR_REPORT_PAGE_PARTS_H

#include "report/html.h"
#include "report/kinds.h"

/* The page's own parts, in the order they stand on it. Each writes one section and keeps to its share of the bytes. */

enum {
    PAGE_HEAT_BYTES = 500000,
    PAGE_MOMENTS_BYTES = 200000,
    PAGE_MATRIX_BYTES = 800000,
    PAGE_TABLE_BYTES = 80000,
    PAGE_ANSWERS = 12,
};

struct page {
    struct html html;
    struct report *report;
    size_t section_start; /* where the section began, in bytes */
};

/** Opens a section with its heading, and notes where it starts. @param id  ours. */
void page_section(struct page *page, const char *id, const char *title, const char *explanation);
void page_section_end(struct page *page);

/** Is there room for more in a section of so many bytes? */
bool page_room(const struct page *page, size_t section_bytes);

/** "N more are left out ...": nothing when none are. */
void page_left_out(struct page *page, size_t count);

/** A table of rows. @param caption  translated. */
void page_rows(struct page *page, const json_t *rows, const struct rows_field *fields, const char *caption);

/** "shop edge www.shop.example:443" */
void page_endpoint(struct page *page, const struct matrix_endpoint *endpoint);
/** The same without markup, for filters: ` data-k="..."`. */
void page_key(struct page *page, const struct matrix_endpoint *endpoint);

/* page_answer.c: what is wrong, in one sentence each: the incidents that are open; without one, what the window itself shows. */
void page_answers(struct page *page, const json_t *incidents);

/* page_incidents.c */
void page_incidents(struct page *page, const json_t *incidents);
bool incident_is_open(const json_t *incident);

/* page_heat.c: regions against endpoints over time. @return false after cli_error. */
bool page_heat(struct page *page);

/* page_matrix.c: vantages against endpoints, each cell with its evidence. @return false after cli_error. */
bool page_matrix(struct page *page);

/* page_evidence.c */
struct page_evidence;
/** What each failing cell last showed. @param endpoints  in the order that they are written in. @return NULL after cli_error. */
struct page_evidence *page_evidence_new(struct report *report, const unsigned *endpoints);
void page_evidence_free(struct page_evidence *evidence);
/** The inside of a cell. */
void page_evidence_write(struct page *page, struct page_evidence *evidence, unsigned endpoint,
                         unsigned vantage);

/* page_latency.c: how long stages take, drawn. @return false after cli_error. */
bool page_latency(struct page *page);

/* The page's style and script (page/page.css, page/page.js). */
extern const char page_css[], page_js[];
extern const unsigned long page_css_length, page_js_length;

#endif

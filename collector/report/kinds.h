#ifndef PARALLAX_COLLECTOR_REPORT_KINDS_H
#define PARALLAX_COLLECTOR_REPORT_KINDS_H

#include "diff/diff.h"
#include "report/document.h"
#include "report/window.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * The kinds of report, one row of a table each. A kind reads the window and makes a document; what writes it in a format is
 * the same for all of them, but for what the row overrides.
 */

/* What a report is made from. */
struct report {
    struct db *db;
    struct window window;
    struct window_extent extent;
    const char *id; /* explain: which incident; else NULL */
    bool compared;  /* matrix and diff hold the window */
    struct matrix matrix;
    struct diff diff;
};

/** Reads the window's matrix and compares it, unless that was done before. @return false after cli_error. */
bool report_compare(struct report *report);

/** @param db  not owned. @return false after cli_error: the database, or a site that is not known. */
bool report_init(struct report *report, struct db *db, const struct window *window);
void report_done(struct report *report);

/** Starts a document: the root with the window in it. @return false after cli_error. */
bool report_begin(const struct report *report, const char *kind, struct document *document);

/** "60 rounds, 3 vantages, 5 endpoints, 2026-... to 2026-..." Appends. */
void report_extent_text(const struct report *report, struct buf *out);

struct report_kind {
    const char *name;
    /** Fills an empty document. @return false after cli_error; the document is dropped. */
    bool (*make)(struct report *report, struct document *document);
    void (*print)(const struct report *report, const struct document *document,
                  FILE *stream);                                                            /* NULL: rows */
    bool (*md)(const struct report *report, const struct document *document, FILE *stream); /* NULL: rows */
    bool needs_attempts; /* of the window */
    bool whole_page;     /* html: the page of everything, not of the rows alone */
    bool takes_id;
};

extern const struct report_kind report_kinds[];
extern const size_t report_kind_count;

/** Makes the document and writes it. @return an exit code, after cli_error when it is EXIT_FAILED. */
int report_write(struct report *report, const struct report_kind *kind, enum report_format format,
                 FILE *stream);

/* The rows of the table (kind_*.c). */
bool make_matrix(struct report *report, struct document *document);
void print_matrix(const struct report *report, const struct document *document, FILE *stream);
bool md_matrix(const struct report *report, const struct document *document, FILE *stream);
bool make_diff(struct report *report, struct document *document);
void print_diff(const struct report *report, const struct document *document, FILE *stream);
bool make_site(struct report *report, struct document *document);
bool make_asn(struct report *report, struct document *document);
bool make_edge_origin(struct report *report, struct document *document);
void print_edge_origin(const struct report *report, const struct document *document, FILE *stream);
bool make_certs(struct report *report, struct document *document);
bool make_vantages(struct report *report, struct document *document);
bool make_incidents(struct report *report, struct document *document);
void print_incidents(const struct report *report, const struct document *document, FILE *stream);
bool make_explain(struct report *report, struct document *document);
void print_explain(const struct report *report, const struct document *document, FILE *stream);
bool make_latency(struct report *report, struct document *document);
/** How many times slower this row of a latency report is, 0 when that is not worth a word. */
double latency_striking(const json_t *row);

#endif

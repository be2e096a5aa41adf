#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"
#include "report/label.h"
#include "report/page_parts.h"
#include "words/evidence.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

/* What is inside a cell: counts, what handshakes looked like, what the last failing attempt showed, why, and what to do. */

enum { EVIDENCE_CASES = 200, RAW_TEXT_BYTES = 96, SHOWN_ARENA_BYTES = 1 << 24 };

/* Why a cell's last failure came about. */
struct shown {
    int row; /* of failures */
    struct conclusion conclusion;
};

struct page_evidence {
    PGresult *failures; /* in order of endpoint and vantage */
    struct arena arena; /* facts */
    size_t count;
    struct shown shown[EVIDENCE_CASES]; /* in order of what is written */
    size_t next;
};

/* The row of a cell's last failure, -1 when it has none. */
static int find_failure(const PGresult *failures, int64_t endpoint_id, int64_t vantage_id)
{
    int low = 0, high = PQntuples(failures);
    while (low < high) {
        int middle = low + (high - low) / 2;
        int64_t endpoint = db_int(failures, middle, "endpoint_id"),
                vantage = db_int(failures, middle, "vantage_id");
        if (endpoint == endpoint_id && vantage == vantage_id)
            return middle;
        if (endpoint < endpoint_id || (endpoint == endpoint_id && vantage < vantage_id))
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static bool keep(size_t index, struct cases *cases, void *arg)
{
    struct page_evidence *evidence = arg;
    struct shown *shown = &evidence->shown[index];
    const struct case_concluded *found =
        cases_find(cases, (enum outcome_class)db_int(evidence->failures, shown->row, "class"));
    if (found == NULL)
        return true;
    shown->conclusion = found->conclusion;
    if (conclusion_keep(&evidence->arena, &shown->conclusion))
        return true;
    cli_error(_("out of memory"));
    return false;
}

/* The cells that come first on the page are explained. */
static bool explain(struct page_evidence *evidence, const struct report *report, const unsigned *endpoints)
{
    const struct matrix *matrix = &report->matrix;
    struct case_key keys[EVIDENCE_CASES];
    for (unsigned i = 0; i < matrix->endpoint_count; i++) {
        for (unsigned v = 0; v < matrix->vantage_count && evidence->count < EVIDENCE_CASES; v++) {
            int64_t endpoint_id = matrix->endpoints[endpoints[i]].id, vantage_id = matrix->vantages[v].id;
            int row = find_failure(evidence->failures, endpoint_id, vantage_id);
            if (row < 0 || db_null(evidence->failures, row, "round_id") ||
                cell_state(matrix_cell(matrix, endpoints[i], v)) == CELL_NONE)
                continue;
            keys[evidence->count] =
                (struct case_key){db_int(evidence->failures, row, "round_id"), endpoint_id, vantage_id};
            evidence->shown[evidence->count++].row = row;
        }
    }
    return cases_read(report->db, keys, evidence->count, keep, evidence);
}

struct page_evidence *page_evidence_new(struct report *report, const unsigned *endpoints)
{
    struct page_evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL) {
        cli_error(_("out of memory"));
        return NULL;
    }
    arena_init(&evidence->arena, SHOWN_ARENA_BYTES);
    evidence->failures = window_query(report->db, STATEMENT_page_failures, &report->window);
    if (evidence->failures != NULL && explain(evidence, report, endpoints))
        return evidence;
    page_evidence_free(evidence);
    return NULL;
}

void page_evidence_free(struct page_evidence *evidence)
{
    PQclear(evidence->failures);
    arena_done(&evidence->arena);
    free(evidence);
}

/* --- facts -------------------------------------------------------------------------------------------------------------- */

static void fact(struct html *html, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    html_raw(html, "<dt>");
    html_text(html, name);
    html_raw(html, "<dd>");
    html_text(html, value);
}

static void fact_span(struct html *html, const char *name, const PGresult *result, int row,
                      const char *column)
{
    char span[UNITS_SPAN_BYTES];
    if (!db_null(result, row, column))
        fact(html, name, span_text(db_int(result, row, column), span));
}

static void write_counts(struct html *html, const struct cell *cell)
{
    char raw[RAW_TEXT_BYTES];
    html_raw(html, "<ul class=counts>");
    for (size_t i = 0; i < cell->tally_count; i++) {
        const struct tally *tally = &cell->tallies[i];
        html_rawf(html, "<li><b>%u</b> ", tally->count);
        html_text(html, _(outcome_class_text(tally->outcome.class)));
        if (outcome_is_failure(tally->outcome) &&
            outcome_raw_text(tally->outcome, raw, sizeof raw)[0] != '\0')
            html_textf(html, " (%s)", raw);
    }
    html_raw(html, "</ul>");
    if (cell->confirm_attempts > 0) {
        html_raw(html, "<p>");
        html_textf(html, _("Tried again from a new port: %u of %u fail."), cell->confirm_failed,
                   cell->confirm_attempts);
        html_raw(html, "</p>");
    }
}

static void write_look(struct html *html, const struct cell *cell)
{
    const struct look *look = &cell->look;
    char span[UNITS_SPAN_BYTES], status[16] = "";
    html_raw(html, "<dl>");
    if (cell->handshake_us >= 0)
        fact(html, _("handshake, median"), span_text(cell->handshake_us, span));
    if (look->tls_version != 0)
        fact(html, _("version"), tls_version_name((uint16_t)look->tls_version));
    if (look->cipher != 0)
        fact(html, _("cipher"), tls_cipher_name((uint16_t)look->cipher));
    fact(html, _("ALPN"), look->alpn);
    if (look->http_status != 0)
        (void)snprintf(status, sizeof status, "%u", look->http_status);
    fact(html, _("HTTP status"), status);
    fact(html, _("addresses"), look->addresses);
    fact(html, _("issuer"), look->issuer);
    html_raw(html, "</dl>");
}

static void write_failure(struct html *html, const PGresult *result, int row)
{
    struct outcome outcome;
    char raw[RAW_TEXT_BYTES];
    html_element(html, "h3", _("Last failing attempt"));
    html_raw(html, "<dl>");
    fact(html, _("at"), db_text(result, row, "at"));
    fact(html, _("round"), db_text(result, row, "round_id"));
    if (outcome_from_numbers((int)db_int(result, row, "class"), (int)db_int(result, row, "raw_kind"),
                             (int32_t)db_int(result, row, "raw"), &outcome)) {
        fact(html, _("outcome"), _(outcome_class_text(outcome.class)));
        fact(html, _("number"), outcome_raw_text(outcome, raw, sizeof raw));
    }
    fact(html, _("address"), db_text(result, row, "address"));
    fact(html, _("own port"), db_text(result, row, "source_port"));
    fact_span(html, _("connected in"), result, row, "tcp_us");
    fact_span(html, _("smallest round trip"), result, row, "min_rtt_us");
    fact(html, _("retransmits"), db_text(result, row, "total_retrans"));
    fact_span(html, _("handshake"), result, row, "tls_us");
    fact(html, _("certificate"), db_text(result, row, "subject"));
    fact(html, _("issuer"), db_text(result, row, "issuer"));
    fact(html, _("valid until"), db_text(result, row, "not_after"));
    fact(html, _("HTTP status"), db_text(result, row, "http_status"));
    fact(html, _("server"), db_text(result, row, "server"));
    fact(html, _("CDN"), db_text(result, row, "edge"));
    fact(html, _("point of presence"), db_text(result, row, "pop"));
    html_raw(html, "</dl>");
}

/* --- why ------------------------------------------------------------------------------------------------------------------ */

static void write_filled(struct html *html, const char *tag, const char *text,
                         const struct conclusion *conclusion)
{
    struct buf filled;
    buf_init(&filled, 0);
    if (text[0] != '\0' && cause_text(&filled, text, conclusion) && filled.len > 0) {
        html_rawf(html, "<%s>", tag);
        html_bytes(html, (const char *)filled.data, filled.len);
        html_rawf(html, "</%.*s>", (int)strcspn(tag, " "), tag);
    }
    buf_done(&filled);
}

static void write_ruled_out(struct html *html, const struct conclusion *conclusion)
{
    if (conclusion->ruled_count == 0)
        return;
    html_raw(html, "<p>");
    html_text(html, _("Ruled out:"));
    for (size_t i = 0; i < conclusion->ruled_count; i++) {
        html_raw(html, i == 0 ? " " : ", ");
        html_text(html, _(cause_row(conclusion->ruled[i].cause)->name));
    }
    html_raw(html, "</p>");
}

static void write_conclusion(struct html *html, const struct conclusion *conclusion)
{
    const struct cause_row *row = cause_row(conclusion->cause);
    html_raw(html, "<h3>");
    html_text(html, conclusion->certainty == CERTAINTY_CONFIRMED ? _("Confirmed:") : _("Consistent with:"));
    html_raw(html, " ");
    html_text(html, T_(row->name));
    html_raw(html, "</h3>");
    write_filled(html, "p", T_(row->verdict), conclusion);
    write_ruled_out(html, conclusion);
    if (row->remedy[0] != '\0') {
        html_raw(html, "<p class=do><b>");
        html_text(html, _("Do:"));
        html_raw(html, "</b></p>");
        write_filled(html, "p class=do", T_(row->remedy), conclusion);
    }
}

/* Cells are written in the order in which they were explained. */
static void write_cause(struct page *page, struct page_evidence *evidence, int row)
{
    if (evidence->next == evidence->count || evidence->shown[evidence->next].row != row)
        return;
    const struct conclusion *conclusion = &evidence->shown[evidence->next++].conclusion;
    if (conclusion->cause != CAUSE_NONE)
        write_conclusion(&page->html, conclusion);
}

void page_evidence_write(struct page *page, struct page_evidence *evidence, unsigned endpoint,
                         unsigned vantage)
{
    const struct matrix *matrix = &page->report->matrix;
    const struct cell *cell = matrix_cell(matrix, endpoint, vantage);
    int row = find_failure(evidence->failures, matrix->endpoints[endpoint].id, matrix->vantages[vantage].id);
    html_raw(&page->html, "<div class=ev>");
    write_counts(&page->html, cell);
    if (cell->passed > 0)
        write_look(&page->html, cell);
    if (row >= 0) {
        write_failure(&page->html, evidence->failures, row);
        write_cause(page, evidence, row);
    }
    html_raw(&page->html, "</div>");
}

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/page_parts.h"
#include "words/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How long stages take from each region, drawn on one logarithmic axis; and which places are slower than the others. */

enum {
    BINS_PER_OCTAVE = 4,
    DRAW_WIDTH = 320,
    DRAW_HEIGHT = 36,
    DRAW_BASE = 33,
    MAX_BIN = 127,
    STRIKING_ROWS = 40
};

static const char *const stage_titles[] = {N_("DNS answer"), N_("TCP connect"), N_("TLS handshake"),
                                           N_("HTTP answer")};
enum { STAGES = sizeof stage_titles / sizeof stage_titles[0] };

struct axis {
    int first, last; /* bins */
};

static double place(const struct axis *axis, double bin)
{
    return (bin - axis->first) * DRAW_WIDTH / (axis->last - axis->first + 1);
}

static double bin_of(double us)
{
    return us < 1 ? 0 : BINS_PER_OCTAVE * log2(us);
}

/* Visits the bins of a row. */
static void each_bin(const PGresult *result, int row, void (*visit)(int bin, long long count, void *arg),
                     void *arg)
{
    json_t *list = json_loads(db_text(result, row, "bins"), 0, NULL), *item;
    size_t index;
    json_array_foreach(list, index, item)
    {
        long long bin = json_integer_value(json_array_get(item, 0));
        visit(bin < 0         ? 0
              : bin > MAX_BIN ? MAX_BIN
                              : (int)bin,
              json_integer_value(json_array_get(item, 1)), arg);
    }
    json_decref(list);
}

static void widen(int bin, long long count, void *arg)
{
    struct axis *axis = arg;
    (void)count;
    axis->first = bin < axis->first ? bin : axis->first;
    axis->last = bin > axis->last ? bin : axis->last;
}

static void highest(int bin, long long count, void *arg)
{
    long long *most = arg;
    (void)bin;
    *most = count > *most ? count : *most;
}

struct drawing {
    struct html *html;
    const struct axis *axis;
    long long most;
};

static void draw_bar(int bin, long long count, void *arg)
{
    struct drawing *drawing = arg;
    double height = (double)count * (DRAW_BASE - 3) / (double)drawing->most;
    height = height < 1 ? 1 : height;
    html_rawf(drawing->html, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
              place(drawing->axis, bin), DRAW_BASE - height,
              place(drawing->axis, bin + 1) - place(drawing->axis, bin) - 0.5, height);
}

static void draw_mark(struct html *html, const struct axis *axis, double us, const char *class)
{
    double x = place(axis, bin_of(us));
    html_rawf(html, "<path class=%s d=\"M%.1f 0V%d\"/>", class, x, DRAW_BASE);
}

/* Lines at powers of ten: 1 ms, 10 ms, ... */
static void draw_grid(struct html *html, const struct axis *axis)
{
    for (int64_t us = 1000; us < INT32_MAX; us *= 10) {
        double bin = bin_of((double)us);
        if (bin > axis->first && bin < axis->last)
            html_rawf(html, "<path class=g d=\"M%.1f 0V%d\"/>", place(axis, bin), DRAW_BASE);
    }
}

static void draw(struct html *html, const PGresult *result, int row, const struct axis *axis)
{
    char p50[UNITS_SPAN_BYTES], p90[UNITS_SPAN_BYTES], p99[UNITS_SPAN_BYTES], *label = NULL;
    struct drawing drawing = {.html = html, .axis = axis, .most = 1};
    each_bin(result, row, highest, &drawing.most);
    if (asprintf(&label, _("half within %s, 90 %% within %s, 99 %% within %s"),
                 span_text(db_int(result, row, "p50_us"), p50), span_text(db_int(result, row, "p90_us"), p90),
                 span_text(db_int(result, row, "p99_us"), p99)) < 0) {
        html->failed = true;
        return;
    }
    html_rawf(html, "<svg role=img viewBox=\"0 0 %d %d\" width=%d height=%d preserveAspectRatio=none",
              DRAW_WIDTH, DRAW_HEIGHT, DRAW_WIDTH, DRAW_HEIGHT);
    html_attr(html, "aria-label", label);
    html_raw(html, ">");
    draw_grid(html, axis);
    each_bin(result, row, draw_bar, &drawing);
    draw_mark(html, axis, (double)db_int(result, row, "p50_us"), "p50");
    draw_mark(html, axis, (double)db_int(result, row, "p90_us"), "p90");
    draw_mark(html, axis, (double)db_int(result, row, "p99_us"), "p99");
    html_rawf(html, "<path class=b d=\"M0 %d.5H%d\"/></svg>", DRAW_BASE, DRAW_WIDTH);
    free(label);
}

static void write_row(struct page *page, const PGresult *result, int row, const struct axis *axis)
{
    static const char *const columns[] = {"p50_us", "p90_us", "p99_us"};
    struct html *html = &page->html;
    char span[UNITS_SPAN_BYTES];
    html_raw(html, "<tr><th scope=row>");
    html_text(html, db_text(result, row, "region"));
    html_raw(html, "</th><td>");
    draw(html, result, row, axis);
    html_raw(html, "</td>");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        html_raw(html, "<td class=n>");
        html_text(html, span_text(db_int(result, row, columns[i]), span));
        html_raw(html, "</td>");
    }
    html_rawf(html, "<td class=n>%lld</td></tr>", db_int(result, row, "count"));
}

static void write_stage(struct page *page, const PGresult *result, int stage, const struct axis *axis)
{
    static const char *const heads[] = {"p50", "p90", "p99"};
    struct html *html = &page->html;
    bool begun = false;
    for (int row = 0; row < PQntuples(result); row++) {
        if (db_int(result, row, "stage") != stage)
            continue;
        if (!begun) {
            html_raw(html, "\n<div class=scroll tabindex=0 role=group");
            html_attr(html, "aria-label", _(stage_titles[stage]));
            html_raw(html, "><table class=spread>");
            html_element(html, "caption", _(stage_titles[stage]));
            html_raw(html, "<thead><tr>");
            html_element(html, "th scope=col", _("Region"));
            html_element(html, "th scope=col", _("Distribution"));
            for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
                html_element(html, "th scope=col class=n", heads[i]);
            html_element(html, "th scope=col class=n", _("Count"));
            html_raw(html, "</tr></thead><tbody>");
        }
        begun = true;
        write_row(page, result, row, axis);
    }
    if (begun)
        html_raw(html, "</tbody></table></div>");
}

static void write_spreads(struct page *page, const PGresult *result)
{
    char first[UNITS_SPAN_BYTES], last[UNITS_SPAN_BYTES];
    struct axis axis = {.first = MAX_BIN, .last = 0};
    for (int row = 0; row < PQntuples(result); row++)
        each_bin(result, row, widen, &axis);
    if (axis.last < axis.first) {
        html_element(&page->html, "p class=empty", _("Nothing to show."));
        return;
    }
    html_raw(&page->html, "<p class=note>");
    html_textf(&page->html,
               _("Attempts that passed, all endpoints together; the axis is logarithmic, from %s to %s, and "
                 "thin lines "
                 "stand at powers of ten. Marks: p50 solid, p90 dashed, p99 dotted."),
               span_text((int64_t)exp2((double)axis.first / BINS_PER_OCTAVE), first),
               span_text((int64_t)exp2((axis.last + 1.0) / BINS_PER_OCTAVE), last));
    html_raw(&page->html, "</p><div class=spreads>");
    for (int stage = 0; stage < STAGES; stage++)
        write_stage(page, result, stage, &axis);
    html_raw(&page->html, "</div>");
}

static int by_factor(const void *left, const void *right)
{
    const json_t *const *a = left, *const *b = right;
    double x = latency_striking(*a), y = latency_striking(*b);
    return x > y ? -1 : x < y;
}

/* The rows that are worth a word, the most striking first, and no more than fit. NULL without memory. */
static json_t *most_striking(const json_t *rows, size_t *ret_left_out)
{
    size_t count = 0, size = json_array_size(rows);
    json_t **list = calloc(size + 1, sizeof(json_t *)), *chosen = json_array();
    for (size_t i = 0; list != NULL && i < size; i++) {
        if (latency_striking(json_array_get(rows, i)) > 0)
            list[count++] = json_array_get(rows, i);
    }
    if (count > 0)
        qsort(list, count, sizeof(json_t *), by_factor);
    for (size_t i = 0; i < count && i < STRIKING_ROWS; i++)
        (void)json_array_append(chosen, list[i]);
    *ret_left_out = count > STRIKING_ROWS ? count - STRIKING_ROWS : 0;
    free(list);
    return chosen;
}

/* The places that are slower than the others, or than their origin, by enough to be worth a line. */
static bool write_differences(struct page *page)
{
    struct document document;
    document_init(&document);
    bool made = make_latency(page->report, &document);
    size_t left_out = 0;
    json_t *worth = made ? most_striking(document.rows, &left_out) : NULL;
    if (made) {
        html_element(&page->html, "h3", _("Slower than elsewhere, or than at the origin"));
        html_element(&page->html, "p", document.answer);
        if (json_array_size(worth) > 0)
            page_rows(page, worth, document.fields,
                      _("Slower places: how many times as long, with its 95 per cent interval"));
        page_left_out(page, left_out);
    }
    json_decref(worth);
    document_done(&document);
    return made;
}

bool page_latency(struct page *page)
{
    PGresult *result = window_query(page->report->db, STATEMENT_page_latency, &page->report->window);
    if (result == NULL)
        return false;
    page_section(page, "latency", _("How long stages take"), NULL);
    write_spreads(page, result);
    bool done = write_differences(page);
    page_section_end(page);
    PQclear(result);
    return done;
}

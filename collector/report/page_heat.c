#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/label.h"
#include "report/page_parts.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Regions against endpoints over time: one row an endpoint and region, one column a slice of time. A cell that has failures says
 * in digits what share of the attempts failed, and leads to what they were.
 */

enum { HEAT_CELLS = 20000, HEAT_MIN_SLICES = 12, HEAT_MAX_SLICES = 48 };

struct beat {
    unsigned attempts;
    unsigned failed;
    unsigned worst; /* failures of the vantage that has the most of them */
    int class;      /* the most common one there */
};

struct heat {
    const struct matrix *matrix;
    const struct diff *diff;
    const char **regions; /* borrowed from the matrix */
    unsigned region_count;
    int64_t slice_s;
    int64_t first; /* number of the first slice */
    unsigned slices;
    struct beat *beats; /* endpoint, region, slice */
};

static struct beat *beats_of(const struct heat *heat, unsigned endpoint, unsigned region)
{
    return &heat->beats[((size_t)endpoint * heat->region_count + region) * heat->slices];
}

/* A length that a reader can count in, no shorter than this. */
static int64_t round_length(int64_t seconds)
{
    static const int64_t lengths[] = {1,   2,    5,    10,   15,   20,    30,    60,    120,  300,
                                      600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i] >= seconds)
            return lengths[i];
    }
    return (seconds + 86399) / 86400 * 86400;
}

static bool settle_time(struct heat *heat, const struct report *report)
{
    const struct window_extent *extent = &report->extent;
    int64_t first_us, last_us;
    if (!time_parse_rfc3339(extent->first_at, &first_us) || !time_parse_rfc3339(extent->last_at, &last_us))
        return false;
    size_t rows = (size_t)heat->matrix->endpoint_count * heat->region_count;
    int64_t wanted = (int64_t)(HEAT_CELLS / (rows > 0 ? rows : 1));
    wanted = wanted < HEAT_MIN_SLICES ? HEAT_MIN_SLICES : wanted > HEAT_MAX_SLICES ? HEAT_MAX_SLICES : wanted;
    wanted =
        extent->rounds > 0 && extent->rounds < wanted ? extent->rounds : wanted; /* no empty ones between */
    int64_t span_s = (last_us - first_us) / US_PER_S + 1;
    heat->slice_s = round_length((span_s + wanted - 1) / wanted);
    if (heat->slice_s < WINDOW_BUCKET_S && window_is_rolled(&report->window))
        heat->slice_s = WINDOW_BUCKET_S;
    heat->first = first_us / US_PER_S / heat->slice_s;
    heat->slices = (unsigned)(last_us / US_PER_S / heat->slice_s - heat->first + 1);
    return true;
}

static void add_region(struct heat *heat, const char *region)
{
    for (unsigned i = 0; i < heat->region_count; i++) {
        if (strcmp(heat->regions[i], region) == 0)
            return;
    }
    heat->regions[heat->region_count++] = region;
}

static unsigned region_of(const struct heat *heat, unsigned vantage)
{
    unsigned region = 0;
    while (region + 1 < heat->region_count && heat->regions[region] != NULL &&
           strcmp(heat->regions[region], heat->matrix->vantages[vantage].region) != 0)
        region++;
    return region;
}

/* Adds a vantage's slice to its region's. Who was set aside blames nobody here either. */
static void fill(struct heat *heat, const PGresult *result)
{
    const unsigned vantages = heat->matrix->vantage_count > 0 ? heat->matrix->vantage_count : 1;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t slice = db_int(result, row, "slice") - heat->first;
        const struct cell *cell =
            matrix_find(heat->matrix, db_int(result, row, "endpoint_id"), db_int(result, row, "vantage_id"));
        if (cell == NULL || slice < 0 || slice >= heat->slices)
            continue;
        size_t index = (size_t)(cell - heat->matrix->cells);
        unsigned endpoint = (unsigned)(index / vantages);
        unsigned vantage = (unsigned)(index % vantages);
        if (!heat->diff->valid[vantage])
            continue;
        struct beat *beat = &beats_of(heat, endpoint, region_of(heat, vantage))[slice];
        unsigned failed = (unsigned)db_int(result, row, "failed");
        beat->attempts += (unsigned)db_int(result, row, "attempts");
        beat->failed += failed;
        if (failed > beat->worst) {
            beat->worst = failed;
            beat->class = (int)db_int(result, row, "class");
        }
    }
}

/* --- drawing -------------------------------------------------------------------------------------------------------- */

static unsigned percent(const struct beat *beat)
{
    unsigned share = beat->attempts == 0 ? 0 : (unsigned)(100ULL * beat->failed / beat->attempts);
    return share == 0 && beat->failed > 0 ? 1 : share;
}

static const char *shade(unsigned share)
{
    return share == 100 ? "f4" : share >= 50 ? "f3" : share >= 20 ? "f2" : "f1";
}

/* "01:20" of a slice, or "11-20 01:20" where slices are long. */
static const char *slice_text(const struct heat *heat, unsigned slice, char out[UNITS_TIME_BYTES])
{
    char at[UNITS_TIME_BYTES];
    (void)time_rfc3339((heat->first + slice) * heat->slice_s * US_PER_S, 0, at);
    if (heat->slice_s >= 86400)
        (void)snprintf(out, UNITS_TIME_BYTES, "%.5s", at + 5);
    else if (heat->slice_s < 60)
        (void)snprintf(out, UNITS_TIME_BYTES, "%.8s", at + 11);
    else
        (void)snprintf(out, UNITS_TIME_BYTES, "%.5s", at + 11);
    return out;
}

static void write_columns(struct page *page, const struct heat *heat)
{
    char text[UNITS_TIME_BYTES];
    struct html *html = &page->html;
    unsigned wide = heat->slice_s < 60 ? 4 : 2; /* columns that a label needs */
    unsigned every = (heat->slices + 9) / 10 > wide ? (heat->slices + 9) / 10 : wide;
    html_raw(html, "<thead><tr><th scope=col>");
    html_text(html, _("Endpoint"));
    html_raw(html, "</th><th scope=col>");
    html_text(html, _("Region"));
    html_raw(html, "</th>");
    for (unsigned s = 0; s < heat->slices; s++) {
        const char *at = slice_text(heat, s, text);
        html_rawf(html,
                  s % every == 0 ? "<th scope=col class=t><span>%s</span>"
                                 : "<th scope=col><span class=vh>%s</span>",
                  at);
    }
    html_raw(html, "</tr></thead>");
}

static bool region_tried(const struct heat *heat, unsigned endpoint, unsigned region)
{
    const struct beat *beats = beats_of(heat, endpoint, region);
    for (unsigned s = 0; s < heat->slices; s++) {
        if (beats[s].attempts > 0)
            return true;
    }
    return false;
}

static void write_row(struct page *page, const struct heat *heat, unsigned endpoint, unsigned region)
{
    struct html *html = &page->html;
    const struct beat *beats = beats_of(heat, endpoint, region);
    html_element(html, "th scope=row", heat->regions[region]);
    for (unsigned s = 0; s < heat->slices; s++) {
        unsigned share = percent(&beats[s]);
        if (beats[s].attempts == 0)
            html_raw(html, "<td>");
        else if (share == 0)
            html_raw(html, "<td class=o>·");
        else
            html_rawf(html, "<td class=%s><a href=#s%u-%u-%u>%u</a>", shade(share), endpoint, region, s,
                      share);
    }
}

static void write_endpoint(struct page *page, const struct heat *heat, unsigned endpoint, bool fails)
{
    struct html *html = &page->html;
    unsigned rows = 0;
    for (unsigned r = 0; r < heat->region_count; r++)
        rows += region_tried(heat, endpoint, r);
    html_raw(html, fails ? "\n<tbody class=bad" : "\n<tbody");
    page_key(page, &heat->matrix->endpoints[endpoint]);
    html_rawf(html, "><tr><th scope=rowgroup rowspan=%u>", rows);
    page_endpoint(page, &heat->matrix->endpoints[endpoint]);
    html_raw(html, "</th>");
    bool first = true;
    for (unsigned r = 0; r < heat->region_count; r++) {
        if (!region_tried(heat, endpoint, r))
            continue;
        html_raw(html, first ? "" : "<tr>");
        write_row(page, heat, endpoint, r);
        first = false;
    }
    html_raw(html, "</tbody>");
}

/* Failures of an endpoint from a region over the whole window. */
static struct beat total(const struct heat *heat, unsigned endpoint, unsigned region)
{
    struct beat sum = {0};
    const struct beat *beats = beats_of(heat, endpoint, region);
    for (unsigned s = 0; s < heat->slices; s++) {
        sum.attempts += beats[s].attempts;
        sum.failed += beats[s].failed;
    }
    return sum;
}

static bool endpoint_fails(const struct heat *heat, unsigned endpoint, bool *ret_tried)
{
    unsigned failed = 0, attempts = 0;
    for (unsigned r = 0; r < heat->region_count; r++) {
        struct beat sum = total(heat, endpoint, r);
        failed += sum.failed;
        attempts += sum.attempts;
    }
    *ret_tried = attempts > 0;
    return failed > 0;
}

/* Endpoints with failures, or those without. @return how many were left out for want of room. */
static size_t write_endpoints(struct page *page, const struct heat *heat, bool fails)
{
    size_t left_out = 0;
    for (unsigned e = 0; e < heat->matrix->endpoint_count; e++) {
        bool tried;
        if (endpoint_fails(heat, e, &tried) != fails || !tried)
            continue;
        if (page_room(page, PAGE_HEAT_BYTES))
            write_endpoint(page, heat, e, fails);
        else
            left_out++;
    }
    return left_out;
}

/* The script's slider over the columns; what it says is in the page's language. */
static void write_scrubber(struct page *page, const struct heat *heat)
{
    struct html *html = &page->html;
    html_raw(html, "<form class=scrub id=scrub hidden><label>");
    html_text(html, _("Moment"));
    html_rawf(html, " <input type=range id=moment min=0 max=%u value=%u", heat->slices - 1, heat->slices - 1);
    html_raw(html, "></label><output id=then aria-live=polite");
    html_attr(html, "data-text", _("{time}: {failing} of {all} rows fail"));
    html_raw(html, "></output></form>");
}

/* --- what the cells lead to ----------------------------------------------------------------------------------------------- */

static const char *class_text(int class)
{
    struct outcome outcome;
    return outcome_from_numbers(class, RAW_NONE, 0, &outcome) ? _(outcome_class_text(outcome.class)) : "?";
}

static void write_moment(struct page *page, const struct heat *heat, unsigned endpoint, unsigned region)
{
    struct html *html = &page->html;
    char text[UNITS_TIME_BYTES];
    const struct beat *beats = beats_of(heat, endpoint, region);
    struct beat sum = total(heat, endpoint, region);
    html_raw(html, "\n<details");
    page_key(page, &heat->matrix->endpoints[endpoint]);
    html_raw(html, "><summary>");
    page_endpoint(page, &heat->matrix->endpoints[endpoint]);
    html_raw(html, " ");
    html_textf(html, _("from %s: %u of %u attempts fail"), heat->regions[region], sum.failed, sum.attempts);
    html_raw(html, "</summary><table><thead><tr><th scope=col>");
    html_text(html, _("From"));
    html_raw(html, "</th><th scope=col class=n>");
    html_text(html, _("Failed"));
    html_raw(html, "</th><th scope=col>");
    html_text(html, _("Mostly"));
    html_raw(html, "</th></tr></thead><tbody>");
    for (unsigned s = 0; s < heat->slices; s++) {
        if (beats[s].failed == 0)
            continue;
        html_rawf(html, "<tr id=s%u-%u-%u><th scope=row>%s</th><td class=n>%u/%u</td><td>", endpoint, region,
                  s, slice_text(heat, s, text), beats[s].failed, beats[s].attempts);
        html_text(html, class_text(beats[s].class));
        html_raw(html, "</td></tr>");
    }
    html_raw(html, "</tbody></table></details>");
}

static void write_moments(struct page *page, const struct heat *heat)
{
    size_t start = page->html.out.len, left_out = 0;
    html_element(&page->html, "h3", _("What failed when"));
    html_raw(&page->html, "<div class=moments>");
    for (unsigned e = 0; e < heat->matrix->endpoint_count; e++) {
        for (unsigned r = 0; r < heat->region_count; r++) {
            if (total(heat, e, r).failed == 0)
                continue;
            if (page->html.out.len - start < PAGE_MOMENTS_BYTES)
                write_moment(page, heat, e, r);
            else
                left_out++;
        }
    }
    html_raw(&page->html, "</div>");
    page_left_out(page, left_out);
}

static void write_legend(struct page *page)
{
    struct html *html = &page->html;
    html_raw(html, "<p class=legend><span class=o>·</span> ");
    html_text(html, _("all pass"));
    html_raw(
        html,
        " <span class=f1>7</span><span class=f2>33</span><span class=f3>71</span><span class=f4>100</span> ");
    html_text(html, _("per cent of attempts that fail; a number leads to what they were"));
    html_raw(html, "</p>");
}

static void write_length(struct page *page, const struct heat *heat)
{
    struct html *html = &page->html;
    long long seconds = heat->slice_s;
    html_raw(html, "<p class=note>");
    if (seconds < 60)
        html_textf(html, _("Each column is %lld s."), seconds);
    else if (seconds < 3600)
        html_textf(html, _("Each column is %lld min."), seconds / 60);
    else
        html_textf(html, _("Each column is %lld h."), seconds / 3600);
    for (unsigned v = 0; v < heat->matrix->vantage_count; v++) {
        if (heat->diff->valid[v])
            continue;
        html_raw(html, " ");
        html_textf(html, _("%s is set aside and not counted."), heat->matrix->vantages[v].name);
    }
    html_raw(html, "</p>");
}

static void write_heat(struct page *page, const struct heat *heat)
{
    struct html *html = &page->html;
    page_section(page, "heat", _("Regions and endpoints over time"), NULL);
    write_length(page, heat);
    write_legend(page);
    write_scrubber(page, heat);
    html_raw(html, "<div class=scroll tabindex=0 role=group");
    html_attr(html, "aria-label", _("Regions and endpoints over time"));
    html_raw(html, "><table class=heat id=heatmap>");
    html_element(html, "caption", _("Share of attempts that fail, by endpoint and region"));
    write_columns(page, heat);
    size_t left_out = write_endpoints(page, heat, true);
    left_out += write_endpoints(page, heat, false);
    html_raw(html, "</table></div>");
    page_left_out(page, left_out);
    write_moments(page, heat);
    page_section_end(page);
}

bool page_heat(struct page *page)
{
    const struct matrix *matrix = &page->report->matrix;
    struct heat heat = {.matrix = matrix, .diff = &page->report->diff};
    bool done = false;
    heat.regions = calloc((size_t)matrix->vantage_count + 1, sizeof *heat.regions);
    for (unsigned v = 0; heat.regions != NULL && v < matrix->vantage_count; v++)
        add_region(&heat, matrix->vantages[v].region);
    if (heat.regions != NULL && settle_time(&heat, page->report))
        heat.beats =
            calloc((size_t)matrix->endpoint_count * heat.region_count * heat.slices + 1, sizeof *heat.beats);
    if (heat.beats == NULL) {
        cli_error(_("out of memory"));
    } else {
        PGresult *result =
            window_periods(page->report->db, STATEMENT_page_heat, &page->report->window, heat.slice_s);
        done = result != NULL;
        if (done) {
            fill(&heat, result);
            write_heat(page, &heat);
        }
        PQclear(result);
    }
    free(heat.beats);
    free(heat.regions);
    return done;
}

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/incidents.h"
#include "report/page_parts.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <string.h>

/* Incidents of the window on a line of time, the open ones first. */

enum { LINE_WIDTH = 400, LINE_HEIGHT = 16 };

struct axis {
    int64_t first_us, last_us;
};

static double place(const struct axis *axis, const char *time, double otherwise)
{
    int64_t at_us;
    if (time[0] == '\0' || !time_parse_rfc3339(time, &at_us) || axis->last_us <= axis->first_us)
        return otherwise;
    double x = (double)(at_us - axis->first_us) * LINE_WIDTH / (double)(axis->last_us - axis->first_us);
    return x < 0 ? 0 : x > LINE_WIDTH ? LINE_WIDTH : x;
}

static void draw(struct html *html, const json_t *incident, const struct axis *axis)
{
    const char *opened = json_text_at(incident, "opened_at"), *closed = json_text_at(incident, "closed_at");
    double from = place(axis, opened, 0), to = place(axis, closed, LINE_WIDTH);
    to = to - from < 2 ? from + 2 : to;
    html_rawf(html, "<svg role=img viewBox=\"0 0 %d %d\" width=%d height=%d preserveAspectRatio=none",
              LINE_WIDTH, LINE_HEIGHT, LINE_WIDTH, LINE_HEIGHT);
    html_raw(html, " aria-label=\"");
    html_textf(html, closed[0] == '\0' ? _("from %.16s on") : _("from %.16s to %.16s"), opened, closed);
    html_rawf(html,
              "\"><path class=b d=\"M0 8H%d\"/><rect class=%s x=\"%.1f\" y=\"2\" width=\"%.1f\" "
              "height=\"12\" rx=\"2\"/></svg>",
              LINE_WIDTH, closed[0] == '\0' ? "open" : "closed", from, to - from);
}

static void write_remarks(struct html *html, const char *title, const json_t *list)
{
    const json_t *remark;
    size_t index;
    if (json_array_size(list) == 0)
        return;
    html_element(html, "h3", title);
    html_raw(html, "<ul>");
    json_array_foreach(list, index, remark)
    {
        struct buf text;
        buf_init(&text, 0);
        incident_remark(&text, json_string_value(remark));
        html_raw(html, "<li>");
        html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
        buf_done(&text);
    }
    html_raw(html, "</ul>");
}

static void write_alternatives(struct html *html, const json_t *list)
{
    const json_t *alternative;
    size_t index;
    if (json_array_size(list) == 0)
        return;
    html_element(html, "h3", _("Other places, with their probability"));
    html_raw(html, "<ul>");
    json_array_foreach(list, index, alternative)
    {
        struct buf text;
        buf_init(&text, 0);
        incident_place(&text, json_object_get(alternative, "place"));
        html_raw(html, "<li>");
        html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
        html_textf(html, " %.2f", json_number_value(json_object_get(alternative, "probability")));
        buf_done(&text);
    }
    html_raw(html, "</ul>");
}

static void write_fact(struct html *html, const json_t *incident, const struct rows_field *field)
{
    struct buf text;
    if (rows_value(incident, field) == NULL)
        return;
    buf_init(&text, 0);
    rows_say(&text, incident, field);
    html_raw(html, "<dt>");
    html_text(html, _(field->title));
    html_raw(html, "<dd>");
    html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
    buf_done(&text);
}

static void write_details(struct html *html, const json_t *incident)
{
    static const struct rows_field facts[] = {
        {"vantages", N_("seen by"), ROWS_LIST, NULL, NULL},
        {"rounds_failed", N_("rounds with failures"), ROWS_INT, NULL, NULL},
        {"rounds", N_("rounds since it opened"), ROWS_INT, NULL, NULL},
        {"failed", N_("failed inside"), ROWS_INT, NULL, NULL},
        {"attempts", N_("attempts inside"), ROWS_INT, NULL, NULL},
        {"outside_failed", N_("failed outside"), ROWS_INT, NULL, NULL},
        {"outside_attempts", N_("attempts outside"), ROWS_INT, NULL, NULL},
        {"cause", N_("cause"), ROWS_TEXT, NULL, NULL},
        {"certainty", N_("certainty"), ROWS_WORD, NULL, NULL},
        {"remedy", N_("do"), ROWS_TEXT, NULL, NULL},
    };
    html_raw(html, "<div class=ev><dl>");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        write_fact(html, incident, &facts[i]);
    html_raw(html, "</dl>");
    write_alternatives(html, json_object_get(incident, "alternatives"));
    write_remarks(html, _("What this fleet cannot tell"), json_object_get(incident, "caveats"));
    write_remarks(html, _("What would settle it"), json_object_get(incident, "hints"));
    html_raw(html, "</div>");
}

bool incident_is_open(const json_t *incident)
{
    return json_text_at(incident, "closed_at")[0] == '\0';
}

static void write_incident(struct html *html, const json_t *incident, const struct axis *axis)
{
    static const struct rows_field state = {"state", "", ROWS_WORD, NULL, NULL},
                                   confidence = {"confidence", "", ROWS_SHARE, NULL, NULL};
    struct buf text;
    html_rawf(html, "\n<tr id=i%lld><th scope=row><details><summary><b>",
              (long long)json_integer_value(json_object_get(incident, "id")));
    html_text(html, json_text_at(incident, "where"));
    html_raw(html, "</b>: ");
    html_text(html, json_text_at(incident, "what"));
    html_raw(html, "</summary>");
    write_details(html, incident);
    html_raw(html, "</details></th><td>");
    buf_init(&text, 0);
    rows_say(&text, incident, &state);
    html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
    buf_clear(&text);
    html_raw(html, "</td><td>");
    draw(html, incident, axis);
    html_raw(html, "</td><td>");
    html_textf(html, "%.16s", json_text_at(incident, "opened_at"));
    html_raw(html, "</td><td>");
    html_textf(html, "%.16s", incident_is_open(incident) ? "–" : json_text_at(incident, "closed_at"));
    html_raw(html, "</td><td class=n>");
    rows_say(&text, incident, &confidence);
    html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
    html_raw(html, "</td></tr>");
    buf_done(&text);
}

/* The open ones, or the closed ones. @return how many were left out. */
static size_t write_all(struct page *page, const json_t *incidents, bool open, const struct axis *axis)
{
    size_t left_out = 0;
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *incident = json_array_get(incidents, i);
        if (incident_is_open(incident) != open)
            continue;
        if (page_room(page, PAGE_TABLE_BYTES))
            write_incident(&page->html, incident, axis);
        else
            left_out++;
    }
    return left_out;
}

void page_incidents(struct page *page, const json_t *incidents)
{
    static const char *const heads[] = {N_("Incident"), N_("State"), N_("In this window"), N_("Since"),
                                        N_("Until")};
    struct html *html = &page->html;
    struct axis axis = {.first_us = 0};
    page_section(page, "incidents", _("Incidents"),
                 _("What lasted: open in this window or closed in it. Open one for what it rests on."));
    if (json_array_size(incidents) == 0 ||
        !time_parse_rfc3339(page->report->extent.first_at, &axis.first_us) ||
        !time_parse_rfc3339(page->report->extent.last_at, &axis.last_us)) {
        html_element(html, "p class=empty", _("No incidents in this window."));
        page_section_end(page);
        return;
    }
    html_raw(html, "<div class=scroll tabindex=0 role=group");
    html_attr(html, "aria-label", _("Incidents"));
    html_raw(html, "><table class=line>");
    html_element(html, "caption", _("Incidents on a line of time"));
    html_raw(html, "<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        html_element(html, "th scope=col", _(heads[i]));
    html_element(html, "th scope=col class=n", _("Confidence"));
    html_raw(html, "</tr></thead><tbody>");
    size_t left_out = write_all(page, incidents, true, &axis);
    left_out += write_all(page, incidents, false, &axis);
    html_raw(html, "</tbody></table></div>");
    page_left_out(page, left_out);
    page_section_end(page);
}

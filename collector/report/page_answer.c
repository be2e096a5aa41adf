#include "cli/i18n.h"
#include "diff/watch.h"
#include "report/label.h"
#include "report/page_parts.h"

#include <stdlib.h>
#include <string.h>

/* The first thing on the page: what is wrong, in one sentence each. */

static void answer(struct page *page, const struct finding *finding)
{
    struct html *html = &page->html;
    bool fault = finding->level == FINDING_FAULT;
    html_raw(html, fault ? "<li class=fault><span class=tag>" : "<li class=difference><span class=tag>");
    html_text(html, fault ? _("fault") : _("difference"));
    html_raw(html, "</span> ");
    page_endpoint(page, &page->report->matrix.endpoints[finding->endpoint]);
    html_raw(html, ": ");
    html_text(html, finding->text);
    for (size_t i = 0; i < finding->caveat_count; i++)
        html_element(html, "span class=caveat", finding->caveats[i]);
    html_raw(html, "</li>");
}

static bool is_warning(const json_t *incident)
{
    const char *kind = json_string_value(json_object_get(incident, "kind"));
    return kind != NULL && strcmp(kind, incident_kind_name(INCIDENT_FAILS)) != 0;
}

static void incident_answer(struct html *html, const json_t *incident)
{
    static const struct rows_field since = {"opened_at", "", ROWS_TIME, NULL, NULL},
                                   confidence = {"confidence", "", ROWS_SHARE, NULL, NULL},
                                   where = {"where", "", ROWS_TEXT, NULL, NULL},
                                   what = {"what", "", ROWS_TEXT, NULL, NULL};
    const struct rows_field *const fields[] = {&where, &what, &since, &confidence};
    char *texts[4];
    for (size_t i = 0; i < 4; i++) {
        struct buf text;
        buf_init(&text, 0);
        rows_say(&text, incident, fields[i]);
        texts[i] = buf_take(&text);
        html->failed = html->failed || texts[i] == NULL;
    }
    html_raw(html, is_warning(incident) ? "<li><span class=tag>" : "<li class=fault><span class=tag>");
    html_text(html, is_warning(incident) ? _("warning") : _("incident"));
    html_rawf(html, "</span> <a href=#i%lld>",
              (long long)json_integer_value(json_object_get(incident, "id")));
    html_text(html, texts[0] == NULL ? "" : texts[0]);
    html_raw(html, "</a>: ");
    html_text(html, texts[1] == NULL ? "" : texts[1]);
    html_raw(html, " <span class=caveat>");
    html_textf(html, _("since %s, confidence %s"), texts[2] == NULL ? "" : texts[2],
               texts[3] == NULL ? "" : texts[3]);
    html_raw(html, "</span></li>");
    for (size_t i = 0; i < 4; i++)
        free(texts[i]);
}

/* What fails first, then what differs or will end. @return how many are open. */
static size_t incident_answers(struct page *page, const json_t *incidents)
{
    size_t open = 0, count = json_array_size(incidents);
    for (size_t i = 0; i < 2 * count; i++) {
        const json_t *incident = json_array_get(incidents, i < count ? i : i - count);
        if (!incident_is_open(incident) || is_warning(incident) != (i >= count))
            continue;
        html_raw(&page->html, open == 0 ? "<ol class=answers>" : "");
        if (open++ < PAGE_ANSWERS)
            incident_answer(&page->html, incident);
    }
    if (open > 0)
        html_raw(&page->html, "</ol>");
    page_left_out(page, open > PAGE_ANSWERS ? open - PAGE_ANSWERS : 0);
    return open;
}

void page_answers(struct page *page, const json_t *incidents)
{
    if (incident_answers(page, incidents) > 0)
        return;
    const struct diff *diff = &page->report->diff;
    size_t written = 0, left_out = 0;
    for (size_t i = 0; i < diff->finding_count; i++) {
        if (diff->findings[i].level == FINDING_NOTE)
            continue;
        html_raw(&page->html, written == 0 ? "<ol class=answers>" : "");
        if (written < PAGE_ANSWERS)
            answer(page, &diff->findings[i]);
        left_out += written >= PAGE_ANSWERS;
        written++;
    }
    if (written > 0)
        html_raw(&page->html, "</ol>");
    page_left_out(page, left_out);
}

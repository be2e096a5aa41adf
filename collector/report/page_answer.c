#include "cli/i18n.h"
#include "report/label.h"
#include "report/page_parts.h"

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

void page_answers(struct page *page, const struct document *document)
{
    (void)document;
    const struct diff *diff = &page->report->diff;
    size_t written = 0, left_out = 0;
    html_raw(&page->html, "<ol class=answers>");
    for (size_t i = 0; i < diff->finding_count; i++) {
        if (diff->findings[i].level == FINDING_NOTE)
            continue;
        if (written < PAGE_ANSWERS)
            answer(page, &diff->findings[i]);
        left_out += written >= PAGE_ANSWERS;
        written++;
    }
    html_raw(&page->html, "</ol>");
    page_left_out(page, left_out);
}

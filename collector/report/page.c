#include "report/page.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "report/label.h"
#include "report/page_parts.h"
#include "words/units.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The page from top to bottom. Its policy allows the one style and the one script that are in it, by their hashes, and nothing
 * else: no markup that a stranger might get past the writer could load or run anything.
 */

enum { HASH_BYTES = 32, HASH_TEXT_BYTES = 48 };

bool page_room(const struct page *page, size_t section_bytes)
{
    return page->html.out.len - page->section_start < section_bytes;
}

void page_section(struct page *page, const char *id, const char *title, const char *explanation)
{
    struct html *html = &page->html;
    page->section_start = html->out.len;
    html_rawf(html, "\n<section id=%s aria-labelledby=%s-h><h2 id=%s-h>", id, id, id);
    html_text(html, title);
    html_raw(html, "</h2>");
    if (explanation != NULL)
        html_element(html, "p class=note", explanation);
}

void page_section_end(struct page *page)
{
    html_raw(&page->html, "</section>");
}

void page_left_out(struct page *page, size_t count)
{
    if (count == 0)
        return;
    html_raw(&page->html, "<p class=left>");
    html_textf(&page->html,
               ngettext("%zu more row is left out to keep this page small; narrow the report to see it.",
                        "%zu more rows are left out to keep this page small; narrow the report to see them.",
                        count),
               count);
    html_raw(&page->html, "</p>");
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* Numbers are sorted by what they are, not by how they read. */
static void sort_value(struct html *html, const json_t *value)
{
    if (json_is_number(value))
        html_rawf(html, " data-v=%.9g", json_number_value(value));
}

static void table_row(struct html *html, const json_t *row, const struct rows_field *fields)
{
    html_raw(html, "\n<tr>");
    bool first = true;
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        struct buf text;
        if (field->title == NULL)
            continue;
        buf_init(&text, 0);
        rows_say(&text, row, field);
        html_raw(html, first ? "<th scope=row" : rows_is_number(field->kind) ? "<td class=n" : "<td");
        sort_value(html, rows_value(row, field));
        html_raw(html, ">");
        html_bytes(html, text.data == NULL ? "" : (const char *)text.data, text.len);
        html_raw(html, first ? "</th>" : "</td>");
        first = false;
        buf_done(&text);
    }
    html_raw(html, "</tr>");
}

void page_rows(struct page *page, const json_t *rows, const struct rows_field *fields, const char *caption)
{
    struct html *html = &page->html;
    size_t count = json_array_size(rows), written = 0, start = html->out.len;
    if (count == 0) {
        html_element(html, "p class=empty", _("Nothing to show."));
        return;
    }
    html_raw(html, "<div class=scroll tabindex=0 role=group");
    html_attr(html, "aria-label", caption);
    html_raw(html, "><table class=sortable>");
    html_element(html, "caption", caption);
    html_raw(html, "<thead><tr>");
    for (const struct rows_field *field = fields; field->column != NULL; field++) {
        if (field->title == NULL)
            continue;
        html_raw(html, rows_is_number(field->kind) ? "<th scope=col class=n>" : "<th scope=col>");
        html_text(html, _(field->title));
        html_raw(html, "</th>");
    }
    html_raw(html, "</tr></thead><tbody>");
    while (written < count && html->out.len - start < PAGE_TABLE_BYTES)
        table_row(html, json_array_get(rows, written++), fields);
    html_raw(html, "</tbody></table></div>");
    page_left_out(page, count - written);
}

void page_endpoint(struct page *page, const struct matrix_endpoint *endpoint)
{
    char label[ENDPOINT_LABEL_BYTES];
    struct html *html = &page->html;
    if (endpoint->site[0] != '\0') {
        html_element(html, "b", endpoint->site);
        html_raw(html, " ");
    }
    html_element(html, "i", endpoint_role_name((int)endpoint->role));
    html_raw(html, " ");
    html_element(html, "span class=host", endpoint_label(endpoint, label));
}

void page_key(struct page *page, const struct matrix_endpoint *endpoint)
{
    char label[ENDPOINT_LABEL_BYTES], *key = NULL;
    if (asprintf(&key, "%s %s %s %s", endpoint->site, endpoint_role_name((int)endpoint->role),
                 endpoint_label(endpoint, label), endpoint->host) < 0) {
        page->html.failed = true;
        return;
    }
    html_attr(&page->html, "data-k", key);
    free(key);
}

/* --- head and foot --------------------------------------------------------------------------------------------------- */

static void policy_hash(struct html *html, const char *text, size_t length)
{
    unsigned char hash[HASH_BYTES], base64[HASH_TEXT_BYTES + 1];
    unsigned made = 0;
    if (EVP_Digest(text, length, hash, &made, EVP_sha256(), NULL) != 1 || made != sizeof hash) {
        html->failed = true;
        return;
    }
    (void)EVP_EncodeBlock(base64, hash, sizeof hash);
    html_rawf(html, "'sha256-%s'", (const char *)base64);
}

static void write_head(struct page *page, const struct document *document)
{
    struct html *html = &page->html;
    html_raw(html, "<!doctype html>\n<html lang=\"");
    /* TRANSLATORS: the language tag of these texts (RFC 5646), such as zh-CN */
    html_text(html, _("en"));
    html_raw(html, "\"><head><meta charset=utf-8>\n<meta http-equiv=Content-Security-Policy content=\""
                   "default-src 'none'; base-uri 'none'; form-action 'none'; style-src ");
    policy_hash(html, page_css, page_css_length);
    html_raw(html, "; script-src ");
    policy_hash(html, page_js, page_js_length);
    html_raw(html, "\">\n<meta name=viewport content=\"width=device-width, initial-scale=1\">"
                   "<meta name=color-scheme content=\"light dark\"><meta name=referrer content=no-referrer>"
                   "<meta name=robots content=noindex>\n<title>");
    html_textf(html, _("Parallax: %s"), document->answer);
    html_raw(html, "</title>\n<style>");
    html_raw(html, page_css);
    html_raw(html, "</style></head>\n<body>");
}

/* Controls that need the script come hidden, and the script shows them. */
static void write_controls(struct page *page)
{
    struct html *html = &page->html;
    html_raw(html, "<form class=controls id=controls hidden role=search><label>");
    html_text(html, _("Show only"));
    html_raw(html, " <input type=search id=filter autocomplete=off spellcheck=false");
    html_attr(html, "placeholder", _("site or endpoint"));
    html_raw(html, "></label><label><input type=checkbox id=failing> ");
    html_text(html, _("only what fails"));
    html_raw(html, "</label><output id=shown aria-live=polite");
    html_attr(html, "data-text", _("{shown} of {all} endpoints"));
    html_raw(html, "></output></form>");
}

static void nav_item(struct html *html, const char *id, const char *text)
{
    html_rawf(html, "<li><a href=\"#%s\">", id);
    html_text(html, text);
    html_raw(html, "</a></li>");
}

/*
 * @param incidents  of the whole page; NULL: the page has one list alone.
 * @param beside  what else the window shows, said under the incidents; NULL: it is the answer itself.
 */
static void write_top(struct page *page, const struct document *document, const json_t *incidents,
                      const char *beside)
{
    struct html *html = &page->html;
    html_raw(html, "<a class=skip href=\"#main\">");
    html_text(html, _("Skip to the report"));
    html_raw(html, "</a>\n<header><div class=brand><span aria-hidden=true class=mark>◬</span> Parallax"
                   "<button type=button id=theme hidden");
    html_attr(html, "data-auto", _("Colours: as the system"));
    html_attr(html, "data-light", _("Colours: light"));
    html_attr(html, "data-dark", _("Colours: dark"));
    html_raw(html, "></button></div>\n<h1>");
    html_text(html, document->answer);
    html_raw(html, "</h1>");
    if (document->extent != NULL)
        html_element(html, "p class=extent", document->extent);
    if (incidents != NULL)
        page_answers(page, incidents);
    if (beside != NULL) {
        html_raw(html, "<p class=note><a href=\"#findings\">");
        html_textf(html, _("The window itself: %s"), beside);
        html_raw(html, "</a></p>");
    }
    html_raw(html, "</header>\n");
    if (incidents != NULL) {
        html_raw(html, "<nav");
        html_attr(html, "aria-label", _("Sections"));
        html_raw(html, "><ul>");
        nav_item(html, "incidents", _("Incidents"));
        nav_item(html, "heat", _("Over time"));
        nav_item(html, "matrix", _("Vantages"));
        nav_item(html, "findings", _("Findings"));
        nav_item(html, "latency", _("Latency"));
        nav_item(html, "pairs", _("Edge and origin"));
        nav_item(html, "certs", _("Certificates"));
        nav_item(html, "fleet", _("Fleet"));
        html_raw(html, "</ul></nav>\n");
    }
    html_raw(html, "<main id=main>");
    write_controls(page);
}

static void write_foot(struct page *page)
{
    struct html *html = &page->html;
    char now[UNITS_TIME_BYTES];
    html_raw(html, "</main>\n<footer><p>");
    html_textf(html, _("Made by parallax-collector %s at %s. All times are UTC."), PARALLAX_VERSION,
               time_rfc3339((int64_t)time(NULL) * US_PER_S, 0, now));
    html_raw(html, "</p><p>");
    html_text(html,
              _("This page is complete in itself: it loads nothing and sends nothing. Names in it that came "
                "from servers are shown as text, with control characters written out."));
    html_raw(html, "</p></footer>\n<script>");
    html_raw(html, page_js);
    html_raw(html, "</script></body></html>\n");
}

/* --- the page --------------------------------------------------------------------------------------------------------- */

/* A section that another kind of report makes. */
static bool write_kind(struct page *page, bool (*make)(struct report *, struct document *), const char *id,
                       const char *title)
{
    struct document document;
    document_init(&document);
    bool made = make(page->report, &document);
    if (made) {
        page_section(page, id, title, document.answer);
        page_rows(page, document.rows, document.fields, title);
        page_section_end(page);
    }
    document_done(&document);
    return made;
}

static bool write_everything(struct page *page, const json_t *incidents)
{
    page_incidents(page, incidents);
    return page_heat(page) && page_matrix(page) &&
           write_kind(page, make_diff, "findings", _("What differs in this window")) && page_latency(page) &&
           write_kind(page, make_edge_origin, "pairs", _("Edge and origin")) &&
           write_kind(page, make_certs, "certs", _("Certificates")) &&
           write_kind(page, make_vantages, "fleet", _("Fleet: who looked, and who was set aside"));
}

static bool finish(struct page *page, bool made, FILE *stream)
{
    if (made && page->html.failed) {
        cli_error(_("out of memory"));
        made = false;
    }
    made = made && fwrite(page->html.out.data, 1, page->html.out.len, stream) == page->html.out.len;
    html_done(&page->html);
    return made;
}

static bool write_whole(struct report *report, FILE *stream)
{
    struct page page = {.report = report};
    struct document diff, incidents;
    document_init(&diff);
    document_init(&incidents);
    html_begin(&page.html);
    bool made = make_diff(report, &diff) && make_incidents(report, &incidents);
    if (made) {
        bool open = incidents.found;
        incidents.extent = strdup(diff.extent);
        page.html.failed = incidents.extent == NULL;
        write_head(&page, open ? &incidents : &diff);
        write_top(&page, open ? &incidents : &diff, incidents.rows, open ? diff.answer : NULL);
        made = write_everything(&page, incidents.rows);
        write_foot(&page);
    }
    document_done(&diff);
    document_done(&incidents);
    return finish(&page, made, stream);
}

static bool write_list(struct report *report, const struct document *document, FILE *stream)
{
    struct page page = {.report = report};
    html_begin(&page.html);
    write_head(&page, document);
    write_top(&page, document, NULL, NULL);
    page_rows(&page, document->rows, document->fields, document->answer);
    write_foot(&page);
    return finish(&page, true, stream);
}

bool page_write(struct report *report, const struct document *document, bool whole, FILE *stream)
{
    return whole ? write_whole(report, stream) : write_list(report, document, stream);
}

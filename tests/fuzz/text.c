#include "fuzz.h"

#include "cli/term.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/md.h"
#include "words/attempt_json.h"
#include "words/utf8.h"

#include <stdlib.h>
#include <string.h>

/* A stranger's text on its way to a terminal, a spreadsheet, a browser, a Markdown file, a database and a document. */

static void check_terminal(const uint8_t *bytes, size_t length)
{
    struct buf safe, cut;
    buf_init(&safe, 0);
    buf_init(&cut, 0);
    REQUIRE(text_safe(&safe, (const char *)bytes, length));
    fuzz_printable((const char *)safe.data, safe.len);
    if (safe.len > 0) {
        unsigned columns = bytes[0] % 100u + 1;
        REQUIRE(text_cut(&cut, (const char *)safe.data, columns));
        REQUIRE(text_width((const char *)cut.data) <= columns);
        buf_clear(&cut);
        REQUIRE(text_wrap(&cut, (const char *)safe.data, bytes[0] % 5u, 20 + columns));
        REQUIRE(cut.data[cut.len - 1] == '\n');
    }
    buf_done(&cut);
    buf_done(&safe);
}

static void check_database(const uint8_t *bytes, size_t length, const char *text)
{
    struct buf clean, again;
    buf_init(&clean, 0);
    buf_init(&again, 0);
    REQUIRE(utf8_clean(&clean, (const char *)bytes, length));
    REQUIRE(clean.len == 0 || memchr(clean.data, '\0', clean.len) == NULL);
    REQUIRE(clean.len == 0 || utf8_clean(&again, (const char *)clean.data, clean.len));
    REQUIRE(clean.len == again.len && (clean.len == 0 || memcmp(clean.data, again.data, clean.len) == 0));
    json_t *array = json_array();
    REQUIRE(json_array_append_new(array, json_text(text)) == 0);
    fuzz_json_whole(array);
    buf_done(&again);
    buf_done(&clean);
}

/* No control bytes, and nothing that begins a formula. */
static void check_csv(const char *text)
{
    struct csv csv;
    csv_begin(&csv);
    csv_text(&csv, text);
    REQUIRE(!csv.failed);
    const char *line = (const char *)csv.line.data;
    if (csv.line.len > 0) {
        fuzz_printable(line, csv.line.len);
        const char *first = line[0] == '"' ? line + 1 : line;
        REQUIRE(*first == '\0' || strchr("=+-@", *first) == NULL);
    }
    csv_done(&csv);
}

/* Markup stays ours: what was put in is one text, in one attribute. */
static void check_html(const uint8_t *bytes, size_t length, const char *text)
{
    struct html html;
    html_begin(&html);
    html_bytes(&html, (const char *)bytes, length);
    REQUIRE(!html.failed);
    fuzz_printable((const char *)html.out.data, html.out.len);
    REQUIRE(html.out.len == 0 || (memchr(html.out.data, '<', html.out.len) == NULL &&
                                  memchr(html.out.data, '>', html.out.len) == NULL));
    buf_clear(&html.out);
    html_attr(&html, "title", text);
    REQUIRE(!html.failed && html.out.len >= strlen(" title=\"\""));
    const uint8_t *value = html.out.data + strlen(" title=\"");
    REQUIRE(memchr(value, '"', html.out.len) == html.out.data + html.out.len - 1);
    REQUIRE(memchr(value, '<', html.out.len - strlen(" title=\"")) == NULL);
    html_done(&html);
}

static void check_markdown(const char *text)
{
    struct buf out;
    buf_init(&out, 0);
    REQUIRE(md_text(&out, text));
    fuzz_printable((const char *)out.data, out.len);
    for (size_t i = 0; i < out.len; i++)
        REQUIRE(out.data[i] != '|' || (i > 0 && out.data[i - 1] == '\\'));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor input;
    cursor_init(&input, bytes, length);
    char *text = fuzz_text(&input);
    check_terminal(bytes, length);
    check_database(bytes, length, text);
    check_csv(text);
    check_html(bytes, length, text);
    check_markdown(text);
    free(text);
    return 0;
}

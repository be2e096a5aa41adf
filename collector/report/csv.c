#include "report/csv.h"

#include "cli/term.h"
#include "report/format.h"

#include <string.h>

const char *const report_format_names[REPORT_ALL_FORMATS] = {"text", "json", "csv", "ndjson", "md", "html"};

void csv_begin(struct csv *csv)
{
    *csv = (struct csv){.failed = false};
    buf_init(&csv->line, 0);
}

void csv_done(struct csv *csv)
{
    buf_done(&csv->line);
}

static void keep(struct csv *csv, bool done)
{
    csv->failed = csv->failed || !done;
}

static void separate(struct csv *csv)
{
    if (csv->begun)
        keep(csv, buf_byte(&csv->line, ','));
    csv->begun = true;
}

/*
 * Would a spreadsheet compute it? Some look past blanks and quotes at the beginning, and in East Asian locales the full-width
 * forms of the signs begin a formula too.
 */
static bool is_formula(const char *text)
{
    static const char *const signs[] = {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
    const char *begin = text + strspn(text, " \"'");
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strncmp(begin, signs[i], strlen(signs[i])) == 0)
            return true;
    return false;
}

/* The text as a field: quoted where it must be, with an apostrophe where a spreadsheet would compute. */
static void add_field(struct csv *csv, const char *text)
{
    bool formula = is_formula(text);
    if (!formula && strpbrk(text, ",\"") == NULL) {
        keep(csv, buf_text(&csv->line, text));
        return;
    }
    keep(csv, buf_text(&csv->line, formula ? "\"'" : "\""));
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"')
            keep(csv, buf_byte(&csv->line, '"'));
        keep(csv, buf_byte(&csv->line, (uint8_t)*c));
    }
    keep(csv, buf_byte(&csv->line, '"'));
}

void csv_text(struct csv *csv, const char *text)
{
    struct buf safe;
    separate(csv);
    buf_init(&safe, 0);
    keep(csv, text_safe(&safe, text, strlen(text)));
    add_field(csv, safe.data == NULL ? "" : (const char *)safe.data);
    buf_done(&safe);
}

void csv_number(struct csv *csv, const char *digits)
{
    separate(csv);
    keep(csv, buf_text(&csv->line, digits));
}

void csv_int(struct csv *csv, long long number)
{
    separate(csv);
    keep(csv, buf_printf(&csv->line, "%lld", number));
}

bool csv_end_row(struct csv *csv, FILE *stream)
{
    keep(csv, buf_text(&csv->line, "\r\n"));
    if (!csv->failed && fwrite(csv->line.data, 1, csv->line.len, stream) != csv->line.len)
        csv->failed = true;
    buf_clear(&csv->line);
    csv->begun = false;
    return !csv->failed;
}

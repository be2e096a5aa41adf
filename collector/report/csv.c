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

/* The text as a field: quoted where it must be, with an apostrophe where a spreadsheet would compute. */
static void add_field(struct csv *csv, const char *text)
{
    bool formula = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
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

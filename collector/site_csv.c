#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "site.h"
#include "store/command.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

/*
 * libcsv knows quotes and line ends; lines are counted here, by feeding it one line at a time. A problem belongs to the
 * line its record begins on.
 */

enum { CSV_MAX_FIELD_BYTES = 1024, CSV_MAX_FIELDS = 64, CSV_BLOCK_BYTES = 1 << 16 };

struct reader {
    struct site_book *book;
    const char *name;
    size_t line;        /* being fed */
    size_t record_line; /* where the record began */
    bool begun;
    bool has_header;
    bool broken; /* no sense in reading on */
    size_t field_count;
    char fields[SITE_COLUMN_COUNT]
               [CSV_MAX_FIELD_BYTES + 1]; /* of the current record, by column; used after the header */
    int columns[CSV_MAX_FIELDS];          /* enum site_column of each field, from the header */
    size_t column_count;
    char *trouble; /* the first thing wrong with the current record */
};

/* "sites.csv:7: " before what is said. */
static void complain(struct reader *reader, char *text)
{
    site_book_complain(reader->book,
                       text == NULL ? NULL
                                    : text_format("%s:%zu: %s", reader->name, reader->record_line, text));
    free(text);
}

static void trouble(struct reader *reader, char *text)
{
    if (reader->trouble == NULL)
        reader->trouble = text;
    else
        free(text);
}

static void read_header(struct reader *reader, const char *text)
{
    char lower[CSV_MAX_FIELD_BYTES + 1];
    size_t length = strlen(text);
    for (size_t i = 0; i <= length; i++)
        lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 'a' - 'A') : text[i];
    for (int column = 0; column < SITE_COLUMN_COUNT; column++) {
        if (strcmp(lower, site_column_names[column]) != 0)
            continue;
        for (size_t i = 0; i < reader->column_count; i++) {
            if (reader->columns[i] == column)
                trouble(reader, text_format(_("column \"%s\" comes twice"), lower));
        }
        reader->columns[reader->column_count++] = column;
        return;
    }
    const char *near = cli_nearest(lower, site_column_names, SITE_COLUMN_COUNT);
    if (near != NULL)
        trouble(reader, text_format(_("unknown column \"%s\" (did you mean \"%s\"?)"), text, near));
    else
        trouble(reader,
                text_format(_("unknown column \"%s\" (expected site, role, target, address, sni, interval, "
                              "sentinel, fetch, depth)"),
                            text));
}

static void take_field(void *bytes, size_t length, void *arg)
{
    struct reader *reader = arg;
    const char *text = bytes;
    size_t index = reader->field_count++;
    if (reader->trouble != NULL)
        return; /* one thing wrong is enough said about a record */
    if (length > CSV_MAX_FIELD_BYTES || index >= CSV_MAX_FIELDS) {
        trouble(reader, length > CSV_MAX_FIELD_BYTES ? text_format(_("field %zu is longer than %d bytes"),
                                                                   index + 1, CSV_MAX_FIELD_BYTES)
                                                     : text_format(_("more than %d fields"), CSV_MAX_FIELDS));
        return;
    }
    if (memchr(text, '\0', length) != NULL) {
        trouble(reader, text_format(_("field %zu holds a NUL byte"), index + 1));
        return;
    }
    if (!reader->has_header) {
        read_header(reader, text);
        return;
    }
    if (index < reader->column_count)
        memcpy(reader->fields[reader->columns[index]], text, length + 1);
}

static void end_header(struct reader *reader)
{
    bool site = false, target = false;
    for (size_t i = 0; i < reader->column_count; i++) {
        site = site || reader->columns[i] == SITE_COLUMN_SITE;
        target = target || reader->columns[i] == SITE_COLUMN_TARGET;
    }
    if (!site || !target)
        trouble(reader, text_format(_("no column \"%s\" in the header (expected "
                                      "site,role,target,address,sni,interval,sentinel,fetch,depth)"),
                                    site ? "target" : "site"));
    reader->has_header = true;
    reader->broken = reader->trouble != NULL;
}

static void end_record(struct reader *reader)
{
    struct site_row row;
    struct site_fault fault;
    if (reader->field_count != reader->column_count)
        trouble(reader, text_format(_("%zu fields (expected %zu, as in the header)"), reader->field_count,
                                    reader->column_count));
    for (int column = 0; column < SITE_COLUMN_COUNT; column++)
        row.text[column] = reader->fields[column];
    if (reader->trouble == NULL && !site_book_add(reader->book, &row, &fault))
        trouble(reader, text_format(_("bad %s \"%s\" in column %s (%s)"), site_column_names[fault.column],
                                    fault.value, site_column_names[fault.column], fault.why));
}

static void take_record(int end, void *arg)
{
    struct reader *reader = arg;
    (void)end;
    if (reader->broken)
        return;
    if (reader->has_header)
        end_record(reader);
    else
        end_header(reader);
    if (reader->trouble != NULL)
        complain(reader, reader->trouble);
    reader->trouble = NULL;
    reader->field_count = 0;
    reader->begun = false;
    memset(reader->fields, 0, sizeof reader->fields);
}

/* One line with its end: LF, CRLF or CR. */
static size_t line_length(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length && text[i] != '\n' && text[i] != '\r')
        i++;
    if (i < length && text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')
        i++;
    return i < length ? i + 1 : length;
}

static void feed(struct reader *reader, struct csv_parser *parser, const char *text, size_t length)
{
    while (length > 0 && !reader->broken) {
        size_t part = line_length(text, length);
        reader->line++;
        if (!reader->begun) {
            reader->record_line = reader->line;
            reader->begun = true;
        }
        if (csv_parse(parser, text, part, take_field, take_record, reader) != part) {
            reader->record_line = reader->line;
            complain(reader, text_format(_("bad quoting (%s)"), csv_strerror(csv_error(parser))));
            reader->broken = true;
        }
        /* An empty line ends no record; the next one begins afresh. */
        if (reader->field_count == 0 && (part <= 2 && (text[0] == '\n' || text[0] == '\r')))
            reader->begun = false;
        text += part;
        length -= part;
    }
}

void site_book_csv(struct site_book *book, const char *name, const char *text, size_t length)
{
    struct csv_parser parser;
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        free(reader);
        site_book_complain(book, NULL);
        return;
    }
    csv_set_blk_size(&parser, CSV_BLOCK_BYTES); /* by default a long field grows 128 bytes at a time */
    reader->book = book;
    reader->name = name;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a spreadsheet's byte order mark */
        text += 3;
        length -= 3;
    }
    feed(reader, &parser, text, length);
    if (!reader->broken && csv_fini(&parser, take_field, take_record, reader) != 0)
        complain(reader, text_format(_("a quoted field does not end")));
    else if (!reader->broken && !reader->has_header) {
        reader->record_line = 1;
        complain(reader, text_format(_("empty file (expected a header: "
                                       "site,role,target,address,sni,interval,sentinel,fetch,depth)")));
    }
    csv_free(&parser);
    free(reader->trouble);
    free(reader);
}

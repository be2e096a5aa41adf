#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 64 };

struct cell {
    enum term_style style;
    char *text; /* NULL is empty */
};

struct table {
    unsigned columns;
    bool right[COLUMNS_MOST];
    struct cell *cells; /* row after row */
    size_t count, capacity;
};

struct table *table_new(unsigned columns)
{
    if (columns == 0 || columns > COLUMNS_MOST)
        return NULL;
    struct table *table = calloc(1, sizeof *table);
    if (table != NULL)
        table->columns = columns;
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void table_align_right(struct table *table, unsigned column)
{
    if (column < table->columns)
        table->right[column] = true;
}

/* A cell that finds no memory is shown empty: an answer with a gap serves better than none. */
static void add_cell(struct table *table, enum term_style style, char *text)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        struct cell *cells = reallocarray(table->cells, capacity, sizeof *cells);
        if (cells == NULL) {
            free(text);
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = (struct cell){.style = style, .text = text};
}

void table_cell(struct table *table, enum term_style style, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    add_cell(table, style, text);
}

void table_end_row(struct table *table)
{
    size_t missing = (table->columns - table->count % table->columns) % table->columns;
    for (size_t i = 0; i < missing; i++)
        add_cell(table, TERM_PLAIN, NULL);
}

static const char *cell_text(const struct table *table, size_t index)
{
    return index < table->count && table->cells[index].text != NULL ? table->cells[index].text : "";
}

static void measure(const struct table *table, unsigned *widths)
{
    for (size_t i = 0; i < table->count; i++) {
        unsigned width = text_width(cell_text(table, i));
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
}

/* How many columns of a row hold anything: what follows them must leave no trailing spaces. */
static unsigned used_columns(const struct table *table, size_t row)
{
    unsigned used = table->columns;
    while (used > 0 && cell_text(table, row + used - 1)[0] == '\0')
        used--;
    return used;
}

static void print_last(FILE *stream, enum term_style style, const char *text, unsigned room)
{
    struct buf cut;
    buf_init(&cut, 0);
    if (text_cut(&cut, text, room) && cut.len > 0)
        term_print(stream, style, (const char *)cut.data);
    buf_done(&cut);
}

static void print_row(const struct table *table, size_t row, const unsigned *widths, FILE *stream,
                      unsigned indent, unsigned limit)
{
    unsigned used = used_columns(table, row), at = indent;
    (void)fprintf(stream, "%*s", used > 0 ? (int)indent : 0, "");
    for (unsigned column = 0; column < used; column++) {
        const struct cell *cell = &table->cells[row + column];
        const char *text = cell_text(table, row + column);
        unsigned pad = widths[column] - text_width(text);
        bool last = column + 1 == used;
        if (table->right[column])
            (void)fprintf(stream, "%*s", (int)pad, "");
        if (column + 1 == table->columns)
            print_last(stream, cell->style, text, limit > at ? limit - at : 1);
        else
            term_print(stream, cell->style, text);
        if (!last)
            (void)fprintf(stream, "%*s", (int)(table->right[column] ? 2 : pad + 2), "");
        at += widths[column] + 2;
    }
    (void)fputc('\n', stream);
}

void table_print(struct table *table, FILE *stream, unsigned indent)
{
    unsigned widths[COLUMNS_MOST] = {0};
    unsigned limit = term_is_tty(stream) ? term_width(stream) : (unsigned)INT16_MAX * 16;
    table_end_row(table);
    measure(table, widths);
    for (size_t row = 0; row + table->columns <= table->count; row += table->columns)
        print_row(table, row, widths, stream, indent, limit);
}

#include "show/rows.h"

#include "cli/term.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

enum { INDENT = 2, ROOM_LEAST = 24, INDENT_NARROW = 4, UNLIMITED = 1 << 24 };

struct row {
    char *label; /* NULL: an empty line */
    char *text;
    char took[UNITS_SPAN_BYTES];
};

struct rows {
    bool timed;
    size_t count, capacity;
    struct row *rows;
};

struct rows *rows_new(bool timed)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows != NULL)
        rows->timed = timed;
    return rows;
}

void rows_free(struct rows *rows)
{
    if (rows == NULL)
        return;
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->rows[i].label);
        free(rows->rows[i].text);
    }
    free(rows->rows);
    free(rows);
}

/* A row that finds no memory is left out: an answer with a gap serves better than none. */
static struct row *next_row(struct rows *rows)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 32 : rows->capacity * 2;
        struct row *grown = reallocarray(rows->rows, capacity, sizeof *grown);
        if (grown == NULL)
            return NULL;
        rows->rows = grown;
        rows->capacity = capacity;
    }
    struct row *row = &rows->rows[rows->count++];
    *row = (struct row){0};
    return row;
}

void rows_add_timed(struct rows *rows, const char *label, int64_t took_us, struct buf *text)
{
    struct row *row = next_row(rows);
    if (row != NULL) {
        row->label = strdup(label);
        row->text = strdup(text->data == NULL ? "" : (const char *)text->data);
        if (took_us >= 0)
            (void)span_text(took_us, row->took);
    }
    buf_clear(text);
}

void rows_add(struct rows *rows, const char *label, struct buf *text)
{
    rows_add_timed(rows, label, -1, text);
}

void rows_gap(struct rows *rows)
{
    (void)next_row(rows);
}

bool rows_are_empty(const struct rows *rows)
{
    return rows->count == 0;
}

/* A pipe's reader wants whole lines; a terminal, or who sets COLUMNS, wants them to fit. */
static unsigned limit_of(FILE *out)
{
    return term_is_tty(out) || getenv("COLUMNS") != NULL ? term_width(out) : (unsigned)UNLIMITED;
}

static void pad(FILE *out, unsigned have, unsigned width)
{
    (void)fprintf(out, "%*s", have < width ? (int)(width - have) : 0, "");
}

/* The text wrapped at a column where it stands already; lines that follow begin at the same column. */
static void print_text(FILE *out, const char *text, unsigned column, unsigned limit)
{
    struct buf wrapped;
    buf_init(&wrapped, 0);
    if (column + text_width(text) > limit && text_wrap(&wrapped, text, column, limit) && wrapped.len > column)
        (void)fputs((const char *)wrapped.data + column, out);
    else /* as it is, with its own spacing */
        (void)fprintf(out, "%s\n", text);
    buf_done(&wrapped);
}

static void print_row(FILE *out, const struct row *row, unsigned label_width, unsigned took_width,
                      unsigned limit)
{
    const char *text = row->text == NULL ? "" : row->text;
    unsigned took_column = INDENT + label_width + 2;
    unsigned column = took_column + (took_width > 0 ? took_width + 2 : 0);
    unsigned at = INDENT;
    if (row->label != NULL) {
        (void)fprintf(out, "%*s", INDENT, "");
        term_print(out, TERM_HEAD, row->label);
        at += text_width(row->label);
    }
    if (row->took[0] != '\0') {
        unsigned width = text_width(row->took);
        pad(out, at + width, took_column + took_width);
        (void)fputs(row->took, out);
        at = took_column + took_width;
    }
    if (text[0] != '\0' && limit < column + ROOM_LEAST && column + text_width(text) > limit) {
        (void)fputc('\n', out); /* too little room beside the label */
        at = 0;
        column = INDENT_NARROW;
    }
    if (text[0] != '\0') {
        pad(out, at, column);
        print_text(out, text, column, limit);
    } else {
        (void)fputc('\n', out);
    }
}

void rows_print(const struct rows *rows, FILE *out)
{
    unsigned label_width = 0, took_width = 0, limit = limit_of(out);
    for (size_t i = 0; i < rows->count; i++) {
        unsigned label = rows->rows[i].label == NULL ? 0 : text_width(rows->rows[i].label);
        unsigned took = rows->timed ? text_width(rows->rows[i].took) : 0;
        label_width = label > label_width ? label : label_width;
        took_width = took > took_width ? took : took_width;
    }
    for (size_t i = 0; i < rows->count; i++)
        print_row(out, &rows->rows[i], label_width, took_width, limit);
}

void rows_prose(FILE *out, const char *text)
{
    (void)fprintf(out, "%*s", INDENT, "");
    print_text(out, text, INDENT, limit_of(out));
}

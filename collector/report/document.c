#include "report/document.h"

#include <stdarg.h>
#include <stdlib.h>

void document_init(struct document *document)
{
    *document = (struct document){.found = false};
}

void document_done(struct document *document)
{
    free(document->answer);
    free(document->extent);
    json_decref(document->root);
    json_decref(document->rows);
    document_init(document);
}

bool document_answer(struct document *document, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    free(document->answer);
    document->answer = text;
    return text != NULL;
}

bool document_rows(struct document *document, json_t *rows, const struct rows_field *fields)
{
    document->rows = rows;
    document->fields = fields;
    return rows != NULL && json_object_set(document->root, "rows", rows) == 0;
}

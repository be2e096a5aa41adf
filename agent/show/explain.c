#include "show/explain.h"

#include "cli/cause_say.h"
#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "show/rows.h"
#include "show/show.h"
#include "words/attempt_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int unknown_cause(const char *id)
{
    const char **ids = calloc(cause_count(), sizeof *ids);
    for (size_t i = 0; ids != NULL && i < cause_count(); i++)
        ids[i] = cause_at(i)->id;
    const char *nearest = ids == NULL ? NULL : cli_nearest(id, ids, cause_count());
    int code = nearest == NULL
                   ? cli_usage(_("--explain: there is no cause \"%s\"; --list-causes shows them"), id)
                   : cli_usage(_("--explain: there is no cause \"%s\" (did you mean \"%s\"?)"), id, nearest);
    free(ids);
    return code;
}

/* A reader that has seen enough is no news. */
static int finish(FILE *out, bool good)
{
    errno = good ? 0 : ENOMEM;
    if (good && fflush(out) == 0 && !ferror(out))
        return EXIT_HEALTHY;
    if (errno != EPIPE)
        cli_error(_("standard output: %s"), strerror(errno));
    clearerr(out);
    return EXIT_FAILED;
}

/* English, as all JSON is: a program looks for ids and shows texts as they are. */
static json_t *cause_json(const struct cause_row *row)
{
    return json_pack("{sissssssssssss}", "schema", (int)ATTEMPT_JSON_SCHEMA, "cause", row->id, "name",
                     row->name, "verdict", row->verdict, "evidence", row->evidence, "tells_apart",
                     row->tells_apart, "remedy", row->remedy);
}

static bool print_json(FILE *out, json_t *value)
{
    bool printed = value != NULL && json_dumpf(value, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
    json_decref(value);
    return printed || ferror(out);
}

static void add_row(struct rows *rows, const char *label, const char *text)
{
    struct buf copy;
    buf_init(&copy, 0);
    (void)buf_text(&copy, T_(text));
    if (copy.len > 0)
        rows_add(rows, label, &copy);
    buf_done(&copy);
}

static bool explain_text(FILE *out, const struct cause_row *row)
{
    struct rows *rows = rows_new(false);
    if (rows == NULL)
        return false;
    term_print(out, TERM_BOLD, row->id);
    (void)fputs("  ", out);
    struct buf title;
    buf_init(&title, 0);
    cause_title(&title, row);
    (void)fprintf(out, "%s\n\n", title.data == NULL ? "" : (const char *)title.data);
    buf_done(&title);
    rows_prose(out, T_(row->verdict));
    (void)fputc('\n', out);
    add_row(rows, _("evidence"), row->evidence);
    add_row(rows, _("told apart"), row->tells_apart);
    add_row(rows, _("do"), row->remedy);
    rows_print(rows, out);
    rows_free(rows);
    return true;
}

int explain_cause(FILE *out, const char *id, enum report_format format)
{
    enum cause cause;
    if (!cause_from_id(id, &cause))
        return unknown_cause(id);
    const struct cause_row *row = cause_row(cause);
    return finish(out, format == REPORT_TEXT ? explain_text(out, row) : print_json(out, cause_json(row)));
}

static bool list_text(FILE *out)
{
    struct table *table = table_new(3);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < cause_count(); i++) {
        const struct cause_row *row = cause_at(i);
        table_cell(table, TERM_HEAD, "%s", row->id);
        table_cell(table, TERM_PLAIN, "%s", cause_section(row->id));
        table_cell(table, TERM_PLAIN, "%s", _(row->name));
    }
    table_print(table, out, 0);
    table_free(table);
    return true;
}

static bool list_json(FILE *out, enum report_format format)
{
    bool good = true;
    if (format == REPORT_JSON)
        (void)fprintf(out, "{\"schema\":%d,\"causes\":[\n", (int)ATTEMPT_JSON_SCHEMA);
    for (size_t i = 0; good && i < cause_count(); i++) {
        if (format == REPORT_JSON && i > 0)
            (void)fputc(',', out);
        good = print_json(out, cause_json(cause_at(i)));
    }
    if (format == REPORT_JSON)
        (void)fputs("]}\n", out);
    return good;
}

int list_causes(FILE *out, enum report_format format)
{
    return finish(out, format == REPORT_TEXT ? list_text(out) : list_json(out, format));
}

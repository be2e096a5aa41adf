#include "cli/i18n.h"
#include "cli/table.h"
#include "options.h"
#include "report/csv.h"
#include "report/format.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `parallax-collector vantage list|show|revoke`. */

enum { OPTION_FORMAT = 1 };

static const struct cli_option vantage_options[] = {
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or csv (default text)")},
    COLLECTOR_OPTIONS,
    {0},
};

static const struct cli_option revoke_options[] = {
    COLLECTOR_OPTIONS,
    {0},
};

struct vantage_command {
    struct collector_settings settings;
    enum report_format format;
};

static bool vantage_read_options(struct cli_args *args, struct vantage_command *command, int *ret_exit)
{
    const char *value = NULL;
    bool failed = false;
    collector_settings_init(&command->settings);
    *ret_exit = EXIT_USAGE;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_FORMAT) {
            int choice = cli_choice("format", value, report_format_names, REPORT_FORMATS);
            if (choice < 0)
                return false;
            command->format = (enum report_format)choice;
        } else if (collector_option(&command->settings, id, value, &failed) && failed) {
            return false;
        }
    }
    *ret_exit = EXIT_FAILED;
    return collector_settings_settle(&command->settings);
}

/* --- what a row says --- */

/* Fields of vantage_list in the order of json and csv. */
enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_TIME, FIELD_JSON };

static const struct vantage_field {
    const char *name;
    const char *column;
    enum field_kind kind;
} fields[] = {
    {"name", "name", FIELD_TEXT},
    {"region", "region", FIELD_TEXT},
    {"labels", "labels", FIELD_JSON},
    {"asn", "asn", FIELD_NUMBER},
    {"prefix", "prefix", FIELD_TEXT},
    {"country", "country", FIELD_TEXT},
    {"address", "address", FIELD_TEXT},
    {"agent_version", "agent_version", FIELD_TEXT},
    {"tls_library", "tls_library", FIELD_TEXT},
    {"certificate_sha256", "certificate", FIELD_TEXT},
    {"certificate_not_after", "certificate_ends_s", FIELD_TIME},
    {"enrolled_at", "enrolled_s", FIELD_TIME},
    {"revoked_at", "revoked_s", FIELD_TIME},
    {"connected_since", "connected_s", FIELD_TIME},
    {"last_seen_at", "seen_s", FIELD_TIME},
    {"dropped", "dropped", FIELD_NUMBER},
};
enum { VANTAGE_FIELDS = sizeof fields / sizeof fields[0] };

static const char *vantage_time(const PGresult *rows, int row, const char *column, char out[UNITS_TIME_BYTES])
{
    if (db_null(rows, row, column))
        return "";
    return time_rfc3339(db_int(rows, row, column) * US_PER_S, 0, out);
}

static json_t *vantage_field_json(const PGresult *rows, int row, const struct vantage_field *field)
{
    char time[UNITS_TIME_BYTES];
    if (db_null(rows, row, field->column))
        return json_null();
    if (field->kind == FIELD_NUMBER)
        return json_integer(db_int(rows, row, field->column));
    if (field->kind == FIELD_TIME)
        return json_string(vantage_time(rows, row, field->column, time));
    if (field->kind == FIELD_JSON)
        return json_loads(db_text(rows, row, field->column), 0, NULL);
    return json_text(db_text(rows, row, field->column));
}

static json_t *vantage_json(const PGresult *rows, int row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < VANTAGE_FIELDS; i++)
        if (json_object_set_new(object, fields[i].name, vantage_field_json(rows, row, &fields[i])) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* --- list --- */

static bool list_json(const PGresult *rows)
{
    json_t *list = json_array();
    bool whole = list != NULL;
    for (int row = 0; whole && row < PQntuples(rows); row++)
        whole = json_array_append_new(list, vantage_json(rows, row)) == 0;
    json_t *root = whole ? json_pack("{s:i, s:O}", "schema", REPORT_JSON_SCHEMA, "vantages", list) : NULL;
    bool done = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    json_decref(list);
    return done;
}

static bool list_csv(const PGresult *rows)
{
    struct csv csv;
    char time[UNITS_TIME_BYTES];
    csv_begin(&csv);
    for (size_t i = 0; i < VANTAGE_FIELDS; i++)
        csv_text(&csv, fields[i].name);
    bool done = csv_end_row(&csv, stdout);
    for (int row = 0; done && row < PQntuples(rows); row++) {
        for (size_t i = 0; i < VANTAGE_FIELDS; i++)
            if (fields[i].kind == FIELD_NUMBER)
                csv_number(&csv, db_text(rows, row, fields[i].column));
            else if (fields[i].kind == FIELD_TIME)
                csv_text(&csv, vantage_time(rows, row, fields[i].column, time));
            else
                csv_text(&csv, db_text(rows, row, fields[i].column));
        done = csv_end_row(&csv, stdout);
    }
    csv_done(&csv);
    return done;
}

static void vantage_cell(struct table *table, const char *text)
{
    char *safe = text_safe_copy(text);
    table_cell(table, TERM_PLAIN, "%s", safe[0] == '\0' ? "-" : safe);
    free(safe);
}

static void vantage_cell_asn(struct table *table, const PGresult *rows, int row)
{
    if (db_null(rows, row, "asn"))
        table_cell(table, TERM_PLAIN, "-");
    else
        table_cell(table, TERM_PLAIN, "AS%lld", db_int(rows, row, "asn"));
}

static const char *vantage_status(const PGresult *rows, int row, enum term_style *ret_style)
{
    bool revoked = !db_null(rows, row, "revoked_s");
    bool connected = !db_null(rows, row, "connected_s");
    *ret_style = revoked ? TERM_DIM : connected ? TERM_GOOD : TERM_WARN;
    return revoked ? _("revoked") : connected ? _("connected") : _("away");
}

/* Time left; a vantage renews in good time, so that little of it means that renewing does not work. */
static void vantage_cell_certificate(struct table *table, const PGresult *rows, int row)
{
    static const long long near_s = 3 * 86400;
    char span[UNITS_SPAN_BYTES];
    if (db_null(rows, row, "certificate_left_s") || !db_null(rows, row, "revoked_s")) {
        table_cell(table, TERM_PLAIN, "-");
        return;
    }
    long long left_s = db_int(rows, row, "certificate_left_s");
    if (left_s <= 0)
        table_cell(table, TERM_BAD, "%s", _("ended"));
    else
        table_cell(table, left_s < near_s ? TERM_WARN : TERM_PLAIN, "%s", span_text(left_s * US_PER_S, span));
}

static bool list_text(const PGresult *rows)
{
    static const char *const heads[] = {N_("VANTAGE"), N_("REGION"),  N_("ASN"),         N_("STATUS"),
                                        N_("ADDRESS"), N_("VERSION"), N_("CERTIFICATE"), N_("SEEN")};
    struct table *table = table_new(sizeof heads / sizeof heads[0]);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        table_cell(table, TERM_HEAD, "%s", _(heads[i]));
    for (int row = 0; row < PQntuples(rows); row++) {
        char time[UNITS_TIME_BYTES];
        enum term_style style;
        const char *status = vantage_status(rows, row, &style);
        vantage_cell(table, db_text(rows, row, "name"));
        vantage_cell(table, db_text(rows, row, "region"));
        vantage_cell_asn(table, rows, row);
        table_cell(table, style, "%s", status);
        vantage_cell(table, db_text(rows, row, "address"));
        vantage_cell(table, db_text(rows, row, "agent_version"));
        vantage_cell_certificate(table, rows, row);
        vantage_cell(table, vantage_time(rows, row, "seen_s", time));
    }
    table_print(table, stdout, 0);
    table_free(table);
    return true;
}

static bool vantage_print_list(const PGresult *rows, enum report_format format)
{
    if (format == REPORT_JSON)
        return list_json(rows);
    if (format == REPORT_CSV)
        return list_csv(rows);
    if (PQntuples(rows) > 0)
        return list_text(rows);
    (void)printf("%s\n", _("no vantages yet; make a token with: parallax-collector token create"));
    return true;
}

/* Opens, asks for all, and lets `show` print; the one place where a reading verb ends. */
static int vantage_with_rows(struct vantage_command *command, const char *name,
                             int (*show)(const PGresult *rows, const char *name, enum report_format format))
{
    struct db_where where = collector_where(&command->settings);
    struct db *db = db_open(&where);
    PGresult *rows = db == NULL ? NULL : db_query(db, STATEMENT_vantage_list, NULL, 0);
    int exit_code = rows == NULL ? EXIT_FAILED : show(rows, name, command->format);
    PQclear(rows);
    db_close(db);
    return exit_code;
}

static int list_show(const PGresult *rows, const char *name, enum report_format format)
{
    (void)name;
    if (vantage_print_list(rows, format))
        return EXIT_HEALTHY;
    cli_error(_("cannot write the list"));
    return EXIT_FAILED;
}

static int vantage_list(struct cli_args *args)
{
    struct vantage_command command = {0};
    int exit_code = EXIT_FAILED;
    if (!vantage_read_options(args, &command, &exit_code))
        return exit_code;
    return vantage_with_rows(&command, NULL, list_show);
}

/* --- show --- */

static void vantage_unknown(const PGresult *rows, const char *name)
{
    const char **names = calloc((size_t)PQntuples(rows) + 1, sizeof *names);
    for (int row = 0; names != NULL && row < PQntuples(rows); row++)
        names[row] = db_text(rows, row, "name");
    const char *near = names == NULL ? NULL : cli_nearest(name, names, (size_t)PQntuples(rows));
    if (near != NULL)
        cli_error(_("no vantage is called %s (did you mean %s?)"), name, near);
    else
        cli_error(_("no vantage is called %s; see: parallax-collector vantage list"), name);
    free(names);
}

static void show_text(const PGresult *rows, int row)
{
    enum term_style style;
    struct table *table = table_new(2);
    char *name = text_safe_copy(db_text(rows, row, "name"));
    (void)printf("%s  %s\n\n", name, vantage_status(rows, row, &style));
    free(name);
    for (size_t i = 1; table != NULL && i < VANTAGE_FIELDS; i++) {
        char time[UNITS_TIME_BYTES];
        table_cell(table, TERM_DIM, "%s", fields[i].name);
        vantage_cell(table, fields[i].kind == FIELD_TIME ? vantage_time(rows, row, fields[i].column, time)
                                                         : db_text(rows, row, fields[i].column));
    }
    if (table != NULL)
        table_print(table, stdout, 2);
    table_free(table);
}

static int show_show(const PGresult *rows, const char *name, enum report_format format)
{
    int row = 0;
    while (row < PQntuples(rows) && strcmp(db_text(rows, row, "name"), name) != 0)
        row++;
    if (row == PQntuples(rows)) {
        vantage_unknown(rows, name);
        return EXIT_FAILED;
    }
    if (format == REPORT_TEXT) {
        show_text(rows, row);
        return EXIT_HEALTHY;
    }
    json_t *object = vantage_json(rows, row);
    bool done = object != NULL &&
                json_object_set_new(object, "schema", json_integer(REPORT_JSON_SCHEMA)) == 0 &&
                json_dumpf(object, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(object);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int vantage_show(struct cli_args *args)
{
    struct vantage_command command = {0};
    int exit_code = EXIT_FAILED;
    if (!vantage_read_options(args, &command, &exit_code))
        return exit_code;
    if (command.format == REPORT_CSV)
        return cli_usage(_("--format csv: one vantage is shown as text or json; vantage list has csv"));
    return vantage_with_rows(&command, cli_operand(args, 0), show_show);
}

/* --- revoke --- */

static int revoke_in(struct db *db, const char *name)
{
    const char *values[] = {name};
    PGresult *result = db_query(db, STATEMENT_vantage_revoke, values, 1);
    if (result == NULL)
        return EXIT_FAILED;
    bool known = PQntuples(result) == 1;
    bool already = known && db_text(result, 0, "already")[0] == 't';
    PQclear(result);
    if (!known) {
        result = db_query(db, STATEMENT_vantage_list, NULL, 0);
        if (result != NULL)
            vantage_unknown(result, name);
        PQclear(result);
        return EXIT_FAILED;
    }
    if (already)
        (void)printf(_("vantage %s was revoked before\n"), name);
    else
        (void)printf(_("vantage %s is revoked; its session is cut\n"), name);
    return EXIT_HEALTHY;
}

static int vantage_revoke(struct cli_args *args)
{
    struct vantage_command command = {0};
    int exit_code = EXIT_FAILED;
    if (!vantage_read_options(args, &command, &exit_code))
        return exit_code;
    struct db_where where = collector_where(&command.settings);
    struct db *db = db_open(&where);
    exit_code = db == NULL ? EXIT_FAILED : revoke_in(db, cli_operand(args, 0));
    db_close(db);
    return exit_code;
}

const struct cli_verb verb_vantage_list = {
    .name = "vantage list",
    .operands = "",
    .summary = N_("vantages, where they stand and whether they are connected"),
    .options = vantage_options,
    .run = vantage_list,
};

const struct cli_verb verb_vantage_show = {
    .name = "vantage show",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("all that is known about one vantage"),
    .options = vantage_options,
    .run = vantage_show,
};

const struct cli_verb verb_vantage_revoke = {
    .name = "vantage revoke",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("cut a vantage off and refuse its certificate from now on"),
    .options = revoke_options,
    .run = vantage_revoke,
};

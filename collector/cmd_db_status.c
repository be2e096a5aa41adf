#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "options.h"
#include "report/format.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `db status`: what the database holds and how large it is, and whether the work on it keeps up. */

enum { OPTION_FORMAT = 1 };

static const struct cli_option status_options[] = {
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text or json (default text)")},
    COLLECTOR_OPTIONS,
    {0},
};

/* Beyond these somebody should look. The counts of ten minutes that are over are made within half a minute. */
enum { DUE_LATE_S = 600, UNJUDGED_LATE_S = 300 };

struct status {
    struct collector_settings settings;
    bool json;
    PGresult *tables;
    PGresult *days;
    PGresult *lag;
};

static int read_options(struct cli_args *args, struct status *status)
{
    static const char *const formats[] = {"text", "json"};
    const char *value;
    collector_settings_init(&status->settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_FORMAT) {
            int choice = cli_choice("format", value, formats, 2);
            if (choice < 0)
                return EXIT_USAGE;
            status->json = choice == 1;
        } else {
            (void)collector_option(&status->settings, id, value, &failed);
        }
        if (failed)
            return EXIT_FAILED;
    }
    return collector_settings_settle(&status->settings) ? EXIT_HEALTHY : EXIT_FAILED;
}

static bool read_all(struct status *status, struct db *db)
{
    status->tables = db_query(db, STATEMENT_status_tables, NULL, 0);
    status->days = status->tables == NULL ? NULL : db_query(db, STATEMENT_status_days, NULL, 0);
    status->lag = status->days == NULL ? NULL : db_query(db, STATEMENT_status_lag, NULL, 0);
    return status->lag != NULL;
}

/* --- what is amiss --- */

static const struct concern {
    const char *id;
    const char *column;
    long long from; /* from this number on it is amiss */
    const char *text;
} concerns[] = {
    {"counting", "due_s", DUE_LATE_S, N_("counting lags behind: does a collector serve this database?")},
    {"judging", "unjudged_s", UNJUDGED_LATE_S,
     N_("judging lags behind: does a collector serve this database?")},
    {"strays", "strays", 1, N_("attempts of days without a partition: db retain moves them to one")},
};
enum { CONCERNS = sizeof concerns / sizeof concerns[0] };

static bool is_amiss(const struct status *status, const struct concern *concern)
{
    return db_int(status->lag, 0, concern->column) >= concern->from;
}

static size_t count_amiss(const struct status *status)
{
    size_t count = 0;
    for (size_t i = 0; i < CONCERNS; i++)
        count += is_amiss(status, &concerns[i]);
    return count;
}

/* --- text --- */

static void say_answer(const struct status *status)
{
    size_t amiss = count_amiss(status);
    const char *size = db_text(status->lag, 0, "size");
    if (amiss == 0)
        (void)printf(_("all is well: %s in all, attempts of %d days, counted and judged\n"), size,
                     PQntuples(status->days) - (int)db_int(status->lag, 0, "ahead"));
    for (size_t i = 0; i < CONCERNS; i++)
        if (is_amiss(status, &concerns[i]))
            (void)printf("%s\n", _(concerns[i].text));
}

static void say_lag(const struct status *status)
{
    char due[UNITS_SPAN_BYTES], unjudged[UNITS_SPAN_BYTES];
    const PGresult *lag = status->lag;
    const char *last = db_null(lag, 0, "last_at") ? "-" : db_text(lag, 0, "last_at");
    (void)printf(_("last attempt:       %s\n"), last);
    (void)printf(_("to be counted:      %lld spans of ten minutes (%s)\n"), db_int(lag, 0, "due"),
                 span_text(db_int(lag, 0, "due_s") * US_PER_S, due));
    (void)printf(_("to be judged:       %lld rounds (%s)\n"), db_int(lag, 0, "unjudged"),
                 span_text(db_int(lag, 0, "unjudged_s") * US_PER_S, unjudged));
    (void)printf(_("partitions ahead:   %lld days\n"), db_int(lag, 0, "ahead"));
    (void)printf(_("without partition:  %lld attempts\n"), db_int(lag, 0, "strays"));
    if (!db_null(lag, 0, "attempts_since"))
        (void)printf(_("attempts whole since %s; counts from before are final\n"),
                     db_text(lag, 0, "attempts_since"));
}

static void say_rows(const PGresult *rows, const char *const *columns, const char *const *heads,
                     unsigned count)
{
    struct table *table = table_new(count);
    if (table == NULL)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            table_align_right(table, i);
        table_cell(table, TERM_HEAD, "%s", _(heads[i]));
    }
    for (int row = 0; row < PQntuples(rows); row++)
        for (unsigned i = 0; i < count; i++)
            table_cell(table, TERM_PLAIN, "%s", db_text(rows, row, columns[i]));
    (void)putchar('\n');
    table_print(table, stdout, 0);
    table_free(table);
}

static void say_text(const struct status *status)
{
    static const char *const table_columns[] = {"name", "partitions", "rows", "table_size", "index_size"};
    static const char *const table_heads[] = {N_("TABLE"), N_("PARTITIONS"), N_("ROWS (about)"), N_("SIZE"),
                                              N_("INDEXES")};
    static const char *const day_columns[] = {"day", "attempts", "size"};
    static const char *const day_heads[] = {N_("DAY"), N_("ATTEMPTS (about)"), N_("SIZE")};
    say_answer(status);
    say_lag(status);
    say_rows(status->tables, table_columns, table_heads, 5);
    say_rows(status->days, day_columns, day_heads, 3);
}

/* --- json --- */

static json_t *rows_json(const PGresult *rows, const char *text, const char *const *numbers)
{
    json_t *array = json_array();
    for (int row = 0; array != NULL && row < PQntuples(rows); row++) {
        json_t *object = json_pack("{s:o}", text, json_text(db_text(rows, row, text)));
        bool whole = object != NULL;
        for (const char *const *name = numbers; whole && *name != NULL; name++)
            whole = json_object_set_new(object, *name, json_integer(db_int(rows, row, *name))) == 0;
        if (!whole || json_array_append(array, object) != 0) {
            json_decref(array);
            array = NULL;
        }
        json_decref(object);
    }
    return array;
}

static json_t *time_or_null(const PGresult *rows, const char *column)
{
    return db_null(rows, 0, column) ? json_null() : json_text(db_text(rows, 0, column));
}

static json_t *concerns_json(const struct status *status)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < CONCERNS; i++)
        if (is_amiss(status, &concerns[i]))
            (void)json_array_append_new(array, json_string(concerns[i].id));
    return array;
}

static bool say_json(const struct status *status)
{
    static const char *const of_table[] = {"partitions", "rows", "table_bytes", "index_bytes", NULL};
    static const char *const of_day[] = {"attempts", "bytes", NULL};
    static const char *const of_lag[] = {"bytes",      "due",    "due_s", "unjudged",
                                         "unjudged_s", "strays", "ahead", NULL};
    json_t *root = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "schema", REPORT_JSON_SCHEMA, "kind", "db-status", "concerns",
        concerns_json(status), "last_at", time_or_null(status->lag, "last_at"), "attempts_since",
        time_or_null(status->lag, "attempts_since"), "tables", rows_json(status->tables, "name", of_table),
        "days", rows_json(status->days, "day", of_day));
    bool done = root != NULL;
    for (const char *const *name = of_lag; done && *name != NULL; name++)
        done = json_object_set_new(root, *name, json_integer(db_int(status->lag, 0, *name))) == 0;
    done =
        done && json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 && putchar('\n') != EOF;
    json_decref(root);
    if (!done)
        cli_error(_("out of memory"));
    return done;
}

static int run(struct cli_args *args)
{
    struct status status = {0};
    int code = read_options(args, &status);
    if (code != EXIT_HEALTHY)
        return code;
    struct db_where where = collector_where(&status.settings);
    struct db *db = db_open(&where);
    bool done = db != NULL && read_all(&status, db);
    if (done && status.json)
        done = say_json(&status);
    else if (done)
        say_text(&status);
    code = !done ? EXIT_FAILED : count_amiss(&status) > 0 ? EXIT_FINDINGS : EXIT_HEALTHY;
    PQclear(status.tables);
    PQclear(status.days);
    PQclear(status.lag);
    db_close(db);
    return code;
}

const struct cli_verb verb_db_status = {.name = "db status",
                                        .operands = "",
                                        .summary =
                                            N_("say what the database holds and whether its work keeps up"),
                                        .options = status_options,
                                        .run = run};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "keep.h"
#include "options.h"
#include "store/retain.h"

#include <stdio.h>
#include <string.h>

/* `db retain` drops what is older than its owner wants to keep (store/retain.h), and says what it was. */

enum { OPTION_DRY_RUN = 1 };

static const struct cli_option retain_options[] = {
    KEEP_OPTIONS,
    {"dry-run", 0, NULL, OPTION_DRY_RUN, N_("say what would be dropped, and drop nothing")},
    COLLECTOR_OPTIONS,
    {0},
};

struct retain_command {
    struct collector_settings settings;
    struct keep keep;
    bool dry_run;
    struct table *table;
};

static int read_options(struct cli_args *args, struct retain_command *command)
{
    const char *value;
    collector_settings_init(&command->settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_DRY_RUN)
            command->dry_run = true;
        else if (!keep_option(&command->keep, id, value))
            (void)collector_option(&command->settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (!keep_settle(&command->keep, &command->settings))
        return EXIT_USAGE;
    if (!keep_is_limited(&command->keep))
        return cli_usage(
            _("nothing says what to keep: give --keep-attempts 30d, or keep_attempts: 30d in the "
              "file of --config"));
    return collector_settings_settle(&command->settings) ? EXIT_HEALTHY : EXIT_FAILED;
}

static void say_day(const struct retain_day *day, void *arg)
{
    const struct retain_command *command = arg;
    struct table *table = command->table;
    table_cell(table, TERM_PLAIN, "%s", day->day);
    table_cell(table, TERM_PLAIN, "%s", day->attempts);
    table_cell(table, TERM_PLAIN, "%s", day->size);
    if (day->fate == RETAIN_DROPPED)
        table_cell(table, TERM_PLAIN, "%s", command->dry_run ? _("would be dropped") : _("dropped"));
    else if (day->fate == RETAIN_BUSY)
        table_cell(table, TERM_WARN, "%s", _("kept: in use for too long, the next run drops it"));
    else if (strcmp(day->held, "incident") == 0)
        table_cell(table, TERM_WARN, _("kept: incident %lld is open and rests on it"), day->incident_id);
    else if (strcmp(day->held, "unjudged") == 0)
        table_cell(table, TERM_WARN, "%s", _("kept: rounds up to it are not judged yet"));
    else
        table_cell(table, TERM_WARN, "%s", _("kept: not all up to it is counted yet"));
}

static void say(const struct retain_command *command, const struct retained *done)
{
    double dropped_mb = (double)done->dropped_bytes / 1e6;
    if (command->dry_run) {
        (void)printf(ngettext("%zu day of attempts would be dropped (%.1f MB), %zu would be kept still\n",
                              "%zu days of attempts would be dropped (%.1f MB), %zu would be kept still\n",
                              done->dropped),
                     done->dropped, dropped_mb, done->held);
        (void)printf(_("would be deleted: %lld counts of ten minutes, %lld counts of hours, %lld rounds\n"),
                     done->counts, done->hours, done->rounds);
    } else {
        (void)printf(ngettext("%zu day of attempts dropped (%.1f MB), %zu kept still\n",
                              "%zu days of attempts dropped (%.1f MB), %zu kept still\n", done->dropped),
                     done->dropped, dropped_mb, done->held);
        (void)printf(_("deleted: %lld counts of ten minutes, %lld counts of hours, %lld rounds\n"),
                     done->counts, done->hours, done->rounds);
    }
    if (done->dropped + done->held > 0)
        table_print(command->table, stdout, 0);
}

static struct table *new_table(void)
{
    struct table *table = table_new(4);
    if (table == NULL) {
        cli_error(_("out of memory"));
        return NULL;
    }
    table_cell(table, TERM_HEAD, "%s", _("DAY"));
    table_cell(table, TERM_HEAD, "%s", _("ATTEMPTS"));
    table_cell(table, TERM_HEAD, "%s", _("SIZE"));
    table_cell(table, TERM_HEAD, "%s", "");
    table_align_right(table, 1);
    table_align_right(table, 2);
    return table;
}

static int run(struct cli_args *args)
{
    struct retain_command command = {0};
    struct retained done;
    int code = read_options(args, &command);
    if (code != EXIT_HEALTHY)
        return code;
    const struct retain_run how = {.dry_run = command.dry_run, .each = say_day, .arg = &command};
    const struct db_where where = collector_where(&command.settings);
    struct db *db = db_open(&where);
    command.table = db == NULL ? NULL : new_table();
    code = EXIT_FAILED;
    if (command.table != NULL && retain(db, &command.keep.policy, &how, &done)) {
        say(&command, &done);
        code = EXIT_HEALTHY;
    }
    table_free(command.table);
    db_close(db);
    return code;
}

const struct cli_verb verb_db_retain = {.name = "db retain",
                                        .operands = "",
                                        .summary = N_("drop what is older than you want to keep"),
                                        .options = retain_options,
                                        .run = run};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "judge/rollup.h"
#include "options.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>

/* `db rollup` counts by hand what the serving collector counts by itself; `db roles` says who may do what, and what is missing for it. */

enum { OPTION_REPAIR = 1, OPTION_SINCE };

static const struct cli_option rollup_options[] = {
    {"repair", 0, NULL, OPTION_REPAIR, N_("count everything again, not only what is due")},
    {"since", 0, "TIME", OPTION_SINCE,
     N_("with --repair: from this time on, a span back from now or RFC 3339 (default: all)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct rollup_command {
    struct collector_settings settings;
    bool repair;
    int64_t since_us; /* 0: all */
};

static int read_options(struct cli_args *args, struct rollup_command *command)
{
    const char *value;
    collector_settings_init(&command->settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_REPAIR)
            command->repair = true;
        else if (id == OPTION_SINCE && !collector_time("since", value, &command->since_us))
            return EXIT_USAGE;
        else if (id != OPTION_SINCE)
            (void)collector_option(&command->settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (command->since_us != 0 && !command->repair)
        return cli_usage(_("--since goes with --repair"));
    return EXIT_HEALTHY;
}

static int count_again(const struct rollup_command *command, struct db *db)
{
    char since[UNITS_TIME_BYTES];
    size_t count;
    if (command->repair &&
        !rollup_repair(db, command->since_us == 0 ? NULL : time_rfc3339(command->since_us, 6, since)))
        return EXIT_FAILED;
    if (!rollup_run(db, true, NULL, &count))
        return EXIT_FAILED;
    (void)printf(ngettext("%zu span of ten minutes counted\n", "%zu spans of ten minutes counted\n", count),
                 count);
    return EXIT_HEALTHY;
}

static int run_rollup(struct cli_args *args)
{
    struct rollup_command command = {0};
    int code = read_options(args, &command);
    if (code != EXIT_HEALTHY)
        return code;
    if (!collector_settings_settle(&command.settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&command.settings);
    struct db *db = db_open(&where);
    code = db == NULL ? EXIT_FAILED : count_again(&command, db);
    db_close(db);
    return code;
}

const struct cli_verb verb_db_rollup = {.name = "db rollup",
                                        .operands = "",
                                        .summary = N_("count attempts for reports over long windows"),
                                        .options = rollup_options,
                                        .run = run_rollup};

/* --- db roles --- */

static const struct cli_option roles_options[] = {COLLECTOR_OPTIONS, {NULL, 0, NULL, 0, NULL}};

/* The first line is a comment of SQL, so that the output can be given to psql as it is. */
static int show_roles(const struct db *db)
{
    char *place = db_place(db);
    char *sql = db_has_roles(db) ? NULL : db_roles_sql(db);
    int code = EXIT_HEALTHY;
    if (place == NULL || (sql == NULL && !db_has_roles(db))) {
        cli_error(_("out of memory"));
        code = EXIT_FAILED;
    } else if (sql == NULL) {
        (void)printf(_("-- %s: the roles %s, %s and %s are in force\n"), place, ROLE_INGEST, ROLE_PLAN,
                     ROLE_READ);
    } else {
        (void)printf(_("-- %s: no roles are in force; an administrator of this server has to run:\n"), place);
        (void)printf("%s", sql);
        (void)printf("-- %s\n", _("then restart parallax-collector serve, which grants them what they need"));
        code = EXIT_FINDINGS;
    }
    free(sql);
    free(place);
    return code;
}

static int run_roles(struct cli_args *args)
{
    struct collector_settings settings;
    const char *value;
    collector_settings_init(&settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        (void)collector_option(&settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (!collector_settings_settle(&settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&settings);
    struct db *db = db_open(&where);
    int code = db == NULL ? EXIT_FAILED : show_roles(db);
    db_close(db);
    return code;
}

const struct cli_verb verb_db_roles = {.name = "db roles",
                                       .operands = "",
                                       .summary =
                                           N_("say whether the database limits what each connection may do"),
                                       .options = roles_options,
                                       .run = run_roles};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "options.h"
#include "replay/export.h"
#include "site.h"
#include "stop.h"
#include "store/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* `parallax-collector export`: evidence as lines that replay, and people, read. */

enum { OPTION_ROUND = 1, OPTION_OUTPUT, OPTION_ANONYMISE };

static const struct cli_option export_options[] = {
    WINDOW_OPTIONS(N_("only this site, and the sentinels"),
                   N_("from this time on: a span back from now, or RFC 3339 (default all)")),
    {"round", 0, "NUMBER", OPTION_ROUND, N_("only this round")},
    {"output", 'o', "FILE", OPTION_OUTPUT, N_("write to a file, which is there only when it is whole")},
    {"anonymise", 0, NULL, OPTION_ANONYMISE,
     N_("leave out names, labels and addresses of vantages, and their resolvers")},
    COLLECTOR_OPTIONS,
    {0},
};

struct exporting {
    struct collector_settings settings;
    struct export_options options;
    const char *output; /* NULL: standard output */
};

static void say_end(const struct export_counts *counts, bool done, const char *part)
{
    unsigned long long attempts = counts->attempts;
    if (term_is_tty(stderr))
        (void)fprintf(stderr, "\r\033[K");
    if (done)
        (void)fprintf(stderr, _("%llu attempts of %llu vantages on %llu endpoints in %llu rounds exported\n"),
                      attempts, (unsigned long long)counts->vantages, (unsigned long long)counts->endpoints,
                      (unsigned long long)counts->rounds);
    else if (stop_asked)
        cli_error(_("interrupted after %llu attempts; %s ends with a whole line"), attempts,
                  part == NULL ? _("what was written") : part);
    if (counts->unreadable > 0)
        cli_warning(_("%llu attempts hold evidence that cannot be read; they are left out"),
                    (unsigned long long)counts->unreadable);
}

/* @param part  the file's name until it is whole; NULL: standard output. */
static bool export_to(struct db *db, const struct exporting *work, FILE *out, const char *part)
{
    struct export_counts counts;
    bool done = export_lines(db, &work->options, out, term_is_tty(stderr) ? stderr : NULL, &counts);
    bool written = fflush(out) == 0 && ferror(out) == 0;
    if (done && !written)
        cli_error(_("cannot write the export: %s"), strerror(errno));
    say_end(&counts, done && written, part);
    return done && written;
}

static bool export_to_file(struct db *db, const struct exporting *work)
{
    char *part = text_format("%s.part", work->output);
    FILE *out = part == NULL ? NULL : fopen(part, "we");
    if (out == NULL) {
        cli_error(_("cannot write %s: %s"), part == NULL ? work->output : part, strerror(errno));
        free(part);
        return false;
    }
    bool done = export_to(db, work, out, part);
    bool closed = fclose(out) == 0;
    if (done && (!closed || rename(part, work->output) != 0)) {
        cli_error(_("cannot write %s: %s"), work->output, strerror(errno));
        done = false;
    }
    free(part);
    return done;
}

static int export(struct exporting *work)
{
    if (!collector_settings_settle(&work->settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&work->settings);
    where.role = ROLE_READ;
    struct db *db = db_open(&where);
    if (db == NULL)
        return EXIT_FAILED;
    stop_catch(SA_RESTART);
    bool done = site_is_there(db, work->options.window.site) &&
                (work->output == NULL ? export_to(db, work, stdout, NULL) : export_to_file(db, work));
    db_close(db);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

/* @return an exit code, EXIT_HEALTHY to go on. */
static int read_option(struct exporting *work, int id, const char *value)
{
    struct window *window = &work->options.window;
    bool failed = false, good = true;
    switch (id) {
    case OPTION_ROUND:
        good = cli_number("round", value, 1, INT64_MAX, &window->round_id);
        break;
    case OPTION_OUTPUT:
        work->output = value;
        break;
    case OPTION_ANONYMISE:
        work->options.anonymise = true;
        break;
    default:
        good = window_option(window, id, value);
        (void)collector_option(&work->settings, id, value, &failed);
    }
    return failed ? EXIT_FAILED : good ? EXIT_HEALTHY : EXIT_USAGE;
}

static int run(struct cli_args *args)
{
    struct exporting work = {.options = {.stop = &stop_asked}};
    const struct window *window = &work.options.window;
    const char *value;
    collector_settings_init(&work.settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        int code = read_option(&work, id, value);
        if (code != EXIT_HEALTHY)
            return code;
    }
    if (window->since_us != 0 && window->until_us != 0 && window->until_us <= window->since_us)
        return cli_usage(_("--until is not after --since"));
    return export(&work);
}

const struct cli_verb verb_export = {
    .name = "export",
    .operands = "",
    .summary = N_("write evidence as lines of JSON, for replay and for others to read"),
    .options = export_options,
    .run = run,
};

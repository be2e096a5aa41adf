#include "cli/cli.h"
#include "cli/config.h"
#include "cli/i18n.h"
#include "options.h"
#include "site.h"
#include "words/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* `site import FILE`: every line is checked before the first one is stored. */

enum { OPTION_FORMAT = 1 };

static const struct cli_option import_options[] = {
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("csv or yaml (default: by the file's name)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

static struct db *open_db(struct collector_settings *settings)
{
    if (!collector_settings_settle(settings))
        return NULL;
    struct db_where where = collector_where(settings);
    return db_open(&where);
}

enum import_format { IMPORT_CSV, IMPORT_YAML, IMPORT_FORMATS, IMPORT_UNKNOWN };
static const char *const import_names[IMPORT_FORMATS] = {"csv", "yaml"};

static enum import_format format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcasecmp(dot, ".csv") == 0)
        return IMPORT_CSV;
    if (dot != NULL && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0))
        return IMPORT_YAML;
    return IMPORT_UNKNOWN;
}

static bool read_file(const char *path, struct buf *text)
{
    bool standard = strcmp(path, "-") == 0, whole = true;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL) {
        cli_error(_("cannot read %s: %s"), path, strerror(errno));
        return false;
    }
    char part[65536];
    size_t length;
    while (whole && (length = fread(part, 1, sizeof part, file)) > 0)
        whole = buf_append(text, part, length);
    bool failed = ferror(file) != 0;
    if (failed)
        cli_error(_("cannot read %s: %s"), path, strerror(errno));
    else if (!whole)
        cli_error(_("%s is larger than %d MB; split it"), path, CONFIG_MAX_BYTES / (1024 * 1024));
    if (!standard)
        (void)fclose(file);
    return whole && !failed;
}

static bool check_book(const char *path, const struct site_book *book)
{
    if (book->problem_count == 1 && book->problem_kept == 1) {
        cli_error(_("%s; nothing imported"), book->problems[0]);
        return false;
    }
    for (size_t i = 0; i < book->problem_kept; i++)
        cli_error("%s", book->problems[i]);
    if (book->problem_count == 0 && book->endpoint_count == 0)
        cli_error(_("%s: no sites in it"), path);
    else if (book->problem_count > 0)
        cli_error(_("%s: %zu problems, nothing imported"), path, book->problem_count);
    return book->problem_count == 0 && book->endpoint_count > 0;
}

static int import_text(struct collector_settings *settings, const char *path, enum import_format format,
                       const struct buf *text)
{
    struct site_book book;
    struct site_counts counts;
    const char *name = strcmp(path, "-") == 0 ? _("standard input") : path;
    const char *bytes = text->data == NULL ? "" : (const char *)text->data;
    site_book_init(&book);
    if (format == IMPORT_CSV)
        site_book_csv(&book, name, bytes, text->len);
    else
        site_book_yaml(&book, name, bytes, text->len);
    bool done = check_book(name, &book);
    if (done) {
        site_book_settle(&book);
        struct db *db = open_db(settings);
        done = db != NULL && site_book_store(db, &book, false, &counts);
        db_close(db);
    }
    if (done)
        (void)printf(_("sites: %zu added, %zu changed, %zu unchanged; endpoints: %zu added, %zu unchanged\n"),
                     counts.sites_added, counts.sites_changed, counts.sites_unchanged, counts.endpoints_added,
                     counts.endpoints_unchanged);
    site_book_done(&book);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run_import(struct cli_args *args)
{
    struct collector_settings settings;
    const char *value, *path = cli_operand(args, 0);
    enum import_format format = format_of(path);
    collector_settings_init(&settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_FORMAT) {
            int choice = cli_choice("format", value, import_names, IMPORT_FORMATS);
            if (choice < 0)
                return EXIT_USAGE;
            format = (enum import_format)choice;
        } else {
            (void)collector_option(&settings, id, value, &failed);
        }
        if (failed)
            return EXIT_FAILED;
    }
    if (format == IMPORT_UNKNOWN)
        return cli_usage(_("%s: say what it is with --format csv or --format yaml"), path);
    struct buf text;
    buf_init(&text, CONFIG_MAX_BYTES);
    int code = read_file(path, &text) ? import_text(&settings, path, format, &text) : EXIT_FAILED;
    buf_done(&text);
    return code;
}

const struct cli_verb verb_site_import = {.name = "site import",
                                          .operands = "FILE",
                                          .min_operands = 1,
                                          .max_operands = 1,
                                          .summary = N_("add sites from a CSV or YAML file"),
                                          .options = import_options,
                                          .run = run_import};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "options.h"
#include "report/kinds.h"
#include "report/output.h"
#include "words/units.h"

#include <string.h>
#include <time.h>

/* `report KIND`: which window, which kind, which format, and where to. */

extern const struct cli_verb verb_report;

enum { OPTION_ROUNDS = 1, OPTION_FORMAT, OPTION_OUTPUT };
enum { KINDS_MOST = 32 };

static const struct cli_option options[] = {
    WINDOW_OPTIONS(N_("only this site"),
                   N_("from this time on: a span back from now, or RFC 3339 (default 1h)")),
    {"rounds", 0, "N", OPTION_ROUNDS, N_("only the last N rounds of each endpoint")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json, ndjson, csv, md or html (default text)")},
    {"output", 'o', "FILE", OPTION_OUTPUT, N_("write to this file, whole or not at all")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct asking {
    struct collector_settings settings;
    struct window window;
    enum report_format format;
    const char *output;
    const struct report_kind *kind;
    const char *id;
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* @return an exit code, EXIT_HEALTHY to go on. */
static int read_option(struct asking *asking, int id, const char *value)
{
    bool failed = false, good = true;
    switch (id) {
    case OPTION_ROUNDS:
        good = cli_number("rounds", value, 1, INT32_MAX, &asking->window.rounds);
        break;
    case OPTION_FORMAT: {
        int format = cli_choice("format", value, report_format_names, REPORT_ALL_FORMATS);
        good = format >= 0;
        asking->format = good ? (enum report_format)format : REPORT_TEXT;
        break;
    }
    case OPTION_OUTPUT:
        asking->output = value;
        break;
    default:
        good = window_option(&asking->window, id, value);
        (void)collector_option(&asking->settings, id, value, &failed);
    }
    return failed ? EXIT_FAILED : good ? EXIT_HEALTHY : EXIT_USAGE;
}

static const struct report_kind *find_kind(const char *name)
{
    const char *names[KINDS_MOST];
    for (size_t i = 0; i < report_kind_count; i++) {
        names[i] = report_kinds[i].name;
        if (strcmp(name, report_kinds[i].name) == 0)
            return &report_kinds[i];
    }
    const char *near = cli_nearest(name, names, report_kind_count);
    const char *choices = verb_report.operands;
    if (near != NULL)
        (void)cli_usage(_("unknown report \"%s\" (did you mean \"%s\"? expected %s)"), name, near, choices);
    else
        (void)cli_usage(_("unknown report \"%s\" (expected %s)"), name, choices);
    return NULL;
}

static int write_report(struct asking *asking, struct report *report)
{
    struct output output;
    if (!output_open(&output, asking->output))
        return EXIT_FAILED;
    int code = report_write(report, asking->kind, asking->format, output.stream);
    bool made = code != EXIT_FAILED;
    return output_close(&output, made) ? code : EXIT_FAILED;
}

static int with_database(struct asking *asking)
{
    struct db_where where = collector_where(&asking->settings);
    where.role = ROLE_READ;
    struct db *db = db_open(&where);
    struct report report;
    if (db == NULL)
        return EXIT_FAILED;
    int code = EXIT_FAILED;
    if (report_init(&report, db, &asking->window)) {
        report.id = asking->id;
        code = write_report(asking, &report);
    }
    report_done(&report);
    db_close(db);
    return code;
}

/* The kind, and the incident when it is about one. @return an exit code, EXIT_HEALTHY to go on. */
static int read_operands(struct cli_args *args, struct asking *asking)
{
    asking->kind = find_kind(cli_operand(args, 0));
    if (asking->kind == NULL)
        return EXIT_USAGE;
    bool given = cli_operand_count(args) > 1;
    if (given && !asking->kind->takes_id)
        return cli_usage(_("report %s takes no further word (\"%s\")"), asking->kind->name,
                         cli_operand(args, 1));
    if (!given && asking->kind->takes_id)
        return cli_usage(_("report %s: which one? parallax-collector report incidents lists them"),
                         asking->kind->name);
    asking->id = given ? cli_operand(args, 1) : NULL;
    return EXIT_HEALTHY;
}

static int run(struct cli_args *args)
{
    struct asking asking = {.format = REPORT_TEXT};
    struct window *window = &asking.window;
    const char *value;
    collector_settings_init(&asking.settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        int code = read_option(&asking, id, value);
        if (code != EXIT_HEALTHY)
            return code;
    }
    int code = read_operands(args, &asking);
    if (code != EXIT_HEALTHY)
        return code;
    if (window->since_us == 0)
        window->since_us = (window->until_us == 0 ? now_us() : window->until_us) - 3600 * US_PER_S;
    if (window->until_us != 0 && window->until_us <= window->since_us)
        return cli_usage(_("--until is not after --since"));
    if (!collector_settings_settle(&asking.settings))
        return EXIT_FAILED;
    return with_database(&asking);
}

const struct cli_verb verb_report = {
    .name = "report",
    .operands = "matrix|diff|site|asn|edge-origin|certs|vantages|latency|incidents|explain [ID]",
    .min_operands = 1,
    .max_operands = 2,
    .summary = N_("say what a window of rounds shows"),
    .options = options,
    .run = run,
};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "options.h"
#include "report/lists.h"
#include "report/show.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* `report KIND`: read a window, work it out, write it. Each kind is one row of a table. */

extern const struct cli_verb verb_report;

enum { OPTION_SITE = 1, OPTION_SINCE, OPTION_UNTIL, OPTION_REGION, OPTION_ASN, OPTION_ROUNDS, OPTION_FORMAT };

static const struct cli_option options[] = {
    {"site", 0, "NAME", OPTION_SITE, N_("only this site")},
    {"since", 0, "TIME", OPTION_SINCE,
     N_("from this time on: a span back from now, or RFC 3339 (default 1h)")},
    {"until", 0, "TIME", OPTION_UNTIL,
     N_("up to this time: a span back from now, or RFC 3339 (default now)")},
    {"region", 0, "NAME", OPTION_REGION, N_("only vantages of this region")},
    {"asn", 0, "NUMBER", OPTION_ASN, N_("only vantages of this ASN")},
    {"rounds", 0, "N", OPTION_ROUNDS, N_("only the last N rounds of each endpoint")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or csv (default text)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct report {
    struct collector_settings settings;
    struct window window;
    enum report_format format;
    struct window_extent extent;
    struct db *db;
};

struct report_kind {
    const char *name;
    int (*run)(struct report *report); /* an exit code */
    bool needs_attempts;
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* @return an exit code, EXIT_HEALTHY to go on. */
static int read_option(struct report *report, int id, const char *value)
{
    bool failed = false, good = true;
    switch (id) {
    case OPTION_SITE:
        report->window.site = value;
        break;
    case OPTION_SINCE:
        good = collector_time("since", value, &report->window.since_us);
        break;
    case OPTION_UNTIL:
        good = collector_time("until", value, &report->window.until_us);
        break;
    case OPTION_REGION:
        report->window.region = value;
        break;
    case OPTION_ASN:
        good = cli_number("asn", strncasecmp(value, "AS", 2) == 0 ? value + 2 : value, 1, UINT32_MAX,
                          &report->window.asn);
        break;
    case OPTION_ROUNDS:
        good = cli_number("rounds", value, 1, INT32_MAX, &report->window.rounds);
        break;
    case OPTION_FORMAT: {
        int format = cli_choice("format", value, report_format_names, REPORT_FORMATS);
        good = format >= 0;
        report->format = good ? (enum report_format)format : REPORT_TEXT;
        break;
    }
    default:
        (void)collector_option(&report->settings, id, value, &failed);
    }
    return failed ? EXIT_FAILED : good ? EXIT_HEALTHY : EXIT_USAGE;
}

static int written(bool done)
{
    if (done && fflush(stdout) == 0)
        return EXIT_HEALTHY;
    cli_error(_("cannot write the report to standard output"));
    return EXIT_FAILED;
}

/* "; 60 rounds, 3 vantages, 5 endpoints, 2026-... to 2026-..." ends a first line. */
static void print_extent(const struct report *report, const struct matrix *matrix)
{
    (void)printf("; ");
    (void)printf(ngettext("%lld round", "%lld rounds", (unsigned long)report->extent.rounds),
                 report->extent.rounds);
    (void)printf(", ");
    (void)printf(ngettext("%u vantage", "%u vantages", matrix->vantage_count), matrix->vantage_count);
    (void)printf(", ");
    (void)printf(ngettext("%u endpoint", "%u endpoints", matrix->endpoint_count), matrix->endpoint_count);
    (void)printf(_(", %s to %s"), report->extent.first_at, report->extent.last_at);
    if (window_is_rolled(&report->window))
        (void)printf(_(", counted by ten minutes"));
    (void)putchar('\n');
}

static void print_matrix_head(const struct report *report, const struct matrix *matrix)
{
    unsigned failing, cells;
    matrix_totals(matrix, &failing, &cells);
    (void)printf(_("%u of %u cells fail"), failing, cells);
    print_extent(report, matrix);
}

static int run_matrix(struct report *report)
{
    struct matrix matrix;
    matrix_init(&matrix);
    int code = EXIT_FAILED;
    if (window_matrix(report->db, &report->window, &matrix)) {
        if (report->format == REPORT_TEXT) {
            print_matrix_head(report, &matrix);
            (void)matrix_print(&matrix, stdout);
            code = written(true);
        } else if (report->format == REPORT_CSV) {
            code = written(matrix_to_csv(&matrix, stdout));
        } else {
            json_t *root = window_json("matrix", &report->window, &report->extent);
            code =
                root != NULL && matrix_to_json(&matrix, root) && show_json(root) ? EXIT_HEALTHY : EXIT_FAILED;
        }
    }
    matrix_done(&matrix);
    return code;
}

static void print_diff_head(const struct report *report, const struct diff *diff)
{
    size_t count = diff_finding_count(diff);
    if (count == 0)
        (void)printf(_("no differences"));
    else
        (void)printf(ngettext("%zu finding", "%zu findings", count), count);
    if (diff->aside_count > 0)
        (void)printf(ngettext(", %zu vantage set aside", ", %zu vantages set aside", diff->aside_count),
                     diff->aside_count);
    print_extent(report, diff->matrix);
}

static int write_diff(const struct report *report, const struct diff *diff)
{
    int found = diff_finding_count(diff) > 0 ? EXIT_FINDINGS : EXIT_HEALTHY, code = EXIT_HEALTHY;
    if (report->format == REPORT_TEXT) {
        print_diff_head(report, diff);
        diff_print(diff, stdout);
        code = written(true);
    } else if (report->format == REPORT_CSV) {
        code = written(diff_to_csv(diff, stdout));
    } else {
        json_t *root = window_json("diff", &report->window, &report->extent);
        if (root == NULL || !matrix_to_json(diff->matrix, root) || !diff_to_json(diff, root) ||
            !show_json(root))
            code = EXIT_FAILED;
    }
    return code == EXIT_HEALTHY ? found : code;
}

static int run_diff(struct report *report)
{
    struct matrix matrix;
    struct diff diff;
    matrix_init(&matrix);
    int code = EXIT_FAILED;
    if (window_matrix(report->db, &report->window, &matrix)) {
        if (diff_run(&diff, &matrix))
            code = write_diff(report, &diff);
        else
            cli_error(_("the window is too large to compare; narrow it with --site, --region or --since"));
        diff_done(&diff);
    }
    matrix_done(&matrix);
    return code;
}

/* The first line of a list: how many rows there are, and how many of them want a look. */
typedef void headline(const PGresult *result);

static void site_headline(const PGresult *result)
{
    int failing = 0, silent = 0, count = PQntuples(result);
    for (int row = 0; row < count; row++) {
        silent += db_null(result, row, "share");
        failing += !db_null(result, row, "share") && db_real(result, row, "share") < 1.0;
    }
    (void)printf(_("%d of %d endpoints had failures; %d were not tried\n\n"), failing, count, silent);
}

static void vantages_headline(const PGresult *result)
{
    int connected = 0, count = PQntuples(result);
    for (int row = 0; row < count; row++)
        connected += strcmp(db_text(result, row, "state"), "connected") == 0;
    (void)printf(_("%d of %d vantages connected\n\n"), connected, count);
}

static void certs_headline(const PGresult *result)
{
    enum { SOON_DAYS = 21 };
    int expired = 0, soon = 0, count = PQntuples(result);
    for (int row = 0; row < count; row++) {
        long long days = db_null(result, row, "days_left") ? SOON_DAYS : db_int(result, row, "days_left");
        expired += days < 0;
        soon += days >= 0 && days < SOON_DAYS;
    }
    (void)printf(_("%d certificates seen; %d expired, %d expire within %d days\n\n"), count, expired, soon,
                 SOON_DAYS);
}

static int run_rows(struct report *report, const char *kind, enum statement_id id,
                    const struct rows_field *fields, headline *print_head)
{
    PGresult *result = window_query(report->db, id, &report->window);
    int code = EXIT_FAILED;
    if (result == NULL)
        return EXIT_FAILED;
    if (report->format == REPORT_TEXT) {
        print_head(result);
        rows_print(result, fields, stdout);
        code = written(true);
    } else if (report->format == REPORT_CSV) {
        code = written(rows_csv(result, fields, stdout));
    } else {
        json_t *root = window_json(kind, &report->window, &report->extent);
        if (root != NULL && json_object_set_new(root, "rows", rows_json(result, fields)) == 0)
            code = show_json(root) ? EXIT_HEALTHY : EXIT_FAILED;
    }
    PQclear(result);
    return code;
}

static int run_site(struct report *report)
{
    return run_rows(report, "site", STATEMENT_report_site, site_report_fields, site_headline);
}

static int run_vantages(struct report *report)
{
    return run_rows(report, "vantages", STATEMENT_report_vantages, vantage_report_fields, vantages_headline);
}

static int run_certs(struct report *report)
{
    return run_rows(report, "certs", STATEMENT_report_certs, cert_report_fields, certs_headline);
}

static const struct report_kind kinds[] = {
    {"matrix", run_matrix, true},      {"diff", run_diff, true},   {"site", run_site, false},
    {"vantages", run_vantages, false}, {"certs", run_certs, true},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static const struct report_kind *find_kind(const char *name)
{
    const char *names[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    }
    const char *near = cli_nearest(name, names, KIND_COUNT);
    const char *choices = verb_report.operands;
    if (near != NULL)
        (void)cli_usage(_("unknown report \"%s\" (did you mean \"%s\"? expected %s)"), name, near, choices);
    else
        (void)cli_usage(_("unknown report \"%s\" (expected %s)"), name, choices);
    return NULL;
}

static bool site_exists(struct report *report)
{
    if (report->window.site == NULL)
        return true;
    PGresult *result = db_query(report->db, STATEMENT_site_find, &report->window.site, 1);
    bool exists = result != NULL && PQntuples(result) > 0;
    if (result != NULL && !exists)
        cli_error(_("there is no site \"%s\"; parallax-collector site list shows them"), report->window.site);
    PQclear(result);
    return exists;
}

static int run_kind(struct report *report, const struct report_kind *kind)
{
    if (!site_exists(report) || !window_extent(report->db, &report->window, &report->extent))
        return EXIT_FAILED;
    if (kind->needs_attempts && report->extent.attempts == 0) {
        cli_error(_("no attempts in this window; widen it with --since, and see: parallax-collector report "
                    "vantages"));
        return EXIT_FAILED;
    }
    return kind->run(report);
}

static int run(struct cli_args *args)
{
    struct report report = {.format = REPORT_TEXT};
    const char *value;
    collector_settings_init(&report.settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        int code = read_option(&report, id, value);
        if (code != EXIT_HEALTHY)
            return code;
    }
    const struct report_kind *kind = find_kind(cli_operand(args, 0));
    if (kind == NULL)
        return EXIT_USAGE;
    if (report.window.since_us == 0)
        report.window.since_us =
            (report.window.until_us == 0 ? now_us() : report.window.until_us) - 3600 * US_PER_S;
    if (report.window.until_us != 0 && report.window.until_us <= report.window.since_us)
        return cli_usage(_("--until is not after --since"));
    if (!collector_settings_settle(&report.settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&report.settings);
    report.db = db_open(&where);
    int code = report.db == NULL ? EXIT_FAILED : run_kind(&report, kind);
    db_close(report.db);
    return code;
}

const struct cli_verb verb_report = {
    .name = "report",
    .operands = "matrix|diff|site|vantages|certs",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("say what a window of rounds shows"),
    .options = options,
    .run = run,
};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "link/clock.h"
#include "options.h"
#include "report/format.h"
#include "report/show.h"
#include "site.h"
#include "stop.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * One round now, through the database:
 *
 *   endpoints -> round_request, NOTIFY parallax_request -> the serving collector plans it and names the round
 *             -> rows arrive, NOTIFY parallax_round     -> the matrix is drawn again, until all have reported
 */

enum { OPTION_ORIGIN = 1, OPTION_TIMEOUT, OPTION_FORMAT };
enum {
    PROBE_MAX_ENDPOINTS = 10000,
    PROBE_POLL_MS = 500,
    PROBE_ANSWER_S = 10,
    PROBE_GRACE_S = 3,
    PROBE_NUMBER_BYTES = 24
};
enum { PROBE_LIVE_ENDPOINTS = 16 }; /* more would scroll the screen, and could not be drawn over */

static const struct cli_option options[] = {
    {"origin", 0, "ADDRESS", OPTION_ORIGIN,
     N_("compare with the origin at this address, asked for the same name")},
    {"timeout", 0, "SPAN", OPTION_TIMEOUT,
     N_("wait at most so long for the vantages (default: the round's own deadline)")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or csv (default text)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct asking {
    struct collector_settings settings;
    const char *target;
    const char *origin;
    int64_t timeout_us; /* 0: the round's deadline */
    enum report_format format;
    struct db *db;
    struct buf ids; /* "{1,2}" */
    size_t endpoint_count;
    struct window window;
    long long vantages;
    long long reported;
    long long took_ms;
    char missing[1024];
    bool interrupted;
    unsigned drawn; /* lines on the terminal to draw over */
};

/* --- which endpoints --- */

static bool add_id(struct asking *asking, const char *id)
{
    asking->endpoint_count++;
    return buf_printf(&asking->ids, "%s%s", asking->ids.len == 0 ? "{" : ",", id);
}

/* @return how many a site has; 0 when there is no such site; -1 after cli_error. */
static int site_endpoints(struct asking *asking)
{
    PGresult *result = db_query(asking->db, STATEMENT_site_show, &asking->target, 1);
    int count = result == NULL ? -1 : PQntuples(result);
    for (int row = 0; row < count && row < PROBE_MAX_ENDPOINTS; row++) {
        if (!add_id(asking, db_text(result, row, "endpoint_id")))
            count = -1;
    }
    PQclear(result);
    return count;
}

static bool store_endpoint(struct asking *asking, const struct endpoint *endpoint)
{
    char role[PROBE_NUMBER_BYTES], port[PROBE_NUMBER_BYTES], address[ADDRESS_TEXT_BYTES];
    (void)snprintf(role, sizeof role, "%d", (int)endpoint->role);
    (void)snprintf(port, sizeof port, "%u", endpoint->port);
    const char *values[] = {role, endpoint->host, port, endpoint->sni,
                            endpoint->address.length == 0 ? NULL : address_text(&endpoint->address, address)};
    PGresult *result = db_query(asking->db, STATEMENT_probe_endpoint, values, 5);
    bool stored = result != NULL && PQntuples(result) == 1 && add_id(asking, db_text(result, 0, "id"));
    PQclear(result);
    return stored;
}

static bool add_target(struct site_book *book, const char *option, const char *role, const char *target)
{
    struct site_fault fault;
    struct site_row row;
    for (int column = 0; column < SITE_COLUMN_COUNT; column++)
        row.text[column] = "";
    row.text[SITE_COLUMN_SITE] = "probe";
    row.text[SITE_COLUMN_ROLE] = role;
    row.text[SITE_COLUMN_TARGET] = target;
    if (site_book_add(book, &row, &fault))
        return true;
    (void)cli_usage(_("%s\"%s\" is no target (%s)"), option, fault.value, fault.why);
    return false;
}

/* Endpoints of no site, made the way `site add --edge HOST --origin ADDRESS` makes them. @return an exit code. */
static int host_endpoints(struct asking *asking)
{
    struct site_book book;
    int code = EXIT_HEALTHY;
    site_book_init(&book);
    if (!add_target(&book, "", asking->origin == NULL ? "plain" : "edge", asking->target) ||
        (asking->origin != NULL && !add_target(&book, "--origin: ", "origin", asking->origin)))
        code = EXIT_USAGE;
    site_book_settle(&book);
    for (size_t i = 0; code == EXIT_HEALTHY && i < book.sites[0]->endpoint_count; i++) {
        if (!store_endpoint(asking, &book.sites[0]->endpoints[i].endpoint))
            code = EXIT_FAILED;
    }
    site_book_done(&book);
    return code;
}

static int choose_endpoints(struct asking *asking)
{
    int count = site_endpoints(asking);
    if (count < 0)
        return EXIT_FAILED;
    if (count > 0 && asking->origin != NULL)
        return cli_usage(_("--origin is for a host; %s is a site, and its endpoints are probed"),
                         asking->target);
    if (count > PROBE_MAX_ENDPOINTS) {
        cli_error(_("site %s has more than %d endpoints"), asking->target, PROBE_MAX_ENDPOINTS);
        return EXIT_FAILED;
    }
    return count > 0 ? EXIT_HEALTHY : host_endpoints(asking);
}

/* --- the round --- */

static bool has_vantages(struct asking *asking)
{
    PGresult *result = db_query(asking->db, STATEMENT_probe_vantages, NULL, 0);
    bool any = result != NULL && db_int(result, 0, "connected") > 0;
    if (result != NULL && !any)
        cli_error(
            _("no vantage is connected; start parallax-collector serve and parallax-agent run, and see: "
              "parallax-collector report vantages"));
    PQclear(result);
    return any;
}

/* @return 1 there is a round, 0 not yet, -1 after cli_error. */
static int read_answer(struct asking *asking, const char *request)
{
    PGresult *result = db_query(asking->db, STATEMENT_probe_answer, &request, 1);
    int state = result == NULL || PQntuples(result) == 0 ? -1 : 0;
    if (state == 0 && !db_null(result, 0, "refusal")) {
        cli_error(_("the collector refused: %s"), db_text(result, 0, "refusal"));
        state = -1;
    } else if (state == 0 && !db_null(result, 0, "round_id")) {
        asking->window.round_id = db_int(result, 0, "round_id");
        state = 1;
    }
    PQclear(result);
    return state;
}

static bool lost(struct asking *asking, int waited)
{
    if (stop_asked)
        asking->interrupted = true;
    else if (waited < 0)
        cli_error(_("the connection to the database is lost"));
    return stop_asked || waited < 0;
}

static bool await_answer(struct asking *asking, const char *request)
{
    int64_t end_us = clock_mono_us() + PROBE_ANSWER_S * US_PER_S;
    while (clock_mono_us() < end_us) {
        int state = read_answer(asking, request);
        if (state != 0)
            return state > 0;
        if (lost(asking, db_wait_notify(asking->db, PROBE_POLL_MS)))
            return false;
    }
    cli_error(
        _("no collector serves this database (no answer in %d s); start one with: parallax-collector serve"),
        PROBE_ANSWER_S);
    return false;
}

static bool ask(struct asking *asking)
{
    const char *ids = (const char *)asking->ids.data;
    char id[PROBE_NUMBER_BYTES];
    if (!db_listen(asking->db, "parallax_round"))
        return false;
    PGresult *result = db_query(asking->db, STATEMENT_probe_request, &ids, 1);
    if (result == NULL)
        return false;
    (void)snprintf(id, sizeof id, "%s", db_text(result, 0, "id"));
    PQclear(result);
    return await_answer(asking, id);
}

/* How far the round is. @return 1 over, 0 not yet, -1 after cli_error. */
static int read_progress(struct asking *asking, bool *ret_overdue)
{
    char id[PROBE_NUMBER_BYTES];
    (void)snprintf(id, sizeof id, "%" PRId64, asking->window.round_id);
    const char *values[] = {id};
    PGresult *result = db_query(asking->db, STATEMENT_probe_round, values, 1);
    if (result == NULL)
        return -1;
    bool found = PQntuples(result) == 1;
    asking->vantages = found ? db_int(result, 0, "asked") : 0;
    asking->reported = found ? db_int(result, 0, "reported") : 0;
    asking->took_ms = found ? db_int(result, 0, "took_ms") : 0;
    (void)snprintf(asking->missing, sizeof asking->missing, "%s", found ? db_text(result, 0, "missing") : "");
    *ret_overdue = found && strcmp(db_text(result, 0, "overdue"), "t") == 0;
    bool over = asking->vantages > 0 && asking->reported == asking->vantages;
    PQclear(result);
    return over ? 1 : 0;
}

/* --- what is shown --- */

static void print_head(const struct asking *asking, FILE *stream)
{
    (void)fprintf(stream, _("round %" PRId64 ", %lld of %lld vantages, %.1f s\n"), asking->window.round_id,
                  asking->reported, asking->vantages, (double)asking->took_ms / 1000.0);
}

/* Draws over what was drawn before. */
static void draw(struct asking *asking)
{
    struct matrix matrix;
    matrix_init(&matrix);
    if (asking->drawn > 0)
        (void)printf("\x1b[%uA\x1b[J", asking->drawn);
    asking->drawn = 0;
    if (window_matrix(asking->db, &asking->window, &matrix)) {
        print_head(asking, stdout);
        asking->drawn = 1 + matrix_print(&matrix, stdout);
    }
    (void)fflush(stdout);
    matrix_done(&matrix);
}

static bool await_round(struct asking *asking)
{
    bool live = asking->format == REPORT_TEXT && term_is_tty(stdout) &&
                asking->endpoint_count <= PROBE_LIVE_ENDPOINTS;
    int64_t end_us = clock_mono_us() + asking->timeout_us, grace_us = 0;
    for (;;) {
        bool overdue = false;
        int state = read_progress(asking, &overdue);
        if (state != 0)
            return state > 0;
        if (live)
            draw(asking);
        if (overdue && grace_us == 0)
            grace_us = clock_mono_us() + PROBE_GRACE_S * US_PER_S;
        if ((grace_us != 0 && clock_mono_us() >= grace_us) ||
            (asking->timeout_us > 0 && clock_mono_us() >= end_us))
            return true;
        if (lost(asking, db_wait_notify(asking->db, PROBE_POLL_MS)))
            return asking->interrupted;
    }
}

static void print_result(struct asking *asking, const struct diff *diff, const struct whys *whys)
{
    if (asking->drawn > 0)
        (void)printf("\x1b[%uA\x1b[J", asking->drawn);
    print_head(asking, stdout);
    (void)matrix_print(diff->matrix, stdout);
    if (asking->reported < asking->vantages) {
        char *missing = text_safe_copy(asking->missing);
        (void)printf(_("\nnot reported by: %s\n"), missing);
        free(missing);
    }
    diff_print(diff, whys, stdout);
    (void)fflush(stdout);
}

static bool write_json(const struct asking *asking, const struct diff *diff, const struct whys *whys)
{
    struct window_extent extent = {.rounds = 1};
    for (size_t i = 0; i < (size_t)diff->matrix->endpoint_count * diff->matrix->vantage_count; i++)
        extent.attempts += diff->matrix->cells[i].attempts + diff->matrix->cells[i].confirm_attempts;
    json_t *root = window_json("probe", &asking->window, &extent);
    return root != NULL &&
           json_object_set_new(root, "round_id", json_integer(asking->window.round_id)) == 0 &&
           json_object_set_new(root, "took_ms", json_integer(asking->took_ms)) == 0 &&
           json_object_set_new(root, "vantages_asked", json_integer(asking->vantages)) == 0 &&
           json_object_set_new(root, "vantages_reported", json_integer(asking->reported)) == 0 &&
           matrix_to_json(diff->matrix, root) && diff_to_json(diff, whys, root) && show_json(root);
}

static int exit_code(const struct asking *asking, const struct diff *diff)
{
    if (asking->interrupted) {
        cli_error(_("interrupted; what had arrived is shown"));
        return EXIT_FAILED;
    }
    unsigned failing, cells;
    matrix_totals(diff->matrix, &failing, &cells);
    if (cells == 0) {
        cli_error(_("no vantage could try the endpoints in time"));
        return EXIT_FAILED;
    }
    return failing > 0 || diff_finding_count(diff) > 0 ? EXIT_FINDINGS : EXIT_HEALTHY;
}

static int show_diff(struct asking *asking, const struct diff *diff)
{
    struct whys whys;
    bool done = whys_read(asking->db, &asking->window, diff, &whys);
    if (done && asking->format == REPORT_TEXT)
        print_result(asking, diff, &whys);
    else if (done && asking->format == REPORT_CSV)
        done = matrix_to_csv(diff->matrix, stdout) && fflush(stdout) == 0;
    else if (done)
        done = write_json(asking, diff, &whys);
    whys_done(&whys);
    return done ? exit_code(asking, diff) : EXIT_FAILED;
}

static int show(struct asking *asking)
{
    struct matrix matrix;
    struct diff diff;
    int code = EXIT_FAILED;
    matrix_init(&matrix);
    if (window_matrix(asking->db, &asking->window, &matrix)) {
        if (diff_run(&diff, &matrix))
            code = show_diff(asking, &diff);
        else
            cli_error(_("out of memory"));
        diff_done(&diff);
    }
    matrix_done(&matrix);
    return code;
}

/* --- the verb --- */

static int read_options(struct cli_args *args, struct asking *asking)
{
    const char *value;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        int format;
        switch (id) {
        case OPTION_ORIGIN:
            asking->origin = value;
            break;
        case OPTION_TIMEOUT:
            if (!cli_span("timeout", value, US_PER_S, 3600 * US_PER_S, &asking->timeout_us))
                return EXIT_USAGE;
            break;
        case OPTION_FORMAT:
            format = cli_choice("format", value, report_format_names, REPORT_FORMATS);
            if (format < 0)
                return EXIT_USAGE;
            asking->format = (enum report_format)format;
            break;
        default:
            (void)collector_option(&asking->settings, id, value, &failed);
        }
        if (failed)
            return EXIT_FAILED;
    }
    return EXIT_HEALTHY;
}

static int probe(struct asking *asking)
{
    if (!collector_settings_settle(&asking->settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&asking->settings);
    asking->db = db_open(&where);
    if (asking->db == NULL)
        return EXIT_FAILED;
    int code = choose_endpoints(asking);
    if (code != EXIT_HEALTHY)
        return code;
    if (!buf_byte(&asking->ids, '}') || !has_vantages(asking))
        return EXIT_FAILED;
    stop_catch(0);
    return ask(asking) && await_round(asking) ? show(asking) : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    struct asking asking = {.target = cli_operand(args, 0), .format = REPORT_TEXT};
    collector_settings_init(&asking.settings);
    buf_init(&asking.ids, 1 << 20);
    int code = read_options(args, &asking);
    if (code == EXIT_HEALTHY)
        code = probe(&asking);
    db_close(asking.db);
    buf_done(&asking.ids);
    return code;
}

const struct cli_verb verb_probe = {
    .name = "probe",
    .operands = "HOST|SITE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("one round now, from every connected vantage"),
    .options = options,
    .run = run,
};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "diff/watch.h"
#include "link/clock.h"
#include "options.h"
#include "outlet/screen.h"
#include "report/incidents.h"
#include "report/show.h"
#include "site.h"
#include "stop.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * `watch`: how it is now. On a terminal the screen is drawn again when a round was judged, when an incident changes, when the
 * terminal's size changes, and every few seconds; elsewhere each change of an incident is one line.
 */

enum { OPTION_SITE = 1 };
enum { WATCH_POLL_MS = 1000, WATCH_EVERY_S = 5, WATCH_ROUNDS = 5, WATCH_NUMBER_BYTES = 24 };
#define WATCH_DAY_US (INT64_C(86400) * US_PER_S)

static const struct cli_option options[] = {
    {"site", 0, "NAME", OPTION_SITE, N_("only this site")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct watching {
    struct collector_settings settings;
    const char *site; /* NULL: all */
    struct db *db;
    long long last_event;
};

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_resize};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGWINCH, &action, NULL);
    stop_catch(0);
}

/* --- the screen --- */

static void draw_head(FILE *frame, const PGresult *open, const PGresult *state)
{
    char text[200];
    int count = PQntuples(open);
    if (count == 0)
        term_print(frame, TERM_GOOD, _("all is well"));
    else {
        (void)snprintf(text, sizeof text,
                       ngettext("%d incident is open", "%d incidents are open", (unsigned long)count), count);
        term_print(frame, TERM_BAD, text);
    }
    (void)fprintf(frame, _("   %lld of %lld vantages are connected"), db_int(state, 0, "connected"),
                  db_int(state, 0, "vantages"));
    if (db_text(state, 0, "judged")[0] != '\0')
        (void)fprintf(frame, _(", judged up to %s"), db_text(state, 0, "judged"));
    (void)fputc('\n', frame);
}

static void draw_incidents(FILE *frame, const PGresult *open)
{
    struct table *table = PQntuples(open) == 0 ? NULL : table_new(4);
    for (int row = 0; table != NULL && row < PQntuples(open); row++) {
        json_t *incident = incident_json(open, row);
        char *summary = text_safe_copy(json_text_at(incident, "summary"));
        bool critical = strcmp(json_text_at(incident, "severity"), "critical") == 0;
        table_cell(table, TERM_HEAD, "#%lld", db_int(open, row, "id"));
        table_cell(table, TERM_PLAIN, "%s", db_text(open, row, "opened_at"));
        table_cell(table, TERM_PLAIN, "%.2f", db_real(open, row, "confidence"));
        table_cell(table, critical ? TERM_BAD : TERM_WARN, "%s", summary);
        free(summary);
        json_decref(incident);
    }
    if (table != NULL)
        table_print(table, frame, 2);
    table_free(table);
}

static int64_t window_span_us(const PGresult *state)
{
    int64_t interval_us = db_int(state, 0, "interval_s") * US_PER_S;
    int64_t span_us = (WATCH_ROUNDS + 1) * interval_us + 60 * US_PER_S;
    if (span_us <= WATCH_DAY_US)
        return span_us;
    return 2 * interval_us > WATCH_DAY_US ? 2 * interval_us : WATCH_DAY_US;
}

static bool draw_matrix(struct watching *watching, FILE *frame, const PGresult *state)
{
    const struct window window = {
        .site = watching->site, .since_us = clock_wall_us() - window_span_us(state), .rounds = WATCH_ROUNDS};
    struct matrix matrix;
    matrix_init(&matrix);
    bool read = window_matrix(watching->db, &window, &matrix);
    if (read && matrix.endpoint_count > 0)
        (void)matrix_print(&matrix, frame);
    else if (read)
        (void)fputs(_("no round is over yet\n"), frame);
    matrix_done(&matrix);
    return read;
}

static void draw_foot(FILE *frame, const PGresult *state)
{
    char *away = text_safe_copy(db_text(state, 0, "away"));
    (void)fputc('\n', frame);
    if (away[0] != '\0')
        (void)fprintf(frame, _("not connected: %s\n"), away);
    term_print(frame, TERM_DIM, _("q ends; explain one: parallax-collector report explain NUMBER"));
    (void)fputc('\n', frame);
    free(away);
}

static bool compose(struct watching *watching, FILE *frame)
{
    PGresult *open = db_query(watching->db, STATEMENT_watch_open, &watching->site, 1);
    PGresult *state = open == NULL ? NULL : db_query(watching->db, STATEMENT_watch_state, &watching->site, 1);
    bool whole = state != NULL;
    if (whole) {
        draw_head(frame, open, state);
        draw_incidents(frame, open);
        whole = draw_matrix(watching, frame, state);
        draw_foot(frame, state);
    }
    PQclear(open);
    PQclear(state);
    return whole;
}

/* @return false when the database or the terminal is gone. */
static bool draw(struct watching *watching)
{
    char *text = NULL;
    size_t length = 0;
    FILE *frame = open_memstream(&text, &length);
    if (frame == NULL)
        return false;
    term_compose(frame, stdout);
    bool whole = compose(watching, frame);
    term_compose(NULL, NULL);
    whole = fclose(frame) == 0 && whole && screen_draw(text, length);
    free(text);
    return whole;
}

/* @return an exit code. */
static int watch_screen(struct watching *watching)
{
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
    bool keys = isatty(STDIN_FILENO) == 1;
    int64_t next_us = 0;
    int state = 0;
    bool drawn = true;
    screen_enter();
    while (drawn && state >= 0 && !stop_asked) {
        if (state == 1 || resized || clock_mono_us() >= next_us) {
            resized = 0;
            drawn = draw(watching);
            next_us = clock_mono_us() + WATCH_EVERY_S * US_PER_S;
        }
        if (drawn)
            state = db_wait(watching->db, keys ? &keyboard : NULL, WATCH_POLL_MS);
        if (state == 2 && screen_key() == 'q')
            break;
    }
    screen_leave();
    if (state < 0)
        cli_error(_("the connection to the database is lost"));
    return drawn && state >= 0 ? EXIT_HEALTHY : EXIT_FAILED;
}

/* --- lines --- */

static void print_line(const char *at, const char *word, const PGresult *rows, int row)
{
    json_t *incident = incident_json(rows, row);
    char *summary = text_safe_copy(json_text_at(incident, "summary"));
    (void)printf("%s %s #%lld %s (%.2f)\n", at, word, db_int(rows, row, "id"), summary,
                 db_real(rows, row, "confidence"));
    free(summary);
    json_decref(incident);
}

/* How it is at the beginning. @return false after cli_error. */
static bool print_open(struct watching *watching)
{
    PGresult *last = db_query(watching->db, STATEMENT_watch_last_event, NULL, 0);
    PGresult *open = last == NULL ? NULL : db_query(watching->db, STATEMENT_watch_open, &watching->site, 1);
    for (int row = 0; open != NULL && row < PQntuples(open); row++)
        print_line(db_text(open, row, "opened_at"), _("open"), open, row);
    if (open != NULL && PQntuples(open) == 0)
        (void)printf("%s\n", _("all is well"));
    watching->last_event = last == NULL ? 0 : db_int(last, 0, "event_id");
    bool done = open != NULL;
    PQclear(last);
    PQclear(open);
    return done;
}

static bool print_events(struct watching *watching)
{
    char last[WATCH_NUMBER_BYTES];
    (void)snprintf(last, sizeof last, "%lld", watching->last_event);
    const char *values[] = {last, watching->site};
    PGresult *events = db_query(watching->db, STATEMENT_watch_events, values, 2);
    for (int row = 0; events != NULL && row < PQntuples(events); row++) {
        print_line(db_text(events, row, "at"), _(incident_change_name((int)db_int(events, row, "change"))),
                   events, row);
        watching->last_event = db_int(events, row, "event_id");
    }
    bool done = events != NULL;
    PQclear(events);
    return done;
}

static int watch_lines(struct watching *watching)
{
    struct pollfd reader = {.fd = STDOUT_FILENO, .events = 0}; /* says when nobody reads any more */
    int state = 0;
    bool done = print_open(watching);
    while (done && fflush(stdout) == 0 && !stop_asked) {
        state = db_wait(watching->db, &reader, WATCH_EVERY_S * 1000);
        if (state == 2)
            return EXIT_HEALTHY;
        if (state < 0) {
            cli_error(_("the connection to the database is lost"));
            return EXIT_FAILED;
        }
        done = stop_asked || print_events(watching);
    }
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

/* --- the verb --- */

static int watch(struct watching *watching)
{
    if (!collector_settings_settle(&watching->settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&watching->settings);
    where.role = ROLE_READ;
    watching->db = db_open(&where);
    if (watching->db == NULL || !site_is_there(watching->db, watching->site) ||
        !db_listen(watching->db, "parallax_judged") || !db_listen(watching->db, "parallax_incident") ||
        !db_listen(watching->db, "parallax_vantage"))
        return EXIT_FAILED;
    catch_signals();
    return term_is_tty(stdout) ? watch_screen(watching) : watch_lines(watching);
}

static int run(struct cli_args *args)
{
    struct watching watching = {.site = NULL};
    const char *value;
    bool failed = false;
    collector_settings_init(&watching.settings);
    for (int id; !failed && (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_SITE)
            watching.site = value;
        else
            (void)collector_option(&watching.settings, id, value, &failed);
    }
    int code = failed ? EXIT_FAILED : watch(&watching);
    db_close(watching.db);
    return code;
}

const struct cli_verb verb_watch = {
    .name = "watch",
    .operands = "",
    .summary = N_("show what is wrong now, and go on showing it"),
    .options = options,
    .run = run,
};

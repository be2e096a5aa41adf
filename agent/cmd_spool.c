#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "duty/identity.h"
#include "duty/settings.h"
#include "duty/spool_export.h"
#include "duty/state.h"
#include "words/json_writer.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `parallax-agent spool status|export`: what waits for the collector, and taking it there by hand. Both only look. */

enum { OPTION_STATE = 1, OPTION_FORMAT, OPTION_OUT };
enum { LOOK_RECORDS = 64 };
static const double mib = 1024 * 1024;

static const struct cli_option status_options[] = {
    {"state", 0, "DIR", OPTION_STATE, N_("state folder (default: ~/.local/state/parallax-agent)")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text or json (default text)")},
    {0},
};

static const struct cli_option export_options[] = {
    {"state", 0, "DIR", OPTION_STATE, N_("state folder (default: ~/.local/state/parallax-agent)")},
    {"out", 0, "FILE|-", OPTION_OUT,
     N_("write to a file, which is there only when it is whole; - is standard output (default -)")},
    {0},
};

static int failed(char *why)
{
    cli_error("%s", why != NULL ? why : _("out of memory"));
    free(why);
    return EXIT_FAILED;
}

/* Opens the spool of a state folder. @return NULL after cli_error. */
static struct spool *open_spool(const struct state *state)
{
    char path[PATH_MAX], data[PATH_MAX], *why = NULL;
    if (!state_path(state, "spool", path) || !state_path(state, "spool/data.mdb", data) ||
        access(data, F_OK) != 0) {
        cli_error(_("%s: no spool in it; an agent that has run there makes one"), state->folder);
        return NULL;
    }
    struct spool *spool = spool_look(path, &why);
    if (spool == NULL)
        (void)failed(why);
    return spool;
}

/* --- status ------------------------------------------------------------------------------------------------------ */

struct look {
    struct spool_status status;
    int64_t first_us,
        last_us; /* when the oldest and the newest attempt started; 0: there is none near the end */
    uint64_t limit_bytes;
};

/* Reports have no time of their own, so the nearest attempts tell. */
static void look_at_times(struct spool *spool, uint64_t from, int64_t *first_us, int64_t *last_us)
{
    struct bytes records[LOOK_RECORDS];
    struct buf bytes;
    uint64_t last = 0;
    buf_init(&bytes, 0);
    size_t count = spool_read(spool, from, LOOK_RECORDS, SIZE_MAX, &bytes, records, &last);
    for (size_t i = 0; i < count; i++) {
        struct record record;
        const char *why = "";
        if (!record_decode(records[i].data, records[i].length, &record, &why))
            continue;
        if (record.kind == RECORD_ATTEMPT && *first_us == 0)
            *first_us = record.attempt->clock.start_us;
        if (record.kind == RECORD_ATTEMPT)
            *last_us = record.attempt->clock.start_us;
        record_done(&record);
    }
    buf_done(&bytes);
}

static uint64_t limit_of(const struct state *state)
{
    char path[PATH_MAX], *why = NULL;
    struct settings settings;
    uint64_t limit_bytes = 0;
    settings_init(&settings);
    if (state_path(state, "agent.yaml", path) && settings_read(&settings, path, &why))
        limit_bytes = (uint64_t)settings.spool_mib << 20;
    else
        cli_warning("%s", why != NULL ? why : _("out of memory"));
    settings_done(&settings);
    free(why);
    return limit_bytes;
}

static bool look(const struct state *state, struct spool *spool, struct look *look)
{
    int64_t ignored_us = 0;
    char *why = NULL;
    if (!spool_status(spool, &look->status, &why)) {
        (void)failed(why);
        return false;
    }
    uint64_t last = look->status.last, first_of_epoch = last >> 32 << 32;
    uint64_t near_last = last - first_of_epoch > LOOK_RECORDS ? last - LOOK_RECORDS + 1 : first_of_epoch;
    look_at_times(spool, look->status.first, &look->first_us, &ignored_us);
    look_at_times(spool, near_last, &ignored_us, &look->last_us);
    look->limit_bytes = limit_of(state);
    return true;
}

static json_t *end_json(uint64_t sequence, int64_t start_us)
{
    struct writer writer = {0};
    char time[UNITS_TIME_BYTES];
    if (sequence == 0)
        return json_null();
    json_t *end = json_object();
    set(&writer, end, "sequence", json_integer((json_int_t)sequence));
    set(&writer, end, "at", start_us == 0 ? json_null() : json_string(time_rfc3339(start_us, 3, time)));
    return finish(&writer, end);
}

static json_t *dropped_json(const struct spool_status *status)
{
    struct writer writer = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < status->dropped_at_count; i++) {
        json_t *item = json_object();
        set(&writer, item, "endpoint", json_integer((json_int_t)status->dropped_at[i].endpoint_id));
        set(&writer, item, "count", json_integer(status->dropped_at[i].count));
        add(&writer, list, item);
    }
    return finish(&writer, list);
}

static bool print_json(const struct look *look)
{
    const struct spool_status *status = &look->status;
    struct writer writer = {0};
    json_t *root = json_object();
    set(&writer, root, "schema", json_integer(1));
    set(&writer, root, "waiting", json_integer((json_int_t)status->count));
    set(&writer, root, "used_bytes", json_integer((json_int_t)status->used_bytes));
    set(&writer, root, "limit_bytes",
        look->limit_bytes == 0 ? json_null() : json_integer((json_int_t)look->limit_bytes));
    set(&writer, root, "epoch", json_integer((json_int_t)status->epoch));
    set(&writer, root, "oldest", end_json(status->first, look->first_us));
    set(&writer, root, "newest", end_json(status->last, look->last_us));
    set(&writer, root, "dropped", json_integer((json_int_t)status->dropped));
    set(&writer, root, "dropped_at", dropped_json(status));
    root = finish(&writer, root);
    bool done = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    return done;
}

static void end_row(struct table *table, const char *name, uint64_t sequence, int64_t start_us)
{
    char time[UNITS_TIME_BYTES];
    table_cell(table, TERM_DIM, "%s", name);
    if (sequence == 0)
        table_cell(table, TERM_PLAIN, "-");
    else
        table_cell(table, TERM_PLAIN, _("%s, sequence %llu"),
                   start_us == 0 ? "-" : time_rfc3339(start_us, 0, time), (unsigned long long)sequence);
}

static void print_table(const struct look *look)
{
    const struct spool_status *status = &look->status;
    struct table *table = table_new(2);
    if (table == NULL)
        return;
    end_row(table, _("oldest"), status->first, look->first_us);
    end_row(table, _("newest"), status->last, look->last_us);
    table_cell(table, TERM_DIM, "%s", _("room"));
    if (look->limit_bytes > 0)
        table_cell(table, TERM_PLAIN, _("%.1f of %.0f MiB in use"), (double)status->used_bytes / mib,
                   (double)look->limit_bytes / mib);
    else
        table_cell(table, TERM_PLAIN, _("%.1f MiB in use"), (double)status->used_bytes / mib);
    table_cell(table, TERM_DIM, "%s", _("epoch"));
    table_cell(table, TERM_PLAIN, "%llu", (unsigned long long)status->epoch);
    for (size_t i = 0; i < status->dropped_at_count; i++) {
        table_cell(table, TERM_DIM, "%s", i == 0 ? _("dropped") : "");
        if (status->dropped_at[i].endpoint_id == 0)
            table_cell(table, TERM_WARN, _("%u of other endpoints"), status->dropped_at[i].count);
        else
            table_cell(table, TERM_WARN, _("%u of endpoint %llu"), status->dropped_at[i].count,
                       (unsigned long long)status->dropped_at[i].endpoint_id);
    }
    table_print(table, stdout, 2);
    table_free(table);
}

static void print_text(const struct look *look)
{
    unsigned long long waiting = look->status.count, dropped = look->status.dropped;
    if (waiting == 0)
        (void)printf("%s", _("nothing waits for the collector"));
    else
        (void)printf(_("%llu results wait for the collector"), waiting);
    if (dropped > 0)
        (void)printf(_("; %llu had no room and were dropped since the last report"), dropped);
    (void)printf("\n\n");
    print_table(look);
}

static int show_status(const struct state *state, bool json)
{
    struct spool *spool = open_spool(state);
    struct look *seen = spool == NULL ? NULL : calloc(1, sizeof *seen);
    bool done = seen != NULL && look(state, spool, seen);
    if (done && json)
        done = print_json(seen);
    else if (done)
        print_text(seen);
    free(seen);
    spool_close(spool);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run_status(struct cli_args *args)
{
    static const char *const formats[] = {"text", "json"};
    const char *value = NULL, *folder = NULL, *why = "";
    struct state state;
    int format = 0;
    for (int id; format >= 0 && (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_STATE)
            folder = value;
        else
            format = cli_choice("format", value, formats, 2);
    }
    if (format < 0)
        return EXIT_USAGE;
    if (!state_init(&state, folder, &why))
        return cli_usage("%s", _(why));
    return show_status(&state, format == 1);
}

/* --- export ------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

static void say_end(const struct export_counts *counts, bool done, const char *name, char *why)
{
    if (term_is_tty(stderr))
        (void)fputs("\r\033[K", stderr);
    if (done)
        (void)fprintf(stderr,
                      _("%llu results and %llu certificates exported; take them to the collector: "
                        "parallax-collector import %s\n"),
                      (unsigned long long)counts->records, (unsigned long long)counts->certificates, name);
    else if (counts->stopped)
        cli_error(_("interrupted after %llu results"), (unsigned long long)counts->records);
    else
        cli_error("%s", why != NULL ? why : _("out of memory"));
}

static bool export_to(struct spool *spool, struct export_to *to, const char *name)
{
    struct export_counts counts;
    char *why = NULL;
    to->stop = &stop_asked;
    to->progress = term_is_tty(stderr) ? stderr : NULL;
    bool done = spool_export(spool, to, &counts, &why);
    if (done &&
        (fflush(to->out) != 0 || ferror(to->out) || (to->out != stdout && fsync(fileno(to->out)) != 0))) {
        done = false;
        if (asprintf(&why, _("cannot write the export: %s"), strerror(errno)) < 0)
            why = NULL;
    }
    say_end(&counts, done, name, why);
    free(why);
    return done;
}

/* Under another name until it is whole, and gone when it does not become so. */
static bool export_to_file(struct spool *spool, struct export_to *to, const char *name)
{
    char part[PATH_MAX];
    int length = snprintf(part, sizeof part, "%s.XXXXXX", name);
    int fd = -1;
    if (length < 0 || (size_t)length >= sizeof part)
        errno = ENAMETOOLONG;
    else
        fd = mkostemp(part, O_CLOEXEC); /* with mode 0600 */
    to->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (to->out == NULL) {
        cli_error(_("cannot write %s: %s"), name, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    bool done = export_to(spool, to, name);
    if (fclose(to->out) != 0 || (done && rename(part, name) != 0)) {
        if (done)
            cli_error(_("cannot write %s: %s"), name, strerror(errno));
        done = false;
    }
    if (!done)
        (void)unlink(part);
    return done;
}

static int export_spool(const struct state *state, const char *name)
{
    struct export_to to = {.out = stdout};
    char *why = NULL;
    struct spool *spool = open_spool(state);
    if (spool == NULL)
        return EXIT_FAILED;
    bool done = false;
    if (identity_read(state, &to.key, &to.certificate, &why)) {
        catch_signals();
        done = strcmp(name, "-") == 0 ? export_to(spool, &to, name) : export_to_file(spool, &to, name);
    } else {
        (void)failed(why);
    }
    EVP_PKEY_free(to.key);
    X509_free(to.certificate);
    spool_close(spool);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run_export(struct cli_args *args)
{
    const char *value = NULL, *folder = NULL, *name = "-", *why = "";
    struct state state;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_STATE)
            folder = value;
        else
            name = value;
    }
    if (!state_init(&state, folder, &why))
        return cli_usage("%s", _(why));
    return export_spool(&state, name);
}

const struct cli_verb verb_spool_status = {
    .name = "spool status",
    .operands = "",
    .summary = N_("what waits for the collector, and what had no room"),
    .options = status_options,
    .run = run_status,
};

const struct cli_verb verb_spool_export = {
    .name = "spool export",
    .operands = "",
    .summary = N_("write what waits into a file, to be taken to the collector by hand"),
    .options = export_options,
    .run = run_export,
};

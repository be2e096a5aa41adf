#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/table.h"
#include "link/clock.h"
#include "options.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * `db retain` drops what is older than its owner wants to keep. Attempts go by the day, a partition at a time, and never before they are
 * counted and their rounds judged; a day that an open incident is explained by stays until the incident is closed. Counts are made of
 * attempts and hours of counts, so each is kept at least as long as what it is made of. Certificates, chains and incidents are kept.
 */

enum { OPTION_ATTEMPTS = 1, OPTION_COUNTS, OPTION_HOURS, OPTION_DRY_RUN };

static const struct cli_option retain_options[] = {
    {"keep-attempts", 0, "SPAN", OPTION_ATTEMPTS, N_("drop attempts of days older than this (30d, ...)")},
    {"keep-counts", 0, "SPAN", OPTION_COUNTS, N_("drop counts of ten minutes older than this")},
    {"keep-hours", 0, "SPAN", OPTION_HOURS, N_("drop counts of hours, and rounds, older than this")},
    {"dry-run", 0, NULL, OPTION_DRY_RUN, N_("say what would be dropped, and drop nothing")},
    COLLECTOR_OPTIONS,
    {0},
};

enum kept { KEPT_ATTEMPTS, KEPT_COUNTS, KEPT_HOURS, KEPT_KINDS };

#define DAY_US         (86400 * US_PER_S)
#define KEPT_MOST_DAYS 36500

static const char *const names[KEPT_KINDS] = {"keep-attempts", "keep-counts", "keep-hours"};

struct retain {
    struct collector_settings settings;
    struct db *db;
    const char *keep[KEPT_KINDS]; /* as given; NULL: for good */
    int64_t keep_us[KEPT_KINDS];  /* INT64_MAX: for good */
    char before_text[KEPT_KINDS][UNITS_TIME_BYTES];
    const char *before[KEPT_KINDS]; /* RFC 3339; NULL: for good */
    bool dry_run;
    struct table *table;
    size_t dropped;
    size_t held;
    long long dropped_bytes;
};

/* --- policy --- */

static bool settle_spans(struct retain *retain)
{
    const char *const file[KEPT_KINDS] = {retain->settings.keep_attempts, retain->settings.keep_counts,
                                          retain->settings.keep_hours};
    bool any = false;
    for (int i = 0; i < KEPT_KINDS; i++) {
        if (retain->keep[i] == NULL)
            retain->keep[i] = file[i];
        retain->keep_us[i] = INT64_MAX;
        if (retain->keep[i] != NULL &&
            !cli_span(names[i], retain->keep[i], DAY_US, KEPT_MOST_DAYS * DAY_US, &retain->keep_us[i]))
            return false;
        any = any || retain->keep[i] != NULL;
    }
    if (!any)
        (void)cli_usage(_("nothing says what to keep: give --keep-attempts 30d, or keep_attempts: 30d in the "
                          "file of --config"));
    return any;
}

static bool settle_order(const struct retain *retain)
{
    for (int i = 1; i < KEPT_KINDS; i++) {
        if (retain->keep_us[i] >= retain->keep_us[i - 1])
            continue;
        if (retain->keep[i - 1] == NULL)
            (void)cli_usage(
                _("--%s %s needs --%s: counts are kept at least as long as what they are made of"), names[i],
                retain->keep[i], names[i - 1]);
        else
            (void)cli_usage(_("--%s %s is shorter than --%s %s: counts are kept at least as long as what "
                              "they are made of"),
                            names[i], retain->keep[i], names[i - 1], retain->keep[i - 1]);
        return false;
    }
    return true;
}

/* At the edge of a day, as partitions are. */
static void settle_before(struct retain *retain)
{
    int64_t now_us = clock_wall_us();
    for (int i = 0; i < KEPT_KINDS; i++) {
        if (retain->keep[i] == NULL)
            continue;
        int64_t before_us = now_us - retain->keep_us[i];
        before_us -= before_us % DAY_US;
        retain->before[i] = time_rfc3339(before_us, 0, retain->before_text[i]);
    }
}

static int read_options(struct cli_args *args, struct retain *retain)
{
    const char *value;
    collector_settings_init(&retain->settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id >= OPTION_ATTEMPTS && id <= OPTION_HOURS)
            retain->keep[id - OPTION_ATTEMPTS] = value;
        else if (id == OPTION_DRY_RUN)
            retain->dry_run = true;
        else
            (void)collector_option(&retain->settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (!settle_spans(retain) || !settle_order(retain))
        return EXIT_USAGE;
    settle_before(retain);
    return collector_settings_settle(&retain->settings) ? EXIT_HEALTHY : EXIT_FAILED;
}

/* --- attempts, by the day --- */

enum fate { FATE_DROPPED, FATE_HELD, FATE_BUSY, FATE_FAILED };

static void say_fate(struct retain *retain, const PGresult *days, int row, enum fate fate)
{
    const char *held = db_text(days, row, "held");
    table_cell(retain->table, TERM_PLAIN, "%s", db_text(days, row, "day"));
    table_cell(retain->table, TERM_PLAIN, "%s", db_text(days, row, "attempts"));
    table_cell(retain->table, TERM_PLAIN, "%s", db_text(days, row, "size"));
    if (fate == FATE_DROPPED)
        table_cell(retain->table, TERM_PLAIN, "%s", retain->dry_run ? _("would be dropped") : _("dropped"));
    else if (fate == FATE_BUSY)
        table_cell(retain->table, TERM_WARN, "%s", _("kept: in use for too long, the next run drops it"));
    else if (strcmp(held, "incident") == 0)
        table_cell(retain->table, TERM_WARN, _("kept: incident %lld is open and rests on it"),
                   db_int(days, row, "incident_id"));
    else if (strcmp(held, "unjudged") == 0)
        table_cell(retain->table, TERM_WARN, "%s", _("kept: rounds up to it are not judged yet"));
    else
        table_cell(retain->table, TERM_WARN, "%s", _("kept: not all up to it is counted yet"));
}

static bool is_lock_timeout(const struct db *db)
{
    return strcmp(db_sqlstate(db), "55P03") == 0 || strcmp(db_sqlstate(db), "40P01") == 0;
}

/* Readers are waited for a little each time, since who stores attempts waits behind. */
static enum fate drop_day(struct db *db, const char *day)
{
    enum { TRIES = 5 };
    for (int i = 0; i < TRIES; i++) {
        PGresult *result = db_try(db, STATEMENT_retain_drop, &day, 1);
        if (result != NULL) {
            bool dropped = db_text(result, 0, "dropped")[0] == 't';
            PQclear(result);
            return dropped ? FATE_DROPPED : FATE_HELD;
        }
        if (!is_lock_timeout(db)) {
            PQclear(db_query(db, STATEMENT_retain_drop, &day, 1)); /* once more, to say why */
            return FATE_FAILED;
        }
    }
    return FATE_BUSY;
}

static bool each_day(struct retain *retain, const PGresult *days)
{
    for (int row = 0; row < PQntuples(days); row++) {
        enum fate fate = db_null(days, row, "held") ? FATE_DROPPED : FATE_HELD;
        if (fate == FATE_DROPPED && !retain->dry_run)
            fate = drop_day(retain->db, db_text(days, row, "day"));
        if (fate == FATE_FAILED)
            return false;
        retain->dropped += fate == FATE_DROPPED;
        retain->held += fate != FATE_DROPPED;
        retain->dropped_bytes += fate == FATE_DROPPED ? db_int(days, row, "bytes") : 0;
        say_fate(retain, days, row, fate);
    }
    return true;
}

/* Attempts without a partition of their day get one, so that they can be dropped with it. */
static bool part_strays(struct retain *retain, const PGresult *days)
{
    bool done = true;
    for (int row = 0; done && row < PQntuples(days); row++) {
        const char *day = db_text(days, row, "day");
        if (db_text(days, row, "partition")[0] == 't')
            continue;
        PGresult *made = db_query(retain->db, STATEMENT_retain_partition, &day, 1);
        done = made != NULL;
        PQclear(made);
    }
    return done;
}

static bool retain_attempts(struct retain *retain)
{
    const char *const *before = &retain->before[KEPT_ATTEMPTS];
    if (*before == NULL)
        return true;
    PGresult *days = db_query(retain->db, STATEMENT_retain_days, before, 1);
    if (days != NULL && !retain->dry_run) {
        bool parted = part_strays(retain, days);
        PQclear(days);
        days = parted ? db_query(retain->db, STATEMENT_retain_days, before, 1) : NULL;
    }
    bool done = days != NULL && each_day(retain, days);
    PQclear(days);
    return done;
}

/* --- counts and rounds --- */

static bool delete_old(struct db *db, enum statement_id id, const char *before, long long *count)
{
    if (before == NULL)
        return true;
    PGresult *result = db_query(db, id, &before, 1);
    if (result != NULL)
        *count += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return result != NULL;
}

struct gone {
    long long counts;
    long long hours;
    long long rounds;
};

static bool retain_counts(const struct retain *retain, struct gone *gone)
{
    const char *counts = retain->before[KEPT_COUNTS], *hours = retain->before[KEPT_HOURS];
    struct db *db = retain->db;
    PGresult *due = db_query(db, STATEMENT_retain_due, NULL, 0);
    bool done = due != NULL && delete_old(db, STATEMENT_retain_count, counts, &gone->counts) &&
                delete_old(db, STATEMENT_retain_look, counts, &gone->counts) &&
                delete_old(db, STATEMENT_retain_latency, counts, &gone->counts) &&
                delete_old(db, STATEMENT_retain_count_hour, hours, &gone->hours) &&
                delete_old(db, STATEMENT_retain_look_hour, hours, &gone->hours) &&
                delete_old(db, STATEMENT_retain_latency_hour, hours, &gone->hours) &&
                delete_old(db, STATEMENT_retain_rounds, hours, &gone->rounds);
    PQclear(due);
    return done;
}

static bool count_counts(const struct retain *retain, struct gone *gone)
{
    const char *none = "-infinity";
    const char *values[] = {retain->before[KEPT_COUNTS] == NULL ? none : retain->before[KEPT_COUNTS],
                            retain->before[KEPT_HOURS] == NULL ? none : retain->before[KEPT_HOURS]};
    PGresult *counts = db_query(retain->db, STATEMENT_retain_counted, values, 2);
    PGresult *rounds =
        counts == NULL ? NULL : db_query(retain->db, STATEMENT_retain_rounds_counted, &values[1], 1);
    if (rounds != NULL)
        *gone = (struct gone){db_int(counts, 0, "counts"), db_int(counts, 0, "hours"),
                              db_int(rounds, 0, "rounds")};
    PQclear(rounds);
    PQclear(counts);
    return rounds != NULL;
}

/* --- what was done --- */

static void say(const struct retain *retain, const struct gone *gone)
{
    double dropped_mb = (double)retain->dropped_bytes / 1e6;
    if (retain->dry_run) {
        (void)printf(ngettext("%zu day of attempts would be dropped (%.1f MB), %zu would be kept still\n",
                              "%zu days of attempts would be dropped (%.1f MB), %zu would be kept still\n",
                              retain->dropped),
                     retain->dropped, dropped_mb, retain->held);
        (void)printf(_("would be deleted: %lld counts of ten minutes, %lld counts of hours, %lld rounds\n"),
                     gone->counts, gone->hours, gone->rounds);
    } else {
        (void)printf(ngettext("%zu day of attempts dropped (%.1f MB), %zu kept still\n",
                              "%zu days of attempts dropped (%.1f MB), %zu kept still\n", retain->dropped),
                     retain->dropped, dropped_mb, retain->held);
        (void)printf(_("deleted: %lld counts of ten minutes, %lld counts of hours, %lld rounds\n"),
                     gone->counts, gone->hours, gone->rounds);
    }
    if (retain->dropped + retain->held > 0)
        table_print(retain->table, stdout, 0);
}

static int retain_all(struct retain *retain)
{
    struct gone gone = {0};
    retain->table = table_new(4);
    if (retain->table == NULL) {
        cli_error(_("out of memory"));
        return EXIT_FAILED;
    }
    table_cell(retain->table, TERM_HEAD, "%s", _("DAY"));
    table_cell(retain->table, TERM_HEAD, "%s", _("ATTEMPTS"));
    table_cell(retain->table, TERM_HEAD, "%s", _("SIZE"));
    table_cell(retain->table, TERM_HEAD, "%s", "");
    table_align_right(retain->table, 1);
    table_align_right(retain->table, 2);
    bool done = retain_attempts(retain) &&
                (retain->dry_run ? count_counts(retain, &gone) : retain_counts(retain, &gone));
    if (done)
        say(retain, &gone);
    table_free(retain->table);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    struct retain retain = {0};
    int code = read_options(args, &retain);
    if (code != EXIT_HEALTHY)
        return code;
    struct db_where where = collector_where(&retain.settings);
    retain.db = db_open(&where);
    code = retain.db == NULL ? EXIT_FAILED : retain_all(&retain);
    db_close(retain.db);
    return code;
}

const struct cli_verb verb_db_retain = {.name = "db retain",
                                        .operands = "",
                                        .summary = N_("drop what is older than you want to keep"),
                                        .options = retain_options,
                                        .run = run};

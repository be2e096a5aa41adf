#include "cli/i18n.h"
#include "cli/table.h"
#include "cli/term.h"
#include "options.h"
#include "store/array.h"
#include "store/evidence.h"
#include "words/classify.h"
#include "words/outcome.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * `parallax-collector reclassify`: judges stored evidence again with the rules of this program, a batch at a time in the
 * order of the index, and changes the attempts of which the outcome is another one now. An attempt whose outcome stays
 * keeps the number of the rules that judged it first. It may be ended at any time and run again.
 */

enum { BATCH_ATTEMPTS = 500, CHANGES_MAX = 256, COLUMNS = 8, CURSOR_BYTES = 64 };

enum { OPTION_SINCE = 1, OPTION_DRY_RUN };

static const struct cli_option reclassify_options[] = {
    {"since", 0, "TIME", OPTION_SINCE,
     N_("attempts since then: a span (1h, 2d) or 2026-11-20T10:00:00Z (all there are)")},
    {"dry-run", 0, NULL, OPTION_DRY_RUN, N_("say what would change, and change nothing")},
    COLLECTOR_OPTIONS,
    {0},
};

/* From one class to another; numbers, since the database may hold classes that this program does not know. */
struct change {
    int from;
    int to;
    uint64_t count;
};

struct reclassify {
    struct collector_settings settings;
    struct db *db;
    int64_t since_us; /* INT64_MIN: all */
    bool dry_run;
    uint64_t judged;
    uint64_t changed;
    uint64_t unreadable;
    size_t change_count;
    struct change changes[CHANGES_MAX];
};

/* The last attempt that was read, in the form the database gave it. */
struct place {
    char endpoint[CURSOR_BYTES];
    char start[CURSOR_BYTES];
    char vantage[CURSOR_BYTES];
    char sequence[CURSOR_BYTES];
};

static void count_change(struct reclassify *work, int from, int to)
{
    work->changed++;
    for (size_t i = 0; i < work->change_count; i++) {
        if (work->changes[i].from == from && work->changes[i].to == to) {
            work->changes[i].count++;
            return;
        }
    }
    if (work->change_count < CHANGES_MAX)
        work->changes[work->change_count++] = (struct change){.from = from, .to = to, .count = 1};
}

/* @return false when the stored bytes are no attempt: an older program's mistake, or another's. */
static bool judge(const PGresult *rows, int row, struct outcome *ret_outcome)
{
    struct attempt *attempt = evidence_read(rows, row);
    if (attempt != NULL)
        *ret_outcome = classify(attempt);
    bool judged = attempt != NULL;
    attempt_free(attempt);
    return judged;
}

static bool differs(const PGresult *rows, int row, struct outcome outcome)
{
    return db_int(rows, row, "class") != (long long)outcome.class ||
           db_int(rows, row, "raw_kind") != (long long)outcome.raw_kind ||
           db_int(rows, row, "raw") != outcome.raw;
}

static void add_update(struct buf columns[COLUMNS], const PGresult *rows, int row, struct outcome outcome)
{
    (void)array_number(&columns[0], db_int(rows, row, "endpoint_id"));
    (void)array_text(&columns[1], db_text(rows, row, "start_at"));
    (void)array_number(&columns[2], db_int(rows, row, "vantage_id"));
    (void)array_number(&columns[3], db_int(rows, row, "sequence"));
    (void)array_number(&columns[4], (int64_t)outcome.stage);
    (void)array_number(&columns[5], (int64_t)outcome.class);
    (void)array_number(&columns[6], (int64_t)outcome.raw_kind);
    (void)array_number(&columns[7], outcome.raw);
}

static bool store(struct reclassify *work, struct buf columns[COLUMNS])
{
    char rules[24];
    char *arrays[COLUMNS];
    const char *values[COLUMNS + 1];
    bool whole = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        values[i] = arrays[i] = array_take(&columns[i]);
        whole &= arrays[i] != NULL;
    }
    (void)snprintf(rules, sizeof rules, "%d", CLASSIFY_RULES);
    values[COLUMNS] = rules;
    PGresult *result = whole ? db_query(work->db, STATEMENT_reclassify_update, values, COLUMNS + 1) : NULL;
    if (!whole)
        cli_error(_("out of memory"));
    for (size_t i = 0; i < COLUMNS; i++)
        free(arrays[i]);
    PQclear(result);
    return result != NULL;
}

static bool judge_batch(struct reclassify *work, const PGresult *rows)
{
    struct buf columns[COLUMNS];
    uint64_t before = work->changed;
    for (size_t i = 0; i < COLUMNS; i++)
        array_begin(&columns[i]);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct outcome outcome;
        work->judged++;
        if (!judge(rows, row, &outcome)) {
            work->unreadable++;
        } else if (differs(rows, row, outcome)) {
            count_change(work, (int)db_int(rows, row, "class"), (int)outcome.class);
            add_update(columns, rows, row, outcome);
        }
    }
    if (work->changed > before && !work->dry_run)
        return store(work, columns);
    for (size_t i = 0; i < COLUMNS; i++)
        buf_done(&columns[i]);
    return true;
}

static void keep_place(const PGresult *rows, struct place *place)
{
    int last = PQntuples(rows) - 1;
    (void)snprintf(place->endpoint, CURSOR_BYTES, "%s", db_text(rows, last, "endpoint_id"));
    (void)snprintf(place->start, CURSOR_BYTES, "%s", db_text(rows, last, "start_at"));
    (void)snprintf(place->vantage, CURSOR_BYTES, "%s", db_text(rows, last, "vantage_id"));
    (void)snprintf(place->sequence, CURSOR_BYTES, "%s", db_text(rows, last, "sequence"));
}

static bool judge_all(struct reclassify *work)
{
    struct place place = {.endpoint = "-1", .start = "-infinity", .vantage = "-1", .sequence = "-1"};
    char since[UNITS_TIME_BYTES] = "-infinity", limit[24];
    if (work->since_us != INT64_MIN)
        (void)time_rfc3339(work->since_us, 6, since);
    (void)snprintf(limit, sizeof limit, "%d", BATCH_ATTEMPTS);
    const char *values[] = {since, place.endpoint, place.start, place.vantage, place.sequence, limit};
    for (int got = BATCH_ATTEMPTS; got == BATCH_ATTEMPTS;) {
        PGresult *rows = db_query(work->db, STATEMENT_reclassify_read, values, 6);
        if (rows == NULL)
            return false;
        got = PQntuples(rows);
        bool judged = got == 0 || judge_batch(work, rows);
        if (got > 0)
            keep_place(rows, &place);
        PQclear(rows);
        if (!judged)
            return false;
    }
    return true;
}

/* --- the answer ------------------------------------------------------------------------------------------------ */

static void class_cell(struct table *table, int class)
{
    struct outcome outcome;
    if (outcome_from_numbers(class, RAW_NONE, 0, &outcome))
        table_cell(table, TERM_PLAIN, "%s", outcome_class_id(outcome.class));
    else
        table_cell(table, TERM_PLAIN, "%d", class);
}

static void print_changes(const struct reclassify *work)
{
    struct table *table = table_new(3);
    if (table == NULL)
        return;
    table_align_right(table, 2);
    table_cell(table, TERM_HEAD, "%s", _("from"));
    table_cell(table, TERM_HEAD, "%s", _("to"));
    table_cell(table, TERM_HEAD, "%s", _("attempts"));
    for (size_t i = 0; i < work->change_count; i++) {
        class_cell(table, work->changes[i].from);
        class_cell(table, work->changes[i].to);
        table_cell(table, TERM_PLAIN, "%llu", (unsigned long long)work->changes[i].count);
    }
    (void)printf("\n");
    table_print(table, stdout, 2);
    table_free(table);
}

static void print_answer(const struct reclassify *work)
{
    unsigned long long changed = work->changed, judged = work->judged, unreadable = work->unreadable;
    if (work->dry_run)
        (void)printf(_("%llu of %llu attempts would change by rules %d.\n"), changed, judged, CLASSIFY_RULES);
    else
        (void)printf(_("%llu of %llu attempts changed by rules %d.\n"), changed, judged, CLASSIFY_RULES);
    if (unreadable > 0)
        (void)printf(_("%llu hold evidence that cannot be read; they stay as they are.\n"), unreadable);
    if (work->change_count > 0)
        print_changes(work);
}

static int reclassify(struct reclassify *work)
{
    if (!collector_settings_settle(&work->settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&work->settings);
    work->db = db_open(&where);
    if (work->db == NULL)
        return EXIT_FAILED;
    bool done = judge_all(work);
    db_close(work->db);
    /* What was changed before a failure stays changed, and is said. */
    if (done || work->judged > 0)
        print_answer(work);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    struct reclassify work = {.since_us = INT64_MIN};
    const char *value;
    bool failed = false, good = true;
    collector_settings_init(&work.settings);
    for (int id; good && (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_SINCE)
            good = collector_time("since", value, &work.since_us);
        else if (id == OPTION_DRY_RUN)
            work.dry_run = true;
        else
            good = collector_option(&work.settings, id, value, &failed) && !failed;
    }
    if (!good)
        return failed ? EXIT_FAILED : EXIT_USAGE;
    return reclassify(&work);
}

const struct cli_verb verb_reclassify = {
    .name = "reclassify",
    .operands = "",
    .summary = N_("judge stored attempts again by the rules of this version"),
    .options = reclassify_options,
    .run = run,
};

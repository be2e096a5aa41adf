#include "cli/cdn_file.h"
#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "link/clock.h"
#include "options.h"
#include "replay/load.h"
#include "replay/scratch.h"
#include "replay/settled.h"
#include "stop.h"
#include "words/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * `parallax-collector replay FILE...`: evidence from files goes the way that evidence of agents goes, through a database made for
 * the purpose: ingest, classify, close, judge, roll up, compare; and what a live collector would say is printed.
 */

enum { OPTION_KEEP = 1, OPTION_FORMAT, OPTION_EXPLAIN };

static const struct cli_option replay_options[] = {
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text or json (default text)")},
    {"explain", 0, NULL, OPTION_EXPLAIN,
     N_("explain every incident: evidence, alternatives, what would settle it")},
    {"keep", 0, "DIR", OPTION_KEEP, N_("leave the database there, for the other verbs' --state")},
    {"config", 'c', "FILE", OPTION_CONFIG, N_("read settings from a YAML file")},
    {0},
};

struct replay {
    struct collector_settings settings;
    const char *keep;
    struct settled_options show;
    size_t file_count;
    const char **files;
    struct recording recording;
    struct feed_counts fed;
    int64_t began_us;
};

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void say_progress(const char *what)
{
    if (term_is_tty(stderr))
        (void)fprintf(stderr, "\r\033[K%s", what);
}

static bool read_file(struct replay *replay, size_t index)
{
    const char *name = replay->files[index];
    bool standard = strcmp(name, "-") == 0;
    FILE *stream = standard ? stdin : fopen(name, "re");
    if (stream == NULL) {
        cli_error("%s: %s", name, strerror(errno));
        return false;
    }
    bool read = recording_read(&replay->recording, index, stream, &stop_asked);
    if (!standard)
        (void)fclose(stream);
    return read;
}

static bool read_files(struct replay *replay)
{
    say_progress(_("reading ..."));
    if (!recording_init(&replay->recording, replay->files, replay->file_count))
        return false;
    for (size_t i = 0; i < replay->file_count; i++)
        if (!read_file(replay, i))
            return false;
    return recording_settle(&replay->recording);
}

/* --- storing ------------------------------------------------------------------------------------------------------ */

static struct networks *open_networks(const struct replay *replay)
{
    char *why = NULL;
    struct networks *networks =
        replay->settings.mmdb == NULL ? NULL : networks_open(replay->settings.mmdb, &why);
    if (why != NULL)
        cli_warning("%s", why);
    free(why);
    return networks;
}

static bool run_statement(struct db *db, enum statement_id id)
{
    PGresult *result = db_query(db, id, NULL, 0);
    PQclear(result);
    return result != NULL;
}

static bool store(struct replay *replay, struct scratch *scratch)
{
    struct db *db = scratch_db(scratch);
    say_progress(_("storing ..."));
    if (stop_asked || !load_tables(db, &replay->recording))
        return false;
    struct networks *networks = open_networks(replay);
    bool stored =
        feed_attempts(scratch_conninfo(scratch), &replay->recording, networks, &stop_asked, &replay->fed);
    networks_close(networks);
    return stored && load_certificates(db, &replay->recording) &&
           run_statement(db, STATEMENT_replay_members) && run_statement(db, STATEMENT_replay_close) &&
           !stop_asked;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

/* On stderr: what the file holds that was not used, and how to go on. */
static void say_notes(const struct replay *replay, const struct scratch *scratch)
{
    const struct recording *recording = &replay->recording;
    const struct feed_counts *fed = &replay->fed;
    if (fed->other_outcomes > 0)
        cli_warning(_("%llu attempts are not what the file takes them for; outcomes are judged from "
                      "evidence. The first: "
                      "%s:%u says %s, its evidence %s"),
                    (unsigned long long)fed->other_outcomes, replay->files[fed->other_place.file],
                    fed->other_place.line, fed->other_said, fed->other_judged);
    if (fed->impossible > 0)
        cli_warning(_("%llu attempts cannot be true and were left out; the first for the reason \"%s\""),
                    (unsigned long long)fed->impossible, refusal_id(fed->why));
    if (recording->unknown_keys > 0)
        cli_warning(_("%llu keys are not of this schema and were ignored"),
                    (unsigned long long)recording->unknown_keys);
    if (recording->unknown_lines > 0)
        cli_warning(_("%llu lines are of kinds that are not of this schema and were ignored"),
                    (unsigned long long)recording->unknown_lines);
    char took[UNITS_SPAN_BYTES];
    (void)fprintf(stderr, _("%llu attempts of %zu vantages on %zu endpoints replayed in %s\n"),
                  (unsigned long long)fed->stored, recording->vantage_count, recording->endpoint_count,
                  span_text(clock_mono_us() - replay->began_us, took));
    if (replay->keep == NULL)
        return;
    const char *user = scratch_user(scratch);
    (void)fprintf(stderr,
                  _("the database is kept; ask it with: %s%s%s report diff --state %s --since 2020-01-01\n"),
                  user == NULL ? "" : "runuser -u ", user == NULL ? "" : user,
                  user == NULL ? cli_program_name() : " -- parallax-collector", scratch_folder(scratch));
}

static int replay_in(struct replay *replay, struct scratch *scratch)
{
    if (!store(replay, scratch))
        return EXIT_FAILED;
    say_progress(_("judging ..."));
    int code = settled_judge(scratch_db(scratch), &stop_asked) ? EXIT_HEALTHY : EXIT_FAILED;
    say_progress("");
    if (code != EXIT_HEALTHY || stop_asked)
        return EXIT_FAILED;
    code = settled_print(scratch_db(scratch), &replay->show);
    (void)fflush(stdout);
    say_notes(replay, scratch);
    return code;
}

static int replay_files(struct replay *replay)
{
    int code = EXIT_FAILED;
    replay->began_us = clock_mono_us();
    stop_catch(0);
    if (read_files(replay)) {
        struct scratch *scratch = scratch_open(replay->keep, replay->settings.pg_bin);
        if (scratch != NULL && !stop_asked)
            code = replay_in(replay, scratch);
        scratch_close(scratch);
    }
    recording_done(&replay->recording);
    say_progress("");
    if (!stop_asked)
        return code;
    cli_error(_("interrupted; nothing is left behind"));
    return EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    static const char *const formats[] = {"text", "json"};
    struct replay replay = {0};
    const char *value;
    bool failed = false, good = true;
    collector_settings_init(&replay.settings);
    for (int id; good && (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_KEEP) {
            replay.keep = value;
        } else if (id == OPTION_EXPLAIN) {
            replay.show.explain = true;
        } else if (id == OPTION_FORMAT) {
            int format = cli_choice("format", value, formats, 2);
            good = format >= 0;
            replay.show.json = format == 1;
        } else {
            good = collector_option(&replay.settings, id, value, &failed) && !failed;
        }
    }
    if (!good)
        return failed ? EXIT_FAILED : EXIT_USAGE;
    replay.file_count = cli_operand_count(args);
    replay.files = calloc(replay.file_count, sizeof *replay.files);
    if (replay.files == NULL ||
        (replay.settings.cdn_file != NULL && !cli_cdn_file(replay.settings.cdn_file))) {
        free(replay.files);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < replay.file_count; i++)
        replay.files[i] = cli_operand(args, i);
    int code = replay_files(&replay);
    free(replay.files);
    return code;
}

const struct cli_verb verb_replay = {
    .name = "replay",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = -1,
    .summary = N_("judge evidence from files as if it came from live vantages"),
    .options = replay_options,
    .run = run,
};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "descriptors.h"
#include "link/clock.h"
#include "link/handles.h"
#include "sweep/checkpoint.h"
#include "sweep_settings.h"
#include "words/classify.h"
#include "words/units.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `parallax-agent sweep`: very many endpoints, a hello each; attempts to a file or standard output, and how they ended in sum. */

enum { LOOK_EVERY_MS = 500, CHECKPOINT_EVERY_US = 2 * 1000 * 1000, PATH_BYTES = PATH_MAX };

struct session {
    struct sweep_settings *settings;
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t timer; /* for progress and checkpoints */
    struct handles handles;
    struct sweep *sweep;
    struct results results;
    struct tally tally;
    char checkpoint[PATH_BYTES];
    uint64_t earlier; /* endpoints that were done before it was gone on with */
    int64_t begun_us, checkpoint_us;
    bool interrupted, failed, drawn;
};

static void on_handles_closed(void *arg)
{
    (void)arg;
}

static void on_sweep_closed(void *arg)
{
    struct session *session = arg;
    handles_close_all(&session->handles, &session->loop, on_handles_closed, session);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    struct session *session = signal->data;
    session->interrupted = true;
    sweep_stop(session->sweep);
}

static void on_attempt(const struct endpoint *endpoint, const struct attempt *attempt, void *arg)
{
    struct session *session = arg;
    struct outcome outcome = classify(attempt);
    tally_add(&session->tally, endpoint, outcome);
    results_write(&session->results, endpoint, attempt, outcome);
    if (session->results.error != 0)
        sweep_stop(session->sweep);
}

/* --- checkpoints ---------------------------------------------------------------------------------------------------- */

/* @return false after a message. */
static bool write_checkpoint(struct session *session)
{
    struct checkpoint checkpoint = {.tally = session->tally};
    int error = sweep_position(session->sweep, &checkpoint.position) ? 0 : ENOMEM;
    if (error == 0)
        error = results_sync(&session->results, &checkpoint.results_bytes);
    if (error == 0)
        error = checkpoint_write(&checkpoint, session->checkpoint);
    checkpoint_done(&checkpoint);
    session->checkpoint_us = clock_mono_us();
    if (error != 0)
        cli_error("%s: %s", session->checkpoint, strerror(error));
    return error == 0;
}

static bool resume_failed(const struct session *session, const char *path, int error)
{
    if (error == -1)
        cli_error(_("%s: not a checkpoint of a sweep"), path);
    else if (error == ENOENT)
        cli_error(_("%s: nothing to go on with; the sweep of %s is complete, or never began"), path,
                  session->settings->output);
    else if (error == ESPIPE)
        cli_error(_("%s: shorter than its checkpoint says; it was changed since"), path);
    else if (error == EBUSY)
        cli_error(_("%s: another sweep writes to it"), path);
    else
        cli_error("%s: %s", path, strerror(error));
    return false;
}

/* @return false after a message. */
static bool go_on(struct session *session)
{
    const struct sweep_settings *settings = session->settings;
    struct checkpoint checkpoint;
    int error = checkpoint_read(session->checkpoint, &checkpoint);
    if (error != 0)
        return resume_failed(session, session->checkpoint, error);
    session->tally = checkpoint.tally;
    session->earlier = checkpoint.position.next - checkpoint.position.undone_count;
    error = sweep_resume(session->sweep, &checkpoint.position);
    if (error == -1)
        cli_error(_("%s was begun with another list"), settings->output);
    else if (error != 0)
        cli_error("%s", strerror(error));
    bool resumed = error == 0;
    if (resumed)
        error =
            results_append(&session->results, settings->format, settings->output, checkpoint.results_bytes);
    checkpoint_done(&checkpoint);
    return resumed && (error == 0 || resume_failed(session, settings->output, error));
}

/* @return false after a message. */
static bool open_results(struct session *session)
{
    const struct sweep_settings *settings = session->settings;
    if (settings->output == NULL) {
        results_to_stdout(&session->results, settings->format);
        return true;
    }
    int length = snprintf(session->checkpoint, PATH_BYTES, "%s.checkpoint", settings->output);
    if (length < 0 || length >= PATH_BYTES) {
        cli_error("%s: %s", settings->output, strerror(ENAMETOOLONG));
        return false;
    }
    if (settings->resume)
        return go_on(session);
    int error = results_create(&session->results, settings->format, settings->output);
    if (error == EEXIST)
        cli_error(_("%s exists; go on with it by --resume, or name another file"), settings->output);
    else if (error != 0)
        cli_error("%s: %s", settings->output, strerror(error));
    return error == 0 && write_checkpoint(session);
}

/* --- progress ------------------------------------------------------------------------------------------------------- */

static void progress_clear(struct session *session)
{
    if (session->drawn)
        (void)fputs("\r\033[K", stderr);
    session->drawn = false;
}

/* As much of it as there are columns: a line that goes on in the next one cannot be drawn over. */
static void draw_line(const struct buf *line)
{
    struct buf cut;
    unsigned width = term_width(stderr);
    buf_init(&cut, 0);
    if (line->data != NULL && text_cut(&cut, (const char *)line->data, width > 1 ? width - 1 : 1))
        (void)fprintf(stderr, "\r%s\033[K", (const char *)cut.data);
    (void)fflush(stderr);
    buf_done(&cut);
}

static void progress_draw(struct session *session)
{
    struct sweep_counts counts;
    struct buf line;
    char left[UNITS_SPAN_BYTES];
    sweep_counts(session->sweep, &counts);
    uint64_t total = session->settings->total, now = counts.done - session->earlier;
    int64_t took_us = clock_mono_us() - session->begun_us;
    if (!term_is_tty(stderr) || took_us <= 0)
        return;
    buf_init(&line, 0);
    bool made = buf_printf(&line, _("%llu of %llu done, %u open, %llu failed, %.0f/s"),
                           (unsigned long long)counts.done, (unsigned long long)total, counts.open,
                           (unsigned long long)tally_sums(&session->tally).failed,
                           (double)now * 1e6 / (double)took_us);
    if (made && now > 0)
        made = buf_printf(
            &line, _(", %s left"),
            span_text((int64_t)((double)took_us * (double)(total - counts.done) / (double)now), left));
    if (made)
        draw_line(&line);
    session->drawn = made;
    buf_done(&line);
}

static void on_timer(uv_timer_t *timer)
{
    struct session *session = timer->data;
    progress_draw(session);
    results_flush(&session->results);
    if (session->results.error != 0)
        sweep_stop(session->sweep);
    if (session->settings->output == NULL || clock_mono_us() - session->checkpoint_us < CHECKPOINT_EVERY_US)
        return;
    progress_clear(session);
    if (!write_checkpoint(session)) {
        session->failed = true;
        sweep_stop(session->sweep);
    }
}

/* --- the run -------------------------------------------------------------------------------------------------------- */

static int start_handles(struct session *session)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    handles_init(&session->handles);
    int status = uv_timer_init(&session->loop, &session->timer);
    handles_add(&session->handles, &session->timer);
    session->timer.data = session;
    if (status == 0)
        status = uv_timer_start(&session->timer, on_timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    for (size_t i = 0; status == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        uv_signal_t *signal = &session->signals[i];
        status = uv_signal_init(&session->loop, signal);
        if (status != 0)
            break;
        handles_add(&session->handles, signal);
        signal->data = session;
        status = uv_signal_start(signal, on_signal, numbers[i]);
    }
    return status;
}

/* @return false: it is not complete, and the checkpoint stays. */
static bool settle(struct session *session)
{
    const char *output = session->settings->output;
    bool complete = !session->interrupted && !session->failed && session->results.error == 0 &&
                    !sweep_failed(session->sweep);
    if (output != NULL && session->results.error == 0 && !write_checkpoint(session))
        complete = false;
    int error = results_close(&session->results);
    if (error != 0 && (error != EPIPE || output != NULL))
        cli_error("%s: %s", output == NULL ? _("standard output") : output, strerror(error));
    complete = complete && error == 0;
    if (complete && output != NULL)
        (void)unlink(session->checkpoint);
    if (!complete && output != NULL && error == 0)
        cli_warning(_("broken off; the same command with --resume goes on"));
    return complete;
}

static int finish(struct session *session)
{
    struct sweep_counts counts;
    progress_clear(session);
    if (sweep_failed(session->sweep))
        cli_error(_("out of memory"));
    bool complete = settle(session);
    sweep_counts(session->sweep, &counts);
    if (session->settings->format == RESULTS_NONE || session->settings->output != NULL)
        tally_show(&session->tally, counts.done, stdout);
    struct tally_sums sums = tally_sums(&session->tally);
    if (fflush(stdout) != 0 || !complete)
        return EXIT_FAILED;
    return sums.failed > 0 ? EXIT_FINDINGS : sums.not_tried > 0 ? EXIT_FAILED : EXIT_HEALTHY;
}

static int sweep_all(struct session *session)
{
    session->begun_us = clock_mono_us();
    if (start_handles(session) != 0)
        cli_warning(_("signals cannot be watched; an interrupt will end the program at once"));
    sweep_start(session->sweep);
    (void)uv_run(&session->loop, UV_RUN_DEFAULT);
    return finish(session);
}

static int run_session(struct session *session)
{
    struct sweep_options *options = &session->settings->options;
    char *why = NULL;
    options->concurrency = descriptors_raise(options->concurrency);
    options->attempt = on_attempt;
    options->closed = on_sweep_closed;
    options->arg = session;
    session->sweep = sweep_new(&session->loop, options, &why);
    if (session->sweep == NULL) {
        cli_error("%s", why != NULL ? why : _("out of memory"));
        free(why);
        return EXIT_FAILED;
    }
    int code = EXIT_FAILED;
    if (open_results(session)) {
        code = sweep_all(session);
    } else {
        (void)results_close(&session->results);
        sweep_start(session->sweep);
        sweep_stop(session->sweep);
        (void)uv_run(&session->loop, UV_RUN_DEFAULT);
    }
    sweep_free(session->sweep);
    return code;
}

static int run(struct cli_args *args)
{
    struct sweep_settings settings;
    struct session *session = calloc(1, sizeof *session);
    int code = EXIT_FAILED, status;
    if (!sweep_settings_init(&settings) || session == NULL) {
        cli_error(_("out of memory"));
    } else if ((code = sweep_settings_read(args, &settings)) != EXIT_HEALTHY) {
        ; /* the message was printed */
    } else if ((status = uv_loop_init(&session->loop)) != 0) {
        cli_error("%s", uv_strerror(status));
        code = EXIT_FAILED;
    } else {
        session->settings = &settings;
        code = run_session(session);
        (void)uv_loop_close(&session->loop);
    }
    sweep_settings_done(&settings);
    free(session);
    return code;
}

const struct cli_verb verb_sweep = {
    .name = "sweep",
    .operands = "ENDPOINT...",
    .min_operands = 0,
    .max_operands = -1,
    .summary = N_("ask very many endpoints whether they answer, with one ClientHello each"),
    .options = sweep_cli_options,
    .run = run,
};

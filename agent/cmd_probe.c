#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "descriptors.h"
#include "link/handles.h"
#include "probe/keylog.h"
#include "probe/pcap.h"
#include "probe_settings.h"
#include "show/explain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* `parallax-agent probe`: endpoints from operands and files, a verdict for each to standard output, one loop. */

enum { NAME_WIDTH_MAX = 48 };

struct session {
    struct probe_settings *settings;
    uv_loop_t loop;
    struct prober *prober;
    struct examiner *examiner;
    uv_signal_t signals[2];
    struct handles handles;
    size_t next; /* target to be submitted */
    bool stopping;
    bool interrupted;
    bool failed; /* this machine could not do it */
    struct show_counts counts;
};

/* One target while its cases come. */
struct watch {
    struct session *session;
    bool ok;
    bool failed;
};

static unsigned name_width(const struct probe_settings *settings)
{
    char text[ENDPOINT_TEXT_BYTES];
    unsigned width = 0;
    for (size_t i = 0; i < settings->targets.count; i++) {
        unsigned one = text_width(endpoint_text(&settings->targets.endpoints[i], text));
        if (one > width && one <= NAME_WIDTH_MAX)
            width = one;
    }
    return width;
}

static void on_prober_closed(void *arg)
{
    (void)arg;
}

static void on_signals_closed(void *arg)
{
    (void)arg;
}

/* Everything is over: what is left are handles. */
static void wind_up(struct session *session)
{
    prober_close(session->prober, on_prober_closed, session);
    handles_close_all(&session->handles, &session->loop, on_signals_closed, session);
}

static void stop(struct session *session)
{
    session->stopping = true;
    examiner_cancel(session->examiner);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    struct session *session = signal->data;
    session->interrupted = true;
    stop(session);
}

static void submit(struct session *session);

static void finish_target(bool failed, void *arg)
{
    struct watch *watch = arg;
    struct session *session = watch->session;
    session->failed |= failed;
    session->counts.endpoints++;
    if (watch->failed)
        session->counts.failed++;
    else if (watch->ok)
        session->counts.ok++;
    else
        session->counts.not_tried++;
    report_progress(&session->settings->report, &session->counts, session->settings->targets.count);
    free(watch);
    submit(session);
}

/* A failure of this vantage is none of the target's. */
static void judge(struct watch *watch, const struct case_file *file, const struct conclusion *conclusion)
{
    bool ok = outcome_is_ok(file->outcomes[0]);
    bool local = strncmp(cause_row(conclusion->cause)->id, "local.", strlen("local.")) == 0;
    watch->ok |= ok && conclusion->cause == CAUSE_NONE;
    watch->failed |= ok ? conclusion->cause != CAUSE_NONE : outcome_is_failure(file->outcomes[0]) && !local;
}

static void on_case(const struct case_file *file, const struct conclusion *conclusion, void *arg)
{
    struct watch *watch = arg;
    struct session *session = watch->session;
    struct report *report = &session->settings->report;
    session->failed |= conclusion == NULL;
    if (conclusion == NULL)
        return;
    judge(watch, file, conclusion);
    report_case(report, file, conclusion);
    if (report->broken && !session->stopping)
        stop(session);
}

static bool submit_one(struct session *session, size_t index)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return false;
    *watch = (struct watch){.session = session};
    struct probe_job job = session->settings->job;
    job.endpoint = probe_settings_endpoint(session->settings, index);
    if (examine(session->examiner, &job, on_case, finish_target, watch))
        return true;
    free(watch);
    return false;
}

/* Keeps as many targets at work as may run, so that a long list costs no memory; at the end, winds up. */
static void submit(struct session *session)
{
    const struct probe_settings *settings = session->settings;
    while (!session->stopping && session->next < settings->targets.count &&
           examiner_pending(session->examiner) < settings->prober.concurrency) {
        if (!submit_one(session, session->next++)) {
            session->failed = session->stopping = true;
            cli_error(_("out of memory"));
        }
    }
    bool more = !session->stopping && session->next < settings->targets.count;
    if (!more && examiner_pending(session->examiner) == 0)
        wind_up(session);
}

static int start_signals(struct session *session)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    handles_init(&session->handles);
    int status = 0;
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

static int exit_code(const struct session *session)
{
    const struct report *report = &session->settings->report;
    if (report->broken && report->error != EPIPE)
        cli_error(_("standard output: %s"), strerror(report->error));
    if (report->broken || session->interrupted || session->failed)
        return EXIT_FAILED;
    if (session->counts.failed > 0)
        return EXIT_FINDINGS;
    return session->counts.not_tried > 0 ? EXIT_FAILED : EXIT_HEALTHY;
}

/* @return false after a message. */
static bool open_files(struct probe_settings *settings)
{
    char *why = NULL;
    if (settings->pcap != NULL)
        settings->prober.pcap = pcap_open(settings->pcap, &why);
    if (why == NULL && settings->keylog != NULL)
        settings->prober.keylog = keylog_open(settings->keylog, &why);
    if (why == NULL)
        return true;
    cli_error("%s", why);
    free(why);
    return false;
}

static bool close_files(struct probe_settings *settings)
{
    int pcap_error = pcap_close(settings->prober.pcap), keylog_error = keylog_close(settings->prober.keylog);
    if (pcap_error != 0)
        cli_error("%s: %s", settings->pcap, strerror(pcap_error));
    if (keylog_error != 0)
        cli_error("%s: %s", settings->keylog, strerror(keylog_error));
    return pcap_error == 0 && keylog_error == 0;
}

static bool open_probers(struct session *session)
{
    char *why = NULL;
    session->prober = prober_new(&session->loop, &session->settings->prober, &why);
    if (session->prober == NULL) {
        cli_error("%s", why);
        free(why);
        return false;
    }
    session->examiner = examiner_new(&session->loop, session->prober, &session->settings->examine);
    if (session->examiner != NULL)
        return true;
    cli_error(_("out of memory"));
    prober_close(session->prober, on_prober_closed, session);
    (void)uv_run(&session->loop, UV_RUN_DEFAULT);
    return false;
}

static int probe_all(struct probe_settings *settings)
{
    struct session session = {.settings = settings};
    int status = uv_loop_init(&session.loop);
    if (status != 0) {
        cli_error("%s", uv_strerror(status));
        return EXIT_FAILED;
    }
    if (!open_files(settings) || !open_probers(&session)) {
        (void)close_files(settings);
        (void)uv_loop_close(&session.loop);
        return EXIT_FAILED;
    }
    if (start_signals(&session) != 0)
        cli_warning(_("signals cannot be watched; an interrupt will end the program at once"));
    (void)descriptors_raise(settings->prober.concurrency * 2);
    report_begin(&settings->report);
    uv_update_time(&session.loop); /* the trust store took its time, which is nobody's lag */
    submit(&session);
    (void)uv_run(&session.loop, UV_RUN_DEFAULT);
    report_end(&settings->report, &session.counts);
    examiner_free(session.examiner);
    session.failed |= !close_files(settings);
    (void)uv_loop_close(&session.loop);
    return exit_code(&session);
}

static int run(struct cli_args *args)
{
    struct probe_settings settings;
    probe_settings_init(&settings);
    int result = probe_settings_read(args, &settings);
    if (result != EXIT_HEALTHY) {
        ; /* the message was printed */
    } else if (settings.list_causes) {
        result = list_causes(stdout, settings.report.format);
    } else if (settings.explain != NULL) {
        result = explain_cause(stdout, settings.explain, settings.report.format);
    } else {
        settings.report.list = settings.targets.count > 1;
        settings.report.name_width = name_width(&settings);
        result = probe_all(&settings);
    }
    probe_settings_done(&settings);
    return result;
}

const struct cli_verb verb_probe = {
    .name = "probe",
    .operands = "TARGET...",
    .min_operands = 0,
    .max_operands = -1,
    .summary = N_("probe endpoints from here, now, and say what is wrong with them and what to do"),
    .options = probe_options,
    .run = run,
};

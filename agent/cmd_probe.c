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
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * `parallax-agent probe`: endpoints from operands and files, a verdict for each to standard output.
 *
 * The targets are shared out among workers. Each has a loop, a prober and an examiner of its own; the first runs in the main thread.
 * Which target is next is an atomic number. One lock is for what is printed and counted of a target that is done, and for who
 * is still at work: no attempt takes it.
 *
 *   worker: submit -> ... -> finish_target -> submit ... none left -> its prober closes -> worker_over
 *   last worker over: the first one's loop closes the signals and ends; then the threads are joined
 *
 * `wake` handles keep no loop alive and are closed after the join, so any thread may send to them until then.
 */

enum { NAME_WIDTH_MAX = 48 };

struct session;

struct worker {
    struct session *session;
    uv_loop_t loop;
    struct prober *prober;
    struct examiner *examiner;
    uv_async_t wake; /* somebody wants all to stop */
    uv_thread_t thread;
    bool started; /* the thread */
    bool over;    /* its prober is closed, or closing */
};

struct session {
    struct probe_settings *settings;
    struct worker *workers; /* as many as the settings say */
    uv_signal_t signals[2];
    uv_async_t ended; /* a worker was the last one */
    struct handles handles;
    atomic_size_t next; /* target to be submitted */
    atomic_bool stopping;
    uv_mutex_t lock; /* of all below, and of the report */
    unsigned at_work;
    bool interrupted;
    bool failed; /* this machine could not do it */
    struct show_counts counts;
};

/* One target while its cases come. */
struct watch {
    struct worker *worker;
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

static void on_handles_closed(void *arg)
{
    (void)arg;
}

/* Under the lock, so that whoever sees nobody at work knows that nobody sends any more. */
static void worker_over(void *arg)
{
    struct session *session = ((struct worker *)arg)->session;
    uv_mutex_lock(&session->lock);
    if (--session->at_work == 0)
        (void)uv_async_send(&session->ended);
    uv_mutex_unlock(&session->lock);
}

static void on_ended(uv_async_t *ended)
{
    struct session *session = ended->data;
    uv_mutex_lock(&session->lock);
    bool over = session->at_work == 0;
    uv_mutex_unlock(&session->lock);
    if (over)
        handles_close_all(&session->handles, &session->workers[0].loop, on_handles_closed, session);
}

static void stop(struct session *session)
{
    atomic_store(&session->stopping, true);
    for (unsigned i = 0; i < session->settings->workers; i++)
        (void)uv_async_send(&session->workers[i].wake);
}

static void submit(struct worker *worker);

static void on_wake(uv_async_t *wake)
{
    const struct worker *worker = wake->data;
    if (!worker->over)
        examiner_cancel(worker->examiner);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    struct session *session = signal->data;
    uv_mutex_lock(&session->lock);
    session->interrupted = true;
    uv_mutex_unlock(&session->lock);
    stop(session);
}

static void count_target(struct session *session, const struct watch *watch, bool failed)
{
    uv_mutex_lock(&session->lock);
    session->failed |= failed;
    session->counts.endpoints++;
    if (watch->failed)
        session->counts.failed++;
    else if (watch->ok)
        session->counts.ok++;
    else
        session->counts.not_tried++;
    report_progress(&session->settings->report, &session->counts, session->settings->targets.count);
    uv_mutex_unlock(&session->lock);
}

static void finish_target(bool failed, void *arg)
{
    struct watch *watch = arg;
    struct worker *worker = watch->worker;
    count_target(worker->session, watch, failed);
    free(watch);
    submit(worker);
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
    struct session *session = watch->worker->session;
    struct report *report = &session->settings->report;
    char *composed = conclusion == NULL ? NULL : report_compose(report, file, conclusion);
    uv_mutex_lock(&session->lock);
    session->failed |= conclusion == NULL;
    if (conclusion != NULL) {
        judge(watch, file, conclusion);
        report_case(report, file, conclusion, composed);
    }
    bool broken = report->broken;
    uv_mutex_unlock(&session->lock);
    free(composed);
    if (broken && !atomic_load(&session->stopping))
        stop(session);
}

static bool submit_one(struct worker *worker, size_t index)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return false;
    *watch = (struct watch){.worker = worker};
    struct probe_job job = worker->session->settings->job;
    job.endpoint = probe_settings_endpoint(worker->session->settings, index);
    if (examine(worker->examiner, &job, on_case, finish_target, watch))
        return true;
    free(watch);
    return false;
}

/* What each worker may have at once. */
static unsigned share_of(const struct probe_settings *settings)
{
    return (settings->prober.concurrency + settings->workers - 1) / settings->workers;
}

/* @return false when there is no target left for anybody. */
static bool take_target(struct session *session, size_t *ret_index)
{
    if (atomic_load(&session->stopping))
        return false;
    *ret_index = atomic_fetch_add(&session->next, 1);
    return *ret_index < session->settings->targets.count;
}

static void no_memory(struct session *session)
{
    uv_mutex_lock(&session->lock);
    session->failed = true;
    cli_error(_("out of memory"));
    uv_mutex_unlock(&session->lock);
    stop(session);
}

static void wind_up(struct worker *worker)
{
    worker->over = true;
    prober_close(worker->prober, worker_over, worker);
}

/* Keeps as many targets at work as may run, so that a long list costs no memory; at the end, winds up. */
static void submit(struct worker *worker)
{
    struct session *session = worker->session;
    unsigned share = share_of(session->settings);
    size_t index;
    bool more = true;
    while (more && examiner_pending(worker->examiner) < share) {
        more = take_target(session, &index);
        if (more && !submit_one(worker, index))
            no_memory(session);
    }
    if (!more && examiner_pending(worker->examiner) == 0)
        wind_up(worker);
}

static int start_signals(struct session *session)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        uv_signal_t *signal = &session->signals[i];
        status = uv_signal_init(&session->workers[0].loop, signal);
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

/* Reads the trust store: in the main thread, before anything runs. @return false after a message. */
static bool open_worker(struct session *session, struct worker *worker)
{
    char *why = NULL;
    struct prober_options options = session->settings->prober;
    options.concurrency = share_of(session->settings);
    worker->session = session;
    worker->prober = prober_new(&worker->loop, &options, &why);
    if (worker->prober == NULL) {
        cli_error("%s", why);
        free(why);
        return false;
    }
    worker->examiner = examiner_new(&worker->loop, worker->prober, &session->settings->examine);
    worker->wake.data = worker;
    if (worker->examiner == NULL || uv_async_init(&worker->loop, &worker->wake, on_wake) != 0) {
        cli_error(_("out of memory"));
        return false;
    }
    uv_unref((uv_handle_t *)&worker->wake);
    return true;
}

/* After the loop has ended, or before it has run. */
static void close_worker(struct worker *worker, bool ran)
{
    if (!ran && worker->prober != NULL)
        prober_close(worker->prober, NULL, NULL);
    if (worker->wake.type == UV_ASYNC)
        uv_close((uv_handle_t *)&worker->wake, NULL);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    examiner_free(worker->examiner);
    (void)uv_loop_close(&worker->loop);
}

static void work(void *arg)
{
    struct worker *worker = arg;
    uv_update_time(&worker->loop); /* the trust store took its time, which is nobody's lag */
    submit(worker);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
}

/* A thread that cannot be had is one worker less: the others take its targets. */
static void start_threads(struct session *session)
{
    for (unsigned i = 1; i < session->settings->workers; i++) {
        struct worker *worker = &session->workers[i];
        worker->started = uv_thread_create(&worker->thread, work, worker) == 0;
        if (worker->started)
            continue;
        cli_warning(_("a worker cannot be started; the others take its targets"));
        wind_up(worker);
        (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    }
}

static void work_all(struct session *session)
{
    struct worker *first = &session->workers[0];
    session->at_work = session->settings->workers;
    session->ended.data = session;
    handles_add(&session->handles, &session->ended);
    if (start_signals(session) != 0)
        cli_warning(_("signals cannot be watched; an interrupt will end the program at once"));
    (void)descriptors_raise(session->settings->prober.concurrency * 2);
    report_begin(&session->settings->report);
    start_threads(session);
    work(first);
    for (unsigned i = 1; i < session->settings->workers; i++)
        if (session->workers[i].started)
            (void)uv_thread_join(&session->workers[i].thread);
    report_end(&session->settings->report, &session->counts);
}

/* @return how many loops were made; fewer than asked for after a message. */
static unsigned open_loops(struct session *session)
{
    unsigned made = 0;
    int status = session->workers == NULL ? UV_ENOMEM : 0;
    while (status == 0 && made < session->settings->workers) {
        status = uv_loop_init(&session->workers[made].loop);
        made += status == 0;
    }
    if (status != 0)
        cli_error("%s", uv_strerror(status));
    return made;
}

static bool open_all(struct session *session, unsigned loops)
{
    bool good = loops == session->settings->workers && open_files(session->settings);
    for (unsigned i = 0; good && i < loops; i++)
        good = open_worker(session, &session->workers[i]);
    return good && uv_async_init(&session->workers[0].loop, &session->ended, on_ended) == 0;
}

static int probe_all(struct probe_settings *settings)
{
    struct session session = {.settings = settings,
                              .workers = calloc(settings->workers, sizeof *session.workers)};
    if (uv_mutex_init(&session.lock) != 0) {
        free(session.workers);
        return EXIT_FAILED;
    }
    handles_init(&session.handles);
    unsigned loops = open_loops(&session);
    bool ran = open_all(&session, loops);
    if (ran)
        work_all(&session);
    session.failed |= !ran;
    for (unsigned i = 0; i < loops; i++)
        close_worker(&session.workers[i], ran);
    session.failed |= !close_files(settings);
    free(session.workers);
    uv_mutex_destroy(&session.lock);
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

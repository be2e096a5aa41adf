#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "link/handles.h"
#include "probe/prober.h"
#include "probe/target_list.h"
#include "show/report.h"
#include "words/classify.h"
#include "words/target.h"
#include "words/units.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* `parallax-agent probe`: endpoints from operands and files, attempts to standard output, one loop. */

enum { CONCURRENCY_MAX = 4096, NAME_WIDTH_MAX = 48, DESCRIPTORS_BESIDES = 64 };

enum {
    OPTION_ADDRESS = 1,
    OPTION_SNI,
    OPTION_NO_SNI,
    OPTION_TLS12,
    OPTION_TLS13,
    OPTION_CA_FILE,
    OPTION_TIMEOUT,
    OPTION_CONCURRENCY,
    OPTION_FILE,
    OPTION_RESOLVER,
    OPTION_IPV4,
    OPTION_IPV6,
    OPTION_ALL_ADDRESSES,
    OPTION_NO_REQUEST,
    OPTION_FORMAT,
    OPTION_SHOWCERTS,
};

static const struct cli_option options[] = {
    {"file", 'f', "FILE", OPTION_FILE, N_("read targets from a file, one a line; - is standard input")},
    {"address", 0, "ADDRESS", OPTION_ADDRESS, N_("connect to this address instead of resolving the name")},
    {"sni", 0, "NAME", OPTION_SNI, N_("name to send and to look for in the certificate")},
    {"no-sni", 0, NULL, OPTION_NO_SNI, N_("send no server name")},
    {"tls1.2", 0, NULL, OPTION_TLS12, N_("offer TLS 1.2 only")},
    {"tls1.3", 0, NULL, OPTION_TLS13, N_("offer TLS 1.3 only")},
    {"ca-file", 0, "FILE", OPTION_CA_FILE, N_("trust the certificates in this PEM file, not the system's")},
    {"timeout", 0, "TIME", OPTION_TIMEOUT, N_("time for one attempt (10s)")},
    {"concurrency", 'j', "N", OPTION_CONCURRENCY, N_("connections at once (64)")},
    {"resolver", 0, "ADDRESS", OPTION_RESOLVER, N_("ask this DNS server (ADDRESS or ADDRESS:PORT)")},
    {"ipv4", '4', NULL, OPTION_IPV4, N_("IPv4 addresses only")},
    {"ipv6", '6', NULL, OPTION_IPV6, N_("IPv6 addresses only")},
    {"all-addresses", 0, NULL, OPTION_ALL_ADDRESSES, N_("probe every address, not the first of each family")},
    {"no-request", 0, NULL, OPTION_NO_REQUEST, N_("stop after the handshake, send no HTTP request")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or ndjson")},
    {"showcerts", 0, NULL, OPTION_SHOWCERTS, N_("print the certificates that were sent, as PEM")},
    {0},
};

struct settings {
    struct target_list targets;
    struct prober_options prober;
    struct probe_job job; /* without its endpoint's host */
    const char *sni;
    bool no_sni;
    struct report report;
};

struct session {
    struct settings *settings;
    uv_loop_t loop;
    struct prober *prober;
    uv_signal_t signals[2];
    struct handles handles;
    size_t next; /* target to be submitted */
    bool stopping;
    bool interrupted;
    bool failed; /* this machine could not do it */
    struct show_counts counts;
};

/* One target while its attempts come. */
struct watch {
    struct session *session;
    size_t index;
    bool ok;
    bool failed;
};

/* --- options --------------------------------------------------------------------------------------------------- */

static void complain(const char *path, size_t line, const char *text, const char *why)
{
    const char *name = strcmp(path, "-") == 0 ? _("standard input") : path;
    if (line == 0)
        cli_error("%s: %s", name, why);
    else
        cli_error(_("%s:%zu: target \"%s\": %s"), name, line, text, _(why));
}

static int take_file(struct settings *settings, const char *path)
{
    switch (target_list_read(&settings->targets, path, complain)) {
    case TARGET_LIST_READ:
        return EXIT_HEALTHY;
    case TARGET_LIST_BAD_LINES:
        return EXIT_USAGE;
    case TARGET_LIST_NO_FILE:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

static int take_sni(struct settings *settings, const char *value)
{
    struct endpoint parsed = {0};
    const char *why;
    bool good = target_parse(value, &settings->targets.arena, &parsed, &why) && target_is_name(parsed.host) &&
                strpbrk(value, ":/") == NULL;
    if (!good)
        return cli_usage(_("--sni \"%s\": expected a host name"), value);
    settings->sni = parsed.host;
    return EXIT_HEALTHY;
}

static int take_variant(struct settings *settings, enum variant variant)
{
    enum variant *chosen = &settings->job.variant;
    if (*chosen != VARIANT_NORMAL && *chosen != variant)
        return cli_usage(_("--tls1.2 and --tls1.3 exclude each other"));
    *chosen = variant;
    return EXIT_HEALTHY;
}

static int take_number_option(struct settings *settings, int id, const char *value)
{
    int64_t number;
    if (id == OPTION_TIMEOUT) {
        if (!cli_span("timeout", value, US_PER_S / 10, 600 * US_PER_S, &number))
            return EXIT_USAGE;
        settings->job.timeout_us = (uint64_t)number;
        return EXIT_HEALTHY;
    }
    if (!cli_number("concurrency", value, 1, CONCURRENCY_MAX, &number))
        return EXIT_USAGE;
    settings->prober.concurrency = (unsigned)number;
    return EXIT_HEALTHY;
}

static int take_format(struct settings *settings, const char *value)
{
    static const char *const names[] = {
        [REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_NDJSON] = "ndjson"};
    int index = cli_choice("format", value, names, sizeof names / sizeof names[0]);
    if (index < 0)
        return EXIT_USAGE;
    settings->report.format = (enum report_format)index;
    return EXIT_HEALTHY;
}

static int take_option(struct settings *settings, int id, const char *value)
{
    switch (id) {
    case OPTION_FILE:
        return take_file(settings, value);
    case OPTION_ADDRESS:
        return address_parse(value, &settings->job.endpoint.address)
                   ? EXIT_HEALTHY
                   : cli_usage(_("--address \"%s\": expected an IPv4 or IPv6 address"), value);
    case OPTION_SNI:
        return take_sni(settings, value);
    case OPTION_NO_SNI:
        settings->no_sni = true;
        return EXIT_HEALTHY;
    case OPTION_TLS12:
        return take_variant(settings, VARIANT_TLS12);
    case OPTION_TLS13:
        return take_variant(settings, VARIANT_TLS13);
    case OPTION_CA_FILE:
        settings->prober.ca_file = value;
        return EXIT_HEALTHY;
    case OPTION_TIMEOUT:
    case OPTION_CONCURRENCY:
        return take_number_option(settings, id, value);
    case OPTION_RESOLVER:
        settings->prober.resolver = value;
        return EXIT_HEALTHY;
    case OPTION_IPV4:
        settings->job.flags |= PROBE_ONLY_IPV4;
        return EXIT_HEALTHY;
    case OPTION_IPV6:
        settings->job.flags |= PROBE_ONLY_IPV6;
        return EXIT_HEALTHY;
    case OPTION_ALL_ADDRESSES:
        settings->job.flags |= PROBE_ALL_ADDRESSES;
        return EXIT_HEALTHY;
    case OPTION_NO_REQUEST:
        settings->job.flags |= PROBE_NO_REQUEST;
        return EXIT_HEALTHY;
    case OPTION_FORMAT:
        return take_format(settings, value);
    default: /* OPTION_SHOWCERTS */
        settings->report.chain = true;
        return EXIT_HEALTHY;
    }
}

static int check_settings(const struct settings *settings)
{
    unsigned both = PROBE_ONLY_IPV4 | PROBE_ONLY_IPV6;
    if (settings->targets.count == 0)
        return cli_usage(
            _("no target (expected HOST, HOST:PORT, [IPV6]:PORT or https://HOST, or --file FILE)"));
    if (settings->sni != NULL && settings->no_sni)
        return cli_usage(_("--sni and --no-sni exclude each other"));
    if ((settings->job.flags & both) == both)
        return cli_usage(_("-4 and -6 exclude each other"));
    if (settings->report.chain && settings->report.format != REPORT_TEXT)
        return cli_usage(_("--showcerts goes with --format text only"));
    return EXIT_HEALTHY;
}

static int read_settings(struct cli_args *args, struct settings *settings)
{
    const char *value;
    int result = EXIT_HEALTHY;
    for (int id; result == EXIT_HEALTHY && (id = cli_next(args, &value)) != 0;)
        result = take_option(settings, id, value);
    for (size_t i = 0; result == EXIT_HEALTHY && i < cli_operand_count(args); i++) {
        const char *why = "";
        if (!target_list_add(&settings->targets, cli_operand(args, i), &why))
            result = cli_usage(_("target \"%s\": %s"), cli_operand(args, i), _(why));
    }
    return result == EXIT_HEALTHY ? check_settings(settings) : result;
}

/* --- the run ---------------------------------------------------------------------------------------------------- */

static struct endpoint endpoint_at(const struct settings *settings, size_t index)
{
    struct endpoint endpoint = settings->targets.endpoints[index];
    if (settings->job.endpoint.address.length > 0)
        endpoint.address = settings->job.endpoint.address;
    if (settings->sni != NULL)
        endpoint.sni = settings->sni;
    endpoint.no_sni = settings->no_sni;
    return endpoint;
}

static unsigned name_width(const struct settings *settings)
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
    prober_cancel(session->prober);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    struct session *session = signal->data;
    session->interrupted = true;
    stop(session);
}

static void submit(struct session *session);

static void finish_target(struct watch *watch)
{
    struct session *session = watch->session;
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

static void on_attempt(struct attempt *attempt, bool last, void *arg)
{
    struct watch *watch = arg;
    struct session *session = watch->session;
    struct report *report = &session->settings->report;
    /* A cancelled attempt was never finished; what was done is shown already. */
    if (attempt != NULL && attempt->local != LOCAL_CANCELLED) {
        struct endpoint endpoint = endpoint_at(session->settings, watch->index);
        struct shown shown = {.attempt = attempt, .endpoint = &endpoint, .outcome = classify(attempt)};
        watch->ok |= outcome_is_ok(shown.outcome);
        watch->failed |= outcome_is_failure(shown.outcome);
        report_attempt(report, &shown);
    }
    session->failed |= attempt == NULL;
    attempt_free(attempt);
    if (report->broken && !session->stopping)
        stop(session);
    if (last)
        finish_target(watch);
}

static bool submit_one(struct session *session, size_t index)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return false;
    *watch = (struct watch){.session = session, .index = index};
    struct probe_job job = session->settings->job;
    job.endpoint = endpoint_at(session->settings, index);
    if (prober_probe(session->prober, &job, on_attempt, watch))
        return true;
    free(watch);
    return false;
}

/* Keeps as many jobs with the prober as it may run, so that a long list costs no memory; at the end, winds up. */
static void submit(struct session *session)
{
    const struct settings *settings = session->settings;
    while (!session->stopping && session->next < settings->targets.count &&
           prober_pending(session->prober) < settings->prober.concurrency) {
        if (!submit_one(session, session->next++)) {
            session->failed = session->stopping = true;
            cli_error(_("out of memory"));
        }
    }
    bool more = !session->stopping && session->next < settings->targets.count;
    if (!more && prober_pending(session->prober) == 0)
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

/* Each connection is a descriptor: ask for as many as the system lets us have. */
static void raise_descriptor_limit(unsigned concurrency)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)concurrency * 2 + DESCRIPTORS_BESIDES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
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

static int probe_all(struct settings *settings)
{
    struct session session = {.settings = settings};
    char *why = NULL;
    int status = uv_loop_init(&session.loop);
    if (status != 0) {
        cli_error("%s", uv_strerror(status));
        return EXIT_FAILED;
    }
    session.prober = prober_new(&session.loop, &settings->prober, &why);
    if (session.prober == NULL) {
        cli_error("%s", why);
        free(why);
        (void)uv_loop_close(&session.loop);
        return EXIT_FAILED;
    }
    if (start_signals(&session) != 0)
        cli_warning(_("signals cannot be watched; an interrupt will end the program at once"));
    raise_descriptor_limit(settings->prober.concurrency);
    report_begin(&settings->report);
    uv_update_time(&session.loop); /* the trust store took its time, which is nobody's lag */
    submit(&session);
    (void)uv_run(&session.loop, UV_RUN_DEFAULT);
    report_end(&settings->report, &session.counts);
    (void)uv_loop_close(&session.loop);
    return exit_code(&session);
}

static int run(struct cli_args *args)
{
    struct settings settings = {.prober = {.concurrency = PROBER_CONCURRENCY}};
    target_list_init(&settings.targets);
    int result = read_settings(args, &settings);
    if (result == EXIT_HEALTHY) {
        settings.report.list = settings.targets.count > 1;
        settings.report.name_width = name_width(&settings);
        result = probe_all(&settings);
    }
    target_list_done(&settings.targets);
    return result;
}

const struct cli_verb verb_probe = {
    .name = "probe",
    .operands = "TARGET...",
    .min_operands = 0,
    .max_operands = -1,
    .summary = N_("probe endpoints from here, now, and say what was found"),
    .options = options,
    .run = run,
};

#include "sweep_settings.h"

#include "cli/i18n.h"
#include "duty/state.h"
#include "words/target.h"
#include "words/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_RATE = 500, DEFAULT_TIMEOUT_S = 5, DEFAULT_CONCURRENCY = 4096, ADDRESS_RATE_MAX = 100000 };

enum {
    OPTION_FILE = 1,
    OPTION_OUTPUT,
    OPTION_RESUME,
    OPTION_FORMAT,
    OPTION_SNI,
    OPTION_HELLO,
    OPTION_TIMEOUT,
    OPTION_RATE,
    OPTION_ADDRESS_RATE,
    OPTION_CONCURRENCY,
    OPTION_RESOLVER,
    OPTION_IPV4,
    OPTION_IPV6,
    OPTION_STATE,
};

const struct cli_option sweep_cli_options[] = {
    {"file", 'f', "FILE", OPTION_FILE,
     N_("read endpoints and networks from a file, one a line, or CSV; - is standard input")},
    {"output", 'o', "FILE", OPTION_OUTPUT,
     N_("write each attempt to a new file, and beside it how far the sweep is")},
    {"resume", 0, NULL, OPTION_RESUME, N_("go on where the sweep of that --output broke off")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text (a summary), or each attempt as ndjson or csv")},
    {"sni", 0, "NAME", OPTION_SNI, N_("name to send to every endpoint that has none of its own")},
    {"hello", 0, "NAME", OPTION_HELLO,
     N_("ClientHello to send: that of the probe, or of a well-known client")},
    {"timeout", 0, "TIME", OPTION_TIMEOUT, N_("time for one connection and its answer (5s)")},
    {"rate", 0, "N", OPTION_RATE, N_("new connections a second, wherever they go (500)")},
    {"address-rate", 0, "N", OPTION_ADDRESS_RATE, N_("new connections a second to one address (1)")},
    {"concurrency", 'j', "N", OPTION_CONCURRENCY, N_("connections at once (4096)")},
    {"resolver", 0, "ADDRESS", OPTION_RESOLVER, N_("ask this DNS server (ADDRESS or ADDRESS:PORT)")},
    {"ipv4", '4', NULL, OPTION_IPV4, N_("IPv4 addresses only")},
    {"ipv6", '6', NULL, OPTION_IPV6, N_("IPv6 addresses only")},
    {"state", 0, "DIR", OPTION_STATE, N_("folder of the agent.yaml that says what may be probed from here")},
    {0},
};

static int take_file(struct sweep_settings *settings, const char *path)
{
    int error = sweep_list_add_file(settings->list, path);
    if (error == 0)
        return EXIT_HEALTHY;
    cli_error("%s: %s", strcmp(path, "-") == 0 ? _("standard input") : path, strerror(error));
    return EXIT_FAILED;
}

static int take_format(struct sweep_settings *settings, const char *value)
{
    static const char *const names[] = {
        [RESULTS_NONE] = "text", [RESULTS_NDJSON] = "ndjson", [RESULTS_CSV] = "csv"};
    int index = cli_choice("format", value, names, sizeof names / sizeof names[0]);
    if (index < 0)
        return EXIT_USAGE;
    settings->format = (enum results_format)index;
    settings->has_format = true;
    return EXIT_HEALTHY;
}

static int take_hello(struct sweep_settings *settings, const char *value)
{
    const char *names[64];
    size_t count = 0;
    for (const struct hello_profile *at; count < 64 && (at = hello_profile_at(count)) != NULL;)
        names[count++] = at->name;
    int index = cli_choice("hello", value, names, count);
    if (index < 0)
        return EXIT_USAGE;
    settings->options.profile = hello_profile_at((size_t)index);
    return EXIT_HEALTHY;
}

static int take_number(struct sweep_settings *settings, int id, const char *value)
{
    static const struct {
        int id;
        const char *name;
        int64_t max;
    } rows[] = {{OPTION_RATE, "rate", SWEEP_RATE_MAX},
                {OPTION_ADDRESS_RATE, "address-rate", ADDRESS_RATE_MAX},
                {OPTION_CONCURRENCY, "concurrency", SWEEP_CONCURRENCY_MAX}};
    struct sweep_options *options = &settings->options;
    int64_t number = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].id == id && !cli_number(rows[i].name, value, 1, rows[i].max, &number))
            return EXIT_USAGE;
    if (id == OPTION_RATE)
        options->rate = (unsigned)number;
    else if (id == OPTION_ADDRESS_RATE)
        options->address_rates.per_second_milli = (unsigned)number * 1000;
    else
        options->concurrency = (unsigned)number;
    return EXIT_HEALTHY;
}

static int take_timeout(struct sweep_settings *settings, const char *value)
{
    int64_t span_us;
    if (!cli_span("timeout", value, US_PER_S / 10, 600 * US_PER_S, &span_us))
        return EXIT_USAGE;
    settings->options.timeout_us = (uint64_t)span_us;
    return EXIT_HEALTHY;
}

static int take_sni(struct sweep_settings *settings, const char *value)
{
    struct endpoint parsed = {0};
    const char *why;
    if (!target_parse(value, &settings->arena, &parsed, &why) || !target_is_name(parsed.host) ||
        strpbrk(value, ":/") != NULL)
        return cli_usage(_("--%s \"%s\": expected a host name"), "sni", value);
    settings->options.sni = parsed.host;
    return EXIT_HEALTHY;
}

static int take_option(struct sweep_settings *settings, int id, const char *value)
{
    switch (id) {
    case OPTION_FILE:
        return take_file(settings, value);
    case OPTION_OUTPUT:
        settings->output = value;
        return EXIT_HEALTHY;
    case OPTION_RESUME:
        settings->resume = true;
        return EXIT_HEALTHY;
    case OPTION_FORMAT:
        return take_format(settings, value);
    case OPTION_SNI:
        return take_sni(settings, value);
    case OPTION_HELLO:
        return take_hello(settings, value);
    case OPTION_TIMEOUT:
        return take_timeout(settings, value);
    case OPTION_RESOLVER:
        settings->options.resolver = value;
        return EXIT_HEALTHY;
    case OPTION_IPV4:
        settings->options.flags |= SWEEP_ONLY_IPV4;
        return EXIT_HEALTHY;
    case OPTION_IPV6:
        settings->options.flags |= SWEEP_ONLY_IPV6;
        return EXIT_HEALTHY;
    case OPTION_STATE:
        settings->state = value;
        return EXIT_HEALTHY;
    default:
        return take_number(settings, id, value);
    }
}

/* --- the owner's file ----------------------------------------------------------------------------------------------- */

static unsigned lower(unsigned asked, int64_t allowed)
{
    return (int64_t)asked <= allowed ? asked : (unsigned)allowed;
}

/*
 * Of connections to one address, so many may be open as were begun within their time: the burst, and those that the rate adds.
 * Where that could be more than the owner lets be open, the burst is less, and then the rate.
 */
static void cap_address(struct sweep_options *options, const struct settings *owner)
{
    struct pace_rates *rates = &options->address_rates;
    uint64_t timeout_s = (options->timeout_us + (uint64_t)US_PER_S - 1) / (uint64_t)US_PER_S;
    uint64_t open = (uint64_t)owner->address_concurrency;
    rates->per_second_milli = lower(rates->per_second_milli, 1000 / owner->address_seconds);
    rates->burst = lower(rates->burst, owner->address_burst);
    rates->burst = lower(rates->burst, (int64_t)open);
    uint64_t room = open - rates->burst;
    if (rates->per_second_milli * timeout_s <= room * 1000)
        return;
    rates->burst = 1;
    room = open > 1 ? open - 1 : 0;
    if (rates->per_second_milli * timeout_s > room * 1000)
        rates->per_second_milli = (unsigned)(room * 1000 / timeout_s);
    if (rates->per_second_milli == 0) /* one at a time: the next one when this one's time is over */
        rates->per_second_milli = (unsigned)(1000 / (timeout_s + 1)) + (timeout_s >= 1000);
}

static void obey(struct sweep_settings *settings)
{
    struct sweep_options *options = &settings->options;
    const struct settings *owner = &settings->owner;
    options->policy = &owner->policy;
    options->source = owner->source;
    options->rate = lower(options->rate, owner->rate);
    options->concurrency = lower(options->concurrency, owner->concurrency);
    cap_address(options, owner);
    if (options->resolver == NULL)
        options->resolver = owner->resolver;
}

/* A machine that never enrolled has no such file, and whoever asks is its owner. */
static int read_owner(struct sweep_settings *settings)
{
    struct state state;
    char path[PATH_MAX], *why = NULL;
    const char *bad = "";
    if (!state_init(&state, settings->state, &bad))
        return settings->state == NULL ? EXIT_HEALTHY : cli_usage("%s", _(bad));
    bool named = state_path(&state, "agent.yaml", path);
    state_done(&state);
    if (!named || (access(path, F_OK) != 0 && errno == ENOENT && settings->state == NULL))
        return EXIT_HEALTHY;
    if (!settings_read(&settings->owner, path, &why)) {
        cli_error("%s", why != NULL ? why : _("out of memory"));
        free(why);
        return EXIT_FAILED;
    }
    obey(settings);
    return EXIT_HEALTHY;
}

/* --- the list ------------------------------------------------------------------------------------------------------- */

static void complain(const struct sweep_place *place)
{
    if (place->name == NULL)
        cli_error(_("endpoint \"%s\": %s"), place->text, _(place->why));
    else
        cli_error(_("%s:%zu: endpoint \"%s\": %s"), place->name, place->line, place->text, _(place->why));
}

/* Reads all of it before anything is sent, so that nobody finds out at the end that it was wrong. */
static int check_list(struct sweep_settings *settings)
{
    struct endpoint endpoint;
    enum sweep_list_result result;
    uint64_t bad = 0;
    while ((result = sweep_list_next(settings->list, &endpoint)) != SWEEP_LIST_END) {
        settings->total += result == SWEEP_LIST_ENTRY ? 1 + sweep_list_pass_network(settings->list) : 0;
        if (result == SWEEP_LIST_ENTRY || bad++ >= SWEEP_COMPLAINTS)
            continue;
        struct sweep_place place;
        sweep_list_place(settings->list, &place);
        complain(&place);
    }
    int error = sweep_list_rewind(settings->list);
    if (error != 0) {
        cli_error("%s", strerror(error));
        return EXIT_FAILED;
    }
    if (bad > 0)
        return EXIT_USAGE;
    return settings->total > 0 ? EXIT_HEALTHY
                               : cli_usage(_("no endpoint (expected HOST:PORT, a network such as "
                                             "203.0.113.0/24:443, or --file FILE)"));
}

static int check_settings(struct sweep_settings *settings)
{
    unsigned both = SWEEP_ONLY_IPV4 | SWEEP_ONLY_IPV6;
    if (settings->resume && settings->output == NULL)
        return cli_usage(_("--resume goes with --output"));
    if (settings->output != NULL && settings->has_format && settings->format == RESULTS_NONE)
        return cli_usage(_("--output goes with --format ndjson or csv"));
    if ((settings->options.flags & both) == both)
        return cli_usage(_("-4 and -6 exclude each other"));
    if (settings->output != NULL && !settings->has_format)
        settings->format = RESULTS_NDJSON;
    return EXIT_HEALTHY;
}

int sweep_settings_read(struct cli_args *args, struct sweep_settings *settings)
{
    const char *value;
    int result = EXIT_HEALTHY;
    for (int id; result == EXIT_HEALTHY && (id = cli_next(args, &value)) != 0;)
        result = take_option(settings, id, value);
    for (size_t i = 0; result == EXIT_HEALTHY && i < cli_operand_count(args); i++)
        if (!sweep_list_add(settings->list, cli_operand(args, i)))
            result = EXIT_FAILED;
    if (result == EXIT_HEALTHY)
        result = check_settings(settings);
    if (result == EXIT_HEALTHY)
        result = read_owner(settings);
    return result == EXIT_HEALTHY ? check_list(settings) : result;
}

bool sweep_settings_init(struct sweep_settings *settings)
{
    *settings = (struct sweep_settings){
        .list = sweep_list_new(),
        .options = {.profile = hello_profile_find(HELLO_PROFILE_NORMAL),
                    .timeout_us = (uint64_t)(DEFAULT_TIMEOUT_S * US_PER_S),
                    .concurrency = DEFAULT_CONCURRENCY,
                    .rate = DEFAULT_RATE,
                    .address_rates = {.per_second_milli = 1000, .burst = 2}},
    };
    settings->options.list = settings->list;
    settings_init(&settings->owner);
    arena_init(&settings->arena, SWEEP_LINE_MAX);
    return settings->list != NULL;
}

void sweep_settings_done(struct sweep_settings *settings)
{
    sweep_list_free(settings->list);
    settings_done(&settings->owner);
    arena_done(&settings->arena);
}

#include "probe_settings.h"

#include "cli/cdn_file.h"
#include "cli/i18n.h"
#include "words/target.h"
#include "words/units.h"

#include <string.h>

enum { CONCURRENCY_MAX = 4096, WORKERS_MAX = 64, EXPIRY_DAYS_MAX = 3650 };

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
    OPTION_VARIANT,
    OPTION_LADDER,
    OPTION_REST,
    OPTION_CONTROL_SNI,
    OPTION_CLIENT_CERT,
    OPTION_CLIENT_KEY,
    OPTION_BURST,
    OPTION_ISSUER,
    OPTION_OCSP,
    OPTION_ORIGIN,
    OPTION_EXPIRY_DAYS,
    OPTION_CDN_FILE,
    OPTION_EXPLAIN,
    OPTION_LIST_CAUSES,
    OPTION_PCAP,
    OPTION_KEYLOG,
    OPTION_ENGINE,
    OPTION_WORKERS,
};

const struct cli_option probe_options[] = {
    {"file", 'f', "FILE", OPTION_FILE, N_("read targets from a file, one a line; - is standard input")},
    {"address", 0, "ADDRESS", OPTION_ADDRESS, N_("connect to this address instead of resolving the name")},
    {"sni", 0, "NAME", OPTION_SNI, N_("name to send and to look for in the certificate")},
    {"no-sni", 0, NULL, OPTION_NO_SNI, N_("send no server name")},
    {"tls1.2", 0, NULL, OPTION_TLS12, N_("offer TLS 1.2 only")},
    {"tls1.3", 0, NULL, OPTION_TLS13, N_("offer TLS 1.3 only")},
    {"variant", 0, "NAME", OPTION_VARIANT,
     N_("make the first attempt in this way: legacy, no-alpn, rsa-only, ...")},
    {"ca-file", 0, "FILE", OPTION_CA_FILE, N_("trust the certificates in this PEM file, not the system's")},
    {"timeout", 0, "TIME", OPTION_TIMEOUT, N_("time for one attempt (10s)")},
    {"concurrency", 'j', "N", OPTION_CONCURRENCY, N_("connections at once (64)")},
    {"workers", 0, "N", OPTION_WORKERS, N_("threads that share the targets of a list (1)")},
    {"resolver", 0, "ADDRESS", OPTION_RESOLVER, N_("ask this DNS server (ADDRESS or ADDRESS:PORT)")},
    {"ipv4", '4', NULL, OPTION_IPV4, N_("IPv4 addresses only")},
    {"ipv6", '6', NULL, OPTION_IPV6, N_("IPv6 addresses only")},
    {"all-addresses", 0, NULL, OPTION_ALL_ADDRESSES, N_("probe every address, not the first of each family")},
    {"no-request", 0, NULL, OPTION_NO_REQUEST, N_("stop after the handshake, send no HTTP request")},
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or ndjson")},
    {"showcerts", 0, NULL, OPTION_SHOWCERTS, N_("print the certificates that were sent, as PEM")},
    {"ladder", 0, "WHEN", OPTION_LADDER,
     N_("make more attempts to tell the cause: auto (when the first fails), always or never")},
    {"rest", 0, "TIME", OPTION_REST,
     N_("wait this long before what may have caused a reset or a black hole is sent again (3s)")},
    {"control-sni", 0, "NAME", OPTION_CONTROL_SNI,
     N_("neutral name to compare with: another one of yours, else example.com")},
    {"client-cert", 0, "FILE", OPTION_CLIENT_CERT,
     N_("PEM certificate to show when the server asks for one")},
    {"client-key", 0, "FILE", OPTION_CLIENT_KEY, N_("its key, when it is not in the same file")},
    {"burst", 0, NULL, OPTION_BURST, N_("also make 8 connections at once; for servers of your own")},
    {"issuer", 0, NULL, OPTION_ISSUER,
     N_("fetch the issuer that a certificate names, to tell a missing intermediate from an unknown CA")},
    {"ocsp", 0, NULL, OPTION_OCSP,
     N_("ask the OCSP responder that a certificate names: is it reached from here, and is it revoked?")},
    {"origin", 0, "ADDRESS[:PORT]", OPTION_ORIGIN,
     N_("the server behind the target: also probed, with its name and without")},
    {"expiry-days", 0, "N", OPTION_EXPIRY_DAYS, N_("warn when a certificate ends in fewer days (21)")},
    {"cdn-file", 0, "FILE", OPTION_CDN_FILE, N_("more to know content delivery networks by")},
    {"pcap", 0, "FILE", OPTION_PCAP, N_("write the bytes of the connections to a file for Wireshark")},
    {"keylog", 0, "FILE", OPTION_KEYLOG,
     N_("append the secrets of the connections to a file, to read that capture")},
    {"engine", 0, "ENGINE", OPTION_ENGINE,
     N_("what speaks TLS: auto (own where it is known to do, else libssl; default), own or libssl")},
    {"explain", 0, "CAUSE", OPTION_EXPLAIN, N_("say what is known about a cause, and probe nothing")},
    {"list-causes", 0, NULL, OPTION_LIST_CAUSES, N_("list the causes that can be told, and probe nothing")},
    {0},
};

static void complain(const char *path, size_t line, const char *text, const char *why)
{
    const char *name = strcmp(path, "-") == 0 ? _("standard input") : path;
    if (line == 0)
        cli_error("%s: %s", name, why);
    else
        cli_error(_("%s:%zu: target \"%s\": %s"), name, line, text, _(why));
}

static int take_file(struct probe_settings *settings, const char *path)
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

/* @return the name, lower-case ASCII; NULL after a message. */
static const char *take_name(struct probe_settings *settings, const char *option, const char *value)
{
    struct endpoint parsed = {0};
    const char *why;
    if (target_parse(value, &settings->targets.arena, &parsed, &why) && target_is_name(parsed.host) &&
        strpbrk(value, ":/") == NULL)
        return parsed.host;
    (void)cli_usage(_("--%s \"%s\": expected a host name"), option, value);
    return NULL;
}

static int take_name_option(struct probe_settings *settings, int id, const char *value)
{
    if (id == OPTION_SNI) {
        settings->sni = take_name(settings, "sni", value);
        return settings->sni != NULL ? EXIT_HEALTHY : EXIT_USAGE;
    }
    settings->examine.control_sni = take_name(settings, "control-sni", value);
    return settings->examine.control_sni != NULL ? EXIT_HEALTHY : EXIT_USAGE;
}

static int take_origin(struct probe_settings *settings, const char *value)
{
    struct endpoint parsed = {0};
    const char *why;
    if (!target_parse(value, &settings->targets.arena, &parsed, &why) || parsed.address.length == 0 ||
        strchr(value, '/') != NULL)
        return cli_usage(_("--origin \"%s\": expected ADDRESS, ADDRESS:PORT or [IPV6]:PORT"), value);
    settings->examine.origin = parsed.address;
    settings->examine.origin_port = parsed.port;
    return EXIT_HEALTHY;
}

static int take_ladder(struct probe_settings *settings, const char *value)
{
    static const char *const names[] = {
        [EXAMINE_AUTO] = "auto", [EXAMINE_ALWAYS] = "always", [EXAMINE_NEVER] = "never"};
    int index = cli_choice("ladder", value, names, sizeof names / sizeof names[0]);
    if (index < 0)
        return EXIT_USAGE;
    settings->examine.ladder = (enum examine_ladder)index;
    return EXIT_HEALTHY;
}

static int take_engine(struct probe_settings *settings, const char *value)
{
    int index = cli_choice("engine", value, prober_engine_names, PROBER_ENGINE_COUNT);
    if (index < 0)
        return EXIT_USAGE;
    settings->prober.engine = (enum prober_engine)index;
    return EXIT_HEALTHY;
}

static int take_variant(struct probe_settings *settings, enum variant variant)
{
    enum variant *chosen = &settings->job.variant;
    if (*chosen != VARIANT_NORMAL && *chosen != variant)
        return cli_usage(_("--tls1.2, --tls1.3 and --variant exclude each other"));
    *chosen = variant;
    return EXIT_HEALTHY;
}

/* The ways that need nothing but a target: no other address or port, no issuer, no others beside them. */
static int take_variant_name(struct probe_settings *settings, const char *value)
{
    static const enum variant variants[] = {
        VARIANT_NORMAL,      VARIANT_CONTROL_SNI, VARIANT_NO_SNI,      VARIANT_TLS12,
        VARIANT_TLS13,       VARIANT_LEGACY,      VARIANT_WIDE,        VARIANT_RSA_ONLY,
        VARIANT_ECDSA_ONLY,  VARIANT_LARGE_HELLO, VARIANT_SMALL_MSS,   VARIANT_LARGE_SMALL_MSS,
        VARIANT_SPLIT_HELLO, VARIANT_NO_ALPN,     VARIANT_CLIENT_CERT, VARIANT_IDLE,
    };
    const char *names[sizeof variants / sizeof variants[0]];
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        names[i] = variant_name((int)variants[i]);
    int index = cli_choice("variant", value, names, sizeof names / sizeof names[0]);
    return index < 0 ? EXIT_USAGE : take_variant(settings, variants[index]);
}

static int take_span_option(struct probe_settings *settings, int id, const char *value)
{
    int64_t span_us;
    if (id == OPTION_REST)
        return cli_span("rest", value, US_PER_MS, 600 * US_PER_S, &settings->examine.rest_us) ? EXIT_HEALTHY
                                                                                              : EXIT_USAGE;
    if (!cli_span("timeout", value, US_PER_S / 10, 600 * US_PER_S, &span_us))
        return EXIT_USAGE;
    settings->job.timeout_us = (uint64_t)span_us;
    return EXIT_HEALTHY;
}

static int take_number_option(struct probe_settings *settings, int id, const char *value)
{
    int64_t number;
    if (id == OPTION_EXPIRY_DAYS) {
        if (!cli_number("expiry-days", value, 0, EXPIRY_DAYS_MAX, &number))
            return EXIT_USAGE;
        settings->examine.expiry_days = (int)number;
        return EXIT_HEALTHY;
    }
    if (id == OPTION_WORKERS) {
        if (!cli_number("workers", value, 1, WORKERS_MAX, &number))
            return EXIT_USAGE;
        settings->workers = (unsigned)number;
        return EXIT_HEALTHY;
    }
    if (!cli_number("concurrency", value, 1, CONCURRENCY_MAX, &number))
        return EXIT_USAGE;
    settings->prober.concurrency = (unsigned)number;
    return EXIT_HEALTHY;
}

static int take_format(struct probe_settings *settings, const char *value)
{
    static const char *const names[] = {
        [REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_NDJSON] = "ndjson"};
    int index = cli_choice("format", value, names, sizeof names / sizeof names[0]);
    if (index < 0)
        return EXIT_USAGE;
    settings->report.format = (enum report_format)index;
    return EXIT_HEALTHY;
}

static int take_address(struct probe_settings *settings, const char *value)
{
    return address_parse(value, &settings->job.endpoint.address)
               ? EXIT_HEALTHY
               : cli_usage(_("--address \"%s\": expected an IPv4 or IPv6 address"), value);
}

static int take_flag(struct probe_settings *settings, int id)
{
    switch (id) {
    case OPTION_NO_SNI:
        settings->no_sni = true;
        break;
    case OPTION_TLS12:
        return take_variant(settings, VARIANT_TLS12);
    case OPTION_TLS13:
        return take_variant(settings, VARIANT_TLS13);
    case OPTION_IPV4:
        settings->job.flags |= PROBE_ONLY_IPV4;
        break;
    case OPTION_IPV6:
        settings->job.flags |= PROBE_ONLY_IPV6;
        break;
    case OPTION_ALL_ADDRESSES:
        settings->job.flags |= PROBE_ALL_ADDRESSES;
        break;
    case OPTION_NO_REQUEST:
        settings->job.flags |= PROBE_NO_REQUEST;
        break;
    case OPTION_BURST:
        settings->examine.may_burst = true;
        break;
    case OPTION_ISSUER:
        settings->examine.may_fetch_issuer = true;
        break;
    case OPTION_OCSP:
        settings->examine.may_ask_ocsp = true;
        break;
    case OPTION_LIST_CAUSES:
        settings->list_causes = true;
        break;
    default: /* OPTION_SHOWCERTS */
        settings->report.chain = true;
        break;
    }
    return EXIT_HEALTHY;
}

static int take_option(struct probe_settings *settings, int id, const char *value)
{
    switch (id) {
    case OPTION_FILE:
        return take_file(settings, value);
    case OPTION_ADDRESS:
        return take_address(settings, value);
    case OPTION_SNI:
    case OPTION_CONTROL_SNI:
        return take_name_option(settings, id, value);
    case OPTION_CDN_FILE:
        return cli_cdn_file(value) ? EXIT_HEALTHY : EXIT_FAILED;
    case OPTION_CA_FILE:
        settings->prober.ca_file = value;
        return EXIT_HEALTHY;
    case OPTION_CLIENT_CERT:
        settings->prober.client_cert = value;
        settings->examine.has_client_cert = true;
        return EXIT_HEALTHY;
    case OPTION_CLIENT_KEY:
        settings->prober.client_key = value;
        return EXIT_HEALTHY;
    case OPTION_RESOLVER:
        settings->prober.resolver = value;
        return EXIT_HEALTHY;
    case OPTION_PCAP:
        settings->pcap = value;
        return EXIT_HEALTHY;
    case OPTION_KEYLOG:
        settings->keylog = value;
        return EXIT_HEALTHY;
    case OPTION_EXPLAIN:
        settings->explain = value;
        return EXIT_HEALTHY;
    case OPTION_TIMEOUT:
    case OPTION_REST:
        return take_span_option(settings, id, value);
    case OPTION_CONCURRENCY:
    case OPTION_EXPIRY_DAYS:
    case OPTION_WORKERS:
        return take_number_option(settings, id, value);
    case OPTION_VARIANT:
        return take_variant_name(settings, value);
    case OPTION_ENGINE:
        return take_engine(settings, value);
    case OPTION_LADDER:
        return take_ladder(settings, value);
    case OPTION_ORIGIN:
        return take_origin(settings, value);
    case OPTION_FORMAT:
        return take_format(settings, value);
    default:
        return take_flag(settings, id);
    }
}

static int check_settings(const struct probe_settings *settings)
{
    unsigned both = PROBE_ONLY_IPV4 | PROBE_ONLY_IPV6;
    if (settings->list_causes || settings->explain != NULL)
        return EXIT_HEALTHY;
    if (settings->targets.count == 0)
        return cli_usage(
            _("no target (expected HOST, HOST:PORT, [IPV6]:PORT or https://HOST, or --file FILE)"));
    if (settings->sni != NULL && settings->no_sni)
        return cli_usage(_("--sni and --no-sni exclude each other"));
    if ((settings->job.flags & both) == both)
        return cli_usage(_("-4 and -6 exclude each other"));
    if (settings->job.variant == VARIANT_CLIENT_CERT && settings->prober.client_cert == NULL)
        return cli_usage(_("--variant client-cert needs --client-cert"));
    if (settings->prober.client_key != NULL && settings->prober.client_cert == NULL)
        return cli_usage(_("--client-key goes with --client-cert"));
    if (settings->workers > 1 && (settings->pcap != NULL || settings->keylog != NULL))
        return cli_usage(_("--pcap and --keylog go with --workers 1 only"));
    if (settings->report.chain && settings->report.format != REPORT_TEXT)
        return cli_usage(_("--showcerts goes with --format text only"));
    return EXIT_HEALTHY;
}

int probe_settings_read(struct cli_args *args, struct probe_settings *settings)
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

void probe_settings_init(struct probe_settings *settings)
{
    *settings = (struct probe_settings){.prober = {.concurrency = PROBER_CONCURRENCY},
                                        .workers = 1,
                                        .examine = {.expiry_days = EXAMINE_EXPIRY_DAYS}};
    target_list_init(&settings->targets);
}

void probe_settings_done(struct probe_settings *settings)
{
    target_list_done(&settings->targets);
}

struct endpoint probe_settings_endpoint(const struct probe_settings *settings, size_t index)
{
    struct endpoint endpoint = settings->targets.endpoints[index];
    if (settings->job.endpoint.address.length > 0)
        endpoint.address = settings->job.endpoint.address;
    if (settings->sni != NULL)
        endpoint.sni = settings->sni;
    endpoint.no_sni = settings->no_sni;
    if (settings->job.variant == VARIANT_CONTROL_SNI)
        endpoint.sni =
            settings->examine.control_sni != NULL ? settings->examine.control_sni : LADDER_CONTROL_SNI;
    return endpoint;
}

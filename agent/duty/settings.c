#include "duty/settings.h"

#include "cli/config.h"
#include "cli/i18n.h"
#include "words/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_SPOOL_MIB = 256,
    DEFAULT_CONCURRENCY = 256,
    DEFAULT_ADDRESS_CONCURRENCY = 32,
    DEFAULT_RATE = 500,
    DEFAULT_ADDRESS_SECONDS = 1,
    DEFAULT_ADDRESS_BURST = 2,
    COLLECTOR_TEXT_MAX = PLAN_NAME_MAX + 16,
    COLLECTOR_ARENA_BYTES = 16 * 1024,
};

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .spool_mib = DEFAULT_SPOOL_MIB,
        .concurrency = DEFAULT_CONCURRENCY,
        .address_seconds = DEFAULT_ADDRESS_SECONDS,
        .address_burst = DEFAULT_ADDRESS_BURST,
        .address_concurrency = DEFAULT_ADDRESS_CONCURRENCY,
        .rate = DEFAULT_RATE,
    };
}

void settings_done(struct settings *settings)
{
    policy_done(&settings->policy);
    free(settings->ca_file);
    free(settings->resolver);
    free(settings->contact);
    *settings = (struct settings){0};
}

/* --- collectors ------------------------------------------------------------------------------------------------- */

/* One colon, or one after a bracket: more of them are an IPv6 address. */
static bool names_port(const char *text)
{
    const char *bracket = strrchr(text, ']');
    const char *colon = strchr(bracket != NULL ? bracket : text, ':');
    return colon != NULL && (bracket != NULL || strchr(colon + 1, ':') == NULL);
}

static bool add_collector(struct settings *settings, const char *text, const char **ret_why)
{
    struct arena arena;
    struct endpoint endpoint;
    if (settings->collector_count == SETTINGS_MAX_COLLECTORS) {
        *ret_why = N_("too many collectors");
        return false;
    }
    arena_init(&arena, COLLECTOR_ARENA_BYTES);
    bool added = target_parse(text, &arena, &endpoint, ret_why);
    if (added) {
        struct collector_address *collector = &settings->collectors[settings->collector_count++];
        (void)snprintf(collector->host, sizeof collector->host, "%s", endpoint.host);
        collector->port = names_port(text) ? endpoint.port : COLLECTOR_PORT;
    }
    arena_done(&arena);
    return added;
}

bool settings_add_collectors(struct settings *settings, const char *text, const char **ret_why)
{
    const char *at = text;
    for (;;) {
        char one[COLLECTOR_TEXT_MAX];
        size_t length = strcspn(at, ",");
        if (length >= sizeof one) {
            *ret_why = N_("too long");
            return false;
        }
        memcpy(one, at, length);
        one[length] = '\0';
        if (!add_collector(settings, one, ret_why))
            return false;
        if (at[length] == '\0')
            return true;
        at += length + 1;
    }
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static bool read_list(struct settings *settings, const struct config *config, const struct config_node *list,
                      bool (*add)(struct settings *settings, const char *text, const char **ret_why),
                      char **ret_why)
{
    for (size_t i = 0; i < config_count(list); i++) {
        const struct config_node *item = config_item(list, i);
        const char *why = N_("expected a text");
        if (config_kind(item) == CONFIG_SCALAR && add(settings, config_text(item), &why))
            continue;
        *ret_why = config_complain(config, item, "\"%s\": %s",
                                   config_kind(item) == CONFIG_SCALAR ? config_text(item) : "", _(why));
        return false;
    }
    return true;
}

static bool add_allow(struct settings *settings, const char *text, const char **ret_why)
{
    return policy_allow(&settings->policy, text, ret_why);
}

static bool add_deny(struct settings *settings, const char *text, const char **ret_why)
{
    return policy_deny(&settings->policy, text, ret_why);
}

static bool add_ports(struct settings *settings, const char *text, const char **ret_why)
{
    return policy_add_ports(&settings->policy, text, ret_why);
}

static bool read_policy(struct settings *settings, const struct config *config, const struct config_node *map,
                        char **ret_why)
{
    const struct config_node *deny = config_find(map, "deny"), *ports = config_find(map, "ports"),
                             *fetch = config_find(map, "fetch");
    bool fetches = true;
    if (!read_list(settings, config, config_find(map, "allow"), add_allow, ret_why) ||
        (deny != NULL && !read_list(settings, config, deny, add_deny, ret_why)) ||
        (ports != NULL && !read_list(settings, config, ports, add_ports, ret_why)) ||
        (fetch != NULL && !config_bool(config, fetch, "fetch", &fetches, ret_why)))
        return false;
    settings->policy.forbids_fetching = !fetches;
    if (ports == NULL || settings->policy.port_count > 0)
        return true;
    *ret_why = config_complain(config, ports, _("no port is named; without the key the default ports hold"));
    return false;
}

/* An absent key leaves the default. */
static bool read_text(const struct config_node *map, const char *key, char **ret_text)
{
    const struct config_node *node = config_find(map, key);
    if (node == NULL || config_text(node)[0] == '\0')
        return true;
    *ret_text = strdup(config_text(node));
    return *ret_text != NULL;
}

static bool read_source(const struct config *config, const struct config_node *map,
                        struct address *ret_source, char **ret_why)
{
    const struct config_node *node = config_find(map, "source");
    if (node == NULL || address_parse(config_text(node), ret_source))
        return true;
    *ret_why = config_complain(config, node, "source: \"%s\" is not an IP address", config_text(node));
    return false;
}

static bool read_engine(const struct config *config, const struct config_node *map,
                        enum prober_engine *ret_engine, char **ret_why)
{
    const struct config_node *node = config_find(map, "engine");
    if (node == NULL)
        return true;
    for (int i = 0; i < PROBER_ENGINE_COUNT; i++) {
        if (strcmp(config_text(node), prober_engine_names[i]) == 0) {
            *ret_engine = (enum prober_engine)i;
            return true;
        }
    }
    *ret_why =
        config_complain(config, node, _("engine: \"%s\" is none of libssl, auto, own"), config_text(node));
    return false;
}

static bool read_number(const struct config *config, const struct config_node *map, const char *key,
                        int64_t max, int64_t *ret_value, char **ret_why)
{
    const struct config_node *node = config_find(map, key);
    return node == NULL || config_number(config, node, key, 1, max, ret_value, ret_why);
}

static bool read_map(struct settings *settings, const struct config *config, char **ret_why)
{
    static const struct config_rule rules[] = {
        {"collectors", CONFIG_LIST, true},
        {"allow", CONFIG_LIST, true},
        {"ca_file", CONFIG_SCALAR, false},
        {"resolver", CONFIG_SCALAR, false},
        {"contact", CONFIG_SCALAR, false},
        {"spool_mib", CONFIG_SCALAR, false},
        {"concurrency", CONFIG_SCALAR, false},
        {"address_seconds", CONFIG_SCALAR, false},
        {"address_burst", CONFIG_SCALAR, false},
        {"source", CONFIG_SCALAR, false},
        {"fetch", CONFIG_SCALAR, false},
        {"deny", CONFIG_LIST, false},
        {"ports", CONFIG_LIST, false},
        {"address_concurrency", CONFIG_SCALAR, false},
        {"rate", CONFIG_SCALAR, false},
        {"engine", CONFIG_SCALAR, false},
        {0},
    };
    const struct config_node *map = config_root(config);
    if (!config_check(config, map, "agent.yaml", rules, ret_why))
        return false;
    return read_list(settings, config, config_find(map, "collectors"), settings_add_collectors, ret_why) &&
           read_policy(settings, config, map, ret_why) && read_text(map, "ca_file", &settings->ca_file) &&
           read_text(map, "resolver", &settings->resolver) && read_text(map, "contact", &settings->contact) &&
           read_source(config, map, &settings->source, ret_why) &&
           read_engine(config, map, &settings->engine, ret_why) &&
           read_number(config, map, "spool_mib", 1 << 20, &settings->spool_mib, ret_why) &&
           read_number(config, map, "concurrency", 4096, &settings->concurrency, ret_why) &&
           read_number(config, map, "address_concurrency", 4096, &settings->address_concurrency, ret_why) &&
           read_number(config, map, "rate", 100000, &settings->rate, ret_why) &&
           read_number(config, map, "address_seconds", 3600, &settings->address_seconds, ret_why) &&
           read_number(config, map, "address_burst", 1000, &settings->address_burst, ret_why);
}

bool settings_read(struct settings *settings, const char *path, char **ret_why)
{
    struct config *config = config_read(path, ret_why);
    if (config == NULL)
        return false;
    bool read = config_root(config) != NULL && config_kind(config_root(config)) == CONFIG_MAP;
    if (!read && asprintf(ret_why, _("%s:1: expected keys such as collectors and allow"), path) < 0)
        *ret_why = NULL;
    read = read && read_map(settings, config, ret_why);
    if (read && settings->collector_count == 0) {
        read = false;
        *ret_why = config_complain(config, config_find(config_root(config), "collectors"),
                                   _("no collector is named"));
    }
    config_free(config);
    return read;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* Double-quoted, because an asterisk or a bracket begins something else in YAML. */
static bool write_text(struct buf *out, const char *text)
{
    bool written = buf_byte(out, '"');
    for (const char *at = text; written && *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            written = buf_byte(out, '\\') && buf_byte(out, (uint8_t)*at);
        else if ((unsigned char)*at < 0x20)
            written = buf_printf(out, "\\x%02x", (unsigned char)*at);
        else
            written = buf_byte(out, (uint8_t)*at);
    }
    return written && buf_byte(out, '"');
}

static bool write_optional(struct buf *out, const char *key, const char *text)
{
    return text == NULL || (buf_printf(out, "%s: ", key) && write_text(out, text) && buf_text(out, "\n"));
}

static bool write_list(struct buf *out, const char *key, const char *const *texts, size_t count)
{
    bool written = buf_printf(out, "%s:\n", key);
    for (size_t i = 0; written && i < count; i++)
        written = buf_text(out, "  - ") && write_text(out, texts[i]) && buf_text(out, "\n");
    return written;
}

static bool write_collectors(struct buf *out, const struct settings *settings)
{
    bool written = buf_text(out, "# The collectors this agent dials, in order.\ncollectors:\n");
    for (size_t i = 0; written && i < settings->collector_count; i++) {
        const struct collector_address *collector = &settings->collectors[i];
        bool is_v6 = strchr(collector->host, ':') != NULL;
        written = buf_printf(out, "  - \"%s%s%s:%u\"\n", is_v6 ? "[" : "", collector->host, is_v6 ? "]" : "",
                             collector->port);
    }
    return written;
}

static bool write_policy(struct buf *out, const struct settings_lists *lists)
{
    return buf_text(
               out,
               "\n# What they may have probed from here: any, names (*.shop.example), networks "
               "(203.0.113.0/24).\n"
               "# Addresses that are not public need a network entry; a cloud's metadata address needs its "
               "own.\n"
               "# From here to rate, SIGHUP (systemctl reload parallax-agent) puts a change in force.\n") &&
           write_list(out, "allow", lists->allow, lists->allow_count) &&
           buf_text(out, "\n# What they may not, whatever allow has. Written as allow is.\n") &&
           (lists->deny_count > 0 ? write_list(out, "deny", lists->deny, lists->deny_count)
                                  : buf_text(out, "#deny:\n#  - \"*.bank.example\"\n")) &&
           buf_text(out, "\n# Ports that may be probed, ranges (8000-8999), or any.\n") &&
           (lists->ports_count > 0 ? write_list(out, "ports", lists->ports, lists->ports_count)
                                   : buf_text(out, "#ports: [" POLICY_DEFAULT_PORTS "]\n"));
}

static bool write_limits(struct buf *out)
{
    return buf_printf(
        out,
        "\n# false: hosts that certificates name are not asked for issuers and OCSP answers.\n"
        "#fetch: true\n"
        "\n# Seconds between connections to one address, how many may come without that pause,\n"
        "# and how many may be open to one address.\n"
        "#address_seconds: %d\n#address_burst: %d\n#address_concurrency: %d\n"
        "\n# Connections open at once, and new ones a second, wherever they go.\n"
        "#concurrency: %d\n#rate: %d\n"
        "\n# What follows needs a restart.\n#spool_mib: %d\n#engine: libssl\n#contact: \"\"\n",
        DEFAULT_ADDRESS_SECONDS, DEFAULT_ADDRESS_BURST, DEFAULT_ADDRESS_CONCURRENCY, DEFAULT_CONCURRENCY,
        DEFAULT_RATE, DEFAULT_SPOOL_MIB);
}

bool settings_write(const struct settings *settings, const struct settings_lists *lists, struct buf *out)
{
    char source[ADDRESS_TEXT_BYTES];
    return write_collectors(out, settings) && write_policy(out, lists) && write_limits(out) &&
           write_optional(out, "ca_file", settings->ca_file) &&
           write_optional(out, "resolver", settings->resolver) &&
           (settings->source.length == 0 ||
            write_optional(out, "source", address_text(&settings->source, source)));
}

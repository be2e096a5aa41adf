#include "options.h"

#include "cli/config.h"
#include "cli/i18n.h"
#include "store/command.h"
#include "words/units.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

/* Texts of the file and of the defaults, kept for the program's life. */
enum { OPTIONS_KEPT_MAX = 16 };
static char *kept[OPTIONS_KEPT_MAX];
static unsigned kept_count;

static const char *options_keep(char *text)
{
    if (text == NULL || kept_count == OPTIONS_KEPT_MAX) {
        free(text);
        return NULL;
    }
    kept[kept_count++] = text;
    return text;
}

void collector_settings_init(struct collector_settings *settings)
{
    *settings = (struct collector_settings){0};
}

/* A key of collector.yaml and where it goes. */
struct options_key {
    const char *name;
    size_t offset;
};

static const struct options_key keys[] = {
    {"state", offsetof(struct collector_settings, state)},
    {"db", offsetof(struct collector_settings, db)},
    {"listen", offsetof(struct collector_settings, listen)},
    {"mmdb", offsetof(struct collector_settings, mmdb)},
    {"cdn_file", offsetof(struct collector_settings, cdn_file)},
    {"pg_bin", offsetof(struct collector_settings, pg_bin)},
    {"public_name", offsetof(struct collector_settings, public_name)},
    {"keep_attempts", offsetof(struct collector_settings, keep_attempts)},
    {"keep_counts", offsetof(struct collector_settings, keep_counts)},
    {"keep_hours", offsetof(struct collector_settings, keep_hours)},
};
enum { OPTIONS_KEYS = sizeof keys / sizeof keys[0] };

static bool options_check(const struct config *config, const struct config_node *root, char **ret_why)
{
    struct config_rule rules[OPTIONS_KEYS + 1] = {0};
    for (size_t i = 0; i < OPTIONS_KEYS; i++)
        rules[i] = (struct config_rule){.key = keys[i].name, .kind = CONFIG_SCALAR};
    return config_check(config, root, "collector.yaml", rules, ret_why);
}

/* Fills what no option has set. */
static bool options_read(struct collector_settings *settings, const char *path, char **ret_why)
{
    struct config *config = config_read(path, ret_why);
    if (config == NULL)
        return false;
    const struct config_node *root = config_root(config);
    bool valid = root == NULL || options_check(config, root, ret_why);
    for (size_t i = 0; valid && root != NULL && i < OPTIONS_KEYS; i++) {
        const struct config_node *node = config_find(root, keys[i].name);
        const char **field = (const char **)(void *)((char *)settings + keys[i].offset);
        if (node != NULL && *field == NULL)
            *field = options_keep(strdup(config_text(node)));
    }
    config_free(config);
    return valid;
}

bool collector_option(struct collector_settings *settings, int id, const char *value, bool *ret_failed)
{
    *ret_failed = false;
    switch (id) {
    case OPTION_STATE:
        settings->state = value;
        return true;
    case OPTION_DB:
        settings->db = value;
        return true;
    case OPTION_CONFIG: {
        char *why = NULL;
        if (!options_read(settings, value, &why)) {
            cli_error("%s", why == NULL ? _("out of memory") : why);
            free(why);
            *ret_failed = true;
        }
        return true;
    }
    default:
        return false;
    }
}

static const char *options_default_state(void)
{
    const char *base = getenv("XDG_STATE_HOME");
    if (base != NULL && base[0] == '/')
        return options_keep(text_format("%s/parallax-collector", base));
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/')
        return NULL;
    return options_keep(text_format("%s/.local/state/parallax-collector", home));
}

static bool options_make_folders(const char *path)
{
    char *text = strdup(path);
    if (text == NULL)
        return false;
    bool made = true;
    for (char *slash = text; made && (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        made = mkdir(text, 0700) == 0 || errno == EEXIST;
    }
    made = made && (mkdir(text, 0700) == 0 || errno == EEXIST);
    free(text);
    return made;
}

bool collector_settings_settle(struct collector_settings *settings)
{
    if (settings->state == NULL)
        settings->state = options_default_state();
    if (settings->state == NULL) {
        cli_error(_("no state folder: neither XDG_STATE_HOME nor HOME is set; give --state DIR"));
        return false;
    }
    if (!options_make_folders(settings->state)) {
        cli_error(_("cannot make the state folder %s: %s"), settings->state, strerror(errno));
        return false;
    }
    const char *whole = options_keep(realpath(settings->state, NULL));
    if (whole == NULL) {
        cli_error(_("state folder %s: %s"), settings->state, strerror(errno));
        return false;
    }
    settings->state = whole;
    if (settings->listen == NULL)
        settings->listen = "[::]:7443";
    return true;
}

struct db_where collector_where(const struct collector_settings *settings)
{
    return (struct db_where){.url = settings->db, .state = settings->state, .pg_bin = settings->pg_bin};
}

bool collector_time(const char *option, const char *text, int64_t *ret_us)
{
    int64_t span_us;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
    if (time_parse_rfc3339(text, ret_us))
        return true;
    if (span_parse(text, &span_us) && span_us < now_us) {
        *ret_us = now_us - span_us;
        return true;
    }
    (void)cli_usage(
        _("--%s: bad time \"%s\" (expected a span such as 1h or 2d, or a time such as 2026-11-20T10:00:00Z)"),
        option, text);
    return false;
}

bool window_option(struct window *window, int id, const char *value)
{
    switch (id) {
    case WINDOW_SITE:
        window->site = value;
        return true;
    case WINDOW_SINCE:
        return collector_time("since", value, &window->since_us);
    case WINDOW_UNTIL:
        return collector_time("until", value, &window->until_us);
    case WINDOW_REGION:
        window->region = value;
        return true;
    case WINDOW_ASN:
        return cli_number("asn", strncasecmp(value, "AS", 2) == 0 ? value + 2 : value, 1, UINT32_MAX,
                          &window->asn);
    default:
        return true;
    }
}

#include "cli/cli.h"
#include "cli/config.h"
#include "cli/i18n.h"
#include "words/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Nodes of a configuration against what is expected of them. */

enum { RULES_MOST = 64 };

static const char *kind_text(enum config_kind kind)
{
    static const char *const texts[] = {
        [CONFIG_SCALAR] = N_("a single value"),
        [CONFIG_LIST] = N_("a list"),
        [CONFIG_MAP] = N_("a map of keys"),
    };
    return _(texts[kind]);
}

static const struct config_rule *find_rule(const struct config_rule *rules, const char *key)
{
    for (; rules->key != NULL; rules++)
        if (strcmp(rules->key, key) == 0)
            return rules;
    return NULL;
}

static char *unknown_key(const struct config *config, const struct config_node *key, const char *what,
                         const struct config_rule *rules)
{
    const char *known[RULES_MOST];
    size_t count = 0;
    for (; rules->key != NULL && count < RULES_MOST; rules++)
        known[count++] = rules->key;
    const char *nearest = cli_nearest(config_text(key), known, count);
    if (nearest != NULL)
        return config_complain(config, key, _("unknown key \"%s\" in %s (did you mean \"%s\"?)"),
                               config_text(key), what, nearest);
    return config_complain(config, key, _("unknown key \"%s\" in %s"), config_text(key), what);
}

bool config_check(const struct config *config, const struct config_node *map, const char *what,
                  const struct config_rule *rules, char **ret_why)
{
    if (map == NULL || config_kind(map) != CONFIG_MAP) {
        *ret_why = config_complain(config, map, _("%s must be %s"), what, kind_text(CONFIG_MAP));
        return false;
    }
    for (size_t i = 0; i < config_count(map); i++) {
        const struct config_node *key = config_key_node(map, i), *value = config_value(map, i);
        const struct config_rule *rule = find_rule(rules, config_text(key));
        if (rule == NULL) {
            *ret_why = unknown_key(config, key, what, rules);
            return false;
        }
        if (config_kind(value) != rule->kind) {
            *ret_why = config_complain(config, value, _("\"%s\" in %s must be %s"), rule->key, what,
                                       kind_text(rule->kind));
            return false;
        }
    }
    for (; rules->key != NULL; rules++)
        if (rules->required && config_find(map, rules->key) == NULL) {
            *ret_why = config_complain(config, map, _("%s lacks the key \"%s\""), what, rules->key);
            return false;
        }
    return true;
}

bool config_number(const struct config *config, const struct config_node *node, const char *key, int64_t min,
                   int64_t max, int64_t *ret_value, char **ret_why)
{
    const char *text = config_text(node);
    char *end = NULL;
    errno = 0;
    int64_t value = text != NULL ? strtoll(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || errno != 0 || value < min || value > max) {
        *ret_why = config_complain(config, node, _("\"%s\" must be a number from %" PRId64 " to %" PRId64),
                                   key, min, max);
        return false;
    }
    *ret_value = value;
    return true;
}

bool config_span(const struct config *config, const struct config_node *node, const char *key, int64_t min_us,
                 int64_t max_us, int64_t *ret_us, char **ret_why)
{
    int64_t value_us;
    if (config_text(node) == NULL || !span_parse(config_text(node), &value_us) || value_us < min_us ||
        value_us > max_us) {
        char low[UNITS_SPAN_BYTES], high[UNITS_SPAN_BYTES];
        *ret_why =
            config_complain(config, node, _("\"%s\" must be a duration from %s to %s, such as 10s or 5m"),
                            key, span_text(min_us, low), span_text(max_us, high));
        return false;
    }
    *ret_us = value_us;
    return true;
}

bool config_bool(const struct config *config, const struct config_node *node, const char *key,
                 bool *ret_value, char **ret_why)
{
    const char *text = config_text(node);
    bool yes = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0);
    bool no = text != NULL && (strcmp(text, "false") == 0 || strcmp(text, "no") == 0);
    if (!yes && !no) {
        *ret_why = config_complain(config, node, _("\"%s\" must be true or false"), key);
        return false;
    }
    *ret_value = yes;
    return true;
}

#include "cli/config.h"
#include "cli/i18n.h"
#include "site.h"
#include "words/buf.h"

#include <stdlib.h>
#include <string.h>

enum { FETCH_MAX_BYTES = 1024 };

static const struct config_rule file_rules[] = {{"sites", CONFIG_LIST, true}, {NULL, CONFIG_SCALAR, false}};
static const struct config_rule site_rules[] = {
    {"name", CONFIG_SCALAR, true}, {"interval", CONFIG_SCALAR, false}, {"sentinel", CONFIG_SCALAR, false},
    {"fetch", CONFIG_LIST, false}, {"depth", CONFIG_SCALAR, false},    {"endpoints", CONFIG_LIST, true},
    {NULL, CONFIG_SCALAR, false},
};
static const struct config_rule endpoint_rules[] = {
    {"role", CONFIG_SCALAR, false}, {"target", CONFIG_SCALAR, true}, {"address", CONFIG_SCALAR, false},
    {"sni", CONFIG_SCALAR, false},  {NULL, CONFIG_SCALAR, false},
};

/* A map of the right keys; complains and returns false otherwise. */
static bool check(struct site_book *book, const struct config *config, const struct config_node *node,
                  const char *what, const struct config_rule *rules)
{
    char *why = NULL;
    if (config_kind(node) != CONFIG_MAP) {
        site_book_complain(book, config_complain(config, node, _("expected %s as a map of keys"), what));
        return false;
    }
    if (config_check(config, node, what, rules, &why))
        return true;
    site_book_complain(book, why);
    return false;
}

static const char *text_of(const struct config_node *map, const char *key)
{
    const struct config_node *node = config_find(map, key);
    return node == NULL ? "" : config_text(node);
}

/* The list as one text, as CSV has it; "none" when it is empty. NULL without memory. */
static const char *fetch_of(struct site_book *book, const struct config_node *site)
{
    const struct config_node *list = config_find(site, "fetch");
    struct buf text;
    if (list == NULL || config_count(list) == 0)
        return list == NULL ? "" : "none";
    buf_init(&text, FETCH_MAX_BYTES);
    bool whole = true;
    for (size_t i = 0; i < config_count(list); i++) {
        const struct config_node *item = config_item(list, i);
        bool scalar = config_kind(item) == CONFIG_SCALAR && config_text(item)[0] != '\0';
        whole = whole && buf_printf(&text, "%s%s", i == 0 ? "" : " ", scalar ? config_text(item) : "?");
    }
    const char *kept = whole ? arena_text(&book->arena, (const char *)text.data, text.len) : "?";
    buf_done(&text);
    return kept;
}

/* Is this a setting of the site, which stands beside its endpoints? */
static bool of_site(enum site_column column)
{
    return column == SITE_COLUMN_INTERVAL || column == SITE_COLUMN_SENTINEL || column == SITE_COLUMN_FETCH ||
           column == SITE_COLUMN_DEPTH;
}

/* @return false when it is the site that is wrong: its other endpoints would say the same again. */
static bool read_endpoint(struct site_book *book, const struct config *config, const struct config_node *site,
                          const struct config_node *endpoint)
{
    struct site_fault fault;
    if (!check(book, config, endpoint, "endpoint", endpoint_rules))
        return true;
    const char *fetch = fetch_of(book, site);
    if (fetch == NULL) {
        site_book_complain(book, NULL);
        return false;
    }
    struct site_row row = {.text = {
                               [SITE_COLUMN_SITE] = text_of(site, "name"),
                               [SITE_COLUMN_ROLE] = text_of(endpoint, "role"),
                               [SITE_COLUMN_TARGET] = text_of(endpoint, "target"),
                               [SITE_COLUMN_ADDRESS] = text_of(endpoint, "address"),
                               [SITE_COLUMN_SNI] = text_of(endpoint, "sni"),
                               [SITE_COLUMN_INTERVAL] = text_of(site, "interval"),
                               [SITE_COLUMN_SENTINEL] = text_of(site, "sentinel"),
                               [SITE_COLUMN_FETCH] = fetch,
                               [SITE_COLUMN_DEPTH] = text_of(site, "depth"),
                           }};
    if (site_book_add(book, &row, &fault))
        return true;
    const struct config_node *node = endpoint;
    const char *key = site_column_names[fault.column];
    if (fault.column == SITE_COLUMN_SITE)
        node = config_find(site, "name");
    else if (of_site(fault.column))
        node = config_find(site, key);
    else if (config_find(endpoint, key) != NULL)
        node = config_find(endpoint, key);
    site_book_complain(book,
                       config_complain(config, node, _("bad %s \"%s\" (%s)"), key, fault.value, fault.why));
    return fault.column != SITE_COLUMN_SITE && !of_site(fault.column);
}

static void read_site(struct site_book *book, const struct config *config, const struct config_node *site)
{
    if (!check(book, config, site, "site", site_rules))
        return;
    const struct config_node *endpoints = config_find(site, "endpoints");
    if (config_count(endpoints) == 0)
        site_book_complain(book,
                           config_complain(config, endpoints, _("no endpoints (expected at least one)")));
    for (size_t i = 0; i < config_count(endpoints); i++) {
        if (!read_endpoint(book, config, site, config_item(endpoints, i)))
            return;
    }
}

void site_book_yaml(struct site_book *book, const char *name, const char *text, size_t length)
{
    char *why = NULL;
    struct config *config = config_parse(name, text, length, &why);
    if (config == NULL) {
        site_book_complain(book, why);
        return;
    }
    const struct config_node *root = config_root(config);
    if (root == NULL)
        site_book_complain(book, config_complain(config, NULL, _("empty file (expected a list of sites)")));
    else if (check(book, config, root, "file", file_rules)) {
        const struct config_node *sites = config_find(root, "sites");
        for (size_t i = 0; i < config_count(sites); i++)
            read_site(book, config, config_item(sites, i));
    }
    config_free(config);
}

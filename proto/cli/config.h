#ifndef PARALLAX_CLI_CONFIG_H
#define PARALLAX_CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * YAML files checked against a key table. A problem names the file, the line, the key and what was expected, with the
 * nearest known key. Files are bounded (CONFIG_MAX_BYTES); aliases and tags are refused.
 */

enum { CONFIG_MAX_BYTES = 16 * 1024 * 1024 };

struct config;      /* a parsed document */
struct config_node; /* a place in it; lives as long as its document */

/** Reads and parses. @param path  "-" for stdin. @param ret_why one line "file:line: ..."; the caller frees it. */
struct config *config_read(const char *path, char **ret_why);
/** Parses memory; `name` stands for the file in messages. */
struct config *config_parse(const char *name, const char *text, size_t length, char **ret_why);
void config_free(struct config *config);

const struct config_node *config_root(const struct config *config); /* NULL for an empty document */

enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };
enum config_kind config_kind(const struct config_node *node);
unsigned config_line(const struct config_node *node); /* 1-based */

/** Scalars: their text. */
const char *config_text(const struct config_node *node);

/** Lists and maps. */
size_t config_count(const struct config_node *node);
const struct config_node *config_item(const struct config_node *list, size_t index);
const char *config_key(const struct config_node *map, size_t index);
const struct config_node *config_key_node(const struct config_node *map, size_t index); /* for its line */
const struct config_node *config_value(const struct config_node *map, size_t index);
const struct config_node *config_find(const struct config_node *map, const char *key); /* NULL when absent */

struct config_rule {
    const char *key;
    enum config_kind kind;
    bool required;
};

/**
 * Checks a map's keys and kinds against rules (ended by key NULL).
 * @param what  what the map is, for the message ("endpoint": `sites.yaml:14: unknown key "orgin" in endpoint (did you mean "origin"?)`).
 */
bool config_check(const struct config *config, const struct config_node *map, const char *what,
                  const struct config_rule *rules, char **ret_why);

/** "file:line: " + text, for checks of the caller's own. The caller frees it. */
char *config_complain(const struct config *config, const struct config_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Scalar readers with range checks; on failure *ret_why as above. */
bool config_number(const struct config *config, const struct config_node *node, const char *key, int64_t min,
                   int64_t max, int64_t *ret_value, char **ret_why);
bool config_span(const struct config *config, const struct config_node *node, const char *key, int64_t min_us,
                 int64_t max_us, int64_t *ret_us, char **ret_why);
bool config_bool(const struct config *config, const struct config_node *node, const char *key,
                 bool *ret_value, char **ret_why);

#endif

#include "cli/config.h"
#include "cli/i18n.h"
#include "words/arena.h"
#include "words/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * A YAML file becomes a tree of nodes in two passes. The first reads events and refuses what a configuration
 * has no use for: anchors and aliases (a few lines of them can stand for gigabytes), tags, a second document,
 * deep nesting. The second loads the document with libyaml and copies it into nodes of ours, where duplicate
 * keys are refused.
 */

enum { DEPTH_MOST = 32, KEYS_MOST = 1000 /* in one map */ };

struct config_node {
    enum config_kind kind;
    unsigned line;
    const char *text;                 /* scalars */
    size_t count;                     /* lists and maps */
    const struct config_node **items; /* values of a map */
    const struct config_node **keys;  /* maps */
};

struct config {
    char *name;
    const struct config_node *root;
    struct arena arena;
};

static char *complain(const char *name, size_t line, const char *format, va_list args)
{
    char *text = NULL, *all = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    int written =
        line > 0 ? asprintf(&all, "%s:%zu: %s", name, line, text) : asprintf(&all, "%s: %s", name, text);
    free(text);
    if (written < 0)
        abort();
    return all;
}

/* @param line  1-based; 0 for the file as a whole. */
static char *__attribute__((format(printf, 3, 4)))
complain_at(const char *name, size_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *why = complain(name, line, format, args);
    va_end(args);
    return why;
}

char *config_complain(const struct config *config, const struct config_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *why = complain(config->name, node != NULL ? node->line : 0, format, args);
    va_end(args);
    return why;
}

/* Bytes that are no text have an offset but no mark. */
static size_t problem_line(const yaml_parser_t *parser, const char *text, size_t length)
{
    size_t line = 1;
    if (parser->error != YAML_READER_ERROR)
        return parser->problem_mark.line + 1;
    for (size_t i = 0; i < length && i < parser->problem_offset; i++)
        line += text[i] == '\n';
    return line;
}

static char *parser_problem(const char *name, const yaml_parser_t *parser, const char *text, size_t length)
{
    const char *problem = parser->problem != NULL ? parser->problem : "?";
    return complain_at(name, problem_line(parser, text, length), _("not valid YAML: %s"), problem);
}

/* What an event says that a configuration must not, or NULL. */
static const char *event_fault(const yaml_event_t *event, unsigned *documents, unsigned *depth)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return N_("aliases are not accepted here");
    if (event->type == YAML_DOCUMENT_START_EVENT && ++*documents > 1)
        return N_("a second document begins here; one is expected");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return N_("a text with a NUL character");
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        ++*depth;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        ++*depth;
    } else if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT) {
        --*depth;
    }
    if (anchor != NULL)
        return N_("anchors are not accepted here");
    if (tag != NULL)
        return N_("tags are not accepted here");
    return *depth > DEPTH_MOST ? N_("nested too deeply") : NULL;
}

static bool check_events(const char *name, const char *text, size_t length, char **ret_why)
{
    yaml_parser_t parser;
    unsigned documents = 0, depth = 0;
    bool ended = false;
    *ret_why = NULL;
    if (!yaml_parser_initialize(&parser)) {
        *ret_why = complain_at(name, 0, _("out of memory"));
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (!ended && *ret_why == NULL) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            *ret_why = parser_problem(name, &parser, text, length);
            break;
        }
        const char *fault = event_fault(&event, &documents, &depth);
        if (fault != NULL)
            *ret_why = complain_at(name, event.start_mark.line + 1, "%s", _(fault));
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return *ret_why == NULL;
}

/* A document being copied. */
struct copy {
    struct config *config;
    yaml_document_t *document;
    char **ret_why;
};

static const struct config_node *copy_node(struct copy *copy, int index);

static struct config_node *out_of_room(struct copy *copy)
{
    if (*copy->ret_why == NULL)
        *copy->ret_why = complain_at(copy->config->name, 0, _("too large"));
    return NULL;
}

static struct config_node *copy_list(struct copy *copy, const yaml_node_t *from, struct config_node *node)
{
    const yaml_node_item_t *items = from->data.sequence.items.start;
    node->kind = CONFIG_LIST;
    node->count = (size_t)(from->data.sequence.items.top - items);
    node->items = arena_array(&copy->config->arena, node->count, sizeof(struct config_node *));
    if (node->items == NULL)
        return out_of_room(copy);
    for (size_t i = 0; i < node->count; i++)
        if ((node->items[i] = copy_node(copy, items[i])) == NULL)
            return NULL;
    return node;
}

static bool key_is_good(struct copy *copy, const struct config_node *map, size_t index)
{
    const struct config_node *key = map->keys[index];
    if (key->kind != CONFIG_SCALAR) {
        *copy->ret_why = config_complain(copy->config, key, _("a key must be a word"));
        return false;
    }
    for (size_t i = 0; i < index; i++)
        if (strcmp(map->keys[i]->text, key->text) == 0) {
            *copy->ret_why = config_complain(copy->config, key,
                                             _("key \"%s\" stands here a second time; first in line %u"),
                                             key->text, map->keys[i]->line);
            return false;
        }
    return true;
}

static struct config_node *copy_map(struct copy *copy, const yaml_node_t *from, struct config_node *node)
{
    const yaml_node_pair_t *pairs = from->data.mapping.pairs.start;
    node->kind = CONFIG_MAP;
    node->count = (size_t)(from->data.mapping.pairs.top - pairs);
    if (node->count > KEYS_MOST) {
        *copy->ret_why = config_complain(copy->config, node, _("more than %d keys in one map"), KEYS_MOST);
        return NULL;
    }
    node->items = arena_array(&copy->config->arena, node->count, sizeof(struct config_node *));
    node->keys = arena_array(&copy->config->arena, node->count, sizeof(struct config_node *));
    if (node->items == NULL || node->keys == NULL)
        return out_of_room(copy);
    for (size_t i = 0; i < node->count; i++) {
        if ((node->keys[i] = copy_node(copy, pairs[i].key)) == NULL || !key_is_good(copy, node, i))
            return NULL;
        if ((node->items[i] = copy_node(copy, pairs[i].value)) == NULL)
            return NULL;
    }
    return node;
}

/* Recursion is bounded: check_events refused what is deeper than DEPTH_MOST. */
static const struct config_node *copy_node(struct copy *copy, int index)
{
    const yaml_node_t *from = yaml_document_get_node(copy->document, index);
    struct config_node *node = arena_take(&copy->config->arena, sizeof *node);
    if (from == NULL || node == NULL)
        return out_of_room(copy);
    node->line = (unsigned)from->start_mark.line + 1;
    if (from->type == YAML_SEQUENCE_NODE)
        return copy_list(copy, from, node);
    if (from->type == YAML_MAPPING_NODE)
        return copy_map(copy, from, node);
    node->kind = CONFIG_SCALAR;
    node->text =
        arena_text(&copy->config->arena, (const char *)from->data.scalar.value, from->data.scalar.length);
    return node->text != NULL ? node : out_of_room(copy);
}

static bool load_document(struct config *config, const char *text, size_t length, char **ret_why)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        *ret_why = complain_at(config->name, 0, _("out of memory"));
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &document)) {
        *ret_why = parser_problem(config->name, &parser, text, length);
        yaml_parser_delete(&parser);
        return false;
    }
    struct copy copy = {.config = config, .document = &document, .ret_why = ret_why};
    bool loaded = true;
    if (yaml_document_get_root_node(&document) != NULL)
        loaded = (config->root = copy_node(&copy, 1)) != NULL;
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return loaded;
}

struct config *config_parse(const char *name, const char *text, size_t length, char **ret_why)
{
    *ret_why = NULL;
    if (length > CONFIG_MAX_BYTES) {
        *ret_why = complain_at(name, 0, _("larger than %d bytes"), CONFIG_MAX_BYTES);
        return NULL;
    }
    if (!check_events(name, text, length, ret_why))
        return NULL;
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL || (config->name = strdup(name)) == NULL) {
        free(config);
        *ret_why = complain_at(name, 0, _("out of memory"));
        return NULL;
    }
    arena_init(&config->arena, (size_t)CONFIG_MAX_BYTES * 32);
    if (!load_document(config, text, length, ret_why)) {
        config_free(config);
        return NULL;
    }
    return config;
}

static bool read_all(FILE *file, struct buf *out)
{
    char block[65536];
    size_t got;
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        if (!buf_append(out, block, got)) {
            errno = EFBIG;
            return false;
        }
    return !ferror(file);
}

struct config *config_read(const char *path, char **ret_why)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL) {
        *ret_why = complain_at(path, 0, _("cannot open: %s"), strerror(errno));
        return NULL;
    }
    struct buf text;
    struct config *config = NULL;
    buf_init(&text, CONFIG_MAX_BYTES);
    if (read_all(file, &text))
        config = config_parse(is_stdin ? _("standard input") : path,
                              text.len > 0 ? (const char *)text.data : "", text.len, ret_why);
    else
        *ret_why = complain_at(path, 0, _("cannot read: %s"), strerror(errno));
    buf_done(&text);
    if (!is_stdin)
        (void)fclose(file);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    arena_done(&config->arena);
    free(config->name);
    free(config);
}

const struct config_node *config_root(const struct config *config)
{
    return config->root;
}

enum config_kind config_kind(const struct config_node *node)
{
    return node->kind;
}

unsigned config_line(const struct config_node *node)
{
    return node->line;
}

const char *config_text(const struct config_node *node)
{
    return node->text;
}

size_t config_count(const struct config_node *node)
{
    return node->count;
}

const struct config_node *config_item(const struct config_node *list, size_t index)
{
    return list->items[index];
}

const char *config_key(const struct config_node *map, size_t index)
{
    return map->keys[index]->text;
}

const struct config_node *config_key_node(const struct config_node *map, size_t index)
{
    return map->keys[index];
}

const struct config_node *config_value(const struct config_node *map, size_t index)
{
    return map->items[index];
}

const struct config_node *config_find(const struct config_node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

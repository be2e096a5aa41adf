#include "words/cdn_table.h"

#include "words/cdn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define N_(text) text

/* Reads deploy/cdn.table and files of its form: a line, a rule. A file with a wrong line adds nothing. */

enum { CDN_LINE_BYTES = 512 };

extern const char cdn_table_text[];
extern const unsigned long cdn_table_text_length;

struct line {
    char *rest;
    const char *why; /* what is wrong with it; NULL while nothing is */
};

static char *next_word(struct line *line)
{
    char *word = line->rest + strspn(line->rest, " \t");
    char *end = word + strcspn(word, " \t");
    line->rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return *word == '\0' ? NULL : word;
}

static const char *kept_lower(struct cdn_table *table, struct line *line, const char *word)
{
    char *kept = word == NULL ? NULL : arena_string(&table->arena, word);
    if (kept == NULL)
        line->why = word == NULL ? N_("expected a name") : N_("too many rules");
    for (char *at = kept; at != NULL && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return kept;
}

static void add_rule(struct cdn_table *table, struct line *line, const struct cdn_rule *rule)
{
    if (table->rule_count == CDN_MAX_RULES)
        line->why = N_("too many rules");
    else if (line->why == NULL)
        table->rules[table->rule_count++] = *rule;
}

static void read_numbers(struct cdn_table *table, struct line *line, struct cdn_rule rule)
{
    const char *word = next_word(line);
    if (word == NULL)
        line->why = N_("expected AS numbers");
    for (; word != NULL && line->why == NULL; word = next_word(line)) {
        char *end;
        rule.asn = strtoll(word, &end, 10);
        if (*end != '\0' || !isdigit((unsigned char)*word) || rule.asn <= 0 || rule.asn > UINT32_MAX)
            line->why = N_("expected AS numbers");
        else
            add_rule(table, line, &rule);
    }
}

static void read_suffix(struct cdn_table *table, struct line *line, struct cdn_rule rule)
{
    rule.name = kept_lower(table, line, next_word(line));
    add_rule(table, line, &rule);
}

static void read_header(struct cdn_table *table, struct line *line, struct cdn_rule rule)
{
    rule.name = kept_lower(table, line, next_word(line));
    const char *equals = next_word(line);
    if (equals != NULL && (strcmp(equals, "=") != 0 || line->rest[0] == '\0'))
        line->why = N_("expected NAME, or NAME = PATTERN");
    else if (equals != NULL)
        rule.pattern = arena_string(&table->arena, line->rest + strspn(line->rest, " \t"));
    add_rule(table, line, &rule);
}

/* The characters of a step; the word "space" in them stands for a blank. */
static bool read_chars(struct line *line, char chars[CDN_STEP_CHARS])
{
    static const char blank[] = "space";
    const char *word = next_word(line);
    size_t count = 0;
    while (word != NULL && *word != '\0' && count + 1 < CDN_STEP_CHARS) {
        bool is_blank = strncmp(word, blank, sizeof blank - 1) == 0;
        chars[count++] = is_blank ? ' ' : *word;
        word += is_blank ? sizeof blank - 1 : 1;
    }
    chars[count] = '\0';
    return count > 0 && *word == '\0';
}

static bool read_step(struct line *line, const char *word, struct cdn_step *step)
{
    static const struct {
        const char *word;
        enum cdn_step_kind kind;
        bool takes_chars;
    } steps[] = {
        {"first-item", CDN_STEP_FIRST_ITEM, false},
        {"last-item", CDN_STEP_LAST_ITEM, false},
        {"after", CDN_STEP_AFTER, true},
        {"after-last", CDN_STEP_AFTER_LAST, true},
        {"until", CDN_STEP_UNTIL, true},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(word, steps[i].word) != 0)
            continue;
        step->kind = steps[i].kind;
        return !steps[i].takes_chars || read_chars(line, step->chars);
    }
    return false;
}

static void read_pop(struct cdn_table *table, struct line *line, struct cdn_rule rule)
{
    rule.name = kept_lower(table, line, next_word(line));
    for (const char *word = next_word(line); word != NULL && line->why == NULL; word = next_word(line)) {
        if (rule.step_count == CDN_MAX_STEPS || !read_step(line, word, &rule.steps[rule.step_count++]))
            line->why = N_("expected steps: first-item, last-item, after C, after-last C, until CHARACTERS");
    }
    add_rule(table, line, &rule);
}

/* @return the index of the name, which is added when it is new. */
static size_t cdn_index(struct cdn_table *table, struct line *line, const char *name)
{
    for (size_t i = 0; name != NULL && i < table->name_count; i++)
        if (strcasecmp(table->names[i], name) == 0)
            return i;
    const char *kept = name == NULL || table->name_count == CDN_MAX_NAMES
                           ? NULL
                           : arena_text(&table->arena, name, strlen(name));
    if (kept == NULL) {
        line->why = name == NULL || *name == '\0' ? N_("expected a name") : N_("too many CDNs");
        return 0;
    }
    table->names[table->name_count] = kept;
    return table->name_count++;
}

static void read_line(struct cdn_table *table, char *text, size_t *current, struct line *line)
{
    static const struct {
        const char *word;
        enum cdn_rule_kind kind;
        void (*read)(struct cdn_table *table, struct line *line, struct cdn_rule rule);
    } kinds[] = {
        {"cname", CDN_RULE_CNAME, read_suffix}, {"header", CDN_RULE_HEADER, read_header},
        {"asn", CDN_RULE_ASN, read_numbers},    {"certificate", CDN_RULE_CERTIFICATE, read_suffix},
        {"pop", CDN_RULE_POP, read_pop},        {"carrier", CDN_RULE_CARRIER, read_numbers},
    };
    *line = (struct line){.rest = text};
    const char *word = next_word(line);
    if (word == NULL || word[0] == '#')
        return;
    if (strcmp(word, "cdn") == 0) {
        char *name = line->rest + strspn(line->rest, " \t");
        *current = cdn_index(table, line, *name == '\0' ? NULL : name);
        return;
    }
    line->why = N_("expected cdn, cname, header, asn, certificate, pop or carrier");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        line->why = *current == SIZE_MAX && kinds[i].kind != CDN_RULE_CARRIER
                        ? N_("expected a line \"cdn NAME\" before it")
                        : NULL;
        kinds[i].read(table, line, (struct cdn_rule){.kind = kinds[i].kind, .cdn = *current});
    }
}

bool cdn_table_read(struct cdn_table *table, const char *text, size_t length, unsigned *ret_line,
                    const char **ret_why)
{
    char line_text[CDN_LINE_BYTES];
    size_t current = SIZE_MAX;
    size_t names_before = table->name_count, rules_before = table->rule_count;
    struct line line = {0};
    for (unsigned number = 1; length > 0; number++) {
        const char *end = memchr(text, '\n', length);
        size_t bytes = end == NULL ? length : (size_t)(end - text);
        size_t text_bytes = bytes;
        while (text_bytes > 0 && strchr(" \t\r", text[text_bytes - 1]) != NULL)
            text_bytes--;
        line.why = N_("line too long");
        if (text_bytes < sizeof line_text) {
            memcpy(line_text, text, text_bytes);
            line_text[text_bytes] = '\0';
            read_line(table, line_text, &current, &line);
        }
        if (line.why != NULL) {
            table->name_count = names_before;
            table->rule_count = rules_before;
            *ret_line = number;
            *ret_why = line.why;
            return false;
        }
        text += end == NULL ? bytes : bytes + 1;
        length -= end == NULL ? bytes : bytes + 1;
    }
    return true;
}

/* What is built in is read when it is first needed. Its rules are tested with the program, so it reads. */
static struct cdn_table *own_table(void)
{
    static struct cdn_table table;
    unsigned line = 0;
    const char *why = NULL;
    if (!table.ready) {
        table.ready = true;
        arena_init(&table.arena, CDN_TABLE_BYTES);
        (void)cdn_table_read(&table, cdn_table_text, cdn_table_text_length, &line, &why);
    }
    return &table;
}

bool cdn_extend(const char *text, size_t length, unsigned *ret_line, const char **ret_why)
{
    return cdn_table_read(own_table(), text, length, ret_line, ret_why);
}

const struct cdn_table *cdn_table(void)
{
    return own_table();
}

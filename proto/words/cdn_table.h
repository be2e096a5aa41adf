#ifndef PARALLAX_WORDS_CDN_TABLE_H
#define PARALLAX_WORDS_CDN_TABLE_H

#include "words/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rules of deploy/cdn.table, read. Inside cdn.c and cdn_table.c only; others use cdn.h. */

enum {
    CDN_MAX_NAMES = 128,
    CDN_MAX_RULES = 2048,
    CDN_MAX_STEPS = 6,
    CDN_STEP_CHARS = 8,
    CDN_TABLE_BYTES = 512 * 1024
};

enum cdn_rule_kind {
    CDN_RULE_CNAME,
    CDN_RULE_HEADER,
    CDN_RULE_ASN,
    CDN_RULE_CERTIFICATE,
    CDN_RULE_POP,
    CDN_RULE_CARRIER
};
enum cdn_step_kind {
    CDN_STEP_FIRST_ITEM,
    CDN_STEP_LAST_ITEM,
    CDN_STEP_AFTER,
    CDN_STEP_AFTER_LAST,
    CDN_STEP_UNTIL
};

struct cdn_step {
    enum cdn_step_kind kind;
    char chars[CDN_STEP_CHARS];
};

struct cdn_rule {
    enum cdn_rule_kind kind;
    size_t cdn;          /* index of its name; of no meaning for CDN_RULE_CARRIER */
    const char *name;    /* header or suffix, lower case */
    const char *pattern; /* of a header's value; NULL: any */
    int64_t asn;
    size_t step_count;
    struct cdn_step steps[CDN_MAX_STEPS];
};

struct cdn_table {
    bool ready;
    struct arena arena; /* names and patterns */
    size_t name_count;
    const char *names[CDN_MAX_NAMES];
    size_t rule_count;
    struct cdn_rule rules[CDN_MAX_RULES];
};

/**
 * Adds the rules of a text to a table.
 * @param table  its arena, of CDN_TABLE_BYTES, owns names and patterns.
 * @return false as cdn_extend does; nothing was added then.
 */
bool cdn_table_read(struct cdn_table *table, const char *text, size_t length, unsigned *ret_line,
                    const char **ret_why);

/** The rules of this program: what is built in, and what cdn_extend has added. */
const struct cdn_table *cdn_table(void);

#endif

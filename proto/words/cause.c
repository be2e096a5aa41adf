#include "words/cause.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define N_(text) text

static const struct cause_row rows[] = {
#define X(symbol, number, id, name, verdict, evidence, tells_apart, remedy)                                  \
    {symbol, id, name, verdict, evidence, tells_apart, remedy},
    CAUSES(X)
#undef X
};

size_t cause_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const struct cause_row *cause_at(size_t index)
{
    return &rows[index];
}

const struct cause_row *cause_row(enum cause cause)
{
    static const struct cause_row none = {CAUSE_NONE, "none", N_("ok"), N_("Nothing is wrong."), "", "", ""};
    static const struct cause_row unclassified = {CAUSE_UNCLASSIFIED,
                                                  "unclassified",
                                                  N_("unclassified"),
                                                  N_("Unclassified: {error}."),
                                                  "",
                                                  "",
                                                  N_("report it with the evidence: probe --format json")};
    for (size_t i = 0; i < cause_count(); i++) {
        if (rows[i].cause == cause)
            return &rows[i];
    }
    return cause == CAUSE_NONE ? &none : &unclassified;
}

bool cause_from_id(const char *id, enum cause *ret_cause)
{
    for (size_t i = 0; i < cause_count(); i++) {
        if (strcmp(rows[i].id, id) == 0) {
            *ret_cause = rows[i].cause;
            return true;
        }
    }
    return false;
}

static const char *fact_value(const struct conclusion *conclusion, const char *key, size_t length)
{
    for (size_t i = 0; i < conclusion->fact_count; i++) {
        const struct fact *fact = &conclusion->facts[i];
        if (strlen(fact->key) == length && memcmp(fact->key, key, length) == 0)
            return fact->value;
    }
    return "?";
}

static bool is_known(const struct conclusion *conclusion, const char *key, size_t length)
{
    const char *value = fact_value(conclusion, key, length);
    return value[0] != '\0' && strcmp(value, "?") != 0;
}

/* Length of a parenthesis that the text begins with and that has a {name} without its fact; 0: there is none. */
static size_t unknown_parenthesis(const char *text, const struct conclusion *conclusion)
{
    static const struct {
        const char *open, *close;
    } kinds[] = {{" (", ")"}, {"（", "）"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *end =
            strncmp(text, kinds[i].open, strlen(kinds[i].open)) == 0 ? strstr(text, kinds[i].close) : NULL;
        for (const char *at = text; end != NULL && at < end; at++) {
            if (*at == '{' && !is_known(conclusion, at + 1, strcspn(at + 1, "}")))
                return (size_t)(end - text) + strlen(kinds[i].close);
        }
    }
    return 0;
}

bool cause_text(struct buf *out, const char *text, const struct conclusion *conclusion)
{
    while (*text != '\0') {
        size_t unknown = unknown_parenthesis(text, conclusion);
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        bool added = true;
        if (unknown > 0) {
            text += unknown;
        } else if (end != NULL) {
            added = buf_text(out, fact_value(conclusion, text + 1, (size_t)(end - text - 1)));
            text = end + 1;
        } else {
            added = buf_byte(out, (uint8_t)*text++);
        }
        if (!added)
            return false;
    }
    return true;
}

bool cause_text_is_whole(const char *text, const struct conclusion *conclusion)
{
    while (*text != '\0') {
        size_t unknown = unknown_parenthesis(text, conclusion);
        if (unknown == 0 && *text == '{' && !is_known(conclusion, text + 1, strcspn(text + 1, "}")))
            return false;
        text += unknown > 0 ? unknown : 1;
    }
    return true;
}

bool conclusion_fact(struct conclusion *conclusion, struct arena *arena, const char *key, const char *format,
                     ...)
{
    char value[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(value, sizeof value, format, args);
    va_end(args);
    char *kept = length < 0 ? NULL : arena_string(arena, value);
    if (kept == NULL)
        return false;
    if (conclusion->fact_count < CONCLUSION_MAX_FACTS)
        conclusion->facts[conclusion->fact_count++] = (struct fact){key, kept};
    return true;
}

void conclusion_rule_out(struct conclusion *conclusion, enum cause cause, enum variant by)
{
    for (size_t i = 0; i < conclusion->ruled_count; i++) {
        if (conclusion->ruled[i].cause == cause && conclusion->ruled[i].by == by)
            return;
    }
    if (conclusion->ruled_count < CONCLUSION_MAX_RULED)
        conclusion->ruled[conclusion->ruled_count++] = (struct ruled_out){cause, by};
}

void conclusion_also(struct conclusion *conclusion, enum cause also)
{
    for (size_t i = 0; i < conclusion->also_count; i++) {
        if (conclusion->also[i] == also)
            return;
    }
    if (conclusion->also_count < CONCLUSION_MAX_ALSO)
        conclusion->also[conclusion->also_count++] = also;
}

#include "words/cdn.h"

#include "words/cdn_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * Each rule is held against the attempt: which kinds of clue has each CDN? The kinds make its score; the CDN with most
 * points is the answer, with its clues and its point of presence.
 */

/* --- one rule against one attempt --------------------------------------------------------------------------------- */

/* Does the whole text match, letters of either case? `*` stands for anything, or for anything but `stop`. */
static bool matches(const char *pattern, const char *text, char stop)
{
    const char *star = NULL, *tried = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            tried = text;
        } else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
            pattern++;
            text++;
        } else if (star != NULL && (stop == '\0' || *tried != stop)) {
            pattern = star + 1;
            text = ++tried;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

/* Does a name end so, at the beginning of a label? */
static bool has_suffix(const char *name, const char *pattern)
{
    char text[PLAN_NAME_MAX + 2];
    size_t length = strnlen(name, sizeof text);
    if (length == sizeof text)
        return false;
    memcpy(text, name, length + 1);
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    for (const char *label = text; label != NULL && *label != '\0';) {
        if (matches(pattern, label, '.'))
            return true;
        label = strchr(label, '.');
        label = label == NULL ? NULL : label + 1;
    }
    return false;
}

/* A clue's text; NULL in `out` when only the answer matters. */
static bool say(struct cdn_clue *out, const char *name, const char *value)
{
    if (out != NULL)
        (void)snprintf(out->text, sizeof out->text, "%s%s%s", name, *name == '\0' ? "" : ": ", value);
    return true;
}

static bool cname_matches(const struct cdn_rule *rule, const struct attempt *attempt, struct cdn_clue *out)
{
    for (size_t i = 0; i < attempt->dns_count; i++) {
        for (size_t j = 0; j < attempt->dns[i].answer_count; j++) {
            const char *name = attempt->dns[i].answers[j].name;
            if (name != NULL && name[0] != '\0' && has_suffix(name, rule->name))
                return say(out, "", name);
        }
    }
    return false;
}

static bool header_matches(const struct cdn_rule *rule, const struct attempt *attempt, struct cdn_clue *out)
{
    for (size_t i = 0; i < attempt->http.header_count; i++) {
        const struct http_header *header = &attempt->http.headers[i];
        if (header->name[0] == rule->name[0] &&
            strcmp(header->name, rule->name) == 0 && /* most differ there */
            (rule->pattern == NULL || matches(rule->pattern, header->value, '\0')))
            return say(out, header->name, header->value);
    }
    return false;
}

static bool certificate_matches(const struct cdn_rule *rule, const struct attempt *attempt,
                                struct cdn_clue *out)
{
    const struct evidence_leaf *leaf = &attempt->tls.leaf;
    for (size_t i = 0; i < leaf->name_count; i++)
        if (has_suffix(leaf->names[i], rule->name))
            return say(out, "", leaf->names[i]);
    return false;
}

static bool rule_matches(const struct cdn_rule *rule, const struct attempt *attempt, int64_t asn,
                         struct cdn_clue *out)
{
    switch (rule->kind) {
    case CDN_RULE_CNAME:
        return cname_matches(rule, attempt, out);
    case CDN_RULE_HEADER:
        return header_matches(rule, attempt, out);
    case CDN_RULE_ASN:
        if (rule->asn != asn)
            return false;
        if (out != NULL)
            (void)snprintf(out->text, sizeof out->text, "AS%lld", (long long)asn);
        return true;
    case CDN_RULE_CERTIFICATE:
        return certificate_matches(rule, attempt, out);
    case CDN_RULE_POP:
    case CDN_RULE_CARRIER:
        break;
    }
    return false;
}

static enum cdn_clue_kind clue_of(enum cdn_rule_kind kind)
{
    return kind == CDN_RULE_CNAME    ? CDN_CLUE_CNAME
           : kind == CDN_RULE_HEADER ? CDN_CLUE_HEADER
           : kind == CDN_RULE_ASN    ? CDN_CLUE_ASN
                                     : CDN_CLUE_CERTIFICATE;
}

/* --- the point of presence ---------------------------------------------------------------------------------------- */

/* Where the comma stands that ends the first item, or the last but one; those in brackets separate nothing. */
static char *find_comma(char *text, bool last)
{
    char *found = NULL;
    int depth = 0;
    for (char *at = text; *at != '\0' && (found == NULL || last); at++) {
        depth += *at == '[' || *at == '(' ? 1 : (*at == ']' || *at == ')') && depth > 0 ? -1 : 0;
        if (*at == ',' && depth == 0)
            found = at;
    }
    return found;
}

static void take_step(const struct cdn_step *step, char *text)
{
    char *at = NULL;
    switch (step->kind) {
    case CDN_STEP_FIRST_ITEM:
        at = find_comma(text, false);
        if (at != NULL)
            *at = '\0';
        return;
    case CDN_STEP_LAST_ITEM:
        at = find_comma(text, true);
        break;
    case CDN_STEP_AFTER:
        at = strchr(text, step->chars[0]);
        break;
    case CDN_STEP_AFTER_LAST:
        at = strrchr(text, step->chars[0]);
        break;
    case CDN_STEP_UNTIL:
        text[strcspn(text, step->chars)] = '\0';
        return;
    }
    if (at != NULL)
        memmove(text, at + 1, strlen(at + 1) + 1);
    else if (step->kind != CDN_STEP_LAST_ITEM) /* a list of one has one */
        text[0] = '\0';
}

static void trim(char *text)
{
    size_t blanks = strspn(text, " \t"), length = strlen(text);
    memmove(text, text + blanks, length - blanks + 1);
    for (length -= blanks; length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t');)
        text[--length] = '\0';
}

/* Only what can be a code is one: whatever else a server writes there is left out. */
static bool is_code(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);
    return length > 0 && length < CDN_POP_BYTES && strspn(text, allowed) == length;
}

static bool read_pop(const struct cdn_rule *rule, const char *value, char pop[CDN_POP_BYTES])
{
    char text[EVIDENCE_TEXT_MAX + 1];
    (void)snprintf(text, sizeof text, "%s", value);
    for (size_t i = 0; i < rule->step_count; i++) {
        take_step(&rule->steps[i], text);
        trim(text);
    }
    if (!is_code(text))
        return false;
    memcpy(pop, text, strlen(text) + 1);
    return true;
}

/* A list may be spread over several headers of one name: the last item is in the last of them. */
static void find_pop(const struct cdn_rule *rule, const struct attempt *attempt, char pop[CDN_POP_BYTES])
{
    bool last = rule->step_count > 0 && rule->steps[0].kind == CDN_STEP_LAST_ITEM;
    size_t count = attempt->http.header_count;
    for (size_t i = 0; i < count; i++) {
        const struct http_header *header = &attempt->http.headers[last ? count - 1 - i : i];
        if (strcmp(header->name, rule->name) == 0 && read_pop(rule, header->value, pop))
            return;
    }
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static unsigned score_of(unsigned kinds)
{
    unsigned score = 0;
#define X(symbol, number, name, points) score += (kinds & (1U << (number))) ? (points) : 0;
    CDN_CLUES(X)
#undef X
    return score;
}

static bool is_carrier(const struct cdn_table *table, int64_t asn)
{
    for (size_t i = 0; i < table->rule_count; i++)
        if (table->rules[i].kind == CDN_RULE_CARRIER && table->rules[i].asn == asn)
            return true;
    return false;
}

/* @return the index of the CDN with most points, the earlier of equals. */
static size_t best_of(const struct cdn_table *table, const unsigned kinds[CDN_MAX_NAMES], unsigned *ret_score)
{
    size_t best = 0;
    *ret_score = 0;
    for (size_t i = 0; i < table->name_count; i++) {
        if (score_of(kinds[i]) > *ret_score) {
            *ret_score = score_of(kinds[i]);
            best = i;
        }
    }
    return best;
}

static void tell(const struct cdn_table *table, size_t cdn, const struct attempt *attempt, int64_t asn,
                 struct cdn_match *match)
{
    for (size_t i = 0; i < table->rule_count; i++) {
        const struct cdn_rule *rule = &table->rules[i];
        if (rule->kind == CDN_RULE_CARRIER || rule->cdn != cdn)
            continue;
        if (rule->kind == CDN_RULE_POP) {
            if (match->pop[0] == '\0')
                find_pop(rule, attempt, match->pop);
        } else if (match->clue_count < CDN_MAX_CLUES &&
                   rule_matches(rule, attempt, asn, &match->clues[match->clue_count])) {
            match->clues[match->clue_count++].kind = clue_of(rule->kind);
        }
    }
}

bool cdn_identify(const struct attempt *attempt, int64_t asn, struct cdn_match *ret_match)
{
    const struct cdn_table *table = cdn_table();
    unsigned kinds[CDN_MAX_NAMES] = {0};
    if (asn <= 0 || is_carrier(table, asn))
        asn = -1;
    for (size_t i = 0; i < table->rule_count; i++) {
        const struct cdn_rule *rule = &table->rules[i];
        if (rule->kind != CDN_RULE_CARRIER && rule_matches(rule, attempt, asn, NULL))
            kinds[rule->cdn] |= 1U << clue_of(rule->kind);
    }
    unsigned score;
    size_t best = best_of(table, kinds, &score);
    if (score < CDN_REPORT_SCORE)
        return false;
    *ret_match = (struct cdn_match){.name = table->names[best], .score = score};
    tell(table, best, attempt, asn, ret_match);
    return true;
}

const char *cdn_clue_name(int kind)
{
    switch (kind) {
#define X(symbol, number, name, score)                                                                       \
    case symbol:                                                                                             \
        return name;
        CDN_CLUES(X)
#undef X
    }
    return "?";
}

unsigned cdn_clue_score(enum cdn_clue_kind kind)
{
    return score_of(1U << kind);
}

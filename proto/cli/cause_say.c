#include "cli/cause_say.h"

#include "cli/i18n.h"
#include "cli/term.h"

#include <string.h>

/*
 * The facts of a conclusion are English, since programs read them. Most are names, numbers and what servers sent; some are
 * words of ours, alone ("late") or before a comma ("early, 12 ms of rtt 40 ms"; "expired, 2026-11-19"), and are translated
 * before a text is filled in with them. A server's text is never taken for a word: only values of certain keys are.
 */

enum { FACT_BYTES = 640 };

static const char *const worded_keys[] = {"when",     "what",  "protocol", "resource",
                                          "offender", "fault", "meaning"};

/* What the rules say under these keys, beside what has texts of its own: causes' names, and evidence_abuse_what(). */
static const char *const words[] = {
    N_("early"),
    N_("late"),
    N_("an unknown protocol"),
    N_("network unreachable"),
    N_("host unreachable"),
    N_("protocol unreachable"),
    N_("port unreachable"),
    N_("fragmentation needed"),
    N_("source route failed"),
    N_("network unknown"),
    N_("host unknown"),
    N_("source host isolated"),
    N_("network prohibited"),
    N_("host prohibited"),
    N_("network unreachable for this service"),
    N_("host unreachable for this service"),
    N_("administratively prohibited"),
    N_("host precedence violation"),
    N_("precedence cut off"),
    N_("no route"),
    N_("beyond the scope"),
    N_("address unreachable"),
    N_("source address failed its policy"),
    N_("route rejected"),
    N_("this machine"),
    N_("file descriptors (of this process)"),
    N_("file descriptors (of the system)"),
    N_("socket buffers"),
    N_("memory"),
    N_("local ports"),
};

static bool is_worded(const char *key)
{
    for (size_t i = 0; i < sizeof worded_keys / sizeof worded_keys[0]; i++) {
        if (strcmp(worded_keys[i], key) == 0)
            return true;
    }
    return false;
}

/* The word of ours that the text begins with, up to a comma; NULL when it is none. */
static const char *first_word(const char *text)
{
    size_t length = strcspn(text, ",");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == length && strncmp(words[i], text, length) == 0)
            return words[i];
    }
    for (size_t i = 0; i < cause_count(); i++) {
        const char *name = cause_at(i)->name;
        if (strlen(name) == length && strncmp(name, text, length) == 0)
            return name;
    }
    return NULL;
}

/* What follows a word: a comparison of times, or a date that needs no translation. */
static void append_rest(char out[FACT_BYTES], const char *rest)
{
    static const char of_rtt[] = N_(" ms of rtt ");
    const char *middle = strstr(rest, of_rtt);
    size_t used = strlen(out), length = middle == NULL ? strlen(rest) : (size_t)(middle - rest);
    (void)snprintf(out + used, FACT_BYTES - used, "%.*s%s%s", (int)length, rest,
                   middle == NULL ? "" : _(of_rtt), middle == NULL ? "" : middle + sizeof of_rtt - 1);
}

static const char *translated(const struct fact *fact, char out[FACT_BYTES])
{
    const char *word = is_worded(fact->key) ? first_word(fact->value) : NULL;
    const char *rest = word == NULL ? "" : fact->value + strlen(word);
    if (strncmp(rest, ", ", 2) != 0)
        return is_worded(fact->key) ? T_(fact->value) : fact->value;
    (void)snprintf(out, FACT_BYTES, "%s%s", _(word), _(", "));
    append_rest(out, rest + 2);
    return out;
}

void cause_filled(struct buf *out, const char *text, const struct conclusion *conclusion)
{
    struct conclusion shown = *conclusion;
    char values[CONCLUSION_MAX_FACTS][FACT_BYTES];
    struct buf raw;
    buf_init(&raw, 0);
    for (size_t i = 0; i < shown.fact_count; i++)
        shown.facts[i].value = translated(&conclusion->facts[i], values[i]);
    /* Facts hold strangers' bytes: made safe after they were filled in. */
    if (cause_text(&raw, T_(text), &shown) && raw.len > 0)
        (void)text_safe(out, (const char *)raw.data, raw.len);
    buf_done(&raw);
}

const char *cause_section(const char *cause_id)
{
    static const struct {
        const char *prefix, *name;
    } sections[] = {
        {"local.", N_("this vantage")}, {"dns.", N_("DNS")},           {"tcp.", N_("TCP")},
        {"hello.", N_("ClientHello")},  {"capacity.", N_("capacity")}, {"tls.", N_("TLS")},
        {"cert.", N_("certificate")},   {"edge.", N_("edge")},         {"http.", N_("HTTP")},
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strncmp(cause_id, sections[i].prefix, strlen(sections[i].prefix)) == 0)
            return _(sections[i].name);
    }
    return "";
}

void cause_title(struct buf *out, const struct cause_row *row)
{
    const char *section = cause_section(row->id), *name = _(row->name);
    if (section[0] != '\0' && strncmp(name, section, strlen(section)) != 0)
        (void)buf_printf(out, _("%s: "), section);
    (void)buf_text(out, name);
}

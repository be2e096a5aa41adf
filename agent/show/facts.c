#include "cli/i18n.h"
#include "cli/term.h"
#include "show/show.h"

#include <string.h>

/*
 * The facts of a conclusion are English, since programs read them. Most are names, numbers and what servers sent; some are
 * words of ours, alone ("late") or before a comma ("early, 12 ms of rtt 40 ms"), and are translated before a text is
 * filled in with them. A server's text is never taken for a word: only values of certain keys are.
 */

enum { FACT_BYTES = 640 };

static const char *const worded_keys[] = {"when", "what", "protocol", "resource", "offender"};

/* What the rules say under these keys; "what" has its texts in evidence.h. */
static const char *const words[] = {
    N_("early"),  N_("late"), N_("an unknown protocol"), N_("this machine"), N_("file descriptors"),
    N_("memory"),
};

static bool is_worded(const char *key)
{
    for (size_t i = 0; i < sizeof worded_keys / sizeof worded_keys[0]; i++) {
        if (strcmp(worded_keys[i], key) == 0)
            return true;
    }
    return false;
}

static const char *translated(const struct fact *fact, char out[FACT_BYTES])
{
    if (!is_worded(fact->key))
        return fact->value;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(fact->value, words[i], length) == 0 && strncmp(fact->value + length, ", ", 2) == 0) {
            (void)snprintf(out, FACT_BYTES, "%s%s%s", _(words[i]), _(", "), fact->value + length + 2);
            return out;
        }
    }
    return T_(fact->value);
}

void show_filled(struct buf *out, const char *text, const struct conclusion *conclusion)
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

#include "cli/cli.h"
#include "cli/i18n.h"
#include "words/buf.h"
#include "words/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool cli_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == ' ' || errno != 0 || value < min || value > max) {
        cli_error(_("--%s: \"%s\" is not a number from %" PRId64 " to %" PRId64), option, text, min, max);
        return false;
    }
    *ret_value = value;
    return true;
}

bool cli_span(const char *option, const char *text, int64_t min_us, int64_t max_us, int64_t *ret_us)
{
    int64_t value_us;
    if (!span_parse(text, &value_us)) {
        cli_error(_("--%s: \"%s\" is not a duration such as 250ms, 10s, 5m, 1h or 2d"), option, text);
        return false;
    }
    if (value_us < min_us || value_us > max_us) {
        char low[UNITS_SPAN_BYTES], high[UNITS_SPAN_BYTES];
        cli_error(_("--%s: \"%s\" is not between %s and %s"), option, text, span_text(min_us, low),
                  span_text(max_us, high));
        return false;
    }
    *ret_us = value_us;
    return true;
}

int cli_choice(const char *option, const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    struct buf choices;
    buf_init(&choices, 0);
    for (size_t i = 0; i < count; i++)
        if (!buf_printf(&choices, "%s%s", i > 0 ? ", " : "", names[i]))
            break;
    const char *all = choices.len > 0 ? (const char *)choices.data : "";
    const char *nearest = cli_nearest(text, names, count);
    if (nearest != NULL)
        cli_error(_("--%s: \"%s\" is none of %s (did you mean \"%s\"?)"), option, text, all, nearest);
    else
        cli_error(_("--%s: \"%s\" is none of %s"), option, text, all);
    buf_done(&choices);
    return -1;
}

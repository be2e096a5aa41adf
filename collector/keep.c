#include "keep.h"

#include "cli/i18n.h"
#include "words/units.h"

#define DAY_US         (86400 * US_PER_S)
#define KEPT_MOST_DAYS 36500

static const char *const names[RETAIN_KINDS] = {"keep-attempts", "keep-counts", "keep-hours"};

bool keep_option(struct keep *keep, int id, const char *value)
{
    if (id < OPTION_KEEP || id >= OPTION_KEEP + RETAIN_KINDS)
        return false;
    keep->text[id - OPTION_KEEP] = value;
    return true;
}

/* Counts are made of attempts, and hours of counts. */
static bool in_order(const struct keep *keep)
{
    const int64_t *us = keep->policy.keep_us;
    for (int i = 1; i < RETAIN_KINDS; i++) {
        if (us[i] >= us[i - 1])
            continue;
        if (keep->text[i - 1] == NULL)
            (void)cli_usage(
                _("--%s %s needs --%s: counts are kept at least as long as what they are made of"), names[i],
                keep->text[i], names[i - 1]);
        else
            (void)cli_usage(_("--%s %s is shorter than --%s %s: counts are kept at least as long as what "
                              "they are made of"),
                            names[i], keep->text[i], names[i - 1], keep->text[i - 1]);
        return false;
    }
    return true;
}

bool keep_settle(struct keep *keep, const struct collector_settings *settings)
{
    const char *const file[RETAIN_KINDS] = {settings->keep_attempts, settings->keep_counts,
                                            settings->keep_hours};
    for (int i = 0; i < RETAIN_KINDS; i++) {
        if (keep->text[i] == NULL)
            keep->text[i] = file[i];
        keep->policy.keep_us[i] = RETAIN_FOR_GOOD;
        if (keep->text[i] != NULL &&
            !cli_span(names[i], keep->text[i], DAY_US, KEPT_MOST_DAYS * DAY_US, &keep->policy.keep_us[i]))
            return false;
    }
    return in_order(keep);
}

bool keep_is_limited(const struct keep *keep)
{
    bool any = false;
    for (int i = 0; i < RETAIN_KINDS; i++)
        any = any || keep->text[i] != NULL;
    return any;
}

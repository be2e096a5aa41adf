#ifndef PARALLAX_COLLECTOR_KEEP_H
#define PARALLAX_COLLECTOR_KEEP_H

#include "options.h"
#include "store/retain.h"

/* How long its owner wants things kept: options of `db retain` and `serve`, and settings of the same names. */

enum { OPTION_KEEP = 970 }; /* and one more for each kind */

#define KEEP_OPTIONS                                                                                         \
    {"keep-attempts", 0, "SPAN", OPTION_KEEP + RETAIN_ATTEMPTS,                                              \
     N_("drop attempts of days older than this (30d, ...)")},                                                \
        {"keep-counts", 0, "SPAN", OPTION_KEEP + RETAIN_COUNTS,                                              \
         N_("drop counts of ten minutes older than this")},                                                  \
    {                                                                                                        \
        "keep-hours", 0, "SPAN", OPTION_KEEP + RETAIN_HOURS,                                                 \
            N_("drop counts of hours, and rounds, older than this")                                          \
    }

struct keep {
    const char *text[RETAIN_KINDS]; /* as given; NULL: for good */
    struct retain_policy policy;
};

/** Takes one of the options. @return false for another id. */
bool keep_option(struct keep *keep, int id, const char *value);

/** Reads what was given, and else what the file says. @return false after cli_usage. */
bool keep_settle(struct keep *keep, const struct collector_settings *settings);

/** Is anything dropped ever? */
bool keep_is_limited(const struct keep *keep);

#endif

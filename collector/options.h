#ifndef PARALLAX_COLLECTOR_OPTIONS_H
#define PARALLAX_COLLECTOR_OPTIONS_H

#include "cli/cli.h"
#include "report/window.h"
#include "store/db.h"

#include <stdbool.h>
#include <stdint.h>

/* Options that every verb of the collector takes, and where they lead. */

enum { OPTION_STATE = 900, OPTION_DB, OPTION_CONFIG };

/* Rows for a verb's option table. */
#define COLLECTOR_OPTIONS                                                                                    \
    {"state", 0, "DIR", OPTION_STATE, N_("folder for keys and the private database")},                       \
        {"db", 0, "URL", OPTION_DB, N_("PostgreSQL to use instead of the private one")},                     \
    {                                                                                                        \
        "config", 'c', "FILE", OPTION_CONFIG, N_("read settings from a YAML file")                           \
    }

/* Of verbs that look at a window of rounds; window_option reads them. */
enum { WINDOW_SITE = 950, WINDOW_SINCE, WINDOW_UNTIL, WINDOW_REGION, WINDOW_ASN };

/* Rows for the option table of such a verb, with what it says of a site and of the beginning. */
#define WINDOW_OPTIONS(site_help, since_help)                                                                \
    {"site", 0, "NAME", WINDOW_SITE, site_help}, {"since", 0, "TIME", WINDOW_SINCE, since_help},             \
        {"until", 0, "TIME", WINDOW_UNTIL,                                                                   \
         N_("up to this time: a span back from now, or RFC 3339 (default now)")},                            \
        {"region", 0, "NAME", WINDOW_REGION, N_("only vantages of this region")},                            \
    {                                                                                                        \
        "asn", 0, "NUMBER", WINDOW_ASN, N_("only vantages of this ASN")                                      \
    }

/* What collector.yaml and the options set. Texts live for the program's life. Options win over the file. */
struct collector_settings {
    const char *state;
    const char *db;            /* NULL: private */
    const char *listen;        /* "ADDRESS:PORT"; "[::]:7443" unless given */
    const char *mmdb;          /* NULL: none */
    const char *cdn_file;      /* NULL: what is built in */
    const char *pg_bin;        /* NULL: newest under /usr/lib/postgresql */
    const char *public_name;   /* host:port that agents dial, printed by token create */
    const char *keep_attempts; /* spans of db retain; NULL: for good */
    const char *keep_counts;
    const char *keep_hours;
};

void collector_settings_init(struct collector_settings *settings);

/** Takes one of the ids above. @return false for another id. A bad file ends with cli_error and *ret_failed true. */
bool collector_option(struct collector_settings *settings, int id, const char *value, bool *ret_failed);

/** Settles defaults (state folder from XDG_STATE_HOME or HOME; made with mode 0700). @return false after cli_error. */
bool collector_settings_settle(struct collector_settings *settings);

/** A moment of the past: "1h" is an hour ago, or an RFC 3339 time. Unix microseconds. @return false after cli_usage. */
bool collector_time(const char *option, const char *text, int64_t *ret_us);

/** Takes an option of WINDOW_OPTIONS. @return false after cli_usage; other options are none of its matter. */
bool window_option(struct window *window, int id, const char *value);

struct db_where collector_where(const struct collector_settings *settings);

#endif

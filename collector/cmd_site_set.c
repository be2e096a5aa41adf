#include "cli/cli.h"
#include "cli/i18n.h"
#include "options.h"
#include "site.h"
#include "words/units.h"

#include <stdio.h>

/* `site set`: changes what holds for a whole site. */

enum { OPTION_INTERVAL = 1, OPTION_SENTINEL, OPTION_NO_SENTINEL, OPTION_FETCH, OPTION_DEPTH };

static const struct cli_option set_options[] = {
    {"interval", 0, "SPAN", OPTION_INTERVAL, N_("time between rounds")},
    {"sentinel", 0, NULL, OPTION_SENTINEL,
     N_("vantages are held against this site: it is well whatever happens to others")},
    {"no-sentinel", 0, NULL, OPTION_NO_SENTINEL, N_("vantages are not held against this site")},
    {"fetch", 0, "WHAT", OPTION_FETCH, N_("what third parties are asked for: issuer, ocsp, both, or none")},
    {"depth", 0, "DEPTH", OPTION_DEPTH,
     N_("how far attempts go: full, or hello (to the answer to the ClientHello)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct setting {
    struct collector_settings settings;
    int64_t interval_us;  /* 0: as it is */
    const char *sentinel; /* "t", "f"; NULL: as it is */
    bool fetch_given;
    unsigned fetch; /* enum fetch_flags */
    bool depth_given;
    enum depth depth;
};

/* @return an exit code, EXIT_HEALTHY to go on. */
static int read_setting(struct cli_args *args, struct setting *setting)
{
    const char *value;
    collector_settings_init(&setting->settings);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_INTERVAL) {
            if (!cli_span("interval", value, US_PER_S, SITE_MAX_INTERVAL_S * US_PER_S, &setting->interval_us))
                return EXIT_USAGE;
        } else if (id == OPTION_SENTINEL || id == OPTION_NO_SENTINEL)
            setting->sentinel = id == OPTION_SENTINEL ? "t" : "f";
        else if (id == OPTION_FETCH) {
            if (!fetch_from_text(value, &setting->fetch))
                return cli_usage(_("--fetch %s: expected issuer, ocsp, both, or none"), value);
            setting->fetch_given = true;
        } else if (id == OPTION_DEPTH) {
            if (!depth_from_name(value, &setting->depth))
                return cli_usage(_("--depth %s: expected full or hello"), value);
            setting->depth_given = true;
        } else
            (void)collector_option(&setting->settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (setting->interval_us == 0 && setting->sentinel == NULL && !setting->fetch_given &&
        !setting->depth_given)
        return cli_usage(
            _("site set: what is to change? --interval SPAN, --sentinel, --no-sentinel, --fetch WHAT or "
              "--depth DEPTH"));
    return EXIT_HEALTHY;
}

static int change_site(struct db *db, const char *name, const struct setting *setting)
{
    char interval[24], fetch[24], depth[24];
    (void)snprintf(depth, sizeof depth, "%d", (int)setting->depth);
    (void)snprintf(fetch, sizeof fetch, "%u", setting->fetch);
    (void)snprintf(interval, sizeof interval, "%lld", (long long)(setting->interval_us / US_PER_S));
    PGresult *site = site_find(db, name);
    if (site == NULL)
        return EXIT_FAILED;
    const char *values[] = {db_text(site, 0, "id"), setting->interval_us == 0 ? NULL : interval,
                            setting->sentinel, setting->fetch_given ? fetch : NULL,
                            setting->depth_given ? depth : NULL};
    PGresult *changed = db_query(db, STATEMENT_site_update, values, 5);
    PGresult *told = changed == NULL ? NULL : db_query(db, STATEMENT_site_notify, NULL, 0);
    if (told != NULL)
        (void)printf(PQntuples(changed) > 0 ? _("site %s changed\n") : _("site %s is like that already\n"),
                     name);
    int code = told == NULL ? EXIT_FAILED : EXIT_HEALTHY;
    PQclear(told);
    PQclear(changed);
    PQclear(site);
    return code;
}

static int run_set(struct cli_args *args)
{
    struct setting setting = {0};
    int code = read_setting(args, &setting);
    if (code != EXIT_HEALTHY)
        return code;
    if (!collector_settings_settle(&setting.settings))
        return EXIT_FAILED;
    struct db_where where = collector_where(&setting.settings);
    struct db *db = db_open(&where);
    code = db == NULL ? EXIT_FAILED : change_site(db, cli_operand(args, 0), &setting);
    db_close(db);
    return code;
}

const struct cli_verb verb_site_set = {.name = "site set",
                                       .operands = "NAME",
                                       .min_operands = 1,
                                       .max_operands = 1,
                                       .summary = N_("change what holds for a whole site"),
                                       .options = set_options,
                                       .run = run_set};

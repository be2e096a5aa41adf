#include "cli/i18n.h"
#include "cli/term.h"
#include "link/pki.h"
#include "options.h"
#include "replay/import.h"
#include "stop.h"
#include "store/command.h"

#include <stdio.h>
#include <stdlib.h>

/* `parallax-collector import FILE`: what `parallax-agent spool export` wrote, where the network does not reach. */

static const struct cli_option import_options[] = {
    COLLECTOR_OPTIONS,
    {0},
};

static void say_progress(const char *what, unsigned percent)
{
    if (!term_is_tty(stderr))
        return;
    (void)fputs("\r\033[K", stderr);
    if (percent < 100)
        (void)fprintf(stderr, "%s %u%%", what, percent);
    (void)fflush(stderr);
}

/* The authority is read and never made here: one made now could have issued nothing. */
static bool check_authority(const struct import_file *file, const char *state)
{
    char *why = NULL, *path = text_format("%s/pki/ca.pem", state);
    X509 *ca = path == NULL ? NULL : pki_certificate_read(path, &why);
    bool good = ca != NULL && import_check_authority(file, ca);
    if (ca == NULL)
        cli_error(_("cannot tell whose file it is without the authority of the collector: %s"),
                  why != NULL ? why : _("out of memory"));
    free(why);
    free(path);
    X509_free(ca);
    return good;
}

static void print_answer(const struct import_file *file, const struct import_stored *stored)
{
    unsigned long long attempts = stored->attempts, reports = stored->reports;
    (void)printf(_("%llu new: %llu attempts and %llu reports of vantage %s\n"), attempts + reports, attempts,
                 reports, file->vantage);
    if (stored->known > 0)
        (void)printf(_("%llu were there before\n"), (unsigned long long)stored->known);
    if (stored->refused > 0)
        (void)printf(_("%llu attempts cannot be true and were left out\n"),
                     (unsigned long long)stored->refused);
    if (stored->certificates > 0)
        (void)printf(_("%llu certificates were filled in\n"), (unsigned long long)stored->certificates);
}

static struct networks *open_networks(const struct collector_settings *settings)
{
    char *why = NULL;
    struct networks *networks = settings->mmdb == NULL ? NULL : networks_open(settings->mmdb, &why);
    if (why != NULL)
        cli_warning("%s", why);
    free(why);
    return networks;
}

static bool import_into(struct db *db, const struct collector_settings *settings, struct import_file *file)
{
    struct import_vantage vantage;
    struct import_stored stored;
    if (!import_find_vantage(db, file, &vantage))
        return false;
    struct networks *networks = open_networks(settings);
    bool done = import_store(db, file, &vantage, networks, say_progress, &stored) &&
                import_certificates(db, file, &stored);
    networks_close(networks);
    if (done)
        print_answer(file, &stored);
    return done;
}

static int import_named(const struct collector_settings *settings, const char *name)
{
    struct import_file file;
    bool done = false;
    stop_catch(0);
    if (import_open(&file, name, settings->state, &stop_asked) && check_authority(&file, settings->state) &&
        import_check(&file, say_progress)) {
        struct db_where where = collector_where(settings);
        struct db *db = db_open(&where);
        done = db != NULL && import_into(db, settings, &file);
        db_close(db);
    }
    say_progress("", 100);
    if (!done && stop_asked)
        cli_error("%s", _("interrupted; nothing is stored, or all records are: import the file again"));
    import_close(&file);
    return done ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    struct collector_settings settings;
    const char *value = NULL;
    bool failed = false;
    collector_settings_init(&settings);
    for (int id; (id = cli_next(args, &value)) != 0;)
        if (collector_option(&settings, id, value, &failed) && failed)
            return EXIT_FAILED;
    if (!collector_settings_settle(&settings))
        return EXIT_FAILED;
    return import_named(&settings, cli_operand(args, 0));
}

const struct cli_verb verb_import = {
    .name = "import",
    .operands = "FILE|-",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("store what `parallax-agent spool export` wrote"),
    .options = import_options,
    .run = run,
};

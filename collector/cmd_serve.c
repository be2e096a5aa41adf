#include "cli/cdn_file.h"
#include "cli/i18n.h"
#include "ingest/listen.h"
#include "judge/judge.h"
#include "keep.h"
#include "options.h"
#include "outlet/receivers.h"
#include "serve.h"
#include "store/cluster.h"
#include "store/command.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* `parallax-collector serve`: what has to be there before the loop runs, and is taken down after it. */

enum {
    OPTION_LISTEN = 1,
    OPTION_TIMEOUT,
    OPTION_MMDB,
    OPTION_CDN_FILE,
    OPTION_EXPIRY_DAYS,
    OPTION_METRICS,
    OPTION_PUBLIC_URL,
    OPTION_VALIDITY
};

static const char serve_metrics_default[] = "127.0.0.1:9464";
static const int64_t minute_us = 60 * US_PER_S, day_us = 86400 * US_PER_S;

static const struct cli_option serve_options[] = {
    {"listen", 0, "ADDR:PORT", OPTION_LISTEN,
     N_("where agents dial in; port 0 picks a free one ([::]:7443)")},
    {"timeout", 0, "SPAN", OPTION_TIMEOUT, N_("how long one attempt may take (10s)")},
    {"mmdb", 0, "FILE", OPTION_MMDB, N_("network database that tells a vantage's ASN from its address")},
    {"cdn-file", 0, "FILE", OPTION_CDN_FILE, N_("more to know content delivery networks by")},
    {"vantage-validity", 0, "SPAN", OPTION_VALIDITY,
     N_("how long a vantage's certificate is good; agents renew it in time (30d)")},
    {"expiry-days", 0, "DAYS", OPTION_EXPIRY_DAYS,
     N_("certificates that end within so many days make an incident (21)")},
    {"metrics", 0, "ADDR:PORT", OPTION_METRICS,
     N_("where /metrics and /healthz are served, to anyone who can reach it; off: nowhere (127.0.0.1:9464)")},
    RECEIVER_OPTIONS,
    KEEP_OPTIONS,
    {"public-url", 0, "URL", OPTION_PUBLIC_URL, N_("where the report is published; alerts link there")},
    COLLECTOR_OPTIONS,
    {0},
};

struct serve_command {
    struct collector_settings settings;
    int64_t timeout_us;
    int64_t validity_us;
    int64_t expiry_days;
    const char *metrics; /* NULL: nowhere */
    struct receivers receivers;
    struct keep keep;
    const char *public_url; /* NULL: none */
    int lock;
    struct cluster *cluster;
    struct networks *networks;
    struct ca ca;
    char *database;
    int64_t collector_id;
    bool has_roles;
};

static bool serve_read_options(struct cli_args *args, struct serve_command *command, int *ret_exit)
{
    const char *value = NULL;
    bool failed = false;
    collector_settings_init(&command->settings);
    command->timeout_us = 10 * US_PER_S;
    command->validity_us = 30 * day_us;
    command->expiry_days = JUDGE_EXPIRY_DAYS;
    command->metrics = serve_metrics_default;
    *ret_exit = EXIT_USAGE;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        if (id == OPTION_LISTEN)
            command->settings.listen = value;
        else if (id == OPTION_MMDB)
            command->settings.mmdb = value;
        else if (id == OPTION_CDN_FILE)
            command->settings.cdn_file = value;
        else if (id == OPTION_METRICS)
            command->metrics = strcmp(value, "off") == 0 ? NULL : value;
        else if (id == OPTION_PUBLIC_URL)
            command->public_url = value;
        else if (receivers_option(&command->receivers, id, value, &failed)) {
            if (failed)
                return false;
        } else if (id == OPTION_TIMEOUT) {
            if (!cli_span("timeout", value, US_PER_S, 60 * US_PER_S, &command->timeout_us))
                return false;
        } else if (id == OPTION_VALIDITY) {
            if (!cli_span("vantage-validity", value, minute_us, 400 * day_us, &command->validity_us))
                return false;
        } else if (id == OPTION_EXPIRY_DAYS) {
            if (!cli_number("expiry-days", value, 0, 3650, &command->expiry_days))
                return false;
        } else if (!keep_option(&command->keep, id, value) &&
                   collector_option(&command->settings, id, value, &failed) && failed) {
            *ret_exit = EXIT_FAILED;
            return false;
        }
    }
    if (!keep_settle(&command->keep, &command->settings))
        return false;
    *ret_exit = EXIT_FAILED;
    if (!collector_settings_settle(&command->settings))
        return false;
    struct address address;
    uint16_t port;
    if (command->metrics != NULL && !listen_parse(command->metrics, &address, &port)) {
        *ret_exit = cli_usage(_("--metrics %s: expected ADDRESS:PORT, such as 127.0.0.1:9464, or off"),
                              command->metrics);
        return false;
    }
    if (listen_parse(command->settings.listen, &address, &port))
        return true;
    *ret_exit = cli_usage(_("--listen %s: expected ADDRESS:PORT, such as 0.0.0.0:7443 or [::]:7443"),
                          command->settings.listen);
    return false;
}

/* One serve for each state folder; the lock is gone with the process. */
static bool serve_lock(struct serve_command *command)
{
    char *path = text_format("%s/serve.lock", command->settings.state);
    command->lock = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool locked = command->lock >= 0 && flock(command->lock, LOCK_EX | LOCK_NB) == 0;
    if (!locked && command->lock >= 0 && errno == EWOULDBLOCK)
        cli_error(_("another parallax-collector serves from %s; stop it, or give another --state"),
                  command->settings.state);
    else if (!locked)
        cli_error(_("cannot lock %s: %s"), path == NULL ? "serve.lock" : path, strerror(errno));
    free(path);
    return locked;
}

static bool serve_complain(char *why)
{
    cli_error("%s", why == NULL ? _("out of memory") : why);
    free(why);
    return false;
}

/*
 * An agent pins the authority that signed its certificate, and a collector knows its agents by it: all collectors of a database have one.
 * The first of them says which.
 */
static bool serve_claim_authority(const struct serve_command *command, struct db *db)
{
    char ours[2 + 64 + 1] = "\\x";
    (void)hex_text(command->ca.fingerprint, 32, ours + 2);
    const char *values[] = {ours};
    PGresult *claimed = db_query(db, STATEMENT_authority_claim, values, 1);
    PGresult *theirs = claimed == NULL ? NULL : db_query(db, STATEMENT_authority_read, NULL, 0);
    bool read = PQntuples(theirs) == 1;
    bool same = read && strcmp(db_text(theirs, 0, "fingerprint"), ours + 2) == 0;
    if (read && !same)
        cli_error(
            _("the vantages of this database have another certificate authority (%.16s..., here %.16s...): "
              "copy pki/ca.key and pki/ca.pem from the state folder of a collector that serves it into "
              "%s/pki"),
            db_text(theirs, 0, "fingerprint"), ours + 2, command->settings.state);
    PQclear(claimed);
    PQclear(theirs);
    return same;
}

static bool serve_begin(struct serve_command *command, struct db *db)
{
    char name[SERVE_NAME_BYTES];
    serve_name(command->settings.listen, name);
    const char *values[] = {name};
    PGresult *result = db_query(db, STATEMENT_collector_start, values, 1);
    if (result != NULL)
        command->collector_id = db_int(result, 0, "id");
    PQclear(result);
    return result != NULL;
}

/* Starts the private cluster when there is no --db, and settles the schema while nothing waits on a loop. */
static bool serve_prepare_database(struct serve_command *command)
{
    char *why = NULL;
    struct db_where where = collector_where(&command->settings);
    if (where.url == NULL) {
        command->cluster = cluster_open(where.state, where.pg_bin, &why);
        if (command->cluster == NULL)
            return serve_complain(why);
        where.url = cluster_conninfo(command->cluster);
    }
    struct db *db = db_open(&where);
    if (db == NULL)
        return false;
    command->database = db_place(db);
    command->has_roles = db_has_roles(db);
    bool ready = command->database != NULL && serve_claim_authority(command, db) && serve_begin(command, db);
    db_close(db);
    return ready;
}

static bool serve_prepare(struct serve_command *command)
{
    char *why = NULL;
    if (command->settings.db == NULL && geteuid() == 0) {
        cli_error(_("PostgreSQL never runs as root: start serve as an unprivileged user, or give --db URL"));
        return false;
    }
    if (!serve_lock(command))
        return false;
    if (command->settings.mmdb != NULL) {
        command->networks = networks_open(command->settings.mmdb, &why);
        if (command->networks == NULL)
            return serve_complain(why);
    }
    if (command->settings.cdn_file != NULL && !cli_cdn_file(command->settings.cdn_file))
        return false;
    if (!ca_init(&command->ca, command->settings.state, &why))
        return serve_complain(why);
    return serve_prepare_database(command);
}

/*
 * Each batch takes a few megabytes and gives them back. Without this they go back to the kernel, which clears them again for the next:
 * four tenths of what a batch cost.
 */
static void keep_memory(void)
{
    enum { KEPT_BYTES = 8 * 1024 * 1024, LARGE_BYTES = 4 * 1024 * 1024 };
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

static int serve_command_run(struct cli_args *args)
{
    struct serve_command command = {.lock = -1};
    int exit_code = EXIT_FAILED;
    if (serve_read_options(args, &command, &exit_code) && serve_prepare(&command)) {
        const char *url = command.settings.db;
        const struct serve_settings settings = {
            .conninfo = url != NULL ? url : cluster_conninfo(command.cluster),
            .database = command.database,
            .listen = command.settings.listen,
            .metrics = command.metrics,
            .metrics_must = command.metrics != serve_metrics_default,
            .receivers = command.receivers.receiver,
            .receiver_count = command.receivers.count,
            .public_url = command.public_url,
            .timeout_us = (uint64_t)command.timeout_us,
            .validity_s = command.validity_us / US_PER_S,
            .expiry_days = (int)command.expiry_days,
            .keep = keep_is_limited(&command.keep) ? &command.keep.policy : NULL,
            .has_roles = command.has_roles,
            .collector_id = command.collector_id,
            .ca = &command.ca,
            .networks = command.networks,
        };
        keep_memory();
        exit_code = serve_run(&settings);
    }
    receivers_done(&command.receivers);
    ca_done(&command.ca);
    networks_close(command.networks);
    cluster_close(command.cluster);
    free(command.database);
    if (command.lock >= 0)
        (void)close(command.lock);
    return exit_code;
}

const struct cli_verb verb_serve = {
    .name = "serve",
    .operands = "",
    .summary = N_("take in what vantages see, and plan their rounds"),
    .options = serve_options,
    .run = serve_command_run,
};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "options.h"
#include "report/lists.h"
#include "report/show.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_EDGE = 1,
    OPTION_ORIGIN,
    OPTION_PLAIN,
    OPTION_SNI,
    OPTION_INTERVAL,
    OPTION_FETCH,
    OPTION_DEPTH,
    OPTION_SENTINEL,
    OPTION_FORMAT
};
enum { ADD_MAX_ENDPOINTS = 256 };

static const struct cli_option add_options[] = {
    {"edge", 0, "TARGET", OPTION_EDGE,
     N_("what users reach: host, host:port, https://host; TARGET@ADDRESS pins the address")},
    {"origin", 0, "TARGET", OPTION_ORIGIN,
     N_("what stands behind the edge; asked for the edge's name (--sni to say which)")},
    {"plain", 0, "TARGET", OPTION_PLAIN, N_("an endpoint that is neither")},
    {"sni", 0, "NAME", OPTION_SNI,
     N_("name to ask for; with several edges, the one that origins are asked for")},
    {"interval", 0, "SPAN", OPTION_INTERVAL, N_("time between rounds (default 60s)")},
    {"fetch", 0, "WHAT", OPTION_FETCH,
     N_("ask third parties that certificates name: issuer (fetch a missing one), ocsp (ask its responder), "
        "or both")},
    {"depth", 0, "DEPTH", OPTION_DEPTH,
     N_("how far attempts go: full (the default), or hello (to the answer to the ClientHello)")},
    {"sentinel", 0, NULL, OPTION_SENTINEL,
     N_("vantages are held against this site: it is well whatever happens to others")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

static const struct cli_option list_options[] = {
    {"format", 0, "FORMAT", OPTION_FORMAT, N_("text, json or csv (default text)")},
    COLLECTOR_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

static const struct cli_option rm_options[] = {COLLECTOR_OPTIONS, {NULL, 0, NULL, 0, NULL}};

/* @param role  of store/roles.h; NULL: the login user */
static struct db *open_db(struct collector_settings *settings, const char *role)
{
    if (!collector_settings_settle(settings))
        return NULL;
    struct db_where where = collector_where(settings);
    where.role = role;
    return db_open(&where);
}

/* --- site add --- */

struct addition {
    struct collector_settings settings;
    const char *sni;
    const char *interval;
    const char *fetch;
    const char *depth;
    bool sentinel;
    size_t count;
    struct site_row rows[ADD_MAX_ENDPOINTS];
};

static bool add_target(struct addition *addition, const char *name, const char *role, const char *target)
{
    if (addition->count == ADD_MAX_ENDPOINTS) {
        (void)cli_usage(_("more than %d endpoints; use site import"), ADD_MAX_ENDPOINTS);
        return false;
    }
    addition->rows[addition->count++] = (struct site_row){.text = {
                                                              [SITE_COLUMN_SITE] = name,
                                                              [SITE_COLUMN_ROLE] = role,
                                                              [SITE_COLUMN_TARGET] = target,
                                                              [SITE_COLUMN_ADDRESS] = "",
                                                              [SITE_COLUMN_SNI] = "",
                                                              [SITE_COLUMN_INTERVAL] = "",
                                                              [SITE_COLUMN_FETCH] = "",
                                                              [SITE_COLUMN_DEPTH] = "",
                                                              [SITE_COLUMN_SENTINEL] = "",
                                                          }};
    return true;
}

/* @return an exit code, EXIT_HEALTHY to go on. */
static int read_addition(struct cli_args *args, struct addition *addition)
{
    static const char *const roles[] = {
        [OPTION_EDGE] = "edge", [OPTION_ORIGIN] = "origin", [OPTION_PLAIN] = "plain"};
    const char *value, *name = cli_operand(args, 0);
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_SNI)
            addition->sni = value;
        else if (id == OPTION_INTERVAL)
            addition->interval = value;
        else if (id == OPTION_FETCH)
            addition->fetch = value;
        else if (id == OPTION_DEPTH)
            addition->depth = value;
        else if (id == OPTION_SENTINEL)
            addition->sentinel = true;
        else if (id == OPTION_EDGE || id == OPTION_ORIGIN || id == OPTION_PLAIN) {
            if (!add_target(addition, name, roles[id], value))
                return EXIT_USAGE;
        } else
            (void)collector_option(&addition->settings, id, value, &failed);
        if (failed)
            return EXIT_FAILED;
    }
    if (addition->count == 0)
        return cli_usage(_("site %s needs an endpoint: --edge HOST (with --origin ADDRESS), or --plain HOST"),
                         name);
    return EXIT_HEALTHY;
}

/* With several edges the name says which of them the origins stand behind, and the edges keep their own. */
static void spread_sni(struct addition *addition)
{
    size_t edges = 0;
    for (size_t i = 0; i < addition->count; i++)
        edges += strcmp(addition->rows[i].text[SITE_COLUMN_ROLE], "edge") == 0;
    for (size_t i = 0; addition->sni != NULL && i < addition->count; i++) {
        if (edges < 2 || strcmp(addition->rows[i].text[SITE_COLUMN_ROLE], "edge") != 0)
            addition->rows[i].text[SITE_COLUMN_SNI] = addition->sni;
    }
}

static bool fill_book(struct addition *addition, struct site_book *book)
{
    struct site_fault fault;
    spread_sni(addition);
    for (size_t i = 0; i < addition->count; i++) {
        struct site_row *row = &addition->rows[i];
        row->text[SITE_COLUMN_INTERVAL] = addition->interval == NULL ? "" : addition->interval;
        row->text[SITE_COLUMN_FETCH] = addition->fetch == NULL ? "" : addition->fetch;
        row->text[SITE_COLUMN_DEPTH] = addition->depth == NULL ? "" : addition->depth;
        row->text[SITE_COLUMN_SENTINEL] = addition->sentinel ? "yes" : "";
        if (site_book_add(book, row, &fault))
            continue;
        const char *what = fault.column == SITE_COLUMN_TARGET ? row->text[SITE_COLUMN_ROLE]
                                                              : site_column_names[fault.column];
        if (fault.column == SITE_COLUMN_SITE)
            (void)cli_usage(_("bad site name \"%s\" (%s)"), fault.value, fault.why);
        else
            (void)cli_usage(_("--%s: bad %s \"%s\" (%s)"), what, site_column_names[fault.column], fault.value,
                            fault.why);
        return false;
    }
    site_book_settle(book);
    return true;
}

static void print_site(const struct site *site)
{
    for (size_t i = 0; i < site->endpoint_count; i++) {
        const struct endpoint *endpoint = &site->endpoints[i].endpoint;
        char text[ENDPOINT_TEXT_BYTES], address[ADDRESS_TEXT_BYTES];
        const char *sni = endpoint_sni(endpoint);
        (void)printf("  %-6s  %s", endpoint_role_name((int)endpoint->role), endpoint_text(endpoint, text));
        if (endpoint->address.length != 0)
            (void)printf(_("  at %s"), address_text(&endpoint->address, address));
        if (strcmp(sni, endpoint->host) != 0)
            (void)printf("  SNI %s", sni[0] == '\0' ? _("none") : sni);
        (void)putchar('\n');
    }
}

static int run_add(struct cli_args *args)
{
    struct addition *addition = calloc(1, sizeof *addition);
    struct site_book book;
    struct site_counts counts;
    if (addition == NULL) {
        cli_error(_("out of memory"));
        return EXIT_FAILED;
    }
    site_book_init(&book);
    collector_settings_init(&addition->settings);
    int code = read_addition(args, addition);
    if (code == EXIT_HEALTHY && !fill_book(addition, &book))
        code = EXIT_USAGE;
    if (code == EXIT_HEALTHY) {
        struct db *db = open_db(&addition->settings, NULL);
        if (db == NULL || !site_book_store(db, &book, true, &counts))
            code = EXIT_FAILED;
        db_close(db);
    }
    if (code == EXIT_HEALTHY) {
        const struct site *site = book.sites[0];
        (void)printf(ngettext("site %s added: %zu endpoint every %d s\n",
                              "site %s added: %zu endpoints every %d s\n", counts.endpoints_added),
                     site->name, counts.endpoints_added,
                     site->interval_s == 0 ? SITE_DEFAULT_INTERVAL_S : site->interval_s);
        print_site(site);
    }
    site_book_done(&book);
    free(addition);
    return code;
}

/* --- site list, show, rm --- */

struct listing {
    struct collector_settings settings;
    enum report_format format;
};

static int read_listing(struct cli_args *args, struct listing *listing)
{
    const char *value;
    collector_settings_init(&listing->settings);
    listing->format = REPORT_TEXT;
    for (int id; (id = cli_next(args, &value)) != 0;) {
        bool failed = false;
        if (id == OPTION_FORMAT) {
            int format = cli_choice("format", value, report_format_names, REPORT_FORMATS);
            if (format < 0)
                return EXIT_USAGE;
            listing->format = (enum report_format)format;
        } else {
            (void)collector_option(&listing->settings, id, value, &failed);
        }
        if (failed)
            return EXIT_FAILED;
    }
    return EXIT_HEALTHY;
}

static int write_rows(const struct listing *listing, const char *kind, const PGresult *result,
                      const struct rows_field *fields)
{
    json_t *rows = rows_read(result, fields);
    bool done = rows != NULL;
    if (listing->format == REPORT_JSON)
        return show_json(
                   json_pack("{s:i, s:s, s:o*}", "schema", REPORT_JSON_SCHEMA, "kind", kind, "rows", rows))
                   ? EXIT_HEALTHY
                   : EXIT_FAILED;
    if (listing->format == REPORT_CSV)
        done = done && rows_csv(rows, fields, stdout);
    else
        rows_print(rows, fields, stdout);
    json_decref(rows);
    if (done && fflush(stdout) == 0)
        return EXIT_HEALTHY;
    cli_error(_("cannot write to standard output"));
    return EXIT_FAILED;
}

static int run_list(struct cli_args *args)
{
    struct listing listing;
    int code = read_listing(args, &listing);
    if (code != EXIT_HEALTHY)
        return code;
    struct db *db = open_db(&listing.settings, ROLE_READ);
    PGresult *result = db == NULL ? NULL : db_query(db, STATEMENT_site_list, NULL, 0);
    if (result == NULL)
        code = EXIT_FAILED;
    else if (PQntuples(result) == 0 && listing.format == REPORT_TEXT)
        (void)puts(_("no sites; add one with: parallax-collector site add NAME --edge HOST"));
    else
        code = write_rows(&listing, "sites", result, site_list_fields);
    PQclear(result);
    db_close(db);
    return code;
}

static int run_show(struct cli_args *args)
{
    struct listing listing;
    const char *name = cli_operand(args, 0);
    int code = read_listing(args, &listing);
    if (code != EXIT_HEALTHY)
        return code;
    struct db *db = open_db(&listing.settings, ROLE_READ);
    PGresult *site = db == NULL ? NULL : site_find(db, name);
    PGresult *result = site == NULL ? NULL : db_query(db, STATEMENT_site_show, &name, 1);
    if (result == NULL) {
        code = EXIT_FAILED;
    } else {
        if (listing.format == REPORT_TEXT)
            (void)printf(ngettext("site %s: %d endpoint every %lld s\n",
                                  "site %s: %d endpoints every %lld s\n", (unsigned long)PQntuples(result)),
                         name, PQntuples(result), db_int(site, 0, "interval_s"));
        if (listing.format == REPORT_TEXT && db_text(site, 0, "fetch")[0] != '\0')
            (void)printf(_("fetches: %s\n"), db_text(site, 0, "fetch"));
        if (listing.format == REPORT_TEXT && db_int(site, 0, "depth") == DEPTH_HELLO)
            (void)puts(_("depth: hello (certificates and requests are not looked at)"));
        code = write_rows(&listing, "site", result, site_show_fields);
    }
    PQclear(result);
    PQclear(site);
    db_close(db);
    return code;
}

/* In one transaction: the endpoints are closed, the site goes, the collector is told. @return endpoints removed, or -1. */
static long remove_site(struct db *db, const char *name)
{
    PGresult *site = site_find(db, name);
    if (site == NULL)
        return -1;
    const char *id = db_text(site, 0, "id");
    PGresult *endpoints = db_query(db, STATEMENT_site_endpoints_remove, &id, 1);
    PGresult *gone = endpoints == NULL ? NULL : db_query(db, STATEMENT_site_delete, &id, 1);
    PGresult *told = gone == NULL ? NULL : db_query(db, STATEMENT_site_notify, NULL, 0);
    long count = told == NULL ? -1 : strtol(PQcmdTuples(endpoints), NULL, 10);
    PQclear(told);
    PQclear(gone);
    PQclear(endpoints);
    PQclear(site);
    return count;
}

static int run_rm(struct cli_args *args)
{
    struct listing listing;
    const char *name = cli_operand(args, 0);
    int code = read_listing(args, &listing);
    if (code != EXIT_HEALTHY)
        return code;
    struct db *db = open_db(&listing.settings, NULL);
    if (db == NULL || !db_begin(db)) {
        db_close(db);
        return EXIT_FAILED;
    }
    long count = remove_site(db, name);
    if (count < 0)
        db_rollback(db);
    else if (db_commit(db))
        (void)printf(ngettext("site %s removed with %ld endpoint; its attempts stay in the database\n",
                              "site %s removed with %ld endpoints; their attempts stay in the database\n",
                              (unsigned long)count),
                     name, count);
    else
        count = -1;
    db_close(db);
    return count < 0 ? EXIT_FAILED : EXIT_HEALTHY;
}

const struct cli_verb verb_site_add = {.name = "site add",
                                       .operands = "NAME",
                                       .min_operands = 1,
                                       .max_operands = 1,
                                       .summary = N_("put a site under watch"),
                                       .options = add_options,
                                       .run = run_add};
const struct cli_verb verb_site_list = {.name = "site list",
                                        .operands = "",
                                        .summary = N_("list the sites"),
                                        .options = list_options,
                                        .run = run_list};
const struct cli_verb verb_site_show = {.name = "site show",
                                        .operands = "NAME",
                                        .min_operands = 1,
                                        .max_operands = 1,
                                        .summary = N_("show a site's endpoints"),
                                        .options = list_options,
                                        .run = run_show};
const struct cli_verb verb_site_rm = {.name = "site rm",
                                      .operands = "NAME",
                                      .min_operands = 1,
                                      .max_operands = 1,
                                      .summary = N_("stop watching a site (its attempts stay)"),
                                      .options = rm_options,
                                      .run = run_rm};

#include "cli/cli.h"
#include "cli/i18n.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_NUMBER_BYTES = 24 };

/* What a site says of itself, as SQL texts; NULL where nothing was given. */
struct setting_texts {
    char interval[STORE_NUMBER_BYTES], fetch[STORE_NUMBER_BYTES], depth[STORE_NUMBER_BYTES];
};

static const char *interval_text(const struct site *site, struct setting_texts *texts)
{
    (void)snprintf(texts->interval, sizeof texts->interval, "%d", site->interval_s);
    return site->interval_s == 0 ? NULL : texts->interval;
}

static const char *fetch_text(const struct site *site, struct setting_texts *texts)
{
    (void)snprintf(texts->fetch, sizeof texts->fetch, "%u", site->fetch);
    return site->fetch_given ? texts->fetch : NULL;
}

static const char *depth_text(const struct site *site, struct setting_texts *texts)
{
    (void)snprintf(texts->depth, sizeof texts->depth, "%d", (int)site->depth);
    return site->depth_given ? texts->depth : NULL;
}

static const char *sentinel_text(const struct site *site)
{
    return site->sentinel == SENTINEL_YES ? "t" : site->sentinel == SENTINEL_NO ? "f" : NULL;
}

/* One row with the new id, none when the name is taken. */
static PGresult *insert_site(struct db *db, const struct site *site)
{
    struct setting_texts texts;
    char usual[STORE_NUMBER_BYTES];
    const char *interval = interval_text(site, &texts), *fetch = fetch_text(site, &texts),
               *depth = depth_text(site, &texts);
    (void)snprintf(usual, sizeof usual, "%d", SITE_DEFAULT_INTERVAL_S);
    const char *values[] = {site->name, interval == NULL ? usual : interval,
                            site->sentinel == SENTINEL_YES ? "t" : "f", fetch == NULL ? "0" : fetch,
                            depth == NULL ? "0" : depth};
    return db_query(db, STATEMENT_site_insert, values, 5);
}

/* Changes what is given. */
static bool update_site(struct db *db, const struct site *site, const char *id, struct site_counts *counts)
{
    struct setting_texts texts;
    const char *values[] = {id, interval_text(site, &texts), sentinel_text(site), fetch_text(site, &texts),
                            depth_text(site, &texts)};
    PGresult *result = db_query(db, STATEMENT_site_update, values, 5);
    if (result == NULL)
        return false;
    bool changed = PQntuples(result) > 0;
    PQclear(result);
    counts->sites_changed += changed;
    counts->sites_unchanged += !changed;
    return true;
}

/* Writes the site's id to ret_id. */
static bool store_site(struct db *db, const struct site *site, bool must_be_new, struct site_counts *counts,
                       char ret_id[STORE_NUMBER_BYTES])
{
    PGresult *made = insert_site(db, site);
    if (made == NULL)
        return false;
    bool added = PQntuples(made) > 0;
    if (added)
        (void)snprintf(ret_id, STORE_NUMBER_BYTES, "%s", db_text(made, 0, "id"));
    PQclear(made);
    counts->sites_added += added;
    if (added)
        return true;
    if (must_be_new) {
        cli_error(_("site %s exists already; see it with: parallax-collector site show %s, or add endpoints "
                    "with site import"),
                  site->name, site->name);
        return false;
    }
    PGresult *found = db_query(db, STATEMENT_site_find, &site->name, 1);
    bool there = found != NULL && PQntuples(found) > 0;
    if (there)
        (void)snprintf(ret_id, STORE_NUMBER_BYTES, "%s", db_text(found, 0, "id"));
    else if (found != NULL)
        cli_error(_("site %s was removed meanwhile; try again"), site->name);
    PQclear(found);
    return there && update_site(db, site, ret_id, counts);
}

static bool store_endpoint(struct db *db, const char *site_id, const struct endpoint *endpoint,
                           struct site_counts *counts)
{
    char role[STORE_NUMBER_BYTES], port[STORE_NUMBER_BYTES], address[ADDRESS_TEXT_BYTES];
    (void)snprintf(role, sizeof role, "%d", (int)endpoint->role);
    (void)snprintf(port, sizeof port, "%u", endpoint->port);
    const char *values[] = {
        site_id,        role,
        endpoint->host, port,
        endpoint->sni,  endpoint->address.length == 0 ? NULL : address_text(&endpoint->address, address)};
    PGresult *result = db_query(db, STATEMENT_site_endpoint_insert, values, 6);
    if (result == NULL)
        return false;
    bool added = PQntuples(result) > 0;
    counts->endpoints_added += added;
    counts->endpoints_unchanged += !added;
    PQclear(result);
    return true;
}

static bool store_all(struct db *db, const struct site_book *book, bool must_be_new,
                      struct site_counts *counts)
{
    for (size_t s = 0; s < book->site_count; s++) {
        const struct site *site = book->sites[s];
        char id[STORE_NUMBER_BYTES];
        if (!store_site(db, site, must_be_new, counts, id))
            return false;
        for (size_t e = 0; e < site->endpoint_count; e++) {
            if (!store_endpoint(db, id, &site->endpoints[e].endpoint, counts))
                return false;
        }
    }
    PGresult *told = db_query(db, STATEMENT_site_notify, NULL, 0);
    PQclear(told);
    return told != NULL;
}

bool site_book_store(struct db *db, const struct site_book *book, bool must_be_new,
                     struct site_counts *ret_counts)
{
    struct site_counts counts = {0};
    if (!db_begin(db))
        return false;
    if (!store_all(db, book, must_be_new, &counts)) {
        db_rollback(db);
        return false;
    }
    if (!db_commit(db))
        return false;
    *ret_counts = counts;
    return true;
}

/* --- and found --- */

enum { SITE_MOST_NAMES = 1000 };

static void say_no_site(struct db *db, const char *name)
{
    const char *names[SITE_MOST_NAMES];
    PGresult *result = db_query(db, STATEMENT_site_names, NULL, 0);
    size_t count = 0;
    for (int row = 0; result != NULL && row < PQntuples(result) && count < SITE_MOST_NAMES; row++)
        names[count++] = db_text(result, row, "name");
    const char *near = cli_nearest(name, names, count);
    if (near != NULL)
        cli_error(_("there is no site \"%s\" (did you mean \"%s\"?)"), name, near);
    else
        cli_error(_("there is no site \"%s\"; parallax-collector site list shows them"), name);
    PQclear(result);
}

PGresult *site_find(struct db *db, const char *name)
{
    PGresult *site = db_query(db, STATEMENT_site_find, &name, 1);
    if (site == NULL || PQntuples(site) > 0)
        return site;
    PQclear(site);
    say_no_site(db, name);
    return NULL;
}

bool site_is_there(struct db *db, const char *name)
{
    PGresult *site = name == NULL ? NULL : site_find(db, name);
    PQclear(site);
    return name == NULL || site != NULL;
}

#include "site.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "words/target.h"
#include "words/units.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_MAX_BYTES = 1 << 29 };

#define SITE_NAME(symbol, name) [symbol] = (name),
const char *const site_column_names[SITE_COLUMN_COUNT] = {SITE_COLUMNS(SITE_NAME)};

void site_book_init(struct site_book *book)
{
    memset(book, 0, sizeof *book);
    arena_init(&book->arena, SITE_MAX_BYTES);
}

static void keep_node(void *node)
{
    (void)node; /* the arena owns it */
}

void site_book_done(struct site_book *book)
{
    tdestroy(book->by_name, keep_node);
    for (size_t i = 0; i < book->problem_kept; i++)
        free(book->problems[i]);
    arena_done(&book->arena);
    memset(book, 0, sizeof *book);
}

void site_book_complain(struct site_book *book, char *text)
{
    book->problem_count++;
    if (text == NULL || book->problem_kept == SITE_MAX_PROBLEMS)
        free(text);
    else
        book->problems[book->problem_kept++] = text;
}

static int order_sites(const void *left, const void *right)
{
    return strcmp(((const struct site *)left)->name, ((const struct site *)right)->name);
}

static bool grow(struct arena *arena, void **array, size_t count, size_t *room, size_t size_bytes)
{
    if (count < *room)
        return true;
    size_t wanted = *room == 0 ? 4 : *room * 2;
    void *grown = arena_array(arena, wanted, size_bytes);
    if (grown == NULL)
        return false;
    if (count > 0)
        memcpy(grown, *array, count * size_bytes);
    *array = grown;
    *room = wanted;
    return true;
}

/* Printable, short, and nothing that an option or a shell would take for something else. */
static bool is_site_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > SITE_NAME_MAX || name[0] == '-' || strpbrk(name, " ,;/\\'\"") != NULL)
        return false;
    char *safe = text_safe_copy(name);
    bool printable = strcmp(safe, name) == 0;
    free(safe);
    return printable;
}

/* The site of this name, made when it is new. NULL without memory, or when there are too many. */
static struct site *find_site(struct site_book *book, const char *name)
{
    struct site wanted = {.name = name};
    struct site **found = tfind(&wanted, &book->by_name, order_sites);
    if (found != NULL)
        return *found;
    struct site *site = arena_take(&book->arena, sizeof *site);
    if (site == NULL || book->site_count == SITE_MAX_SITES)
        return NULL;
    site->name = arena_string(&book->arena, name);
    void *sites = book->sites;
    if (site->name == NULL ||
        !grow(&book->arena, &sites, book->site_count, &book->site_room, sizeof *book->sites))
        return NULL;
    book->sites = sites;
    if (tsearch(site, &book->by_name, order_sites) == NULL)
        return NULL;
    book->sites[book->site_count++] = site;
    return site;
}

static bool fault(struct site_fault *ret_fault, enum site_column column, const char *value, const char *why)
{
    *ret_fault = (struct site_fault){.column = column, .value = value, .why = why};
    return false;
}

static bool read_interval(const struct site_row *row, int *ret_interval_s, struct site_fault *ret_fault)
{
    const char *text = row->text[SITE_COLUMN_INTERVAL];
    int64_t span_us = 0;
    if (text[0] == '\0') {
        *ret_interval_s = 0;
        return true;
    }
    if (!span_parse(text, &span_us) || span_us % US_PER_S != 0 || span_us < US_PER_S ||
        span_us > SITE_MAX_INTERVAL_S * US_PER_S)
        return fault(ret_fault, SITE_COLUMN_INTERVAL, text,
                     _("expected whole seconds from 1s to 1d, such as 60s or 5m"));
    *ret_interval_s = (int)(span_us / US_PER_S);
    return true;
}

static bool read_fetch(const struct site_row *row, unsigned *ret_fetch, struct site_fault *ret_fault)
{
    const char *text = row->text[SITE_COLUMN_FETCH];
    *ret_fetch = 0;
    return text[0] == '\0' || fetch_from_text(text, ret_fetch) ||
           fault(ret_fault, SITE_COLUMN_FETCH, text, _("expected issuer, ocsp, both, or none"));
}

static bool read_depth(const struct site_row *row, enum depth *ret_depth, struct site_fault *ret_fault)
{
    const char *text = row->text[SITE_COLUMN_DEPTH];
    *ret_depth = DEPTH_FULL;
    return text[0] == '\0' || depth_from_name(text, ret_depth) ||
           fault(ret_fault, SITE_COLUMN_DEPTH, text, _("expected full or hello"));
}

bool site_sentinel_parse(const char *text, enum site_sentinel *ret_sentinel)
{
    static const char *const words[] = {
        [SENTINEL_NOT_GIVEN] = "", [SENTINEL_NO] = "no", [SENTINEL_YES] = "yes"};
    for (int i = SENTINEL_NOT_GIVEN; i <= SENTINEL_YES; i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        *ret_sentinel = (enum site_sentinel)i;
        return true;
    }
    return false;
}

/* "NAME@203.0.113.7" into its halves; the column address says the same. */
static bool split_target(struct site_book *book, const struct site_row *row, const char **ret_target,
                         struct address *ret_address, struct site_fault *ret_fault)
{
    const char *target = row->text[SITE_COLUMN_TARGET], *at = strrchr(target, '@');
    const char *address = row->text[SITE_COLUMN_ADDRESS];
    *ret_address = (struct address){0};
    if (at != NULL && address[0] != '\0')
        return fault(ret_fault, SITE_COLUMN_ADDRESS, address,
                     _("expected nothing, as the target names its address"));
    *ret_target = at == NULL ? target : arena_text(&book->arena, target, (size_t)(at - target));
    if (*ret_target == NULL)
        return fault(ret_fault, SITE_COLUMN_TARGET, target, _("out of memory"));
    if (at != NULL && !address_parse(at + 1, ret_address))
        return fault(ret_fault, SITE_COLUMN_TARGET, target,
                     _("expected an IPv4 or IPv6 address after the @"));
    if (address[0] != '\0' && !address_parse(address, ret_address))
        return fault(ret_fault, SITE_COLUMN_ADDRESS, address, _("expected an IPv4 or IPv6 address"));
    return true;
}

/* Does the target say its port? https:// does; a bare host or address does not. */
static bool says_port(const char *target)
{
    struct address address;
    if (address_parse(target, &address))
        return false;
    if (strstr(target, "://") != NULL)
        return true;
    const char *after = strrchr(target, ']');
    return strchr(after == NULL ? target : after, ':') != NULL;
}

/* A host name alone, as target_parse normalises it. */
static bool read_name(struct site_book *book, const char *text, const char **ret_name)
{
    struct endpoint parsed;
    const char *why;
    if (strpbrk(text, ":/@[") != NULL || !target_parse(text, &book->arena, &parsed, &why) ||
        !target_is_name(parsed.host))
        return false;
    *ret_name = parsed.host;
    return true;
}

static bool read_endpoint(struct site_book *book, const struct site_row *row,
                          struct site_endpoint *ret_endpoint, struct site_fault *ret_fault)
{
    const char *role = row->text[SITE_COLUMN_ROLE], *sni = row->text[SITE_COLUMN_SNI], *target, *why = NULL;
    struct site_endpoint made = {.port_given = false};
    struct endpoint *endpoint = &made.endpoint;
    enum endpoint_role known = ROLE_PLAIN;
    struct address pinned, host;
    if (role[0] != '\0' && !endpoint_role_from_name(role, &known))
        return fault(ret_fault, SITE_COLUMN_ROLE, role, _("expected edge, origin or plain"));
    if (!split_target(book, row, &target, &pinned, ret_fault))
        return false;
    if (!target_parse(target, &book->arena, endpoint, &why))
        return fault(ret_fault, SITE_COLUMN_TARGET, row->text[SITE_COLUMN_TARGET], _(why));
    endpoint->role = known;
    endpoint->sni = "";
    if (sni[0] != '\0' && !read_name(book, sni, &endpoint->sni))
        return fault(ret_fault, SITE_COLUMN_SNI, sni, _("expected a host name"));
    made.port_given = says_port(target);
    made.bare = address_parse(endpoint->host, &host);
    if (!made.bare)
        endpoint->address = pinned;
    if (made.bare && pinned.length != 0)
        return fault(ret_fault, SITE_COLUMN_TARGET, row->text[SITE_COLUMN_TARGET],
                     _("expected a host name, as an address is given beside it"));
    if (made.bare && sni[0] != '\0') { /* the name it is asked for is its host, at this address */
        endpoint->host = endpoint->sni;
        endpoint->sni = "";
        made.bare = false;
    }
    if (strcmp(endpoint->sni, endpoint->host) == 0)
        endpoint->sni = "";
    *ret_endpoint = made;
    return true;
}

/* What a row says of its site itself; what it does not say is as it is. */
static bool read_settings(const struct site_row *row, struct site *ret_said, struct site_fault *ret_fault)
{
    struct site said = {.fetch_given = row->text[SITE_COLUMN_FETCH][0] != '\0',
                        .depth_given = row->text[SITE_COLUMN_DEPTH][0] != '\0'};
    if (!read_interval(row, &said.interval_s, ret_fault) || !read_fetch(row, &said.fetch, ret_fault) ||
        !read_depth(row, &said.depth, ret_fault))
        return false;
    if (!site_sentinel_parse(row->text[SITE_COLUMN_SENTINEL], &said.sentinel))
        return fault(ret_fault, SITE_COLUMN_SENTINEL, row->text[SITE_COLUMN_SENTINEL],
                     _("expected yes or no"));
    *ret_said = said;
    return true;
}

/* What a row says of its site must not contradict an earlier one. */
static bool settle_site(struct site *site, const struct site_row *row, const struct site *said,
                        struct site_fault *ret_fault)
{
    const char *as_before = _("expected what an earlier line says of this site");
    if (said->interval_s != 0 && site->interval_s != 0 && site->interval_s != said->interval_s)
        return fault(ret_fault, SITE_COLUMN_INTERVAL, row->text[SITE_COLUMN_INTERVAL],
                     _("expected the interval that an earlier line gives this site"));
    if (said->sentinel != SENTINEL_NOT_GIVEN && site->sentinel != SENTINEL_NOT_GIVEN &&
        site->sentinel != said->sentinel)
        return fault(ret_fault, SITE_COLUMN_SENTINEL, row->text[SITE_COLUMN_SENTINEL], as_before);
    if (said->fetch_given && site->fetch_given && site->fetch != said->fetch)
        return fault(ret_fault, SITE_COLUMN_FETCH, row->text[SITE_COLUMN_FETCH], as_before);
    if (said->depth_given && site->depth_given && site->depth != said->depth)
        return fault(ret_fault, SITE_COLUMN_DEPTH, row->text[SITE_COLUMN_DEPTH], as_before);
    if (said->interval_s != 0)
        site->interval_s = said->interval_s;
    if (said->sentinel != SENTINEL_NOT_GIVEN)
        site->sentinel = said->sentinel;
    if (said->fetch_given)
        site->fetch = said->fetch;
    if (said->depth_given)
        site->depth = said->depth;
    site->fetch_given |= said->fetch_given;
    site->depth_given |= said->depth_given;
    return true;
}

bool site_book_add(struct site_book *book, const struct site_row *row, struct site_fault *ret_fault)
{
    const char *name = row->text[SITE_COLUMN_SITE];
    struct site_endpoint made;
    struct site said;
    if (!is_site_name(name))
        return fault(ret_fault, SITE_COLUMN_SITE, name,
                     _("expected a name of up to 100 bytes without spaces, commas, slashes or quotes"));
    if (!read_endpoint(book, row, &made, ret_fault) || !read_settings(row, &said, ret_fault))
        return false;
    struct site *site = book->endpoint_count < SITE_MAX_ENDPOINTS ? find_site(book, name) : NULL;
    void *endpoints = site == NULL ? NULL : site->endpoints;
    if (site == NULL ||
        !grow(&book->arena, &endpoints, site->endpoint_count, &site->endpoint_room, sizeof made))
        return fault(ret_fault, SITE_COLUMN_SITE, name, _("expected fewer sites and endpoints in one input"));
    site->endpoints = endpoints; /* at once: its room is already counted */
    if (!settle_site(site, row, &said, ret_fault))
        return false;
    site->endpoints[site->endpoint_count++] = made;
    book->endpoint_count++;
    return true;
}

/* The edge an origin stands behind: the one of its name when it has one, else the first. NULL when there is none. */
static const struct endpoint *edge_of(const struct site *site, const struct endpoint *origin, bool any)
{
    for (size_t i = 0; i < site->endpoint_count; i++) {
        const struct endpoint *edge = &site->endpoints[i].endpoint;
        if (edge->role == ROLE_EDGE && (any || strcmp(endpoint_sni(edge), endpoint_sni(origin)) == 0))
            return edge;
    }
    return NULL;
}

static void settle_origin(const struct site *site, struct site_endpoint *made)
{
    struct endpoint *origin = &made->endpoint;
    bool named = !made->bare && (origin->address.length != 0 || origin->sni[0] != '\0');
    const struct endpoint *edge = edge_of(site, origin, !named);
    if (edge == NULL)
        return;
    if (!made->port_given)
        origin->port = edge->port;
    if (made->bare && endpoint_sni(edge)[0] != '\0') {
        origin->host = endpoint_sni(edge);
        made->bare = false;
    } else if (!named && strcmp(origin->host, endpoint_sni(edge)) != 0) {
        origin->sni = endpoint_sni(edge);
    }
}

void site_book_settle(struct site_book *book)
{
    for (size_t s = 0; s < book->site_count; s++) {
        for (size_t e = 0; e < book->sites[s]->endpoint_count; e++) {
            if (book->sites[s]->endpoints[e].endpoint.role == ROLE_ORIGIN)
                settle_origin(book->sites[s], &book->sites[s]->endpoints[e]);
        }
    }
}

#ifndef PARALLAX_COLLECTOR_SITE_H
#define PARALLAX_COLLECTOR_SITE_H

#include "store/db.h"
#include "words/arena.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Sites as an operator writes them (options, CSV, YAML), checked before anything reaches the database. A book collects
 * all sites of one input with every problem found in it; only a book without problems is stored, in one transaction.
 */

enum { SITE_NAME_MAX = 100, SITE_MAX_SITES = 100000, SITE_MAX_ENDPOINTS = 1000000, SITE_MAX_PROBLEMS = 100 };

/* X(symbol, name): columns of a CSV file; keys of YAML. All but site and target may be empty. */
#define SITE_COLUMNS(X)                                                                                      \
    X(SITE_COLUMN_SITE, "site")                                                                              \
    X(SITE_COLUMN_ROLE, "role")                                                                              \
    X(SITE_COLUMN_TARGET, "target")                                                                          \
    X(SITE_COLUMN_ADDRESS, "address")                                                                        \
    X(SITE_COLUMN_SNI, "sni")                                                                                \
    X(SITE_COLUMN_INTERVAL, "interval")                                                                      \
    X(SITE_COLUMN_SENTINEL, "sentinel")                                                                      \
    X(SITE_COLUMN_FETCH, "fetch")                                                                            \
    X(SITE_COLUMN_DEPTH, "depth")

#define SITE_ENUM(symbol, name) symbol,
enum site_column { SITE_COLUMNS(SITE_ENUM) SITE_COLUMN_COUNT };
extern const char *const site_column_names[SITE_COLUMN_COUNT];

/* One endpoint as written; "" where nothing was. `target` may be "TARGET@ADDRESS". */
struct site_row {
    const char *text[SITE_COLUMN_COUNT];
};

/* What is wrong with a row: which of its texts, and why (translated): "expected an IPv4 or IPv6 address". */
struct site_fault {
    enum site_column column;
    const char *value;
    const char *why;
};

struct site_endpoint {
    struct endpoint endpoint;
    bool port_given;
    bool bare; /* the target was an address, and nothing names a host for it yet */
};

/* Are vantages held against this site: is it well, whatever happens to the others? */
enum site_sentinel { SENTINEL_NOT_GIVEN, SENTINEL_NO, SENTINEL_YES };

/** Reads "yes" or "no"; "" is not given. @return false for anything else. */
bool site_sentinel_parse(const char *text, enum site_sentinel *ret_sentinel);

struct site {
    const char *name;
    int interval_s; /* 0: not given */
    enum site_sentinel sentinel;
    bool fetch_given;
    unsigned fetch; /* enum fetch_flags */
    bool depth_given;
    enum depth depth;
    size_t endpoint_count;
    size_t endpoint_room;
    struct site_endpoint *endpoints;
};

struct site_book {
    struct arena arena;
    size_t site_count;
    size_t site_room;
    struct site **sites; /* in the order they came */
    void *by_name;       /* tsearch tree of struct site */
    size_t endpoint_count;
    size_t problem_count; /* all of them */
    size_t problem_kept;
    char *problems[SITE_MAX_PROBLEMS]; /* "file:line: ...", each on the heap */
};

void site_book_init(struct site_book *book);
void site_book_done(struct site_book *book);

/** Notes a problem. @param text  heap text that the book takes; NULL (no memory) counts too. */
void site_book_complain(struct site_book *book, char *text);

/** Adds a row's endpoint to its site. @return false with *ret_fault set (its texts live as long as the book and the row). */
bool site_book_add(struct site_book *book, const struct site_row *row, struct site_fault *ret_fault);

/**
 * Call once when all rows are in. Origins are asked for the edge's name (the first edge's, unless the row says which): an
 * origin given as an address becomes that host, pinned to the address, on the port given or the edge's. That is what makes
 * edge against origin a paired experiment.
 */
void site_book_settle(struct site_book *book);

/** Reads CSV (RFC 4180, header row) into the book; problems are noted as "name:line: ...". */
void site_book_csv(struct site_book *book, const char *name, const char *text, size_t length);

/** Reads YAML: `sites:` is a list of {name, interval, sentinel, fetch, depth, endpoints: [{role, target, address, sni}]}. */
void site_book_yaml(struct site_book *book, const char *name, const char *text, size_t length);

struct site_counts {
    size_t sites_added, sites_changed, sites_unchanged;
    size_t endpoints_added, endpoints_unchanged;
};

/**
 * Stores a book in one transaction and tells the serving collector.
 * @param must_be_new  refuse a site that exists.
 * @return false after cli_error; nothing is stored then.
 */
bool site_book_store(struct db *db, const struct site_book *book, bool must_be_new,
                     struct site_counts *ret_counts);

/**
 * A site of the database by its name: id, interval_s, fetch, depth. @return a row (PQclear it); NULL after cli_error, which names one that is
 * spelt alike.
 */
PGresult *site_find(struct db *db, const char *name);

/** Is it there, or is none named (NULL)? @return false after cli_error. */
bool site_is_there(struct db *db, const char *name);

enum { SITE_DEFAULT_INTERVAL_S = 60, SITE_MAX_INTERVAL_S = 86400 };

#endif

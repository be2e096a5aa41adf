#ifndef PARALLAX_TESTS_FUZZ_SITES_H
#define PARALLAX_TESTS_FUZZ_SITES_H

#include "fuzz.h"

#include "site.h"
#include "words/target.h"

#include <string.h>

/* What holds of a book of sites, whatever file it was read from. */

static inline void check_endpoint(const struct endpoint *endpoint)
{
    struct address address;
    REQUIRE(target_is_name(endpoint->host) || address_parse(endpoint->host, &address));
    REQUIRE(endpoint->port != 0);
    REQUIRE(endpoint->sni[0] == '\0' || target_is_name(endpoint->sni));
    REQUIRE(strlen(endpoint->host) <= PLAN_NAME_MAX && strlen(endpoint->sni) <= PLAN_NAME_MAX);
}

static inline void check_book(struct site_book *book)
{
    if (book->problem_count == 0)
        site_book_settle(book);
    REQUIRE(book->problem_kept <= SITE_MAX_PROBLEMS && book->problem_kept <= book->problem_count);
    for (size_t i = 0; i < book->problem_kept; i++)
        REQUIRE(book->problems[i] != NULL);
    for (size_t i = 0; book->problem_count == 0 && i < book->site_count; i++) {
        const struct site *site = book->sites[i];
        REQUIRE(site->name[0] != '\0' && strlen(site->name) <= SITE_NAME_MAX);
        REQUIRE(site->interval_s >= 0 && site->interval_s <= SITE_MAX_INTERVAL_S);
        for (size_t k = 0; k < site->endpoint_count; k++)
            check_endpoint(&site->endpoints[k].endpoint);
    }
}

#endif

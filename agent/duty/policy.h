#ifndef PARALLAX_DUTY_POLICY_H
#define PARALLAX_DUTY_POLICY_H

#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What the owner of this machine lets a collector probe. Entries:
 *
 *   any                        every name, and every public address
 *   shop.example               this name; *.shop.example: every name below it (not itself)
 *   203.0.113.0/24, ::1        these addresses, whatever sort they are
 *
 * An endpoint that names its address (pinned, or an address as its host) needs an entry for the address; one that is
 * resolved needs an entry for the name. Where a name leads is checked again for every address, after resolution and
 * right before connect: private, loopback, link-local, multicast and reserved addresses are refused unless an address
 * entry covers them, so that a name cannot point an agent into its owner's own network.
 */
enum { POLICY_MAX_ENTRIES = 1024 };

struct policy {
    bool any;
    size_t name_count;
    char **names; /* lower case; "*.x" for below x */
    size_t cidr_count;
    struct cidr *cidrs;
};

void policy_done(struct policy *policy);

/** Adds an entry. @param ret_why  on failure what was expected (static text). */
bool policy_add(struct policy *policy, const char *text, const char **ret_why);

/** May this endpoint be tried at all? @param ret_why  when not: the rule (static text). */
bool policy_allows(const struct policy *policy, const struct endpoint *endpoint, const char **ret_why);

/** May this address be connected to, by an endpoint that policy_allows? */
bool policy_allows_address(const struct policy *policy, const struct address *address);

#endif

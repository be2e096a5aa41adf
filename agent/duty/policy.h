#ifndef PARALLAX_DUTY_POLICY_H
#define PARALLAX_DUTY_POLICY_H

#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What the owner of this machine lets a collector probe. Entries of allow and deny:
 *
 *   any                        every name, and every public address (deny: everything)
 *   shop.example               this name; *.shop.example: every name below it (not itself)
 *   203.0.113.0/24, ::1        these addresses, whatever sort they are
 *
 * An endpoint that names its address (pinned, or an address as its host) needs an entry for the address; one that is
 * resolved needs an entry for the name. Where a name leads is judged again for every address: private, loopback, link-local,
 * multicast and reserved addresses are refused unless an address entry covers them, so that a name cannot point an agent
 * into its owner's own network; a cloud's metadata address needs an entry of that one address. An IPv6 address that embeds
 * an IPv4 one needs what both need. What deny has is refused whatever allow has, as the host, as the server name that would
 * be sent, and as an address. Ports are those of `ports`, for every host.
 *
 * Where it is asked. A prober opens connections and sends DNS questions in one place each, agent/probe/stage_connect.c and
 * stage_resolve.c, and each of them asks first, by prober_options.allow, with the job as it will be done. So everything that
 * makes a job passes it, and nobody has to remember to ask:
 *
 *   - a slot of a round (round.c, which asks before it makes a job at all), and its confirm attempt;
 *   - every step of the ladder (climbs.c): the other SNI of a control, another port, another address of the name, the other
 *     family, several at once, the hello in pieces. Which other address is chosen asks as well;
 *   - the issuer and the OCSP responder that a certificate names: their host, port and addresses are a stranger's choice and
 *     need what an endpoint's need, and `fetch` has to be true;
 *   - another address of the same answer (prober_fork) begins at the connect stage, which asks about that address.
 *
 * A name that is refused is not resolved. The address that connect() gets is the one that was asked about in the statement
 * before it, so a name that leads elsewhere the second time gains nothing. HTTP redirects are noted, never followed; CRLs are
 * never fetched. The resolver's and the collectors' addresses are the owner's own choice and pass unasked.
 *
 * A reread of agent.yaml replaces the policy in place (duty/reread.h); attempts under way are judged again then.
 */
enum { POLICY_MAX_ENTRIES = 1024, POLICY_MAX_PORTS = 256, POLICY_WHY_BYTES = 320 };

/* The ports at which TLS is spoken by convention, and 80 for issuers, responders and the ladder's other port. */
#define POLICY_DEFAULT_PORTS                                                                                 \
    "80, 443, 465, 563, 636, 853, 989-995, 2053, 2083, 2087, 2096, 3269, 4443, 5061, 5223, 5671, 6514, "     \
    "6697, 8443, 8883, 9443"

struct policy_entries {
    bool any;
    size_t name_count;
    char **names; /* lower-case A-labels without a trailing dot; "*.x" for below x */
    size_t cidr_count;
    struct cidr *cidrs;
};

struct policy_ports {
    uint16_t first, last;
};

/** Zeroed allows nothing, at the default ports. */
struct policy {
    struct policy_entries allow, deny;
    struct policy_ports ports[POLICY_MAX_PORTS];
    size_t port_count;     /* 0: POLICY_DEFAULT_PORTS */
    bool forbids_fetching; /* hosts that certificates name are not asked, whatever allow has */
};

void policy_done(struct policy *policy);

/** Adds an entry. @param ret_why  on failure what was expected (static text). */
bool policy_allow(struct policy *policy, const char *text, const char **ret_why);
bool policy_deny(struct policy *policy, const char *text, const char **ret_why);

/** Adds ports: "443", "8000-8999", "any", several with commas. @param ret_why  as above. */
bool policy_add_ports(struct policy *policy, const char *text, const char **ret_why);

/** May this endpoint be tried at all? @param why  when not: the rule, from the owner's file or ours alone. */
bool policy_allows(const struct policy *policy, const struct endpoint *endpoint, char why[POLICY_WHY_BYTES]);

/** May this address be connected to, by an endpoint that policy_allows? */
bool policy_allows_address(const struct policy *policy, const struct address *address,
                           char why[POLICY_WHY_BYTES]);

#endif

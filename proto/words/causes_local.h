#ifndef PARALLAX_WORDS_CAUSES_LOCAL_H
#define PARALLAX_WORDS_CAUSES_LOCAL_H

/* What is the vantage's own matter. X(symbol, number, id, name, verdict, evidence, tells_apart, remedy); see cause.h. */

/* clang-format off */
#define CAUSES_LOCAL(X) \
    X(CAUSE_LOCAL_POLICY, 100, "local.policy", N_("refused by policy"), \
      N_("This vantage's owner does not allow it."), \
      N_("the agent's allow list or rate"), \
      N_("nothing was sent"), \
      N_("ask the owner of the vantage, or probe from another one")) \
    X(CAUSE_LOCAL_NO_ROUTE, 101, "local.no_route", N_("no route"), \
      N_("This vantage has no way to {family} addresses; set aside."), \
      N_("connect() fails at once"), \
      N_("self-test of the family"), \
      N_("give the vantage {family}, or leave it out")) \
    X(CAUSE_LOCAL_RESOURCE, 102, "local.resource", N_("out of resources"), \
      N_("This vantage is out of {resource}."), \
      N_("errno of a local call"), \
      N_("no packet was sent"), \
      N_("raise the limit on the vantage")) \
    X(CAUSE_LOCAL_CLOCK, 103, "local.clock", N_("vantage clock wrong"), \
      N_("This vantage's clock is off by {seconds} s; not a fault of the site."), \
      N_("certificates look expired or not yet valid here alone"), \
      N_("the HTTP Date header and other vantages agree with each other"), \
      N_("timedatectl set-ntp true (or chrony) on the vantage"))
/* clang-format on */

#endif

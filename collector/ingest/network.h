#ifndef PARALLAX_COLLECTOR_INGEST_NETWORK_H
#define PARALLAX_COLLECTOR_INGEST_NETWORK_H

#include "words/address.h"

#include <stdbool.h>
#include <stdint.h>

/* Which network an address belongs to, from an mmdb file (MaxMind, IPinfo, ...). What the file does not say
 * is not known. */
struct networks;

struct network {
    int64_t asn;     /* 0: not known */
    char prefix[64]; /* "203.0.113.0/24"; "" */
    char country[3]; /* "HK"; "" */
};

/** @return NULL with *ret_why set to one line (the caller frees it). */
struct networks *networks_open(const char *path, char **ret_why);
void networks_close(struct networks *networks);

/** @param networks  NULL: nothing is known. @return what is known; all empty for an address that is not in
 * the file. */
struct network network_of(const struct networks *networks, const struct address *address);

#endif

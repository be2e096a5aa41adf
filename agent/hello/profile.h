#ifndef PARALLAX_HELLO_PROFILE_H
#define PARALLAX_HELLO_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a ClientHello offers, as data: one row of the table in profile.c is one profile. Numbers are IANA's.
 */

struct hello_list {
    const uint16_t *values;
    size_t count;
};

struct hello_profile {
    const char *name;         /* as the evidence records it, and --hello asks for it */
    uint16_t record_version;  /* of the record it travels in */
    uint16_t legacy_version;  /* of the message (RFC 8446, 4.1.2) */
    uint8_t session_id_bytes; /* 0 or 32 (RFC 8446, appendix D.4) */
    bool grease; /* RFC 8701: random reserved values lead ciphers, groups, extensions, versions */
    struct hello_list versions; /* supported_versions; empty: the extension is not sent */
    struct hello_list ciphers;
    struct hello_list groups;
    struct hello_list shares;     /* the groups that a key share is sent of; a subset of `groups` */
    struct hello_list signatures; /* signature_algorithms */
    const char *const *alpn;      /* ends with NULL; NULL: the extension is not sent */
    struct hello_list
        extensions; /* their types in the order of sending; SNI and ALPN are left out when there is none */
    uint16_t filler_bytes; /* of an extension that says nothing, to make a hello large; 0: none */
    uint16_t padded_bytes; /* RFC 7685: the message is padded to at least this; 0: not */
};

/** @return the profile of that name, NULL when there is none. Static. */
const struct hello_profile *hello_profile_find(const char *name);

/** The profiles in the order of the table. @return NULL after the last. */
const struct hello_profile *hello_profile_at(size_t index);

/** What the normal probe says; equal, but for what is random, to what libssl says with the same settings. */
#define HELLO_PROFILE_NORMAL "openssl-default"

#endif

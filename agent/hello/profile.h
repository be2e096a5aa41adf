#ifndef PARALLAX_HELLO_PROFILE_H
#define PARALLAX_HELLO_PROFILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a ClientHello offers, as data: one row of the table in profile.c is one profile. Numbers are IANA's.
 */

struct hello_list {
    const uint16_t *values;
    size_t count;
};

/* Types of extensions that are more than a number. All that hello_write knows are in its table. */
enum {
    HELLO_SERVER_NAME = 0,
    HELLO_ALPN = 16,
    HELLO_PADDING = 21,
    HELLO_COOKIE = 44,
    HELLO_SUPPORTED_VERSIONS = 43,
    HELLO_KEY_SHARE = 51,
    HELLO_FILLER = 0x5a5a, /* says nothing: of those that a server must ignore (RFC 8701) */
    HELLO_ENCRYPTED = 65037
};

/*
 * In any list but that of points: a reserved value which is another one in each hello (RFC 8701). Of the extensions the first one says
 * nothing and another one a byte, as BoringSSL has it.
 */
#define HELLO_GREASE 0x0a0a

struct hello_profile {
    const char *name;           /* as the evidence records it, and --hello asks for it */
    uint16_t record_version;    /* of the record it travels in */
    uint16_t legacy_version;    /* of the message (RFC 8446, 4.1.2) */
    uint16_t oldest_version;    /* that is taken, which a hello without `versions` does not say; 0 with it */
    uint8_t session_id_bytes;   /* 0 or 32 (RFC 8446, appendix D.4) */
    struct hello_list versions; /* supported_versions; empty: the extension is not sent */
    struct hello_list ciphers;
    struct hello_list groups;
    struct hello_list points;       /* ec_point_formats (RFC 8422, 5.1.2) */
    struct hello_list shares;       /* the groups that a key share is sent of; a subset of `groups` */
    struct hello_list signatures;   /* signature_algorithms */
    struct hello_list compressions; /* compress_certificate (RFC 8879); one who offers it has to undo it */
    const char *const *alpn;        /* ends with NULL; NULL: the extension is not sent */
    struct hello_list
        extensions; /* their types in the order of sending; SNI and ALPN are left out when there is none */
    uint16_t
        encrypted_bytes; /* of HELLO_ENCRYPTED, which only looks like an encrypted hello (RFC 9849, 6.2): its payload's */
    uint16_t filler_bytes; /* of HELLO_FILLER, to make a hello large */
    uint16_t padded_bytes; /* RFC 7685: the last extension pads the message to at least this; 0: not */
};

/** @return the profile of that name, NULL when there is none. Static. */
const struct hello_profile *hello_profile_find(const char *name);

/** The profiles in the order of the table. @return NULL after the last. */
const struct hello_profile *hello_profile_at(size_t index);

/*
 * Those that are called openssl-* are what libssl 3.0 says with the settings of the probe's variants, equal but for what is random.
 * The others have the shape of the hellos of well-known clients: the same lists in the same order, so that who looks at a hello's
 * shape takes it for theirs. They are for hellos that go no further: some offer what this program does not speak.
 */

/** What the normal probe says. */
#define HELLO_PROFILE_NORMAL "openssl-default"

#endif

#ifndef PARALLAX_HELLO_SERVER_HELLO_H
#define PARALLAX_HELLO_SERVER_HELLO_H

#include "hello/extensions.h"

/*
 * ServerHello and HelloRetryRequest (RFC 8446, 4.1.3; RFC 5246, 7.4.1.3), for who wants to know what is there (answer.h) and for who
 * goes on with it (client.h): the message is taken apart here, and what its extensions hold is read here, for both.
 */

struct server_hello {
    uint16_t legacy_version;
    uint16_t version; /* selected_version, else legacy_version */
    bool selects;     /* selected_version is there */
    bool retry;       /* it is a HelloRetryRequest */
    struct hello_span random;
    struct hello_span session_id;
    uint16_t cipher;
    uint8_t compression;
    uint16_t group; /* of the key share, or the one asked for; 0: none */
    struct hello_span share;
    struct hello_span cookie;
    struct hello_span alpn; /* TLS 1.2 says it here */
    bool psk;               /* it chose a pre-shared key, which nobody offered */
    bool unoffered;         /* an extension that is known and has no place here (RFC 8446, 4.2) */
    bool downgraded;        /* the last bytes of random are those of RFC 8446, 4.1.3 */
};

/** Where a message stops being a ServerHello. */
enum server_hello_flaw {
    SERVER_HELLO_SOUND,
    SERVER_HELLO_CUT, /* before its extensions */
    SERVER_HELLO_LONG_ID,
    SERVER_HELLO_BAD_BLOCK /* of extensions; all before it is there */
};

/** The random of a ServerHello that is a HelloRetryRequest: SHA-256 of that word (RFC 8446, 4.1.3). @param random  32 bytes. */
bool server_hello_random_is_retry(const uint8_t *random);

/**
 * Takes a message without its header apart, and looks into no extension.
 * @param ret_hello  what stands before the extensions, as far as it is there; `version` is what that says.
 * @param ret_block  the extensions; none in a message that ends before them, as older ones may.
 */
enum server_hello_flaw server_hello_split(struct cursor message, struct server_hello *ret_hello,
                                          struct cursor *ret_block);

/* What an extension says, into the hello; nothing, when it is not there. @return false when it is not what its type says. */

bool server_hello_take_version(const struct tls_extensions *extensions, struct server_hello *hello);

/** The group is there also when what follows it is wrong. */
bool server_hello_take_share(const struct tls_extensions *extensions, struct server_hello *hello);

/** An empty one is taken too. */
bool server_hello_take_cookie(const struct tls_extensions *extensions, struct server_hello *hello);

/** Reads a message without its header, whatever hello it answers. @return false when it is malformed. */
bool server_hello_read(const uint8_t *bytes, size_t length, struct server_hello *ret_hello);

#endif

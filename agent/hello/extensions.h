#ifndef PARALLAX_HELLO_EXTENSIONS_H
#define PARALLAX_HELLO_EXTENSIONS_H

#include "hello/profile.h"
#include "words/cursor.h"

/*
 * The extensions of a server's messages, judged as libssl does: which may be where (RFC 8446, 4.2), none twice, none that
 * was not asked for. A fault has libssl's number, so that the evidence says the same whichever engine met it.
 */

/** A piece of what was read. Borrowed from it. */
struct hello_span {
    const uint8_t *bytes; /* NULL: not there */
    size_t length;
};

/** Why the peer's bytes end a connection. */
struct tls_fault {
    int alert;  /* to send; TLS_NO_ALERT for none */
    int reason; /* SSL_R_*, or ERR_R_* */
};

enum { TLS_NO_ALERT = -1 };

/** Says why in *fault, and no: `return tls_fault(fault, alert, reason)`. */
static inline bool tls_fault(struct tls_fault *fault, int alert, int reason)
{
    *fault = (struct tls_fault){.alert = alert, .reason = reason};
    return false;
}

/** The messages that carry extensions. */
enum extension_place {
    IN_SERVER_HELLO_12 = 1,
    IN_SERVER_HELLO = 2,
    IN_HELLO_RETRY = 4,
    IN_ENCRYPTED_EXTENSIONS = 8,
    IN_CERTIFICATE = 16,
    IN_CERTIFICATE_REQUEST = 32,
    IN_TICKET = 64
};

/* X(symbol, type, places): what libssl 3.0 knows, with where it may come from a server. */
#define TLS_EXTENSIONS(X)                                                                                    \
    X(RENEGOTIATE, 0xff01, IN_SERVER_HELLO_12)                                                               \
    X(SERVER_NAME, 0, IN_SERVER_HELLO_12 | IN_ENCRYPTED_EXTENSIONS)                                          \
    X(MAX_FRAGMENT, 1, IN_SERVER_HELLO_12 | IN_ENCRYPTED_EXTENSIONS)                                         \
    X(SRP, 12, 0)                                                                                            \
    X(POINT_FORMATS, 11, IN_SERVER_HELLO_12)                                                                 \
    X(GROUPS, 10, IN_SERVER_HELLO_12 | IN_ENCRYPTED_EXTENSIONS)                                              \
    X(SESSION_TICKET, 35, IN_SERVER_HELLO_12)                                                                \
    X(STATUS, 5, IN_SERVER_HELLO_12 | IN_CERTIFICATE | IN_CERTIFICATE_REQUEST)                               \
    X(NEXT_PROTOCOL, 13172, IN_SERVER_HELLO_12)                                                              \
    X(ALPN, 16, IN_SERVER_HELLO_12 | IN_ENCRYPTED_EXTENSIONS)                                                \
    X(SRTP, 14, 0)                                                                                           \
    X(ENCRYPT_THEN_MAC, 22, IN_SERVER_HELLO_12)                                                              \
    X(SCTS, 18, IN_SERVER_HELLO_12 | IN_CERTIFICATE | IN_CERTIFICATE_REQUEST)                                \
    X(MASTER_SECRET, 23, IN_SERVER_HELLO_12)                                                                 \
    X(SIGNATURES_CERT, 50, IN_CERTIFICATE_REQUEST)                                                           \
    X(POST_HANDSHAKE_AUTH, 49, 0)                                                                            \
    X(SIGNATURES, 13, IN_CERTIFICATE_REQUEST)                                                                \
    X(VERSIONS, 43, IN_SERVER_HELLO | IN_HELLO_RETRY)                                                        \
    X(PSK_MODES, 45, 0)                                                                                      \
    X(KEY_SHARE, 51, IN_SERVER_HELLO | IN_HELLO_RETRY)                                                       \
    X(COOKIE, 44, IN_HELLO_RETRY)                                                                            \
    X(CRYPTOPRO, 0xfde8, IN_SERVER_HELLO_12)                                                                 \
    X(EARLY_DATA, 42, IN_ENCRYPTED_EXTENSIONS | IN_TICKET)                                                   \
    X(AUTHORITIES, 47, IN_CERTIFICATE_REQUEST)                                                               \
    X(PADDING, 21, 0)                                                                                        \
    X(PSK, 41, IN_SERVER_HELLO)
#define X(symbol, type, places) EXTENSION_##symbol,
enum tls_extension { TLS_EXTENSIONS(X) TLS_EXTENSION_COUNT };
#undef X

/** Pieces of what was read; bytes NULL: not there. */
struct tls_extensions {
    struct hello_span of[TLS_EXTENSION_COUNT];
};

/** Does a hello of the profile have the extension? @param sni  "" for none. */
bool extension_offered(const struct hello_profile *profile, const char *sni, uint16_t type);

/**
 * Reads a block of extensions without its length.
 * @param places   a set of enum extension_place.
 * @param profile  what was offered; NULL: whatever is there once is taken, in whatever place.
 */
bool extensions_read(struct cursor block, unsigned places, const struct hello_profile *profile,
                     const char *sni, struct tls_extensions *ret_extensions, struct tls_fault *ret_fault);

/** Are all of them allowed in that place? */
bool extensions_fit(const struct tls_extensions *extensions, enum extension_place place);

/** A cursor over an extension that is there. */
struct cursor extension_cursor(const struct tls_extensions *extensions, enum tls_extension which);

/** A list with two bytes of length that is the extension's whole. @return false when it is not that. */
bool extension_list(const struct tls_extensions *extensions, enum tls_extension which,
                    struct cursor *ret_list);

#endif

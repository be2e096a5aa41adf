#ifndef PARALLAX_WORDS_PLAN_H
#define PARALLAX_WORDS_PLAN_H

#include "words/address.h"
#include "words/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to probe, how, and when. Wire and SQL numbers are explicit and never reused. */

/* X(symbol, number, name) */
#define ENDPOINT_ROLES(X)                                                                                    \
    X(ROLE_PLAIN, 0, "plain")                                                                                \
    X(ROLE_EDGE, 1, "edge")                                                                                  \
    X(ROLE_ORIGIN, 2, "origin")

#define STARTTLS_PROTOCOLS(X) X(STARTTLS_NONE, 0, "none")

#define VARIANTS(X)                                                                                          \
    X(VARIANT_NORMAL, 0, "normal")                                                                           \
    X(VARIANT_RETRY, 1, "retry") /* again, from a new source port */                                         \
    X(VARIANT_CONTROL_SNI, 2, "control-sni")                                                                 \
    X(VARIANT_NO_SNI, 3, "no-sni")                                                                           \
    X(VARIANT_TLS12, 4, "tls12")                                                                             \
    X(VARIANT_TLS13, 5, "tls13")                                                                             \
    X(VARIANT_LEGACY, 6, "legacy")     /* TLS 1.0 to 1.2, SECLEVEL 0, legacy renegotiation */                \
    X(VARIANT_RSA_ONLY, 7, "rsa-only") /* signature algorithms (and 1.2 ciphers) of RSA alone */             \
    X(VARIANT_ECDSA_ONLY, 8, "ecdsa-only")                                                                   \
    X(VARIANT_LARGE_HELLO, 9, "large-hello")  /* above one segment, with a share the server need not know */ \
    X(VARIANT_SMALL_MSS, 10, "small-mss")     /* TCP_MAXSEG 1000 */                                          \
    X(VARIANT_SPLIT_HELLO, 11, "split-hello") /* the normal hello in several small segments */               \
    X(VARIANT_OTHER_ADDRESS, 12, "other-address")                                                            \
    X(VARIANT_OTHER_FAMILY, 13, "other-family")                                                              \
    X(VARIANT_CLIENT_CERT, 14, "client-cert") /* with the configured certificate */                          \
    X(VARIANT_IDLE, 15, "idle")               /* no request: wait after the handshake */                     \
    X(VARIANT_NO_ALPN, 16, "no-alpn")                                                                        \
    X(VARIANT_BURST, 17, "burst")           /* one of several at once; own servers only */                   \
    X(VARIANT_ISSUER, 18, "issuer")         /* fetch of the issuer named in the certificate (AIA) */         \
    X(VARIANT_WIDE, 19, "wide")             /* every cipher and group the library has, SECLEVEL 0 */         \
    X(VARIANT_OTHER_PORT, 20, "other-port") /* connected to, no more: another port of the address */         \
    X(VARIANT_LARGE_SMALL_MSS, 21, "large-small-mss") /* the large hello in segments of the small MSS */     \
    X(VARIANT_OCSP, 22, "ocsp") /* asks the OCSP responder named in the certificate about it (AIA) */

/* Why an attempt was made. */
#define ATTEMPT_ROLES(X)                                                                                     \
    X(ATTEMPT_FIRST, 0, "first")                                                                             \
    X(ATTEMPT_CONFIRM, 1, "confirm")                                                                         \
    X(ATTEMPT_CONTROL, 2,                                                                                    \
      "control")                   /* shows that the path or the server is well without what is suspected */ \
    X(ATTEMPT_LADDER, 3, "ladder") /* separates look-alikes */

/* How far an attempt goes. */
#define DEPTHS(X)                                                                                            \
    X(DEPTH_FULL, 0, "full")   /* handshake, certificate, request */                                         \
    X(DEPTH_HELLO, 1, "hello") /* the answer to the ClientHello, and no further */

#define PLAN_ENUM(symbol, number, name) symbol = (number),
enum endpoint_role { ENDPOINT_ROLES(PLAN_ENUM) };
enum starttls { STARTTLS_PROTOCOLS(PLAN_ENUM) };
enum variant { VARIANTS(PLAN_ENUM) };
enum attempt_role { ATTEMPT_ROLES(PLAN_ENUM) };
enum depth { DEPTHS(PLAN_ENUM) };

/** Names of the enums above ("edge", "no-sni"); "?" for a number that is none of them. */
const char *endpoint_role_name(int role);
const char *variant_name(int variant);
const char *attempt_role_name(int role);
const char *depth_name(int depth);
bool depth_from_name(const char *name, enum depth *ret_depth);
bool endpoint_role_from_name(const char *name, enum endpoint_role *ret_role);
bool variant_from_number(uint32_t number, enum variant *ret_variant);
/** Does the variant go to a third party that a certificate names, over plain HTTP, and not to the endpoint? */
bool variant_fetches(enum variant variant);

enum { PLAN_SHA256_BYTES = 32, PLAN_MAX_ENDPOINTS = 1000000, PLAN_NAME_MAX = 253 };

/* What third parties named in an endpoint's certificate are asked for; as a set, of which none is the default. */
enum fetch_flags {
    FETCH_ISSUER = 1 << 0, /* VARIANT_ISSUER, when the chain does not verify */
    FETCH_OCSP = 1 << 1,   /* VARIANT_OCSP, rarely */
    FETCH_ALL = FETCH_ISSUER | FETCH_OCSP
};

/** Reads "issuer", "ocsp", both (with blanks or a comma between), or "none". @return false for anything else. */
bool fetch_from_text(const char *text, unsigned *ret_fetch);

/** Where to connect and how. Texts belong to whoever made it (an arena, mostly). */
struct endpoint {
    uint64_t id;      /* 0: not from a collector */
    const char *site; /* "" when it belongs to none */
    const char *host; /* name or address text, without brackets */
    uint16_t port;
    const char *sni; /* "": the host, when that is a name */
    bool no_sni;
    struct address address; /* pinned; none: resolve the host */
    enum endpoint_role role;
    enum starttls starttls;
    unsigned fetch; /* enum fetch_flags */
    enum depth depth;
};

/** The name sent as SNI and checked in the certificate; "" when none is sent (an address, or no_sni). */
const char *endpoint_sni(const struct endpoint *endpoint);

/** "host:port", "[v6]:port". @return out. */
enum { ENDPOINT_TEXT_BYTES = PLAN_NAME_MAX + 16 };
const char *endpoint_text(const struct endpoint *endpoint, char out[ENDPOINT_TEXT_BYTES]);

/** Copies an endpoint with its texts into the arena. @return false at its bound. */
bool endpoint_copy(const struct endpoint *endpoint, struct arena *arena, struct endpoint *ret_copy);

/** Content-addressed: sha256 is over the encoded endpoints, in order. */
struct endpoint_list {
    uint8_t sha256[PLAN_SHA256_BYTES];
    size_t count;
    struct endpoint *endpoints;
};

struct round_plan {
    uint64_t round_id;
    int64_t start_us; /* collector time */
    uint64_t spread_us;
    uint64_t timeout_us;
    int64_t deadline_us; /* collector time */
    uint8_t list_sha256[PLAN_SHA256_BYTES];
    bool now;
};

/**
 * When an endpoint's slot lies in a round: a hash of the endpoint's id over the round's spread, so that all
 * vantages meet at one endpoint at one moment and none opens everything at once.
 * @return collector time, microseconds; within [start, start + spread].
 */
int64_t round_slot_us(const struct round_plan *plan, uint64_t endpoint_id);

#endif

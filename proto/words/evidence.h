#ifndef PARALLAX_WORDS_EVIDENCE_H
#define PARALLAX_WORDS_EVIDENCE_H

#include "words/address.h"
#include "words/arena.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One attempt and all that was observed in it: facts, never an opinion. An attempt owns an arena; every
 * pointer below points into it (or is NULL), so freeing the attempt frees everything. Whoever receives an
 * attempt as `struct attempt *` with "takes" in the docstring must attempt_free it.
 */

enum {
    EVIDENCE_FIRST_BYTES = 64,
    EVIDENCE_MAX_DNS = 4,
    EVIDENCE_MAX_ANSWERS = 32, /* per query */
    EVIDENCE_MAX_TCP_INFO = 4,
    EVIDENCE_MAX_RECORDS = 64, /* TLS messages logged */
    EVIDENCE_MAX_ERRORS = 16,  /* OpenSSL error queue */
    EVIDENCE_MAX_CHAIN = 16,   /* certificates kept */
    EVIDENCE_MAX_VERIFY = 32,
    EVIDENCE_MAX_CA_NAMES = 16,
    EVIDENCE_MAX_HEADERS = 32,
    EVIDENCE_TEXT_MAX = 1024,   /* any one text from a peer */
    EVIDENCE_NAME_MAX = 256,    /* subject, issuer or SAN; longer ones are cut */
    EVIDENCE_KEY_NAME_MAX = 64, /* of an algorithm, as the TLS library calls it */
    EVIDENCE_MAX_SANS = 64,     /* names of the leaf that are kept */
    EVIDENCE_ARENA_BYTES = 1 << 20,
};

/* Moments inside an attempt: microseconds after its start, or EVIDENCE_NEVER. */
#define EVIDENCE_NEVER INT64_C(-1)

/* X(field, name): in the order they happen */
#define EVIDENCE_STAMPS(X)                                                                                   \
    X(resolved_us, "resolved")                                                                               \
    X(connect_us, "connect")                                                                                 \
    X(connected_us, "connected")                                                                             \
    X(hello_sent_us, "hello_sent")                                                                           \
    X(hello_acked_us, "hello_acked")                                                                         \
    X(first_byte_us, "first_byte")                                                                           \
    X(flight_us, "flight")                                                                                   \
    X(handshake_us, "handshake")                                                                             \
    X(request_us, "request")                                                                                 \
    X(first_data_us, "first_data")                                                                           \
    X(closed_us, "closed")

struct evidence_clock {
    int64_t start_us; /* wall start in collector time (own wall clock in a one-shot probe), Unix epoch */
    uint64_t start_error_us; /* half-width of what start_us is known to */
    int64_t slot_us;         /* when the plan wanted it; 0: no plan */
    uint64_t loop_lag_us;
#define X(field, name) int64_t field;
    EVIDENCE_STAMPS(X)
#undef X
};

struct dns_answer {
    const char *name;       /* CNAME target; "" for an address */
    struct address address; /* none for a CNAME */
    uint32_t ttl_s;
};

/* X(symbol, number, name): how a question was asked, or its answer came */
#define EVIDENCE_ASKS(X)                                                                                     \
    X(ASK_PLAIN, 0, "plain")                                                                                 \
    X(ASK_NO_CHECK, 1, "no-check") /* after SERVFAIL: with DNSSEC checking disabled (CD, RFC 4035, 3.2.2) */ \
    X(ASK_TCP, 2, "tcp")           /* after a time-out: over TCP */                                          \
    X(ASK_LATE, 3, "late")         /* not asked: a second answer to the plain question, with other contents */
enum evidence_ask { EVIDENCE_ASKS(PLAN_ENUM) };

struct dns_query {
    enum evidence_ask how; /* only plain answers are connected to */
    uint32_t type;         /* 1 A, 28 AAAA */
    const char
        *resolver;  /* "192.0.2.53:53", or several with commas when it is not known which one answered */
    int32_t rcode;  /* -1: no answer came */
    int32_t status; /* ARES_* */
    uint64_t took_us;
    size_t answer_count;
    struct dns_answer *answers; /* CNAME chain first, then addresses */
    uint32_t extra_answers;
    bool from_hosts_file;
};

/* X(symbol, number, name): the system call an errno came from */
#define EVIDENCE_CALLS(X)                                                                                    \
    X(CALL_NONE, 0, "none")                                                                                  \
    X(CALL_SOCKET, 1, "socket")                                                                              \
    X(CALL_CONNECT, 2, "connect")                                                                            \
    X(CALL_SEND, 3, "send")                                                                                  \
    X(CALL_RECV, 4, "recv")
enum evidence_call { EVIDENCE_CALLS(PLAN_ENUM) };

struct evidence_flow {
    struct address source;
    uint16_t source_port;
    struct address destination;
    uint16_t destination_port;
    int32_t error; /* errno; 0: none */
    enum evidence_call error_call;
    int icmp_type; /* -1: none */
    int icmp_code;
    struct address icmp_offender;
};

/* X(symbol, number, name): when a TCP_INFO was taken */
#define EVIDENCE_MOMENTS(X)                                                                                  \
    X(MOMENT_CONNECTED, 0, "connected")                                                                      \
    X(MOMENT_HELLO, 1, "hello")                                                                              \
    X(MOMENT_END, 2, "end")                                                                                  \
    X(MOMENT_HALF_CLOSED, 3,                                                                                 \
      "half_closed") /* of a peer that took the hello and kept silent: after a FIN of \
                                               ours, does its application close as well (state)? */
enum evidence_moment { EVIDENCE_MOMENTS(PLAN_ENUM) };

/* X(type, field): one line a counter, the same in the schema */
#define EVIDENCE_TCP_FIELDS(X)                                                                               \
    X(uint32_t, state)                                                                                       \
    X(uint32_t, rtt_us)                                                                                      \
    X(uint32_t, min_rtt_us)                                                                                  \
    X(uint32_t, total_retrans)                                                                               \
    X(uint32_t, unacked)                                                                                     \
    X(uint64_t, bytes_acked)    /* counts the SYN */                                                         \
    X(uint64_t, bytes_received) /* counts a FIN */                                                           \
    X(uint32_t, segs_in)                                                                                     \
    X(uint32_t, data_segs_in)                                                                                \
    X(uint32_t, rcv_ooopack)                                                                                 \
    X(uint32_t, sacked)                                                                                      \
    X(uint32_t, backoff)                                                                                     \
    X(uint32_t, snd_mss)                                                                                     \
    X(uint32_t, pmtu)                                                                                        \
    X(uint32_t, segs_out)                                                                                    \
    X(uint32_t, dsack_dups) /* sent again although it had come: the peer says so (RFC 2883) */

struct tcp_snapshot {
    bool taken;
    int64_t at_us;
#define X(type, field) type field;
    EVIDENCE_TCP_FIELDS(X)
#undef X
};

struct tls_record {
    bool received;
    uint8_t content; /* 20 change_cipher_spec, 21 alert, 22 handshake */
    uint8_t type;    /* handshake message type, or alert description */
    uint8_t level;   /* of an alert */
    uint32_t length;
    int64_t at_us;
};

struct verify_error {
    int32_t code; /* X509_V_ERR_* */
    uint32_t depth;
};

/* X(symbol, number, name): whether a certificate has an extension. Malformed is neither of the two. */
#define EVIDENCE_PRESENCES(X)                                                                                \
    X(PRESENCE_UNKNOWN, 0, "unknown") /* nobody looked */                                                    \
    X(PRESENCE_ABSENT, 1, "absent")                                                                          \
    X(PRESENCE_MALFORMED, 2, "malformed") /* there, but it does not parse; or there twice */                 \
    X(PRESENCE_PRESENT, 3, "present")
enum evidence_presence { EVIDENCE_PRESENCES(PLAN_ENUM) };

/* X(field, nid): the extensions looked at; the same fields in the schema */
#define EVIDENCE_EXTENSIONS(X)                                                                               \
    X(san, NID_subject_alt_name)                                                                             \
    X(basic_constraints, NID_basic_constraints)                                                              \
    X(key_usage, NID_key_usage)                                                                              \
    X(ext_key_usage, NID_ext_key_usage)                                                                      \
    X(tls_feature, NID_tlsfeature)                                                                           \
    X(sct_list, NID_ct_precert_scts)                                                                         \
    X(aia, NID_info_access)                                                                                  \
    X(aki, NID_authority_key_identifier)                                                                     \
    X(ski, NID_subject_key_identifier)                                                                       \
    X(crl_points, NID_crl_distribution_points)

/**
 * One certificate as sent. `der` is NULL when the attempt came over the wire, where only the hash and the facts
 * travel. Texts are at most EVIDENCE_NAME_MAX bytes; what was no printable text in them is written as \xHH.
 */
struct chain_certificate {
    uint8_t sha256[32];
    const uint8_t *der;
    size_t der_length;
    bool parsed;         /* the facts below were read; false: all of them are empty */
    const char *subject; /* RFC 2253; "" when empty */
    const char *issuer;
    int64_t not_before_s; /* Unix time */
    int64_t not_after_s;
    const char *key_type;       /* "RSA", "EC", "ED25519"; "" when the key cannot be read */
    uint32_t key_bits;          /* 0: cannot be read */
    const char *key_group;      /* curve of an EC key, "prime256v1"; else "" */
    const char *signature_name; /* "sha256WithRSAEncryption" */
    bool self_signed; /* subject and issuer are equal, and so are the key identifiers where present */
    bool ca;          /* may sign certificates, by its basicConstraints */
#define X(field, nid) enum evidence_presence field;
    EVIDENCE_EXTENSIONS(X)
#undef X
};

/** What the leaf says beyond what every certificate says. */
struct evidence_leaf {
    size_t name_count;
    const char **names; /* DNS names and addresses of the SAN, as text, in their order */
    uint32_t names_dropped;
    bool must_staple;        /* TLS feature 5 (RFC 7633) */
    const char *common_name; /* last CN of the subject; "" when none */
    const char *issuer_url;  /* AIA caIssuers, first http(s) URL; "" when none */
    const char *ocsp_url;    /* AIA OCSP */
    const char *crl_url;     /* first CRL distribution point */
};

/* X(symbol, number, name) */
#define EVIDENCE_STAPLES(X)                                                                                  \
    X(STAPLE_UNKNOWN, 0, "unknown") /* the handshake did not come that far */                                \
    X(STAPLE_ABSENT, 1, "absent")                                                                            \
    X(STAPLE_PRESENT, 2, "present")                                                                          \
    X(STAPLE_MALFORMED, 3, "malformed")
enum evidence_staple { EVIDENCE_STAPLES(PLAN_ENUM) };

/* X(symbol, number, name): what a staple says of the leaf */
#define EVIDENCE_OCSP_STATUSES(X)                                                                            \
    X(OCSP_NOT_SAID, 0, "not-said") /* no response, or none about this certificate */                        \
    X(OCSP_GOOD, 1, "good")                                                                                  \
    X(OCSP_REVOKED, 2, "revoked")                                                                            \
    X(OCSP_UNKNOWN, 3, "unknown")
enum evidence_ocsp_status { EVIDENCE_OCSP_STATUSES(PLAN_ENUM) };

/* X(symbol, number, name): whether something is signed by who it should be */
#define EVIDENCE_SIGNATURES(X)                                                                               \
    X(SIGNATURE_UNCHECKED, 0, "unchecked")                                                                   \
    X(SIGNATURE_GOOD, 1, "good")                                                                             \
    X(SIGNATURE_BAD, 2, "bad")
enum evidence_signature { EVIDENCE_SIGNATURES(PLAN_ENUM) };

/** What a staple, or in a variant ocsp attempt the responder itself, says (RFC 6960). Times are Unix seconds, 0: not said. */
struct evidence_ocsp {
    enum evidence_ocsp_status status;
    int32_t response; /* OCSPResponseStatus; 0 successful, 3 tryLater, 6 unauthorized */
    int64_t produced_s;
    int64_t this_update_s;
    int64_t next_update_s;
    int64_t revoked_s;
    int32_t reason;                    /* CRLReason; -1: not said */
    enum evidence_signature signature; /* against the issuer in the chain, or the trusted one */
};

/* X(symbol, number, name): what came of fetching the issuer that the leaf names (variant issuer) */
#define EVIDENCE_ISSUERS(X)                                                                                  \
    X(ISSUER_NOT_FETCHED, 0, "not-fetched")                                                                  \
    X(ISSUER_COMPLETES, 1, "completes") /* with it the chain verifies up to a trusted root */                \
    X(ISSUER_SIGNS, 2, "signs")         /* it signed the leaf, but does not lead to a trusted root */        \
    X(ISSUER_OTHER, 3, "other")         /* a certificate that did not sign the leaf */                       \
    X(ISSUER_MALFORMED, 4, "malformed") /* no certificate */                                                 \
    X(ISSUER_FAILED, 5, "failed")       /* not reachable, or no HTTP 200; the attempt's other facts say why */
enum evidence_issuer { EVIDENCE_ISSUERS(PLAN_ENUM) };

/* X(symbol, number, name): what came of asking the OCSP responder that the leaf names (variant ocsp) */
#define EVIDENCE_RESPONDERS(X)                                                                               \
    X(RESPONDER_NOT_ASKED, 0, "not-asked")                                                                   \
    X(RESPONDER_ANSWERED, 1, "answered")   /* `ocsp` has what it said */                                     \
    X(RESPONDER_MALFORMED, 2, "malformed") /* HTTP 200 with what is no OCSP response */                      \
    X(RESPONDER_FAILED, 3, "failed") /* not reachable, or no HTTP 200; the attempt's other facts say why */
enum evidence_responder { EVIDENCE_RESPONDERS(PLAN_ENUM) };

/* X(symbol, number, name, what): what a proper server never does; `what` is for people, a gettext msgid */
#define EVIDENCE_ABUSES(X)                                                                                   \
    X(ABUSE_NONE, 0, "none", "")                                                                             \
    X(ABUSE_CHAIN, 1, "chain", N_("a certificate chain without end"))                                        \
    X(ABUSE_SIZE, 2, "size", N_("a handshake message larger than any real one"))                             \
    X(ABUSE_DRIP, 3, "drip", N_("its handshake a few bytes at a time"))                                      \
    X(ABUSE_ALERTS, 4, "alerts", N_("warning alerts without end"))                                           \
    X(ABUSE_RECORD, 5, "record", N_("records larger than TLS allows"))                                       \
    X(ABUSE_RETRY, 6, "retry", N_("HelloRetryRequest again and again"))                                      \
    X(ABUSE_NAME, 7, "name", N_("names that no certificate may have (control bytes, or too long)"))          \
    X(ABUSE_ECHO, 8, "echo", N_("the server name back, in an answer that has to be empty"))                  \
    X(ABUSE_FLOOD, 9, "flood", N_("bytes without end"))                                                      \
    X(ABUSE_MESSAGES, 10, "messages", N_("handshake messages without end"))
#define ABUSE_ENUM(symbol, number, name, what) symbol = (number),
enum evidence_abuse { EVIDENCE_ABUSES(ABUSE_ENUM) };

struct evidence_tls {
    uint16_t version;   /* 0x0304; 0: none agreed */
    uint16_t cipher;    /* IANA */
    uint16_t group;     /* IANA; 0: unknown or none */
    uint16_t signature; /* IANA SignatureScheme; 0: unknown */
    const char *alpn;   /* "" when none was chosen */
    const char *sni;    /* as sent; "" for none */
    bool hello_retry;
    bool certificate_request;
    bool resumed;
    bool session_ticket;
    size_t ca_name_count;
    const char **ca_names; /* RFC 2253 text */
    size_t record_count;
    struct tls_record *records;
    uint32_t records_dropped;
    size_t error_count;
    uint64_t *errors;  /* ERR codes, oldest first */
    int32_t ssl_error; /* SSL_get_error of the call that failed; 0: none did */
    uint8_t state;     /* OSSL_HANDSHAKE_STATE at the end */
    size_t chain_count;
    struct chain_certificate *chain; /* as sent; of a variant issuer attempt: the issuer that it fetched */
    uint32_t chain_dropped;
    size_t verify_error_count;
    struct verify_error *verify_errors; /* a set: no pair twice */
    enum evidence_staple staple;
    struct evidence_ocsp ocsp;
    struct evidence_leaf leaf;
    uint32_t sct_count; /* of the three ways they come in, together */
    uint32_t sct_certificate;
    uint32_t sct_tls;
    uint32_t sct_staple;
    enum evidence_issuer issuer;       /* of a variant issuer attempt */
    const char *issuer_url;            /* what such an attempt fetched; "" for every other */
    enum evidence_responder responder; /* of a variant ocsp attempt */
    const char *responder_url;         /* whom such an attempt asked; "" for every other */
    bool chain_out_of_order;
    bool has_san;          /* of the leaf */
    uint32_t hello_length; /* bytes of the ClientHello with its record header */
};

struct http_header {
    const char *name; /* lower case */
    const char *value;
};

struct evidence_http {
    uint16_t status; /* 0: no status line came */
    const char *reason;
    size_t header_count;
    struct http_header *headers;
    uint64_t body_bytes;
    bool malformed; /* bytes came that are no HTTP answer */
};

/* X(symbol, number, name): how the connection ended */
#define EVIDENCE_ENDINGS(X)                                                                                  \
    X(ENDING_NONE, 0, "none")                 /* never connected */                                          \
    X(ENDING_BY_US, 1, "by-us")               /* we had what we wanted */                                    \
    X(ENDING_CLOSE_NOTIFY, 2, "close-notify") /* peer: alert close_notify */                                 \
    X(ENDING_FIN, 3, "fin")                   /* peer: FIN without close_notify */                           \
    X(ENDING_RESET, 4, "reset")                                                                              \
    X(ENDING_TIMEOUT, 5, "timeout") /* our deadline */                                                       \
    X(ENDING_ALERT, 6, "alert")     /* peer: fatal alert */                                                  \
    X(ENDING_ERROR, 7, "error")     /* we gave up on what the peer sent */
enum evidence_ending { EVIDENCE_ENDINGS(PLAN_ENUM) };

struct evidence_end {
    enum evidence_ending how;
    uint64_t sent_bytes; /* on the TCP connection, both */
    uint64_t received_bytes;
    uint8_t first_bytes[EVIDENCE_FIRST_BYTES];
    size_t first_byte_count;
    enum evidence_abuse abuse; /* a bound of the probe was reached that no proper server reaches */
};

/* X(symbol, number, name): why this vantage could not, or would not, try */
#define EVIDENCE_LOCALS(X)                                                                                   \
    X(LOCAL_NONE, 0, "none")                                                                                 \
    X(LOCAL_POLICY, 1, "policy")                                                                             \
    X(LOCAL_NO_ROUTE, 2, "no-route")                                                                         \
    X(LOCAL_RESOURCE, 3, "resource")                                                                         \
    X(LOCAL_CANCELLED, 4, "cancelled")                                                                       \
    X(LOCAL_OTHER, 5, "other")
enum evidence_local { EVIDENCE_LOCALS(PLAN_ENUM) };

/* X(symbol, number, name): what spoke TLS */
#define EVIDENCE_ENGINES(X)                                                                                  \
    X(ENGINE_NONE, 0, "none") /* nothing did, or nobody said */                                              \
    X(ENGINE_LIBSSL, 1, "libssl")                                                                            \
    X(ENGINE_OWN, 2, "own") /* agent/hello */
enum evidence_engine { EVIDENCE_ENGINES(PLAN_ENUM) };

struct attempt {
    struct arena arena;
    uint64_t sequence; /* given by the spool; 0 before */
    uint64_t round_id; /* 0: none */
    uint64_t endpoint_id;
    enum variant variant;
    enum attempt_role role;
    enum depth depth; /* how far it was to go */
    const char *agent_version;
    const char *tls_library;
    const char *hello_profile;
    enum evidence_engine engine;
    bool engine_again; /* the other engine met what it does not speak, on a connection before this one */
    uint8_t ca_bundle_sha256[32];
    struct evidence_clock clock;
    size_t dns_count;
    struct dns_query dns[EVIDENCE_MAX_DNS];
    struct evidence_flow flow;
    struct tcp_snapshot tcp[EVIDENCE_MAX_TCP_INFO]; /* indexed by enum evidence_moment */
    struct evidence_tls tls;
    struct evidence_http http;
    struct evidence_end end;
    enum evidence_local local;
    int32_t local_error;
    const char *local_detail;
};

/** An attempt with nothing observed yet: stamps EVIDENCE_NEVER, texts "", arrays empty. @return NULL without
 * memory. */
struct attempt *attempt_new(void);

/** As new, with the memory that it has. */
void attempt_clear(struct attempt *attempt);

/** As if nothing had been observed since the name was resolved. */
void attempt_forget_connection(struct attempt *attempt);

/** Frees the attempt and all in it. NULL is fine. */
void attempt_free(struct attempt *attempt);

/** Value of a header by lower-case name, NULL when absent. */
const char *attempt_header(const struct attempt *attempt, const char *name);

/** Did it come as far as the end of a handshake, or at DEPTH_HELLO to the answer that it asked for? */
bool attempt_comes_through(const struct attempt *attempt);

/** Last alert in a direction. @return false when there was none. */
bool attempt_alert(const struct attempt *attempt, bool received, uint8_t *ret_level,
                   uint8_t *ret_description);

/** Names of the numbers above; "?" for one that is none of ours. */
const char *evidence_ask_name(int ask);
const char *evidence_call_name(int call);
const char *evidence_moment_name(int moment);
const char *evidence_ending_name(int ending);
const char *evidence_staple_name(int staple);
const char *evidence_local_name(int local);
const char *evidence_engine_name(int engine);
const char *evidence_presence_name(int presence);
const char *evidence_ocsp_status_name(int status);
const char *evidence_signature_name(int signature);
const char *evidence_issuer_name(int issuer);
const char *evidence_responder_name(int responder);
const char *evidence_abuse_name(int abuse);
/** English, a gettext msgid that completes "The server sends ..."; "" for none. */
const char *evidence_abuse_what(int abuse);

/* Names from the IANA registries; "" for numbers not in our tables. */
const char *tls_version_name(uint16_t version);     /* "TLSv1.3" */
const char *tls_cipher_name(uint16_t cipher);       /* "TLS_AES_256_GCM_SHA384" */
const char *tls_group_name(uint16_t group);         /* "X25519" */
const char *tls_signature_name(uint16_t signature); /* "ecdsa_secp256r1_sha256" */
const char *tls_alert_name(uint8_t description);    /* "unrecognized_name" */

#endif

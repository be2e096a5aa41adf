#ifndef PARALLAX_COLLECTOR_INGEST_SESSION_PARTS_H
#define PARALLAX_COLLECTOR_INGEST_SESSION_PARTS_H

#include "ingest/session.h"

/* Shared by session*.c, enrol.c and renew.c; nobody else includes this. */

enum {
    SESSION_NAME_BYTES = 64,
    SESSION_TEXT_BYTES = 512,
    SESSION_MAX_ASKED = 1024,
    SESSION_HISTORY_BYTES = 32 * 1024 * 1024, /* shared out among them when they open (link/pack.h) */
    SESSION_MAX_WAITING = 1024, /* records that ingest holds before reading stops */
    SESSION_MAX_TURNS = 4096,   /* of the database, over all sessions; those that left meanwhile wait too */
    SESSION_ASKS = 120,         /* messages that want an answer, at once; then one each SESSION_ASK_MS */
    SESSION_ASK_MS = 250,
    SESSION_ALIVE_MS = 10000,      /* between signs of life to agents that are not read from */
    SESSION_PEER_TEXT_BYTES = 200, /* of a peer's words in the log */
};

enum session_state {
    SESSION_FRESH,     /* nothing was said yet */
    SESSION_ENROLLING, /* a token is being checked */
    SESSION_OPENING,   /* its vantage is being looked up */
    SESSION_OPEN,
    SESSION_LEAVING, /* goodbye is said; whatever comes is ignored */
};

struct session {
    struct ingest_source source; /* first, so that ingest's callbacks find the session */
    struct session_hub *hub;
    struct session *next;
    struct session **at;     /* what points here */
    struct channel *channel; /* NULL once closed */
    enum session_state state;
    char name[SESSION_NAME_BYTES]; /* of the vantage that the certificate names; "" without one */
    uint8_t fingerprint[32];       /* of that certificate */
    int64_t certificate_ends_us;   /* when it ends */
    int64_t renewed_us;            /* monotonic: when another was asked for last; 0: not yet */
    struct address address;
    char peer[ADDRESS_TEXT_BYTES]; /* its text */
    bool stranger;                 /* counted at the door */
    char agent_version[SESSION_TEXT_BYTES];
    char tls_library[SESSION_TEXT_BYTES];
    uint64_t committed;
    uint64_t acked;    /* told of that */
    uint64_t promised; /* its Hello's next sequence */
    uint64_t heard;    /* the last sequence that came */
    unsigned asks;     /* left of SESSION_ASKS */
    uint64_t asked_ms;
    bool admitted; /* its number is in the cursor's row, and connected_since is set for it */
    bool paused;
    unsigned turns; /* of the database, that refer to it */
    char refusal[160];
    enum goodbye_reason refusal_reason;
    uint8_t (*asked)[32]; /* certificates asked for and not come yet; NULL: none */
    size_t asked_count;
    size_t asked_room;
};

/* A line of the log about a session's peer, within its budget. */
#define session_log(session, ...)                                                                            \
    log_about((session)->name[0] == '\0' ? LOG_STRANGERS : LOG_VANTAGES, __VA_ARGS__)

/** Queues a turn about the session, which stays until the turn's end has called session_turn_over. */
bool session_turn(struct session *session, const struct pg_turn *turn);
void session_turn_over(struct session *session);

/** Do too many turns wait for the database? The peer is told then. */
bool session_overloaded(struct session *session);

/** A rule was broken: logged, told, closed. */
void session_breach(struct session *session, const char *rule);

/** A connection was ended, or not let in: counts it by why. */
void session_count_refused(const char *reason);

/** Reads from its agent, or does not, depending on whether there is room. (session_reading.c) */
void session_set_reading(struct session *session);

/** It is the vantage it says: no stranger any more, and read from when there is room. */
void session_known(struct session *session);

/* session_db.c */
void session_open(struct session *session);
void session_note_closed(struct session *session);

/** A newer session of its vantage is in force: logged, told, closed. */
void session_replaced(struct session *session);

/* session_certificates.c */
void session_wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count);
void session_certificates(struct session *session, const struct bytes *der, size_t count);

/* enrol.c */
void enrol(struct session *session, const struct message *request);

enum { SESSION_HASH_BYTES = 2 + 64 + 1 }; /* a SHA-256 as the text of a bytea */

/** The key of a certificate request that is signed with it, and its hash. @return NULL otherwise. */
EVP_PKEY *session_csr_key(const struct bytes *csr_der, char ret_sha256[SESSION_HASH_BYTES]);

/** A certificate for a vantage, signed now. NULL, and one line in the log, on failure. */
X509 *session_sign(const struct session *session, EVP_PKEY *key, const char *vantage);

/* renew.c */
void renew(struct session *session, const struct message *request);

#endif

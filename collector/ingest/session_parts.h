#ifndef PARALLAX_COLLECTOR_INGEST_SESSION_PARTS_H
#define PARALLAX_COLLECTOR_INGEST_SESSION_PARTS_H

#include "ingest/session.h"

/* Shared by session.c, session_db.c and enrol.c; nobody else includes this. */

enum {
    SESSION_NAME_BYTES = 64,
    SESSION_TEXT_BYTES = 512,
    SESSION_MAX_ASKED = 1024,
    SESSION_MAX_WAITING = 1024, /* records that ingest holds before reading stops */
    SESSION_MAX = 10000,
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
    char peer[ADDRESS_TEXT_BYTES];
    char agent_version[SESSION_TEXT_BYTES];
    char tls_library[SESSION_TEXT_BYTES];
    uint64_t committed;
    bool admitted; /* its number is in the cursor's row, and connected_since is set for it */
    bool paused;
    unsigned turns; /* of the database, that refer to it */
    char refusal[160];
    enum goodbye_reason refusal_reason;
    uint8_t asked[SESSION_MAX_ASKED][32]; /* certificates asked for and not come yet */
    size_t asked_count;
};

/** Queues a turn about the session, which stays until the turn's end has called session_turn_over. */
bool session_turn(struct session *session, const struct pg_turn *turn);
void session_turn_over(struct session *session);

/** A rule was broken: logged, told, closed. */
void session_breach(struct session *session, const char *rule);

/* session_db.c */
void session_open(struct session *session);
void session_note_closed(struct session *session);

/** A newer session of its vantage is in force: logged, told, closed. */
void session_replaced(struct session *session);
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

#ifndef PARALLAX_COLLECTOR_DIFF_MATRIX_H
#define PARALLAX_COLLECTOR_DIFF_MATRIX_H

#include "words/arena.h"
#include "words/outcome.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Endpoint x vantage: what was counted in each cell during a window, and what the handshakes there looked like. The
 * matrix is what reports draw and what the diff compares; it knows nothing of where the numbers came from.
 *
 * Fill it in this order: every vantage, every endpoint, matrix_settle, then counts and looks.
 */

enum { MATRIX_MAX_BYTES = 1 << 28, MATRIX_MAX_TALLIES = 8, MATRIX_MAX_VANTAGES = 4096 };

struct matrix_vantage {
    int64_t id;
    const char *name;
    const char *region;
    int64_t asn; /* 0: unknown */
};

struct matrix_endpoint {
    int64_t id;
    const char *site; /* "" when it belongs to none */
    enum endpoint_role role;
    const char *host;
    uint16_t port;
    const char *sni;     /* the name really asked for, "" when none */
    const char *address; /* pinned; "" when resolved */
    bool at_hello;       /* matrix_at_hello */
};

struct tally {
    struct outcome outcome; /* raw: the most common one of its class */
    unsigned count;
};

/* What the handshakes of a cell looked like, the most common value of each; "" or 0: never seen. */
struct look {
    const char *leaf; /* SHA-256 of the certificate, hex */
    const char *key;  /* SHA-256 of its public key (SPKI), hex */
    const char *issuer;
    unsigned tls_version;
    unsigned cipher;
    unsigned group;
    const char *alpn; /* "none" when the server chose none */
    unsigned http_status;
    const char *location;  /* where it redirects to */
    const char *pop;       /* the CDN that answered and its point of presence: "Cloudflare HKG" */
    const char *addresses; /* sorted, with commas */
};

/* Nothing was seen. */
extern const struct look look_none;

struct cell {
    unsigned attempts; /* first attempts, local ones included */
    unsigned passed;
    unsigned failed;
    unsigned local; /* this vantage could not or would not try: never the endpoint's failure */
    unsigned confirm_attempts;
    unsigned confirm_failed;
    unsigned family_attempts[2]; /* IPv4, IPv6: valid first attempts */
    unsigned family_failed[2];
    size_t tally_count;
    struct tally tallies
        [MATRIX_MAX_TALLIES]; /* first attempts by class, most common first; later classes only count above */
    int64_t handshake_us;     /* median of the TLS stage where it was completed; -1: never */
    struct look look;
};

enum cell_state {
    CELL_NONE,     /* nothing was tried */
    CELL_LOCAL,    /* all that was tried ended at the vantage */
    CELL_PASS,     /* every valid attempt passed */
    CELL_AT_TIMES, /* fewer than half failed */
    CELL_FAIL,
};

struct matrix {
    struct arena arena;
    struct matrix_vantage *vantages;
    unsigned vantage_count;
    unsigned vantage_room;
    struct matrix_endpoint *endpoints;
    unsigned endpoint_count;
    unsigned endpoint_room;
    unsigned *by_id;    /* endpoint indexes in order of id */
    struct cell *cells; /* endpoint_count rows of vantage_count */
};

void matrix_init(struct matrix *matrix);
void matrix_done(struct matrix *matrix);

/** Adds one unless its id is there already. Texts are copied. @return false without memory, or past MATRIX_MAX_VANTAGES. */
bool matrix_add_vantage(struct matrix *matrix, const struct matrix_vantage *vantage);
/** The same, for ids that never descend from one call to the next. */
bool matrix_add_endpoint(struct matrix *matrix, const struct matrix_endpoint *endpoint);

/**
 * Puts vantages in order (region, ASN with unknown ones last, name) and endpoints (site; edges with their origins, then plain ones) and
 * makes the cells. Indexes are stable from here on. @return false without memory.
 */
bool matrix_settle(struct matrix *matrix);

/** The cell of two ids, NULL when one of them was not added. */
struct cell *matrix_find(const struct matrix *matrix, int64_t endpoint_id, int64_t vantage_id);
struct cell *matrix_cell(const struct matrix *matrix, unsigned endpoint, unsigned vantage);

/**
 * Counts attempts into a cell. Feed the most common raw numbers of a class first.
 * @param family  4, 6, or 0 when the attempt did not come to an address.
 */
void cell_count(struct cell *cell, enum attempt_role role, struct outcome outcome, int family,
                unsigned count);

/**
 * Notes that attempts of the cell passed that went no further than the answer to their hello (DEPTH_HELLO). What attempts of the same
 * endpoint from an agent that goes further met behind that answer is then no failure that could be compared. Call it before the
 * endpoint's attempts are counted.
 */
void matrix_at_hello(struct matrix *matrix, const struct cell *cell);

/** What an outcome seen in a cell counts as, after matrix_at_hello. */
struct outcome matrix_outcome(const struct matrix *matrix, const struct cell *cell, struct outcome outcome);

enum cell_state cell_state(const struct cell *cell);

/** The most common failing class, NULL when none failed. */
const struct tally *cell_worst(const struct cell *cell);

/** Valid attempts: those that say something about the endpoint. */
unsigned cell_valid(const struct cell *cell);

#endif

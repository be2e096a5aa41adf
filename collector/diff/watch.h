#ifndef PARALLAX_COLLECTOR_DIFF_WATCH_H
#define PARALLAX_COLLECTOR_DIFF_WATCH_H

#include "diff/matrix.h"
#include "words/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who is at fault, round after round. Rounds go in, in order of time; incidents come out: opened, updated, closed. Pure:
 * no I/O and no clock; the same rounds give the same incidents, whether they come from a live fleet, from a replayed file
 * or from a simulator.
 *
 *     sights of a round --> gate --> history of each cell --> scopes' posteriors over the last rounds, exact tests beside
 *                                        |                                   |
 *                                        +--> baselines of vantages          +--> faults pooled over endpoints --> incidents
 */
struct watch;

/* X(symbol, number, name): where a fault is */
#define PLACE_KINDS(X)                                                                                       \
    X(PLACE_NONE, 0, "none") /* all is well */                                                               \
    X(PLACE_ENDPOINT, 1, "endpoint")                                                                         \
    X(PLACE_REGION, 2, "region")                                                                             \
    X(PLACE_ASN, 3, "asn")                                                                                   \
    X(PLACE_VANTAGE, 4, "vantage-or-path")                                                                   \
    X(PLACE_EDGE, 5,                                                                                         \
      "edge") /* a CDN's point of presence, or a server address that not everybody is led to */              \
    X(PLACE_DNS, 6, "dns-answer")  /* an address that DNS gives to some */                                   \
    X(PLACE_SOME, 7, "unresolved") /* it fails, and the fleet cannot tell where */

/* X(symbol, number, name): what kind of thing an incident is about */
#define INCIDENT_KINDS(X)                                                                                    \
    X(INCIDENT_FAILS, 1, "fails")                                                                            \
    X(INCIDENT_DIFFERS, 2, "differs")         /* successes look different in the place */                    \
    X(INCIDENT_VANTAGE_ASIDE, 3, "set-aside") /* a vantage that blames nobody until it is well */            \
    X(INCIDENT_EXPIRES, 4, "certificate-expires")

/* X(symbol, number, name) */
#define INCIDENT_CHANGES(X)                                                                                  \
    X(INCIDENT_OPENED, 1, N_("opened"))                                                                      \
    X(INCIDENT_UPDATED, 2, N_("updated"))                                                                    \
    X(INCIDENT_CLOSED, 3, N_("closed"))                                                                      \
    X(INCIDENT_FLAPPING, 4, N_("flapping")) /* suppressed until it calms down */

#define WATCH_ENUM(symbol, number, name) symbol = (number),
enum place_kind { PLACE_KINDS(WATCH_ENUM) };
enum incident_kind { INCIDENT_KINDS(WATCH_ENUM) };
enum incident_change { INCIDENT_CHANGES(WATCH_ENUM) };
const char *place_kind_name(int kind);
const char *incident_kind_name(int kind);
const char *incident_change_name(int change);
bool place_kind_from_name(const char *name, enum place_kind *ret_kind);
bool incident_kind_from_name(const char *name, enum incident_kind *ret_kind);

/* A place, with what its kind needs; all else is 0, "" or none. Texts are borrowed. */
struct place {
    enum place_kind kind;
    int64_t endpoint_id;    /* ENDPOINT, and EDGE and DNS of one endpoint; 0 when pooled over several */
    int64_t vantage_id;     /* VANTAGE */
    int64_t asn;            /* ASN */
    const char *region;     /* REGION */
    const char *edge;       /* EDGE: the CDN, when known */
    const char *pop;        /* EDGE: the point of presence, when known */
    struct address address; /* EDGE, DNS: the server's */
};

enum sight_confirm { CONFIRM_NOT_MADE, CONFIRM_PASSED, CONFIRM_FAILED };

/* What one first attempt showed, with what the retry in the same round and the ladder added. */
struct sight {
    int64_t endpoint_id;
    int64_t vantage_id;
    struct outcome outcome;
    enum sight_confirm confirm;
    enum cause
        cause; /* concluded from the ladder's attempts; CAUSE_NONE: there were none, or nothing is wrong */
    enum certainty certainty;
    struct address address; /* connected to; none: it did not come to that */
    const char *edge;       /* "" unknown */
    const char *pop;
    int64_t start_error_us;
    int64_t loop_lag_us;
    bool pinned; /* the endpoint's address is pinned: DNS had no part in it */
};

struct incident;

struct watch_round {
    int64_t id;
    int64_t start_us;
    unsigned interval_s;
    size_t sight_count;
    const struct sight *sights;
    /*
     * What else was found to hold at this moment, by whoever reads the store: INCIDENT_DIFFERS, INCIDENT_EXPIRES. Only key, kind,
     * place, outcome, cause, certainty, confidence, endpoints, vantages, caveats and hints are read. They open and close by the
     * same rules as failures (EXPIRES at once). A condition that is not named in a round is taken for clean in it, when the
     * round has sights of one of its endpoints.
     */
    size_t condition_count;
    const struct incident *conditions;
};

struct alternative {
    struct place place;
    double probability;
};

/* An edge that answers for the origin whose fault it follows: 526, while the certificate at the origin has expired. */
struct follower {
    int64_t endpoint_id;
    struct outcome outcome; /* what it answers; ok: not seen since a restart */
    unsigned clean_rounds;  /* in a row */
};

enum {
    INCIDENT_MAX_ALTERNATIVES = 8,
    INCIDENT_MAX_HINTS = 4,
    INCIDENT_MAX_CAVEATS = 6,
    INCIDENT_KEY_BYTES = 160
};

/*
 * Everything borrowed from the watch, valid during a callback.
 *
 * An incident keeps its key and its id for life, also when its place is revised (UPDATED with another place) and when it
 * comes back within the memory of its penalty (OPENED again, with the id it had and closed_us 0): one row with its history.
 */
struct incident {
    int64_t id; /* the store's; 0 until watch_named */
    char key
        [INCIDENT_KEY_BYTES]; /* kind, place and what failed when it opened: "fails/asn/4837/hello.reset" */
    enum incident_kind kind;
    struct place place;
    struct outcome outcome; /* the most common one that fails there */
    enum cause cause;       /* the most common conclusion among its vantages */
    enum certainty certainty;
    double confidence; /* posterior of the place */
    size_t alternative_count;
    struct alternative alternatives[INCIDENT_MAX_ALTERNATIVES]; /* other places, most probable first */
    size_t endpoint_count;
    const int64_t *endpoint_ids; /* the followers' come last */
    size_t follower_count;       /* they count for nothing else that is said here */
    const struct follower *followers;
    size_t vantage_count; /* inside the place, that see it */
    const int64_t *vantage_ids;
    unsigned failed, attempts;                 /* inside, over the window */
    unsigned outside_failed, outside_attempts; /* valid vantages outside of the place */
    unsigned confirm_failed, confirm_attempts;
    double fisher_p;                          /* at vantage level; 1 when it cannot be said */
    double sign_p;                            /* over discordant rounds */
    bool significant;                         /* after false-discovery control over endpoints */
    unsigned rounds_failed, rounds;           /* since it was opened first */
    int64_t opened_us, updated_us, closed_us; /* opened first; closed 0: open */
    int64_t first_round, last_round;
    int64_t last_failed_us; /* start of last_round */
    unsigned clean_rounds;  /* in a row, since then */
    bool flapping;
    double flap_penalty;
    unsigned transitions;
    double failing_share; /* of the rounds since it was opened first: what a flapping one is shown with */
    size_t
        caveat_count; /* what the fleet is too small to tell; translated texts are made by the report from these */
    const char *caveats[INCIDENT_MAX_CAVEATS]; /* English msgids, with the place filled in */
    size_t hint_count;                         /* what would settle it: "add a second vantage in AS4134" */
    const char *hints[INCIDENT_MAX_HINTS];
};

typedef void incident_fn(const struct incident *incident, enum incident_change change, void *arg);

/* All numbers of the model; watch_defaults fills in what ATTRIBUTION.md of docs/ says. */
struct watch_options {
    unsigned window_rounds; /* W: how far back a fault may have begun; at most 32 */
    unsigned min_rounds;    /* valid ones before anything opens */
    unsigned open_windows;  /* in a row */
    double open_posterior;
    double path_posterior;       /* for one vantage, whose rounds are the least independent */
    double path_well;            /* and the most that all being well may still have */
    unsigned unresolved_windows; /* in a row, until a fault without a place opens */
    unsigned narrow_windows;     /* in a row, until an open incident's place shrinks; it grows as one opens */
    double in_scope_rate;        /* p1 */
    double temper;               /* T */
    double baseline_min, baseline_max;
    unsigned close_rounds;
    int64_t close_us;
    double flap_penalty, flap_suppress, flap_reuse;
    int64_t flap_half_life_us;
};
void watch_defaults(struct watch_options *options);

/** @return NULL without memory. */
struct watch *watch_new(const struct watch_options *options);
void watch_free(struct watch *watch);

/** Makes one known, or changes what is known of its id. Texts are copied. @return false without memory. */
bool watch_vantage(struct watch *watch, const struct matrix_vantage *vantage);
bool watch_endpoint(struct watch *watch, const struct matrix_endpoint *endpoint, bool sentinel);

/** What earlier rounds taught about a vantage (watch_baseline_get), so that a restart need not learn it again. */
bool watch_baseline_set(struct watch *watch, int64_t vantage_id, double rate);
bool watch_baseline_get(const struct watch *watch, int64_t vantage_id, double *ret_rate);

/** An incident that the store has open, or has closed not long ago (its penalty still counts): the watch goes on with it. */
bool watch_resume(struct watch *watch, const struct incident *incident);

/**
 * Takes in one round and reports every change to on_change. Rounds of one interval ascend in time; rounds of different
 * intervals may interleave. @param on_change  NULL: learn only (rounds that were judged before a restart).
 * @return false without memory.
 */
bool watch_round(struct watch *watch, const struct watch_round *round, incident_fn *on_change, void *arg);

/** The id that the store gave an incident; called from on_change or after. */
void watch_named(struct watch *watch, const char *key, int64_t id);

/** Every incident that is open now, those of vantages set aside among them, with its numbers as of the last round. */
void watch_each(const struct watch *watch, incident_fn *each, void *arg);

/** Who is set aside now, and why (English, for a report to translate). */
struct watch_aside {
    int64_t vantage_id;
    int64_t since_us;
    const char *why;
    unsigned failed, tried;
    struct outcome outcome;
};
size_t watch_asides(const struct watch *watch, struct watch_aside *ret_asides, size_t room);

/**
 * Takes a caveat or hint of a failing incident apart for translation: the msgid, with one %s, and what stands for it.
 * @return false for a text that is not one of the watch's: then the whole of it is its own msgid.
 */
bool watch_remark(const char *text, const char **ret_msgid, char *ret_subject, size_t size);

#endif

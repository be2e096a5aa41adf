#ifndef PARALLAX_COLLECTOR_DIFF_WATCH_PARTS_H
#define PARALLAX_COLLECTOR_DIFF_WATCH_PARTS_H

#include "diff/watch.h"

/* What the watch's files share. Nothing outside of diff/watch*.c and their tests includes this. */

enum {
    WATCH_MAX_WINDOW = 32,    /* rounds */
    WATCH_MAX_ADDRESSES = 24, /* of an endpoint, within its window; 0 is "none" */
    WATCH_MAX_POPS = 24,      /* of an endpoint */
    WATCH_MAX_TEXTS =
        8192,             /* regions, edges and points of presence together: the last are strangers' words */
    WATCH_MAX_CLAIMS = 4, /* faults of one endpoint at a time */
    MARKS_PER_ROUND = 2,  /* IPv4 and IPv6 */
    REMARK_BYTES = 192
};

/* What one first attempt, with its retry, says about its cell. */
enum mark_state { MARK_NONE, MARK_PASS, MARK_FAIL, MARK_FAIL_CONFIRMED, MARK_FAIL_VANISHED, MARK_STATES };

struct mark {
    uint8_t state;
    uint8_t class;
    uint8_t address; /* index into the endpoint's addresses */
};

struct slot {
    struct mark marks[MARKS_PER_ROUND];
};

/* What is remembered of one vantage at one endpoint beside its slots. */
struct cell_memory {
    uint16_t pop; /* text; of the last answer that told */
    struct outcome failure;
    enum cause cause;
    enum certainty certainty;
    int64_t start_us; /* of the last round with a mark in it */
};

struct gate {
    bool shut;       /* in the last round: its sights say nothing */
    bool aside;      /* shut for some rounds */
    const char *why; /* English */
    int64_t since_us;
    unsigned bad, good; /* rounds in a row */
    unsigned failed, tried;
    struct outcome outcome;
};

struct watched_vantage {
    int64_t id;
    char *name;
    uint16_t region; /* text */
    unsigned region_at;
    unsigned asn_at; /* 0: unknown */
    int64_t asn;
    double baseline;
    double learned;            /* attempts that taught it, bounded */
    double gains[MARK_STATES]; /* log likelihood ratio of a mark, inside a fault against outside */
    struct gate gate;
    /* Of the round that is being read. */
    unsigned sights, lagging, strayed, spoilt;
};

/* One fault that an endpoint's last rounds show. */
struct claim {
    struct place place;
    int families[2]; /* what fails, the most common first; 0: none */
    double posterior;
    double well;     /* posterior of nothing being wrong */
    double ongoing;  /* probability that it is not over, if it was there at all */
    bool fails_now;  /* the last round speaks for it */
    unsigned onset;  /* rounds since it began, the last one included */
    unsigned streak; /* windows in a row at or above the threshold */
    double p;        /* of the exact test */
    bool significant;
    size_t alternative_count;
    struct alternative alternatives[INCIDENT_MAX_ALTERNATIVES];
};

struct watched_address {
    struct address address;
    uint16_t edge; /* text */
};

struct watched_endpoint {
    int64_t id;
    bool sentinel;
    bool pinned;
    enum endpoint_role role;
    char *site;
    char *sni; /* the name asked for: an edge and its origin have the same */
    struct watched_address addresses[WATCH_MAX_ADDRESSES];
    unsigned address_count; /* with "none" */
    unsigned vantage_room;
    struct slot *slots;        /* vantage_room rows of window slots */
    struct cell_memory *cells; /* vantage_room */
    unsigned head;             /* slot of the last round */
    unsigned rounds;           /* at most window */
    int64_t starts_us[WATCH_MAX_WINDOW];
    unsigned interval_s;
    size_t claim_count;
    struct claim claims[WATCH_MAX_CLAIMS];
    bool in_round;
};

enum fault_state { FAULT_CANDIDATE, FAULT_OPEN, FAULT_CLOSED };

struct member {
    unsigned endpoint;
    unsigned clean; /* rounds in a row */
};

/* One incident, from its first suspicion until its penalty is forgotten. */
struct fault {
    struct incident seen; /* what is told; its arrays are the ones below */
    enum fault_state state;
    int families[2];
    bool pooled; /* endpoints that fail everywhere, and share an address, an edge or a site */
    bool ill;    /* by the rules for opening and closing, whatever damping shows */
    unsigned streak, clean;
    int64_t last_failed_us, last_seen_us, decayed_us;
    size_t member_count, member_room;
    struct member *members;
    size_t follower_count, follower_room;
    struct follower *followers;
    size_t endpoint_room, vantage_room;
    int64_t *endpoint_ids, *vantage_ids;
    char remarks[INCIDENT_MAX_CAVEATS + INCIDENT_MAX_HINTS][REMARK_BYTES];
    bool changed; /* materially, in this round */
    bool fresh;   /* opened in this round */
    bool backed;  /* a claim, a condition or the gate names it in this round */
    bool over;    /* closed in this round */
};

struct id_at {
    int64_t id;
    unsigned at;
};

struct index {
    struct id_at *rows; /* in order of id */
    size_t count, room;
};

/* A place that competes for an endpoint's failures; series[0] is the last round's gain. */
struct hypothesis {
    struct place place;
    double prior, score, posterior;
    double series[WATCH_MAX_WINDOW];
    unsigned members;
    uint64_t set; /* a hash of its vantages: two places that hold the same ones cannot be told apart */
    unsigned onset;
    int last; /* vantage that was counted last */
    bool live;
};

struct watch {
    struct watch_options options;
    struct index vantage_index, endpoint_index;
    struct watched_vantage *vantages;
    size_t vantage_count, vantage_room;
    struct watched_endpoint **endpoints;
    size_t endpoint_count, endpoint_room;
    char **texts; /* 0 is "" */
    size_t text_count, text_room;
    uint16_t *regions; /* texts */
    size_t region_count, region_room;
    int64_t *asns; /* 0 is none */
    size_t asn_count, asn_room;
    struct fault **faults;
    size_t fault_count, fault_room;
    struct hypothesis *hypotheses;
    size_t hypothesis_room;
    unsigned *counts; /* scratch, three a region, an ASN and one for all */
    size_t counts_room;
    bool *peeled; /* scratch, one a vantage */
    size_t peeled_room;
    int64_t now_us;
};

/* --- watch_store.c: what is known, and its memory ----------------------------------------------------------------- */

/** Makes room for count elements of size bytes. @return false without memory. */
bool watch_grow(void *array, size_t *room, size_t count, size_t size_bytes);
/** The number of a text; a new one is copied. Past the bound every new text is "". @return false without memory. */
bool watch_text(struct watch *watch, const char *text, uint16_t *ret_text);
bool index_find(const struct index *index, int64_t id, unsigned *ret_at);
bool index_add(struct index *index, int64_t id, unsigned at);
/** The slot of a vantage, `back` rounds ago (0: the last). */
struct slot *watch_slot(const struct watch *watch, const struct watched_endpoint *endpoint, unsigned vantage,
                        unsigned back);
/** Opens a new slot of the endpoint, empty for every vantage. @return false without memory. */
bool watch_turn(struct watch *watch, struct watched_endpoint *endpoint, const struct watch_round *round);
/** Writes a sight into the open slot. @return false without memory. */
bool watch_mark(struct watch *watch, struct watched_endpoint *endpoint, unsigned vantage,
                const struct sight *sight);
bool mark_fails(const struct mark *mark);
void watch_endpoint_free(struct watched_endpoint *endpoint);

/* --- watch_gate.c -------------------------------------------------------------------------------------------------- */

/** Judges every vantage by the round that was just marked, and empties the marks of those that are shut out. */
bool watch_gate(struct watch *watch, const struct watch_round *round);

/* --- watch_baseline.c ---------------------------------------------------------------------------------------------- */

void baseline_prepare(const struct watch *watch, struct watched_vantage *vantage);
/** Learns from a round of the endpoint half a window ago, where no fault is claimed or known now. */
void baseline_learn(struct watch *watch, unsigned endpoint);

/* --- watch_family.c: what fails ------------------------------------------------------------------------------------ */

/** Classes that one fault shows together have one family; never 0. */
int family_of(int class);
/** Does the family lie at one of the classes that a single fault shows in any mixture (silence, cut, refusal)? */
bool family_is_mixed(int family);
bool families_meet(const int a[2], const int b[2]);

/* How marks are read when one family is looked at: the others hide it, or show that it is not there. */
struct view {
    int family; /* 0: all failures count */
    int stage;  /* the earliest of the family */
    unsigned count;
    const unsigned *counts; /* failures by family, of FAMILY_NUMBERS */
};
enum { FAMILY_NUMBERS = 100 };
enum view_mark { VIEW_MISSING, VIEW_PASS, VIEW_FAIL };
enum view_mark view_read(const struct view *view, const struct mark *mark);

/* --- watch_place.c ------------------------------------------------------------------------------------------------- */

bool place_equal(const struct place *a, const struct place *b);
/** Which attempts of one vantage at one endpoint are inside of a place: all, none, or those to one address. */
struct inside {
    bool all;
    int address; /* -1: any */
};
struct inside place_inside(const struct watch *watch, const struct place *place,
                           const struct watched_endpoint *endpoint, unsigned vantage);
static inline bool inside_has(const struct inside *inside, const struct mark *mark)
{
    return inside->all && (inside->address < 0 || inside->address == mark->address);
}
/** Has the vantage an attempt inside of the place within the last rounds? */
bool place_has_vantage(const struct watch *watch, const struct place *place,
                       const struct watched_endpoint *endpoint, unsigned vantage);
bool place_overlaps(const struct watch *watch, const struct place *a, const struct place *b,
                    const struct watched_endpoint *endpoint);
/** Is every vantage of the inner place in the outer one too? */
bool place_is_within(const struct watch *watch, const struct place *inner, const struct place *outer,
                     const struct watched_endpoint *endpoint);
/** "asn/4837": for keys. */
void place_text(const struct place *place, char *out, size_t size);

/* --- watch_scope.c ------------------------------------------------------------------------------------------------- */

/**
 * The places that explain the endpoint's failures in this view, best first; each is looked for among what the ones before
 * do not hold. @return false without memory.
 */
bool scope_explain(struct watch *watch, const struct watched_endpoint *endpoint, const struct view *view,
                   struct claim *ret_claims, size_t *ret_count);

/* --- watch_weigh.c ------------------------------------------------------------------------------------------------- */

/* Where each kind of place begins among the hypotheses. */
struct layout {
    unsigned vantages, regions, asns, addresses, pops, end;
    uint16_t pop_texts[WATCH_MAX_POPS];
    unsigned pop_count;
};

/** The probability that a fault with these gains is still there: a row of clean rounds says that it is over. */
double scope_ongoing(const struct watch *watch, const struct hypothesis *hypothesis);
/** Fills in the posterior of every place. @return that of "well". */
double scope_weigh(const struct watch *watch, const struct watched_endpoint *endpoint,
                   const struct layout *layout);

/* --- watch_claim.c ------------------------------------------------------------------------------------------------- */

bool claim_endpoint(struct watch *watch, struct watched_endpoint *endpoint);
/** Marks the claims that stand up to false-discovery control over the round's endpoints. */
bool claim_significance(struct watch *watch);

/* --- watch_exact.c ------------------------------------------------------------------------------------------------- */

/** One-sided Fisher test: is failing more common inside? @return p; 1 when a margin is empty. */
double exact_fisher(unsigned inside_failed, unsigned inside, unsigned outside_failed, unsigned outside);
/** One-sided sign test over discordant pairs. */
double exact_sign(unsigned for_it, unsigned against_it);
/** Benjamini and Hochberg: which of the p values (count) are discoveries at rate q. Sorts nothing in place. */
bool exact_discoveries(const double *p, size_t count, double q, bool *ret_found);

/* --- watch_pool.c: claims to faults --------------------------------------------------------------------------------- */

bool pool_claims(struct watch *watch, const struct watch_round *round);
bool pool_conditions(struct watch *watch, const struct watch_round *round);
bool pool_asides(struct watch *watch, const struct watch_round *round);

/* --- watch_follow.c: edges that answer for their origin --------------------------------------------------------------- */

/** Is this the claim of an edge that speaks of its origin? */
bool follow_is_possible(const struct watched_endpoint *edge, const struct claim *claim);
/** The open fault that its origin has everywhere, NULL without; one that fails alike is none. */
struct fault *follow_find(const struct watch *watch, const struct watched_endpoint *edge,
                          const struct claim *claim);
/** Will its origin have one with the next round, if that fails too? */
bool follow_awaits(const struct watch *watch, const struct watched_endpoint *edge);
bool follow_has(const struct fault *fault, int64_t endpoint_id);
bool follow_join(struct fault *fault, int64_t endpoint_id);
void follow_leave(struct fault *fault, int64_t endpoint_id);
/** Lets followers go whose fault has moved to a place that they cannot follow to. */
void follow_review(struct watch *watch);
/** Counts the round for each follower. @param may_leave  those that are well do. */
void follow_round(const struct watch *watch, struct fault *fault, bool may_leave);
void follow_show(const struct watch *watch, struct fault *fault);

/* --- watch_incident.c: the life of a fault --------------------------------------------------------------------------- */

struct fault *fault_new(struct watch *watch, enum incident_kind kind, const struct place *place);
void fault_free(struct fault *fault);
bool fault_keep(struct watch *watch, struct fault *fault);
bool fault_add_member(struct fault *fault, unsigned endpoint);
void fault_drop_member(struct fault *fault, unsigned endpoint);
bool fault_has_member(const struct fault *fault, unsigned endpoint);
/** Lists the members and the followers as the incident's endpoints. @return false without memory. */
bool fault_list_endpoints(const struct watch *watch, struct fault *fault);
/** Opens it, or back again when it is remembered. */
void fault_open(struct watch *watch, struct fault *fault, const struct watch_round *round);
void fault_close(struct watch *watch, struct fault *fault, const struct watch_round *round);
/** Counts the round for every fault that it says something about, closes those that are over, and tells. */
bool faults_advance(struct watch *watch, const struct watch_round *round, incident_fn *on_change, void *arg);

/* --- watch_numbers.c: what an incident is shown with ----------------------------------------------------------------- */

/** Counts, tests, outcome, cause and alternatives, from the last rounds. @return false without memory. */
bool fault_numbers(struct watch *watch, struct fault *fault);
/** The exact tests of a place over an endpoint's last rounds. */
struct place_tests {
    unsigned failed, attempts, outside_failed, outside_attempts;
    unsigned confirm_failed, confirm_attempts;
    unsigned bad_inside, inside, bad_outside, outside; /* vantages */
    unsigned rounds_for, rounds_against;
};
void place_test(const struct watch *watch, const struct place *place, const struct watched_endpoint *endpoint,
                unsigned rounds, struct place_tests *tests);

/* --- watch_say.c ------------------------------------------------------------------------------------------------------ */

void fault_remarks(const struct watch *watch, struct fault *fault, const struct place_tests *tests);

#endif

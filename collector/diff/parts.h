#ifndef PARALLAX_COLLECTOR_DIFF_PARTS_H
#define PARALLAX_COLLECTOR_DIFF_PARTS_H

#include "diff/diff.h"

/* The diff's own parts, in the order they run. All memory is the diff's arena; false or NULL: it is used up. */

struct scope {
    enum finding_scope kind;
    const char *region;
    int64_t asn;
    bool *where; /* per vantage */
    unsigned count;
    bool twin; /* SCOPE_REGION whose vantages are exactly those of one ASN */
};

/** Fills (aside.c) diff->asides and diff->valid. */
bool diff_set_aside(struct diff *diff);

/**
 * Splits a set of vantages into the widest places that hold nothing outside of it (scope.c).
 * @param set   the vantages, all of them members of seen.
 * @param seen  the vantages whose cell says something.
 * @param ret_scopes  room for vantage_count scopes. @param ret_count  how many there are.
 */
bool scope_split(struct diff *diff, const bool *set, const bool *seen, struct scope *ret_scopes,
                 size_t *ret_count);

/** Adds a zeroed finding for a scope. @return NULL without memory. */
struct finding *diff_add(struct diff *diff, enum finding_kind kind, unsigned endpoint,
                         const struct scope *scope);

/** A set of vantages, all false. */
bool *diff_set(struct diff *diff);

/** Does this cell count, and in which state? CELL_NONE for vantages set aside. */
enum cell_state diff_state(const struct diff *diff, unsigned endpoint, unsigned vantage);

/** Failing cells of one endpoint (fails.c), with pairs (pair.c). */
bool diff_fails(struct diff *diff, unsigned endpoint);

/** The endpoints of the same site lie together: index of the first, and one past the last. */
unsigned diff_site(const struct matrix *matrix, unsigned endpoint, unsigned *ret_end);

/** Are two endpoints edge and origin of one another? */
bool diff_paired(const struct matrix *matrix, unsigned endpoint, unsigned other);

/** Sets pair and counterpart of a failing finding. */
void diff_pair(struct diff *diff, struct finding *finding);

/** What successes looked like, between vantages and against the origin (looks.c). */
bool diff_looks(struct diff *diff, unsigned endpoint);

/** Text of a cell's most common value, "" when it has none to compare (looks.c). NULL without memory. */
const char *look_text(struct diff *diff, const struct cell *cell, enum finding_aspect aspect);

/** Texts and caveats of a finding (say.c). @param twin  see struct scope. */
bool diff_say(struct diff *diff, struct finding *finding, bool twin);
/** What too few vantages cannot tell apart (caveat.c). */
bool diff_caveats(struct diff *diff, struct finding *finding, bool twin);
bool diff_say_aside(struct diff *diff, struct set_aside *aside);

/** Class with its number where the class alone does not say it: "TLS alert (alert 40 handshake_failure)" (say.c). */
bool say_outcome(struct buf *out, struct outcome outcome);

#endif

#ifndef PARALLAX_COLLECTOR_REPORT_WHY_H
#define PARALLAX_COLLECTOR_REPORT_WHY_H

#include "diff/diff.h"
#include "report/window.h"
#include "words/cause.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why each failing finding of a diff fails: what its vantages' stored attempts conclude (report/case.h), the most of them. */

enum { WHY_VANTAGES_MAX = 16 }; /* of a finding, that are asked */

struct why {
    bool known; /* false: no failing finding, or nothing is stored of it */
    struct conclusion conclusion;
    json_t *verdict;    /* conclusion_json of the vantage it was taken from */
    unsigned vantage;   /* that vantage, index into the matrix */
    int64_t round_id;   /* and the round its attempts are of */
    unsigned concluded; /* vantages whose attempts conclude anything */
    unsigned agreeing;  /* on this cause */
};

/** One for each finding of the diff, in its order. */
struct whys {
    struct arena arena;
    size_t count;
    struct why *whys;
};

/** @return false after cli_error (whys_done it all the same). */
bool whys_read(struct db *db, const struct window *window, const struct diff *diff, struct whys *ret_whys);
void whys_done(struct whys *whys);

#endif

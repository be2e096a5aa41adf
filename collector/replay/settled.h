#ifndef PARALLAX_COLLECTOR_REPLAY_SETTLED_H
#define PARALLAX_COLLECTOR_REPLAY_SETTLED_H

#include "store/db.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What a live collector makes of rounds that are over, and says about them. */

struct settled_options {
    bool json;
    bool explain;
};

/** Judges all rounds and counts all rollups. @return false after cli_error. When it was stopped, some may be left. */
bool settled_judge(struct db *db, const atomic_bool *stopping);

/** Prints incidents and findings over all there is, as `report` does. @return an exit code. */
int settled_print(struct db *db, const struct settled_options *options);

#endif

#ifndef PARALLAX_COLLECTOR_REPLAY_EXPORT_H
#define PARALLAX_COLLECTOR_REPLAY_EXPORT_H

#include "report/window.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

/* Evidence as lines (docs/REPLAY.md). */

struct export_options {
    struct window window; /* site, since, until, region, asn and round_id are looked at */
    bool anonymise;
    const atomic_bool *stop; /* ends it after the line under way */
};

struct export_counts {
    uint64_t vantages, endpoints, rounds, attempts;
    uint64_t unreadable; /* attempts whose stored evidence is not of this program */
};

/**
 * Writes the lines of a window, all as of one moment. @param progress  where to show it, NULL: nowhere.
 * @return false after cli_error, or when it was stopped: what was written then ends at a whole line.
 */
bool export_lines(struct db *db, const struct export_options *options, FILE *out, FILE *progress,
                  struct export_counts *ret_counts);

#endif

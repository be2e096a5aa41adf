#ifndef PARALLAX_SHOW_REPORT_H
#define PARALLAX_SHOW_REPORT_H

#include "show/show.h"
#include "words/cause.h"

#include <stdint.h>

/* What a whole `probe` command prints, as attempts come: on standard output, with progress on a terminal's standard error. */

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_NDJSON };

struct report {
    enum report_format format;
    bool list;           /* more than one target: a line each, progress and a summary */
    bool chain;          /* PEM of the chain after each attempt */
    unsigned name_width; /* of a list's first column */
    bool progress;       /* set by report_begin */
    bool progress_drawn;
    int64_t progress_us; /* when it was last drawn */
    size_t shown;
    bool broken; /* standard output takes no more */
    int error;   /* errno of that */
};

void report_begin(struct report *report);

/**
 * What is printed of a case (at least one attempt) with what was concluded, in a format for machines. That is most of the work, and any thread
 * may do it while another prints.
 * @return NULL in text, and without memory. The caller frees it.
 */
char *report_compose(const struct report *report, const struct case_file *file,
                     const struct conclusion *conclusion);

/**
 * Prints one case, and flushes. In ndjson: a line for each attempt, then one for the verdict. Afterwards `broken` says whether anybody
 * still reads.
 * @param composed  what report_compose has made of it
 */
void report_case(struct report *report, const struct case_file *file, const struct conclusion *conclusion,
                 const char *composed);

/** Draws how far it is, at most ten times a second. */
void report_progress(struct report *report, const struct show_counts *counts, size_t total);

void report_end(struct report *report, const struct show_counts *counts);

#endif

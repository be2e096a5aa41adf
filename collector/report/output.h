#ifndef PARALLAX_COLLECTOR_REPORT_OUTPUT_H
#define PARALLAX_COLLECTOR_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Where a report goes: standard output, or a file that is written whole or not at all. */
struct output {
    const char *path; /* NULL: standard output */
    char *beside;     /* what is written until it is whole */
    FILE *stream;
};

/** @param path  NULL or "-": standard output. Borrowed. @return false after cli_error. */
bool output_open(struct output *output, const char *path);

/**
 * Puts what was written in the file's place, or drops it.
 * @param keep  false: the report could not be made. @return false after cli_error when it should be kept and cannot.
 */
bool output_close(struct output *output, bool keep);

#endif

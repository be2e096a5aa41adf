#ifndef PARALLAX_SWEEP_RESULTS_H
#define PARALLAX_SWEEP_RESULTS_H

#include "words/buf.h"
#include "words/evidence.h"
#include "words/outcome.h"

#include <stdio.h>

/* Where the attempts of a sweep are written, a line each: many lines at once, unless somebody reads along at a terminal. */

enum results_format { RESULTS_NONE, RESULTS_NDJSON, RESULTS_CSV };

struct results {
    FILE *file;
    enum results_format format;
    struct buf lines; /* that were not written out yet */
    size_t at_once_bytes;
    int error; /* errno of the first write that failed; 0: none */
};

/** To standard output. */
void results_to_stdout(struct results *results, enum results_format format);

/** To a new file, that nobody else writes. @return 0 or an errno (EEXIST). */
int results_create(struct results *results, enum results_format format, const char *path);

/** To the end of a file after what a checkpoint counts; what is behind it goes. @return 0 or an errno (ESPIPE: it is shorter). */
int results_append(struct results *results, enum results_format format, const char *path, uint64_t bytes);

void results_write(struct results *results, const struct endpoint *endpoint, const struct attempt *attempt,
                   struct outcome outcome);

/** Writes out what is there, for whoever reads along. */
void results_flush(struct results *results);

/** Brings everything to the disk. @param ret_bytes  the file's length then. @return 0 or an errno. */
int results_sync(struct results *results, uint64_t *ret_bytes);

/** @return 0 or the errno of the first failure. */
int results_close(struct results *results);

#endif

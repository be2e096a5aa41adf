#ifndef PARALLAX_SWEEP_CHECKPOINT_H
#define PARALLAX_SWEEP_CHECKPOINT_H

#include "sweep/sweep.h"
#include "sweep/tally.h"

/*
 * How far a sweep has come, in a small file beside its results: written anew every now and then, and put in the place of the one
 * before by rename, so that it is whole whatever happens. Results are on the disk before the checkpoint that counts them; what is
 * behind its length in the results was written after it, and is cut off when the sweep goes on. So each endpoint is in the
 * results once.
 */

struct checkpoint {
    struct sweep_position position;
    uint64_t results_bytes;
    struct tally tally;
};

void checkpoint_done(struct checkpoint *checkpoint);

/** @return 0 or an errno. */
int checkpoint_write(const struct checkpoint *checkpoint, const char *path);

/** @return 0, an errno, or -1 when the file is not one of ours. On success free it with checkpoint_done. */
int checkpoint_read(const char *path, struct checkpoint *ret_checkpoint);

#endif

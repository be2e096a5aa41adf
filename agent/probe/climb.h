#ifndef PARALLAX_PROBE_CLIMB_H
#define PARALLAX_PROBE_CLIMB_H

#include "probe/prober.h"
#include "words/ladder.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One case: a first attempt, and what the ladder asks for after it, one attempt after another. Whoever makes a climb decides
 * when each step may be made and gets each attempt; the one-shot probe (probe/examine.h) and a resident agent
 * (duty/climbs.h) both climb with it. On the prober's loop; single-threaded, as the prober is.
 */
struct climb;

enum {
    CLIMB_PAUSE_US = 100 * 1000,
    CLIMB_STEP_TIMEOUT_US = 5 * 1000 * 1000, /* of an attempt after the first, unless the job's is shorter */
};

/** How, and for whom. */
struct climb_plan {
    uv_loop_t *loop;
    struct prober *prober;
    struct probe_job job; /* what made the first attempt; its texts are borrowed for the climb's life */
    struct ladder_limits limits; /* without elapsed_us, and max_attempts without those on the origin */
    const struct endpoint
        *origin; /* borrowed; gets two attempts before the ladder, with SNI and without. NULL: none */
    bool no_ladder;
    int expiry_days;

    /** A step was chosen, and is made after its rest. NULL: nobody wants to know. */
    void (*chosen)(const struct ladder_step *step, void *arg);
    /**
     * The rest is over. @param address  where the step goes to; none: it resolves. @return 0 to go, else how long to wait
     * before asking again, microseconds; a climb that would outlast its budget so ends. NULL: go.
     */
    int64_t (*wait)(const struct address *address, void *arg);
    /** An attempt after the first was made; borrowed. NULL: nobody wants to know. */
    void (*made)(struct attempt *attempt, void *arg);
    /** No more comes. @param failed  memory was out on the way. The file is borrowed during the call. NULL as above. */
    void (*over)(const struct case_file *file, bool failed, void *arg);
    /** The climb is gone. Never from inside a call of the climb's functions. */
    void (*closed)(void *arg);
    void *arg;
};

/**
 * A case with its first attempt; nothing is made before climb_go.
 * @param first  taken, unless memory is out. @return NULL then.
 */
struct climb *climb_new(const struct climb_plan *plan, struct attempt *first);

/** Adds an attempt that was made already, before climb_go. Taken. One that was cancelled is forgotten: it says nothing. */
void climb_add(struct climb *climb, struct attempt *attempt);

/** Sets out. Called once. `chosen` or `over` may come from inside. */
void climb_go(struct climb *climb);

/** No further step. It is over as soon as the attempts being made have ended, or at climb_go. */
void climb_cancel(struct climb *climb);

#endif

#ifndef PARALLAX_PROBE_EXAMINE_H
#define PARALLAX_PROBE_EXAMINE_H

#include "probe/prober.h"
#include "words/ladder.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * From a target to causes: makes the first attempts of a job, then for each of them what the ladder asks for, one attempt
 * after another, and concludes. On the prober's loop; single-threaded, as the prober is.
 */
struct examiner;

enum examine_ladder { EXAMINE_AUTO, EXAMINE_ALWAYS, EXAMINE_NEVER };

enum {
    EXAMINE_REST_US =
        3 * 1000 * 1000, /* somebody waits for the answer: a block that lasts longer is not seen to end */
    EXAMINE_BUDGET_US = 90 * 1000 * 1000,
    EXAMINE_EXPIRY_DAYS = 21,
};

/** Texts are borrowed for the examiner's life. */
struct examine_options {
    enum examine_ladder ladder;
    const char *control_sni; /* NULL: LADDER_CONTROL_SNI */
    bool has_client_cert;
    bool may_burst;
    bool may_fetch_issuer;
    int64_t rest_us;   /* 0: EXAMINE_REST_US */
    int64_t budget_us; /* of the ladder on one address; 0: EXAMINE_BUDGET_US */
    int expiry_days;
    struct address
        origin; /* none: no origin. Else each case gets two attempts on it, with the endpoint's SNI (NORMAL) and
                              without (NO_SNI). */
    uint16_t origin_port;
};

/**
 * One address of the target is judged.
 * @param file        its attempts; borrowed during the call, as the conclusion.
 * @param conclusion  NULL without memory.
 */
typedef void (*examine_case)(const struct case_file *file, const struct conclusion *conclusion, void *arg);

/** The target is through, after its last case; none came when it was cancelled first. From the loop. */
typedef void (*examine_done)(bool failed, void *arg);

/** @param prober  borrowed, as the loop; both outlive the examiner. @return NULL without memory. */
struct examiner *examiner_new(uv_loop_t *loop, struct prober *prober, const struct examine_options *options);

/**
 * Begins with a target. Its first attempts are the job's, as prober_probe makes them.
 * @return false without memory; neither callback is called then.
 */
bool examine(struct examiner *examiner, const struct probe_job *job, examine_case judged, examine_done done,
             void *arg);

/** Targets that are not through. */
unsigned examiner_pending(const struct examiner *examiner);

/** Ends every attempt and every rest; cases are concluded from what is there. Callbacks follow from the loop. */
void examiner_cancel(struct examiner *examiner);

/** Only when nothing is pending. NULL is fine. */
void examiner_free(struct examiner *examiner);

#endif

#include "probe/prober.h"

/*
 * An agent from before there were depths: it keeps what a list of endpoints says of them, for the list's hash, and makes full attempts.
 */

bool __real_prober_probe(struct prober *prober, const struct probe_job *job, probe_done done, void *arg);
bool __wrap_prober_probe(struct prober *prober, const struct probe_job *job, probe_done done, void *arg);

bool __wrap_prober_probe(struct prober *prober, const struct probe_job *job, probe_done done, void *arg)
{
    struct probe_job full = *job;
    full.endpoint.depth = DEPTH_FULL;
    return __real_prober_probe(prober, &full, done, arg);
}

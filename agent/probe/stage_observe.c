#include "probe/probe.h"

/* Reads what the handshake left behind, also when it failed half-way. */

enum probe_stage probe_stage_observe(struct probe *probe)
{
    probe->engine->observe(probe);
    bool failed = probe->attempt->end.how != ENDING_NONE;
    return failed ? PROBE_CLOSE : PROBE_REQUEST;
}

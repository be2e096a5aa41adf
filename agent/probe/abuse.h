#ifndef PARALLAX_PROBE_ABUSE_H
#define PARALLAX_PROBE_ABUSE_H

#include "probe/wire.h"
#include "words/evidence.h"

/**
 * Which bound of the probe a server ran into that no proper server reaches; what the attempt says already wins.
 * Pure. Asked at the end of an attempt, when its error queue and ending are in.
 */
enum evidence_abuse abuse_of(const struct attempt *attempt, const struct wire *wire);

#endif

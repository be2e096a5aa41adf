#ifndef PARALLAX_DUTY_DUTY_H
#define PARALLAX_DUTY_DUTY_H

#include "duty/settings.h"
#include "duty/state.h"

/**
 * What `parallax-agent run` does: builds the parts, runs the loop until SIGTERM, SIGINT or revocation, and ends in order.
 * @param state    locked.
 * @param ret_why  set when it could not begin: one line, the caller frees it.
 * @return an exit code.
 */
int duty_run(const struct state *state, struct settings *settings, char **ret_why);

#endif

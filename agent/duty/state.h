#ifndef PARALLAX_DUTY_STATE_H
#define PARALLAX_DUTY_STATE_H

#include <limits.h>
#include <stdbool.h>

/* The state folder: agent.yaml, identity.pem, ca.pem, spool/, lock. */

struct state {
    char folder[PATH_MAX];
    int lock; /* -1: not held */
};

/**
 * Names the folder; makes nothing.
 * @param folder  NULL: $XDG_STATE_HOME/parallax-agent, or ~/.local/state/parallax-agent.
 * @return false when it is too long or there is no home. *ret_why is static text.
 */
bool state_init(struct state *state, const char *folder, const char **ret_why);

/** Lets go of the lock. */
void state_done(struct state *state);

/** Makes the folder and those above it, 0700. @param ret_why  the caller frees it. */
bool state_make(const struct state *state, char **ret_why);

/** Takes the folder for this process, until it ends or state_done. @param ret_why  the caller frees it. */
bool state_lock(struct state *state, char **ret_why);

/** "folder/name". @return false when that is too long. */
bool state_path(const struct state *state, const char *name, char out[PATH_MAX]);

#endif

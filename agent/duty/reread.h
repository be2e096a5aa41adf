#ifndef PARALLAX_DUTY_REREAD_H
#define PARALLAX_DUTY_REREAD_H

#include "duty/settings.h"

enum { REREAD_FIXED_BYTES = 128 };

/**
 * Reads the file again and puts in force what may change while the agent runs: the policy, the rates, and how many connections
 * may be open. All of it or, when the file cannot be read as a whole, nothing.
 * @param fixed    names the keys that differ and need a restart, "collectors, spool_mib"; "" when there is none.
 * @param ret_why  on failure "file:line: ..."; the caller frees it. @return false then; settings is as it was.
 */
bool settings_reread(struct settings *settings, const char *path, char fixed[REREAD_FIXED_BYTES],
                     char **ret_why);

#endif

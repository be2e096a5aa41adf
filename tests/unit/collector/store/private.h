#ifndef PARALLAX_TESTS_STORE_PRIVATE_H
#define PARALLAX_TESTS_STORE_PRIVATE_H

/* What the database tests share: PostgreSQL refuses root, so root becomes nobody; and a state folder of one's
 * own. */

#include "store/command.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static inline void private_drop_root(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0 || chdir("/") != 0)
        abort();
    (void)prctl(PR_SET_DUMPABLE, 1); /* the leak checker looks at its own process */
}

static inline void private_state(char out[32])
{
    (void)snprintf(out, 32, "/tmp/plx-test-XXXXXX");
    if (mkdtemp(out) == NULL)
        abort();
}

#endif

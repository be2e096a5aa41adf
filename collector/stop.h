#ifndef PARALLAX_COLLECTOR_STOP_H
#define PARALLAX_COLLECTOR_STOP_H

#include <stdatomic.h>

/* An end that somebody asks a verb for, with Ctrl-C or kill: what is under way is ended tidily. `serve` has its loop for it. */

/** Set for good by SIGINT, SIGTERM and SIGHUP, from stop_catch on. */
extern atomic_bool stop_asked;

/** @param flags  of sigaction: SA_RESTART where a line that is being written is to be made whole. */
void stop_catch(int flags);

#endif

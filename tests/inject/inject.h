#ifndef PARALLAX_TESTS_INJECT_H
#define PARALLAX_TESTS_INJECT_H

#include <stdbool.h>

/*
 * Failures on demand: the linker's --wrap puts the functions of this folder in place of what our code calls directly to get memory and
 * to do I/O. While a run is armed with n, its n-th such call fails and all others work. A program runs its scene with n = 1, 2, 3, ...
 * until a run ends before its n-th call came; then every one of them has failed once.
 */

/** Arms: the n-th call from now on fails, and those after it until `length` have. */
void inject_arm(unsigned long n, unsigned long length);

/** Disarms. @return whether the call has failed, with its name in inject_what. */
bool inject_disarm(void);

/** What a test does between these two, on any thread, counts as no call and does not fail. */
void inject_pause(void);
void inject_resume(void);

/** From now on, do calls of other threads than the one that arms work always, and count for nothing? */
void inject_here_only(bool here_only);

/** Ends the program, saying what failed, when it is not called again within this time: for runs that hang. 0: never. */
void inject_watch(unsigned seconds);

/** The function that failed first; "" for none. */
extern const char *inject_what;

/** For a wrapper: is this the call that fails? */
bool inject_fails(const char *what);

#endif

#ifndef PARALLAX_COLLECTOR_STORE_COMMAND_H
#define PARALLAX_COLLECTOR_STORE_COMMAND_H

#include <stdbool.h>

/**
 * Runs a program and waits for it; no shell in between. Its output is appended to a file.
 * @param argv      ended by NULL; argv[0] is the program's path.
 * @param log_path  created with mode 0600.
 * @return its exit status, or -1 when it could not be started or was killed.
 */
int command_run(const char *const *argv, const char *log_path);

/** Removes a folder and all in it. A folder that is not there is fine. */
bool folder_remove(const char *path);

/** printf into memory the caller frees; NULL without memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

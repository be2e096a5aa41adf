#ifndef PARALLAX_CLI_CDN_FILE_H
#define PARALLAX_CLI_CDN_FILE_H

#include <stdbool.h>

/** Extends what CDNs are known by (words/cdn.h) from a file of the form of cdn.table. @return false after cli_error. */
bool cli_cdn_file(const char *path);

#endif

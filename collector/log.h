#ifndef PARALLAX_COLLECTOR_LOG_H
#define PARALLAX_COLLECTOR_LOG_H

/** One line of serve's log on stderr: the time (RFC 3339 UTC) and the text, with everything unprintable
 * escaped. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

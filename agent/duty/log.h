#ifndef PARALLAX_DUTY_LOG_H
#define PARALLAX_DUTY_LOG_H

/** One line on stderr: the time, then the text, with control characters and the like escaped. */
void duty_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

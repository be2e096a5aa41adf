#ifndef PARALLAX_COLLECTOR_LOG_H
#define PARALLAX_COLLECTOR_LOG_H

/** One line of serve's log on stderr: the time (RFC 3339 UTC) and the text, with everything unprintable
 * escaped. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Who a line is about, when it is not the collector itself. Whoever may connect may cause such lines, so each sort has a budget: so
 * many at once, then so many a second. What is over it is left out and counted; a line says how many, when there is room again.
 */
enum log_about {
    LOG_STRANGERS, /* connections that did not say who they are: 50, then 1 a second */
    LOG_VANTAGES,  /* enrolled agents, whose whole fleet may come back at once: 5000, then 20 a second */
    LOG_ABOUT_COUNT
};

/** As log_line, within a budget; a longer text than 500 bytes is cut. */
void log_about(enum log_about about, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Says what was left out, as far as there is room again; to be called now and then. `always`: at the end. */
void log_left_out(int always);

#endif

#ifndef PARALLAX_SHOW_SHOW_H
#define PARALLAX_SHOW_SHOW_H

#include "words/evidence.h"
#include "words/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * How attempts are shown to a person or a program. Everything a peer sent is printed through text_safe or as JSON.
 * Nothing here checks the stream; the caller asks ferror() once it has flushed.
 */

/** An attempt to be shown, with what it means. Borrowed. */
struct shown {
    const struct attempt *attempt;
    const struct endpoint *endpoint;
    struct outcome outcome;
};

/** Stage by stage: the outcome first, then what was seen. */
void show_text(FILE *out, const struct shown *shown);

/** One line. @param name_width  columns for "host:port", so that the lines of a list meet. */
void show_line(FILE *out, const struct shown *shown, unsigned name_width);

/** The chain as sent: "0 s:subject", "i:issuer", PEM, as `openssl s_client -showcerts` prints it. */
void show_pem(FILE *out, const struct shown *shown);

/** One JSON object, without a line end. @return false without memory. */
bool show_json(FILE *out, const struct shown *shown);

struct show_counts {
    size_t endpoints;
    size_t ok;
    size_t failed;
    size_t not_tried; /* kept back by something on this machine */
};

/** "2 endpoints: 1 ok, 1 failed". */
void show_summary(FILE *out, const struct show_counts *counts);

/** The same as a JSON object. @return false without memory. */
bool show_summary_json(FILE *out, const struct show_counts *counts);

/** "ok", "FAIL" or "not tried", translated, and how it is coloured. */
const char *show_status(struct outcome outcome);
int show_status_style(struct outcome outcome); /* enum term_style */

/** Days until the leaf's end, counted from the attempt. @return false when there is no leaf to read. */
bool show_days_left(const struct attempt *attempt, int *ret_days);

#endif

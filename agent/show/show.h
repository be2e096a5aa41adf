#ifndef PARALLAX_SHOW_SHOW_H
#define PARALLAX_SHOW_SHOW_H

#include "words/cause.h"
#include "words/evidence.h"
#include "words/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * How attempts are shown to a person or a program. Everything a peer sent is printed through text_safe or as JSON.
 * Nothing here checks the stream; the caller asks ferror() once it has flushed.
 */

/** What one attempt saw, stage by stage, each with the time it took, below an empty line; nothing when it saw nothing. */
void show_stages(FILE *out, const struct attempt *attempt);

/** The chain as sent: "0 s:subject", "i:issuer", PEM, as `openssl s_client -showcerts` prints it. */
void show_pem(FILE *out, const struct attempt *attempt);

/** How a case stands: "ok", "FAIL", "not tried", ..., translated, and its colour. */
const char *show_status(const struct case_file *file, const struct conclusion *conclusion);
int show_status_style(const struct case_file *file,
                      const struct conclusion *conclusion); /* enum term_style */

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

/** Days until the leaf's end, counted from the attempt. @return false when there is no leaf to read. */
bool show_days_left(const struct attempt *attempt, int *ret_days);

#endif
